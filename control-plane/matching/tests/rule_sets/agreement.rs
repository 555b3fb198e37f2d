//! The judge says what the checker says.

use std::{collections::BTreeMap, sync::Arc};

use matching::{
    Ticket, Time,
    judge::{Facts, Judge, Lineup, PREFERENCE},
    rule_set::{RuleKind, RuleSet},
};

use crate::{checker::Match, dice::Dice, made_up};

const NOW: Time = Time(1_000_000);

/// How often what came out.
#[derive(Debug, Default)]
struct Tally {
    held: u32,
    broke: u32,
    unfit: u32,
    apart: u32,
    together: u32,
    /// By kind of rule, how often one held and how often not.
    kinds: BTreeMap<&'static str, [u32; 2]>,
}

/// A rule set, tickets and lineups of one seed.
fn agree(seed: u64, made_up_by: fn(&mut Dice) -> RuleSet, tally: &mut Tally) {
    let mut dice = Dice::new(seed);
    let rules = Arc::new(made_up_by(&mut dice));
    let judge = Judge::new(Arc::clone(&rules));
    let count = dice.between(1, 9);
    let all: Vec<Ticket> = (1..=count).map(|order| made_up::ticket(&mut dice, &rules, order, NOW)).collect();
    for _ in 0..12 {
        let teams = made_up::lineup(&mut dice, &rules, &all);
        let slow = Match { rules: &rules, teams: teams.clone(), now: NOW };
        let holds = slow.holds();
        for (index, rule) in rules.rules.iter().enumerate() {
            tally.kinds.entry(kind(&rule.kind)).or_default()[usize::from(slow.rule_holds(index))] += 1;
        }
        let facts = |ticket: &&Ticket| judge.facts(ticket).ok();
        let crew: Option<Vec<Vec<Facts>>> =
            teams.iter().map(|team| team.iter().map(facts).collect()).collect();
        let Some(crew) = crew else {
            assert!(!holds, "seed {seed}: a ticket that fits no match is in one: {teams:?}\n{rules:#?}");
            tally.unfit += 1;
            continue;
        };
        let crew: Vec<Vec<&Facts>> = crew.iter().map(|team| team.iter().collect()).collect();
        let verdict = judge.judge(&Lineup { teams: &crew }, NOW);
        assert_eq!(
            verdict.broken.is_none(),
            holds,
            "seed {seed}: the judge says {verdict:?}, the checker otherwise:\n{teams:#?}\n{rules:#?}"
        );
        if holds {
            tally.held += 1;
            cost_is_right(seed, verdict.cost, &slow, &judge, &crew);
            pairs_may_meet(seed, &judge, &crew, tally);
        } else {
            tally.broke += 1;
            assert_eq!(verdict.cost, f64::INFINITY);
            let met: Vec<&Facts> = crew.iter().flatten().copied().collect();
            for pair in met.windows(2) {
                tally.apart += u32::from(!judge.may_meet(pair[0], pair[1], NOW));
            }
        }
    }
}

fn kind(kind: &RuleKind) -> &'static str {
    match kind {
        RuleKind::Comparison { reference: None, .. } => "comparison with each other",
        RuleKind::Comparison { .. } => "comparison",
        RuleKind::Distance { .. } => "distance",
        RuleKind::BatchDistance { .. } => "batchDistance",
        RuleKind::Collection { .. } => "collection",
        RuleKind::Latency { .. } => "latency",
        RuleKind::DistanceSort { .. } | RuleKind::AbsoluteSort { .. } => "sort",
        RuleKind::Compound { .. } => "compound",
        RuleKind::WinProbability { .. } => "winProbability",
        RuleKind::BlockList { .. } => "blockList",
    }
}

fn cost_is_right(seed: u64, cost: f64, slow: &Match<'_>, judge: &Judge, crew: &[Vec<&Facts>]) {
    let near: Vec<f64> = crew.iter().flatten().filter_map(|facts| facts.near()).collect();
    let most = near.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = near.iter().copied().fold(f64::INFINITY, f64::min);
    let spread = if near.is_empty() { 0.0 } else { most - least };
    let wanted = slow.broken_weight() * PREFERENCE + spread + slow.imbalance() / 100.0;
    let close = (cost - wanted).abs() <= 1e-6 * wanted.max(1.0);
    assert!(close, "seed {seed}: costs {cost}, not {wanted}\n{:#?}", judge.rules());
}

/// What is in a match together may meet, also for one who knows of nobody older than the oldest in it.
fn pairs_may_meet(seed: u64, judge: &Judge, crew: &[Vec<&Facts>], tally: &mut Tally) {
    let all: Vec<&Facts> = crew.iter().flatten().copied().collect();
    let oldest = all.iter().map(|facts| facts.enqueued_at).min().unwrap();
    for (index, a) in all.iter().enumerate() {
        for b in &all[..index] {
            tally.together += 1;
            let why = judge.why_apart(a, b, NOW, oldest).or(judge.why_apart(b, a, NOW, Time(0)));
            assert_eq!(why, None, "seed {seed}: {a:?} and {b:?} are in a match of\n{:#?}", judge.rules());
            assert_eq!(a.key(), b.key(), "seed {seed}");
            let ages = [a, b].map(|facts| NOW.since(facts.enqueued_at));
            let limit = judge.plan().near.as_ref().and_then(|near| near.limit(ages[0], NOW.since(oldest)));
            if let (Some(limit), Some(one), Some(other)) = (limit, a.near(), b.near()) {
                assert!((one - other).abs() <= limit, "seed {seed}: {one} and {other}, not within {limit}");
            }
            for list in 0..judge.plan().shared {
                let shared = a.shared(list).iter().any(|text| b.shared(list).contains(text));
                assert!(shared, "seed {seed}: {a:?} and {b:?} share nothing");
            }
        }
    }
}

#[test]
fn the_judge_and_the_slow_checker_agree() {
    let mut tally = Tally::default();
    for seed in 0..4_000 {
        agree(seed, made_up::rule_set, &mut tally);
    }
    eprintln!("{tally:#?}");
    // Agreeing on everything is worth nothing where everything comes out the same.
    assert!(tally.held > 5_000 && tally.broke > 5_000, "{tally:?}");
    assert!(tally.unfit > 500 && tally.apart > 1_000 && tally.together > 5_000, "{tally:?}");
    let lopsided =
        |(kind, [broke, held]): (&&str, &[u32; 2])| *kind != "sort" && (*broke < 300 || *held < 300);
    assert!(tally.kinds.len() == 10 && !tally.kinds.iter().any(lopsided), "{tally:#?}");
}

/// What is derived for two tickets from rules of teams has no room for error here.
#[test]
fn they_agree_on_teams_of_one() {
    let mut tally = Tally::default();
    for seed in 0..6_000 {
        agree(seed, made_up::duel_rule_set, &mut tally);
    }
    assert!(tally.held > 5_000 && tally.together > 2_000 && tally.apart > 500, "{tally:#?}");
}

proptest::proptest! {
    /// Other seeds each time.
    #[test]
    fn they_agree_on_any_seed(seed: u64) {
        agree(seed, made_up::rule_set, &mut Tally::default());
    }
}
