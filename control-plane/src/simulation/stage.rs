//! What everybody in a run has to do with: what is due, the network, and the history.

use std::ops::RangeInclusive;

use super::{agenda::Agenda, dice::Dice, history::Log, network::Network, plan::Plan};

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) agenda: Agenda,
    pub(super) network: Network,
    pub(super) log: Log,
    /// Since the start of the run. Moves between two things that happen, never during one.
    pub(super) now_ms: u64,
    /// Faults are over: whoever is asked answers, and stays.
    pub(super) rest: bool,
    /// No land ends any more.
    pub(super) frozen: bool,
    pub(super) land_ms: RangeInclusive<u64>,
}

impl Stage {
    pub(super) fn new(plan: &Plan, dice: &mut Dice, log: Log) -> Self {
        Self {
            agenda: Agenda::default(),
            network: Network::new(plan.ways.clone(), dice.fork(), plan.servers.len()),
            log,
            now_ms: 0,
            rest: false,
            frozen: false,
            land_ms: plan.land_ms.clone(),
        }
    }
}
