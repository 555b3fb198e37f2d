//! Who comes when: computed before the first player is sent, so that nothing that happens can change it.

use std::time::Duration;

use super::Transport;

/// One ticket to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When it is sent, counted from the start.
    pub(super) at: Duration,
    /// How many players it has.
    pub(super) players: u32,
    pub(super) way: Way,
}

/// How one ticket goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Websocket,
    Rest,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Rest => "rest",
        }
    }
}

/// All tickets to come. Computed as it is read: ten million players take no memory.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    players: u32,
    rate: f64,
    parties: Vec<u32>,
    transport: Transport,
}

impl Plan {
    pub(super) fn new(players: u32, rate: f64, parties: &[u32], transport: Transport) -> Self {
        Self { players, rate, parties: parties.to_vec(), transport }
    }

    /// The tickets in the order of their times. The last party is as small as it has to be.
    pub(super) fn tickets(&self) -> impl Iterator<Item = Arrival> {
        let mut sent = 0;
        self.parties.iter().cycle().enumerate().map_while(move |(number, party)| {
            let players = (*party).min(self.players - sent);
            let at = Duration::from_secs_f64(f64::from(sent) / self.rate);
            sent += players;
            let way = match self.transport {
                Transport::Websocket => Way::Websocket,
                Transport::Rest => Way::Rest,
                Transport::Both if number % 2 == 0 => Way::Websocket,
                Transport::Both => Way::Rest,
            };
            (players > 0).then_some(Arrival { at, players, way })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_come_at_the_rate_whatever_their_parties() {
        let plan = Plan::new(8, 4.0, &[1, 2], Transport::Both);
        let tickets: Vec<_> = plan.tickets().collect();
        let sizes: Vec<_> = tickets.iter().map(|ticket| ticket.players).collect();
        assert_eq!(sizes, [1, 2, 1, 2, 1, 1], "the last party is cut to fit");
        let times: Vec<_> = tickets.iter().map(|ticket| ticket.at.as_millis()).collect();
        assert_eq!(times, [0, 250, 750, 1000, 1500, 1750]);
        assert!(tickets.iter().step_by(2).all(|ticket| ticket.way == Way::Websocket));
        assert!(tickets.iter().skip(1).step_by(2).all(|ticket| ticket.way == Way::Rest));
    }
}
