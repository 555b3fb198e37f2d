//! The plan of a round: at least one fault of each kind, in random order, and more where there is time.

use std::{collections::BTreeSet, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::Fault;
use crate::chaos::{ground::Kind, topology::LEASE};

/// How often something happens, where the plan has room for more than one of each kind.
const EVERY: Duration = Duration::from_millis(1200);
/// What is left free at either end of a round: so that load is there, and that the last faults are felt.
const MARGIN: Duration = Duration::from_millis(1500);

/// A fault and when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// After the beginning of the round.
    pub at: Duration,
    /// What happens.
    pub fault: Fault,
}

/// Plans the faults of `window` for these programs, and these connections by who connects to whom.
pub fn plan(seed: u64, programs: &[Kind], links: &[(Kind, Kind)], window: Duration) -> Vec<Planned> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut faults = one_of_each(programs, links, &mut rng);
    let room = window.saturating_sub(MARGIN * 2);
    let wanted = usize::try_from(room.as_millis() / EVERY.as_millis()).unwrap_or(usize::MAX);
    while faults.len() < wanted {
        let mut more = one_of_each(programs, links, &mut rng);
        more.extend(restarts(programs, &mut rng));
        more.shuffle(&mut rng);
        more.truncate(wanted - faults.len());
        faults.extend(more);
    }
    let count = u32::try_from(faults.len()).unwrap_or(u32::MAX);
    let pace = room / count.max(1);
    let planned = faults.into_iter().zip(0..).map(|(fault, number)| {
        let at = MARGIN + pace * number + pace.mul_f64(rng.random_range(0.0..1.0));
        Planned { at, fault }
    });
    planned.collect()
}

/// Each kind of program killed and paused, each kind of connection cut and stalled; in random order.
fn one_of_each(programs: &[Kind], links: &[(Kind, Kind)], rng: &mut StdRng) -> Vec<Fault> {
    let mut faults = Vec::new();
    for kind in programs.iter().copied().collect::<BTreeSet<Kind>>() {
        let killed = any(programs, &kind, rng);
        faults.push(Fault::Kill(killed, between(100, 1500, rng)));
        let paused = any(programs, &kind, rng);
        // An owner of queues sleeps past its lease, so that another one has taken over when it wakes.
        let lasting = match kind {
            Kind::QueueWorker | Kind::ControlPlane => LEASE + between(500, 1500, rng),
            _ => between(300, 2500, rng),
        };
        faults.push(Fault::Pause(paused, lasting));
    }
    for link in links.iter().copied().collect::<BTreeSet<(Kind, Kind)>>() {
        let (cut, stalled) = (any(links, &link, rng), any(links, &link, rng));
        faults.push(Fault::Cut(cut, between(50, 1500, rng)));
        let longest = if link.0 == Kind::QueueWorker { LEASE.as_millis() as u64 + 1500 } else { 2000 };
        faults.push(Fault::Stall(stalled, between(longest / 2, longest, rng)));
    }
    faults.shuffle(rng);
    faults
}

/// Each kind of program ended as an operator would. Not among the first: other tests hold that this goes well.
fn restarts(programs: &[Kind], rng: &mut StdRng) -> Vec<Fault> {
    let kinds = programs.iter().copied().collect::<BTreeSet<Kind>>();
    kinds.iter().map(|kind| Fault::Restart(any(programs, kind, rng), between(50, 1000, rng))).collect()
}

/// The place of one that is like `wanted`.
fn any<T: PartialEq>(all: &[T], wanted: &T, rng: &mut StdRng) -> usize {
    let places: Vec<usize> = (0..all.len()).filter(|place| all[*place] == *wanted).collect();
    places[rng.random_range(0..places.len())]
}

fn between(from_ms: u64, to_ms: u64, rng: &mut StdRng) -> Duration {
    Duration::from_millis(rng.random_range(from_ms..to_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAMS: [Kind; 4] = [Kind::Redis, Kind::Api, Kind::QueueWorker, Kind::QueueWorker];
    const LINKS: [(Kind, Kind); 2] = [(Kind::Api, Kind::Redis), (Kind::QueueWorker, Kind::Redis)];

    #[test]
    fn a_seed_gives_the_same_plan_and_another_one_another() {
        let planned = |seed| plan(seed, &PROGRAMS, &LINKS, Duration::from_secs(20));
        assert_eq!(planned(7), planned(7));
        assert_ne!(planned(7), planned(8));
    }

    #[test]
    fn every_kind_of_fault_happens_and_all_of_them_in_time() {
        for (window, least) in [(20, 10), (120, 90)] {
            let window = Duration::from_secs(window);
            let planned = plan(1, &PROGRAMS, &LINKS, window);
            assert!(planned.len() >= least, "{}", planned.len());
            assert!(planned.iter().all(|one| one.at < window), "{planned:?}");
            let killed = |kind| {
                planned
                    .iter()
                    .any(|one| matches!(one.fault, Fault::Kill(place, _) if PROGRAMS[place] == kind))
            };
            assert!(PROGRAMS.into_iter().all(killed));
            let past_its_lease =
                |one: &Planned| matches!(one.fault, Fault::Pause(2 | 3, lasting) if lasting > LEASE);
            assert!(planned.iter().any(past_its_lease));
            for place in 0..2 {
                assert!(planned.iter().any(|one| matches!(one.fault, Fault::Cut(cut, _) if cut == place)));
                assert!(planned.iter().any(|one| matches!(one.fault, Fault::Stall(cut, _) if cut == place)));
            }
        }
    }
}
