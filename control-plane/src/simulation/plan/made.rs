//! A plan, made of a seed.

use super::{Fault, Group, Host, Manner, Order, Plan, QUEUES, REGIONS, StorageWays, Ways};
use crate::simulation::{dice::Dice, names::ServerNo};

impl Plan {
    pub(in crate::simulation) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let size = dice.below(100);
        let (servers, groups, load_ms) = match size {
            0..76 => (1 + dice.index(8), 10 + dice.index(70), dice.within(&(5_000..=30_000))),
            76..99 => (8 + dice.index(40), 60 + dice.index(200), dice.within(&(10_000..=40_000))),
            _ => (150 + dice.index(200), 300 + dice.index(400), dice.within(&(10_000..=15_000))),
        };
        let calm = dice.chance(150);
        let ways = if calm { Ways::good() } else { ways(&mut dice) };
        let storage = storage(&mut dice, calm);
        let land_ms = *dice.pick(&[1_000, 5_000, 20_000]);
        let no_show_ms = *dice.pick(&[0, 1_500, 5_000, 120_000]);
        let servers: Vec<Host> = (0..servers).map(|_| host(&mut dice, calm)).collect();
        let groups = (0..groups).map(|_| group(&mut dice, load_ms)).collect();
        let orders = (0..servers.len().div_ceil(2)).map(|_| order(&mut dice, load_ms)).collect();
        let faults = if calm { Vec::new() } else { faults(&mut dice, load_ms, servers.len()) };
        Self {
            seed,
            servers,
            groups,
            orders,
            load_ms,
            faults,
            ways,
            storage,
            no_show_ms,
            land_ms: land_ms / 2..=land_ms,
        }
    }
}

fn ways(dice: &mut Dice) -> Ways {
    // In every other run streams are as real ones are.
    let strays = if dice.chance(500) { 0 } else { 1 + dice.below(150) };
    Ways {
        latency_ms: 1..=dice.within(&(1..=60)),
        slow: dice.below(60),
        slow_ms: 100..=dice.within(&(200..=3_000)),
        beats_lost: dice.below(strays + 1),
        beats_doubled: dice.below(strays + 1),
        beats_late: dice.below(strays + 1),
        stray_ms: 0..=dice.within(&(500..=6_000)),
    }
}

fn storage(dice: &mut Dice, calm: bool) -> StorageWays {
    let fails = if calm || dice.chance(600) { 0 } else { 1 + dice.below(20) };
    StorageWays {
        latency_ms: 0..=dice.within(&(0..=20)),
        refuses: dice.below(fails + 1),
        loses_answer: dice.below(fails + 1),
    }
}

fn host(dice: &mut Dice, calm: bool) -> Host {
    let capacity = 1 + dice.index(6);
    let seats = dice.chance(300).then(|| 4 + dice.index(4 * capacity));
    let region = dice.chance(700).then(|| *dice.pick(&REGIONS));
    let manner = if dice.chance(150) {
        Manner::Auto
    } else {
        let bad = if calm { 0 } else { *dice.pick(&[0, 0, 50, 200, 500]) };
        let slowest = *dice.pick(&[0, 20, 200, 1_000, 2_500]);
        Manner::Answers {
            refuses: dice.below(bad + 1),
            silent: dice.below(bad + 1),
            after_ms: 0..=if calm { slowest.min(200) } else { slowest },
        }
    };
    Host { capacity, seats, region, manner, flaw: None }
}

fn group(dice: &mut Dice, load_ms: u64) -> Group {
    let (queue, most) = *dice.pick(&QUEUES);
    Group {
        at_ms: dice.below(load_ms),
        queue,
        players: 1 + dice.index(most),
        region: dice.chance(400).then(|| *dice.pick(&REGIONS)),
        lifetime_ms: if dice.chance(150) { dice.within(&(500..=8_000)) } else { 600_000 },
        cancel_after_ms: dice.chance(200).then(|| dice.within(&(0..=4_000))),
    }
}

fn order(dice: &mut Dice, load_ms: u64) -> Order {
    Order {
        at_ms: dice.below(load_ms),
        players: 1 + dice.index(3),
        patience_ms: dice.within(&(500..=10_000)),
        keeps_ms: dice.chance(800).then(|| dice.within(&(0..=10_000))),
    }
}

fn faults(dice: &mut Dice, load_ms: u64, servers: usize) -> Vec<(u64, Fault)> {
    // Some kinds in each run, not all: what one does to another is seen better.
    let kinds: Vec<u64> = (0..12).filter(|_| dice.chance(400)).collect();
    if kinds.is_empty() {
        return Vec::new();
    }
    let count = 1 + dice.index(4 + servers.min(60));
    (0..count).map(|_| (dice.below(load_ms), fault(dice, &kinds, servers))).collect()
}

fn fault(dice: &mut Dice, kinds: &[u64], servers: usize) -> Fault {
    let server = ServerNo(dice.index(servers));
    let down_ms = dice.within(&(100..=15_000));
    match dice.pick(kinds) {
        0 => Fault::Break(server),
        1 => Fault::Cut(server, down_ms),
        2 => Fault::CutAll(down_ms),
        3 => Fault::KillHost { server, down_ms, silently: dice.chance(500) },
        4 => Fault::KillAgent(server, down_ms),
        5 => Fault::KillGame(server, down_ms),
        6 => Fault::StopAgent(server, down_ms),
        7 => Fault::DrainByGame(server, down_ms),
        8 => Fault::Drain { server, deadline_ms: *dice.pick(&[0, 500, 5_000]), down_ms },
        9 => Fault::KillControl(down_ms),
        10 => Fault::StopControl(down_ms),
        _ => Fault::StallStorage(dice.within(&(500..=14_000))),
    }
}
