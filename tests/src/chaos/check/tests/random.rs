//! Legal histories pass, whatever they look like; each planted fault is found in them, and nothing else is.

use std::{collections::BTreeSet, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng};

use super::{
    legal::{legal, timed},
    planted::PLANTS,
};
use crate::chaos::{
    check::{Kind, Rules, Shape, can_match, check},
    history::{Entry, Event},
};

fn kinds(entries: &[Entry]) -> BTreeSet<Kind> {
    check(entries, &Rules::default()).iter().map(|finding| finding.kind).collect()
}

#[test]
fn legal_histories_pass() {
    for seed in 0..500 {
        let history = timed(&legal(seed, 1 + seed as usize % 60));
        let findings = check(&history, &Rules::default());
        let text: String = findings.iter().map(|finding| finding.explain(&history)).collect();
        assert!(findings.is_empty(), "seed {seed}\n{text}");
    }
}

#[test]
fn each_fault_is_found_in_a_small_history_and_only_it() {
    for (name, kind, plant) in PLANTS {
        // The first small one that has what the fault needs; most have all.
        let planted = (0..100).find_map(|seed| {
            let mut history = legal(seed, 12);
            plant(&mut history, &mut StdRng::seed_from_u64(seed)).then_some(history)
        });
        let history = timed(&planted.unwrap_or_else(|| panic!("{name}: no history has what it needs")));
        assert_eq!(kinds(&history), BTreeSet::from([*kind]), "{name}");
        let finding = &check(&history, &Rules::default())[0];
        let lines = finding.explain(&history).lines().count();
        assert!((2..60).contains(&lines), "{name}: the evidence has {lines} lines");
    }
}

#[test]
fn each_fault_is_found_in_random_histories_and_only_it() {
    for (name, kind, plant) in PLANTS {
        let mut found = 0;
        for seed in 0..200 {
            let mut history = legal(seed, 8 + seed as usize % 40);
            if plant(&mut history, &mut StdRng::seed_from_u64(seed)) {
                found += 1;
                assert_eq!(kinds(&timed(&history)), BTreeSet::from([*kind]), "{name}, seed {seed}");
            }
        }
        assert!(found > 50, "{name} was planted {found} times");
    }
}

#[test]
fn who_is_told_late_was_not_told_in_time() {
    let events = legal(1, 30);
    let last = events.iter().rposition(|event| matches!(event, Event::Told { .. })).unwrap();
    let rules = Rules::default();
    for (late, found) in [(rules.told_within / 2, 0), (rules.told_within + Duration::from_secs(1), 1)] {
        let mut history = timed(&events);
        for entry in &mut history[last..] {
            entry.at += u64::try_from(late.as_nanos()).unwrap();
        }
        let findings = check(&history, &rules);
        assert_eq!(findings.len(), found, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.kind == Kind::NeverTold));
    }
}

#[test]
fn a_ticket_may_be_forgotten_when_its_time_is_over() {
    let mut history = timed(&legal(1, 30));
    let rules = Rules::default();
    for entry in &mut history {
        if let Event::Read { seen, .. } = &mut entry.event {
            entry.at += u64::try_from(rules.readable_for.as_nanos()).unwrap();
            *seen = crate::chaos::history::Seen::Missing;
        }
    }
    assert_eq!(check(&history, &rules), []);
}

#[test]
fn a_history_survives_its_file() {
    for entry in timed(&legal(7, 40)) {
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry, "{line}");
    }
}

#[test]
fn the_evidence_is_what_an_operator_needs() {
    let (_, _, plant) = PLANTS.iter().find(|(name, ..)| name.contains("after the assignment")).unwrap();
    let mut events = legal(3, 12);
    assert!(plant(&mut events, &mut StdRng::seed_from_u64(3)));
    let history = timed(&events);
    let text = check(&history, &Rules::default())[0].explain(&history);
    for part in
        ["an acknowledged cancel", "enqueue", "enqueued as ticket", "is told", "cancel ticket", "made demo:"]
    {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}

#[test]
fn groups_that_fill_teams_can_be_matched_and_others_not() {
    let teams = |sizes: &[usize]| Shape::Teams(sizes.to_vec());
    for (shape, groups, fits) in [
        (Shape::Alone, &[][..], false),
        (Shape::Alone, &[3], true),
        (teams(&[2]), &[1], false),
        (teams(&[2]), &[1, 1], true),
        (teams(&[2]), &[2], true),
        (teams(&[2]), &[3, 1], false),
        (teams(&[2, 2]), &[1, 1, 1], false),
        (teams(&[2, 2]), &[2, 1, 1], true),
        (teams(&[2, 2]), &[3, 1], false),
        (teams(&[3, 3]), &[2, 2, 2], false),
        (teams(&[3, 3]), &[2, 2, 1, 1], true),
        (teams(&[4]), &[3, 2, 2], true),
        (teams(&[4]), &[3, 3, 2], false),
    ] {
        assert_eq!(can_match(&shape, groups.iter().copied()), fits, "{shape:?} {groups:?}");
    }
}
