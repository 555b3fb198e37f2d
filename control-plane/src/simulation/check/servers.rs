//! That servers never hold more than fits, and are asked for no more.

use std::collections::{BTreeMap, BTreeSet};

use super::{About, Finding, Kind};
use crate::simulation::{
    history::{Entry, Event},
    names::{LandNo, ServerNo},
    plan::Plan,
    server::STOPPED,
};

/// A server that runs.
#[derive(Debug, Default)]
struct Host {
    capacity: usize,
    seats: Option<usize>,
    lands: BTreeMap<LandNo, Land>,
}

/// Who knows for whom a land was made: the agent that was told so, and the control plane that told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Agent,
    Control,
}

#[derive(Debug, Default)]
struct Land {
    /// The players for whom a seat is kept, or who sit there.
    seats: BTreeSet<String>,
    forgotten: Option<By>,
    /// Whether seats were freed here. Who comes after all takes one, and the control plane hears of it later.
    freed: bool,
    /// Whether the agent has told of it in its last hello.
    told: bool,
}

pub(super) fn judge(plan: &Plan, history: &[Entry], findings: &mut Vec<Finding>) {
    let mut hosts: BTreeMap<ServerNo, Host> = BTreeMap::new();
    let mut drained = BTreeSet::new();
    let (mut life, mut asked_by) = (0, BTreeMap::new());
    for entry in history {
        if let Event::Asked { land, by, .. } = &entry.event {
            asked_by.insert(*land, *by);
        }
        match &entry.event {
            Event::ServerUp { server, capacity, seats } => {
                let host = Host { capacity: *capacity, seats: *seats, lands: BTreeMap::new() };
                hosts.insert(*server, host);
            }
            Event::ServerDown { server } => drop(hosts.remove(server)),
            Event::Accepted { server, land, players, .. } => {
                let host = hosts.entry(*server).or_default();
                // One that has stopped since leaves the next one as ignorant as if it had been there before.
                let by_this_one = asked_by.get(land).is_some_and(|by| *by == life);
                let forgotten = (!by_this_one).then_some(By::Control);
                host.lands
                    .insert(*land, Land { seats: players.0.clone(), forgotten, freed: false, told: false });
                if let Some(what) = host.is_over() {
                    let about = [About::Server(*server), About::Land(*land)];
                    findings.push(Finding::new(Kind::OverCapacity, format!("{server} {what}"), about));
                }
            }
            Event::LandOver { server, land } => {
                hosts.entry(*server).or_default().lands.remove(land);
            }
            Event::SeatsFreed { server, land, players } => {
                let land = hosts.entry(*server).or_default().lands.get_mut(land);
                if let Some(land) = land {
                    land.freed = true;
                    land.seats.retain(|player| !players.0.contains(player));
                }
            }
            Event::Left { server, land, player } => {
                let land = hosts.entry(*server).or_default().lands.get_mut(land);
                land.into_iter().for_each(|land| land.seats.retain(|seat| seat != player));
            }
            Event::Drained { server, instance, .. } => drop(drained.insert((*server, *instance))),
            Event::ControlUp { life: next } => {
                life = *next;
                // What the next one knows, agents have to tell.
                drained.clear();
                hosts.values_mut().for_each(|host| host.is_forgotten(By::Control));
            }
            // What the agent knows, the control plane knows from then on.
            Event::Hello { server } => {
                let host = hosts.entry(*server).or_default();
                host.lands.values_mut().for_each(|land| land.told = land.forgotten != Some(By::Agent));
            }
            Event::Welcomed { server } => {
                let lands = hosts.entry(*server).or_default().lands.values_mut();
                lands.filter(|land| land.told).for_each(|land| land.forgotten = None);
            }
            Event::AgentUp { server, .. } => hosts.entry(*server).or_default().is_forgotten(By::Agent),
            // It says goodbye, and then the server is none of the control plane's any more.
            Event::AgentDown { server, how: STOPPED } => {
                hosts.entry(*server).or_default().is_forgotten(By::Control);
            }
            Event::Asked { server, instance, land, .. } if drained.contains(&(*server, *instance)) => {
                let what = format!("{server} is asked for {land} after it was told to drain");
                let about = [About::Server(*server), About::Land(*land)];
                findings.push(Finding::new(Kind::AskedAfterDrain, what, about));
            }
            // Where messages change their order, what is known may be older than it seems.
            Event::Refused { server, land, why }
                if plan.ways.keep_order()
                    && why.contains("is full")
                    && hosts.get(server).is_some_and(Host::is_known) =>
            {
                let about = land.map(About::Land).into_iter().chain([About::Server(*server)]);
                findings.push(Finding::new(Kind::Overcommitted, format!("{server} refuses: {why}"), about));
            }
            _ => {}
        }
    }
}

impl Host {
    /// A new one knows of the lands only what is there. Where neither knows it any more, nobody can keep seats for who comes.
    fn is_forgotten(&mut self, by: By) {
        for land in self.lands.values_mut() {
            land.told = false;
            match land.forgotten {
                Some(other) if other != by => land.seats.clear(),
                _ => land.forgotten = Some(by),
            }
        }
    }

    /// Whether the control plane knows all seats: those that are kept, their agent tells a new one.
    fn is_known(&self) -> bool {
        let is_known = |land: &Land| land.forgotten != Some(By::Control) && !land.freed;
        self.seats.is_none() || self.lands.values().all(is_known)
    }

    fn is_over(&self) -> Option<String> {
        let seats: usize = self.lands.values().map(|land| land.seats.len()).sum();
        if self.lands.len() > self.capacity {
            Some(format!("has {} lands and room for {}", self.lands.len(), self.capacity))
        } else if self.seats.is_some_and(|all| seats > all) {
            Some(format!("has {seats} players and room for {}", self.seats.unwrap_or_default()))
        } else {
            None
        }
    }
}
