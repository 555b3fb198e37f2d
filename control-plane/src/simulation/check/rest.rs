//! That at rest nothing is left over: what the control plane knows is what is so, and who could play does.

use std::collections::{BTreeMap, BTreeSet};

use super::{About, Finding, Kind};
use crate::simulation::{
    names::{LandNo, TicketNo},
    outcome::{End, KnownServer, RealServer, TicketEnd},
    plan::{Plan, QUEUES},
};

pub(super) fn judge(plan: &Plan, end: &End, findings: &mut Vec<Finding>) {
    let known: BTreeMap<_, _> = end.known.iter().map(|known| (known.server, known)).collect();
    for known in &end.known {
        for (land, _) in known.lands.iter().filter(|(_, reserved)| **reserved) {
            let what = format!("a place on {} is kept for {land}, for which nobody waits", known.server);
            let about = [About::Server(known.server), About::Land(*land)];
            findings.push(Finding::new(Kind::Leaked, what, about));
        }
    }
    for real in &end.real {
        if let Some(what) = disagrees(real, known.get(&real.server).copied()) {
            let what = format!("{} {what}", real.server);
            findings.push(Finding::new(Kind::Disagrees, what, [About::Server(real.server)]));
        }
    }
    for (queue, _) in QUEUES {
        let waiting: Vec<_> = waiting(plan, end, queue).collect();
        let sizes = waiting.iter().map(|ticket| plan.groups[ticket.0].players);
        if let Some(players) = match_of(queue, sizes)
            && let Some(room) = end.known.iter().find(|known| known.has_room_for(players))
        {
            let what = format!("tickets of {queue} wait, and {} has room for their match", room.server);
            let about = waiting.into_iter().map(About::Ticket).chain([About::Server(room.server)]);
            findings.push(Finding::new(Kind::LeftWaiting, what, about));
        }
    }
}

fn disagrees(real: &RealServer, known: Option<&KnownServer>) -> Option<String> {
    match (real.up, known.filter(|known| !known.lost)) {
        (true, None) => Some("is up, and not registered".to_owned()),
        (false, Some(_)) => Some("is down, and registered".to_owned()),
        (false, None) => None,
        (true, Some(known)) => {
            // What is only reserved is a finding of its own.
            let ready: BTreeSet<LandNo> =
                known.lands.iter().filter(|(_, reserved)| !**reserved).map(|(land, _)| *land).collect();
            let list = |lands: &BTreeSet<LandNo>| {
                lands.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            };
            let (has, is_said) = (list(&real.lands), list(&ready));
            (ready != real.lands).then(|| format!("has the lands [{has}], and is said to have [{is_said}]"))
        }
    }
}

fn waiting<'a>(plan: &'a Plan, end: &'a End, queue: &'a str) -> impl Iterator<Item = TicketNo> + 'a {
    let queued = end.tickets.iter().enumerate().filter(|(_, ended)| **ended == TicketEnd::Queued);
    queued.map(|(number, _)| TicketNo(number)).filter(move |ticket| plan.groups[ticket.0].queue == queue)
}

/// How many players the match has that groups of these sizes could make, if they can make any.
fn match_of(queue: &str, sizes: impl Iterator<Item = usize>) -> Option<usize> {
    let mut left = BTreeMap::new();
    for size in sizes {
        *left.entry(size).or_insert(0_usize) += 1;
    }
    let teams: &[usize] = match queue {
        // The one that waits for longest comes first, and it may be the largest.
        "demo" => return left.keys().next_back().copied(),
        "demo:2" => &[2],
        "demo:4" => &[4],
        "demo:2v2" => &[2, 2],
        _ => unreachable!("the plan's queues are these"),
    };
    fill(&mut left, teams, 0).then(|| teams.iter().sum())
}

/// Fills the first team, of which so many players are missing (none: it has not begun), and those after it.
fn fill(left: &mut BTreeMap<usize, usize>, teams: &[usize], missing: usize) -> bool {
    let Some((team, others)) = teams.split_first() else { return true };
    let room = if missing == 0 { *team } else { missing };
    let sizes: Vec<usize> = left.range(1..=room).rev().map(|(size, _)| *size).collect();
    for size in sizes {
        let Some(count) = left.get_mut(&size).filter(|count| **count > 0) else { continue };
        *count -= 1;
        let rest = if size == room { others } else { teams };
        if fill(left, rest, room - size) {
            return true;
        }
        *left.entry(size).or_default() += 1;
    }
    false
}

impl KnownServer {
    fn has_room_for(&self, players: usize) -> bool {
        self.free_lands > 0 && self.free_seats.is_none_or(|free| free >= players)
    }
}
