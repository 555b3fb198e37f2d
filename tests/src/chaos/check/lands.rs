//! What game servers were given and held, and who was seen there.

use std::collections::{BTreeSet, HashMap};

use super::{Finding, Kind};
use crate::chaos::history::{Entry, Event, LandId, PlayerId, ServerId};

/// The servers, and the lands of a round.
#[derive(Debug, Default)]
pub(super) struct Lands {
    servers: HashMap<ServerId, Room>,
    made: HashMap<LandId, Made>,
}

#[derive(Debug, Default)]
struct Room {
    capacity: usize,
    lands: BTreeSet<LandId>,
}

/// A land as its server was given it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) server: ServerId,
    pub(super) roster: BTreeSet<PlayerId>,
    /// Everyone who was ever seen there.
    pub(super) present: BTreeSet<PlayerId>,
}

impl Lands {
    pub(super) fn read(&mut self, entry: &Entry, findings: &mut Vec<Finding>) {
        match &entry.event {
            Event::ServerUp { server, capacity } => {
                let room = Room { capacity: *capacity, lands: BTreeSet::new() };
                self.servers.insert(server.clone(), room);
            }
            Event::ServerDown { server } => drop(self.servers.remove(server)),
            Event::LandOpened { server, land, players } => {
                let roster = players.iter().cloned().collect();
                let made = Made { server: server.clone(), roster, present: BTreeSet::new() };
                self.made.insert(land.clone(), made);
                let Some(room) = self.servers.get_mut(server) else { return };
                if room.lands.insert(land.clone()) && room.lands.len() > room.capacity {
                    let what =
                        format!("{server} has {} lands and room for {}", room.lands.len(), room.capacity);
                    findings.push(Finding {
                        lands: room.lands.iter().cloned().collect(),
                        server: Some(server.clone()),
                        ..Finding::new(Kind::OverCapacity, what)
                    });
                }
            }
            Event::LandOver { server, land } => {
                if let Some(room) = self.servers.get_mut(server) {
                    room.lands.remove(land);
                }
            }
            Event::Present { land, player, players } => {
                if let Some(made) = self.made.get_mut(land) {
                    made.present.extend(players.iter().chain([player]).cloned());
                }
            }
            Event::TurnedAway { land, player, code, reason } => {
                let what = format!("{player} was not let into {land}: {code} {reason}");
                findings.push(Finding { lands: vec![land.clone()], ..Finding::new(Kind::TurnedAway, what) });
            }
            _ => {}
        }
    }

    /// A land that some server made in this round.
    pub(super) fn made(&self, land: &LandId) -> Option<&Made> {
        self.made.get(land)
    }

    /// The next round's matches have lands of their own.
    pub(super) fn forget_rosters(&mut self) {
        self.made.clear();
    }
}
