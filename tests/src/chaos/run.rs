//! A run: rounds of load and faults, each brought to rest and checked, over one set of programs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::{Instant, sleep_until};

use super::{
    check::{Checker, Finding, Kind, Rules},
    faults::{Faults, plan},
    ground::Ground,
    history::{Entry, Event, History},
    load::{Counts, Load},
    topology::{Topology, configured},
};

/// How long everything may take to be well again when faults have stopped.
const MENDED_WITHIN: Duration = Duration::from_secs(15);
/// How long tickets that can be matched may then wait for it.
const MATCHED_WITHIN: Duration = Duration::from_secs(15);
/// How many findings of a kind are explained; whoever wants more reads the history.
const IN_FULL: usize = 3;
/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which programs.
    pub topology: Topology,
    /// What faults and load follow from.
    pub seed: u64,
    /// For how long there is load and faults, in all rounds together.
    pub lasting: Duration,
    /// How long a round lasts, at most. Shorter than a ticket that has ended is kept.
    pub round: Duration,
    /// Where the history, the logs and the state go.
    pub dir: PathBuf,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// What happened, in a sentence.
    pub summary: String,
    /// What was found, each explained; empty where all is well.
    pub findings: Vec<String>,
    /// The file of the history.
    pub history: PathBuf,
}

/// What happened in all rounds.
#[derive(Debug, Default)]
struct Totals {
    rounds: u32,
    operations: u64,
    unknown: u64,
    tickets: u64,
    assigned: u64,
    played: u64,
    faults: usize,
}

/// The rules that a history of these topologies is held to.
pub fn rules() -> Rules {
    Rules { queues: configured().into_iter().collect(), ..Rules::default() }
}

/// Runs, telling its progress line by line. Fails where the programs can't be run at all.
pub async fn run(settings: &Settings, tell: impl Fn(&str)) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(&settings.dir).context("the directory of the run")?;
    let path = settings.dir.join("history.jsonl");
    let history = Arc::new(History::create(&path).with_context(|| format!("{}", path.display()))?);
    let ground = Ground::start(&settings.topology, settings.dir.clone(), &history).await;
    let ground = ground.with_context(|| format!("see {}", settings.dir.join("logs").display()))?;
    let mut checker = Checker::new(rules());
    let mut findings = Vec::new();
    let mut totals = Totals::default();
    let until = Instant::now() + settings.lasting;
    while findings.is_empty() && Instant::now() < until {
        totals.rounds += 1;
        let window = settings.round.min(until - Instant::now());
        let counts = round(settings, &ground, &history, totals.rounds, window, &tell).await?;
        let entries = history.take();
        totals.add(&counts, &entries);
        for entry in &entries {
            checker.read(entry);
        }
        findings.extend(explain(&checker.finish(), &entries));
        tell(&format!(
            "round {}: {}",
            totals.rounds,
            if findings.is_empty() { "nothing found" } else { "FOUND" }
        ));
    }
    ground.stop().await?;
    history.take();
    Ok(Outcome { summary: totals.to_string(), findings, history: path })
}

/// One round; the number of operations by kind.
async fn round(
    settings: &Settings,
    ground: &Ground,
    history: &Arc<History>,
    number: u32,
    window: Duration,
    tell: &impl Fn(&str),
) -> anyhow::Result<Arc<Counts>> {
    let seed = settings.seed.wrapping_add(u64::from(number) - 1);
    history.record(Event::Round { number, seed });
    let kinds: Vec<_> = ground.keepers.iter().map(|keeper| keeper.kind).collect();
    let links: Vec<_> = ground.links.iter().map(|link| (link.from, link.to)).collect();
    let faults = Faults::start(plan(seed, &kinds, &links, window), ground, history);
    let load = Load::start(&ground.gateways, history, number, seed, settings.topology.parties);

    let begun = Instant::now();
    let mut next = begun + PROGRESS;
    while next < begun + window {
        sleep_until(next).await;
        tell(&format!("round {number}, {:>3} s: {}", begun.elapsed().as_secs(), told(&load)));
        next += PROGRESS;
    }
    sleep_until(begun + window).await;
    load.enough();
    faults.ended().await;
    if let Err(error) = ground.mended(MENDED_WITHIN).await {
        history.record(Event::NotMended { what: error.to_string() });
    }
    history.record(Event::Rest);
    let counts = load.rest(&rules(), MATCHED_WITHIN).await?;
    history.record(Event::Over);
    Ok(counts)
}

fn told(load: &Load) -> String {
    let counts = load.counts();
    let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    format!(
        "{} operations ({} unanswered), {} tickets, {} assigned, {} waiting",
        of(&counts.operations),
        of(&counts.unknown),
        of(&counts.tickets),
        of(&counts.assigned),
        load.waiting()
    )
}

impl Totals {
    fn add(&mut self, counts: &Counts, entries: &[Entry]) {
        self.operations += counts.operations.load(Ordering::Relaxed);
        self.unknown += counts.unknown.load(Ordering::Relaxed);
        self.tickets += counts.tickets.load(Ordering::Relaxed);
        self.assigned += counts.assigned.load(Ordering::Relaxed);
        self.played += counts.played.load(Ordering::Relaxed);
        self.faults += entries.iter().filter(|entry| matches!(entry.event, Event::Fault { .. })).count();
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rounds, operations, unknown, tickets, assigned, played, faults } = self;
        write!(
            f,
            "{rounds} rounds, {faults} faults and mendings, {operations} operations ({unknown} unanswered), {tickets} \
             tickets acknowledged, {assigned} assigned, {played} players on lands"
        )
    }
}

/// The findings of a round in words: the first of each kind in full, of the others how many there are.
fn explain(findings: &[Finding], round: &[Entry]) -> Vec<String> {
    let mut by_kind: BTreeMap<Kind, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        by_kind.entry(finding.kind).or_default().push(finding);
    }
    let mut texts = Vec::new();
    for (kind, found) in by_kind {
        texts.extend(found.iter().take(IN_FULL).map(|finding| finding.explain(round)));
        if found.len() > IN_FULL {
            texts.push(format!("… and {} times more: {kind}\n", found.len() - IN_FULL));
        }
    }
    texts
}

/// Checks a file once more; what is found, explained.
pub fn check_file(path: &Path) -> anyhow::Result<Vec<String>> {
    let entries = History::read(path).with_context(|| format!("{}", path.display()))?;
    let mut checker = Checker::new(rules());
    let mut found = Vec::new();
    let mut from = 0;
    for (place, entry) in entries.iter().enumerate() {
        checker.read(entry);
        if entry.event == Event::Over {
            found.extend(explain(&checker.finish(), &entries[from..=place]));
            from = place + 1;
        }
    }
    Ok(found)
}
