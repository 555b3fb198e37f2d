//! A thousand seeds, and the means to run others.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use super::{plan::Plan, run};

/// How many of the seeds each test takes: tests run beside each other.
const SHARE: u64 = 125;

fn seeds(share: u64) {
    for seed in share * SHARE..(share + 1) * SHARE {
        if let Some(complaint) = run(Plan::of(seed)).complaint() {
            panic!("{complaint}");
        }
    }
}

#[test]
fn seeds_from_0() {
    seeds(0);
}

#[test]
fn seeds_from_125() {
    seeds(1);
}

#[test]
fn seeds_from_250() {
    seeds(2);
}

#[test]
fn seeds_from_375() {
    seeds(3);
}

#[test]
fn seeds_from_500() {
    seeds(4);
}

#[test]
fn seeds_from_625() {
    seeds(5);
}

#[test]
fn seeds_from_750() {
    seeds(6);
}

#[test]
fn seeds_from_875() {
    seeds(7);
}

/// That a seed is all there is to a run: maps that order themselves anew in every run, ids that are new in every run, and other
/// threads make no difference.
#[test]
fn a_seed_repeats_itself() {
    for seed in 0..30 {
        let (one, other) = (run(Plan::of(seed)), run(Plan::of(seed)));
        let differ = one.history.iter().zip(&other.history).position(|(one, other)| one != other);
        if let Some(at) = differ {
            panic!("seed {seed}, entry {at}: first\n{}\nand then\n{}", one.history[at], other.history[at]);
        }
        assert_eq!((one.history.len(), one.end), (other.history.len(), other.end), "seed {seed}");
    }
}

/// `MUSTER_SEED`: which; with `MUSTER_ALL`, everything that happened is printed.
#[test]
#[ignore = "runs one seed again, for who looks into it"]
fn replay() {
    let seed = number("MUSTER_SEED").expect("MUSTER_SEED says which seed to run");
    let run = run(Plan::of(seed));
    if env::var_os("MUSTER_ALL").is_some() {
        run.history.iter().for_each(|entry| eprintln!("{entry}"));
    }
    if let Some(complaint) = run.complaint() {
        panic!("{complaint}");
    }
    eprintln!("seed {seed}: nothing was found in {} entries", run.history.len());
}

/// `MUSTER_SEEDS` seeds (10,000) from `MUSTER_SEED` (1,000) on; says what was found in which of them.
#[test]
#[ignore = "takes as long as it is told to"]
fn more_seeds() {
    let from = number("MUSTER_SEED").unwrap_or(1_000);
    let seeds = from..from + number("MUSTER_SEEDS").unwrap_or(10_000);
    let (started, mut virtual_ms, mut found) = (std::time::Instant::now(), 0, BTreeMap::<_, Vec<u64>>::new());
    for seed in seeds.clone() {
        let run = run(Plan::of(seed));
        virtual_ms += run.end.at_ms;
        let kinds: BTreeSet<_> = run.findings.iter().map(|finding| finding.kind).collect();
        kinds.into_iter().for_each(|kind| found.entry(kind).or_default().push(seed));
    }
    let (virtual_s, took) = (virtual_ms / 1_000, started.elapsed());
    eprintln!("seeds {seeds:?}: {virtual_s} s in {took:?}");
    assert!(found.is_empty(), "found in these seeds: {found:#?}");
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("a seed is a number"))
}
