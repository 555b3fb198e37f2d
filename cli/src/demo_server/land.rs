//! One land: the game itself. A score that everybody in it raises, and who is there.
//!
//! It knows nothing of tokens, agents or sockets: it hands every player a [`Seat`], a bounded queue of what to send to
//! them, and takes a player whose queue is full out of the game, so that one slow connection never holds up the others.

use std::collections::{BTreeMap, HashSet};

use axum::extract::ws::Utf8Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::ids::{LandId, PlayerId};

/// How many states may wait for one player before they count as too slow.
const SEAT_QUEUE: usize = 64;

/// A game instance.
#[derive(Debug)]
pub(super) struct Land {
    pub(super) id: LandId,
    pub(super) land_type: String,
    roster: Roster,
    // A plain lock: it is held for as long as it takes to change the score and fill the seats' queues, never over an await.
    inside: Mutex<Inside>,
    players: watch::Sender<Vec<PlayerId>>,
    over: CancellationToken,
}

/// Who may enter.
#[derive(Debug)]
pub(super) enum Roster {
    /// Direct mode: whoever comes.
    Anyone,
    /// Those that the agent announced with the land.
    Only(HashSet<PlayerId>),
}

#[derive(Debug, Default)]
struct Inside {
    score: u64,
    seats: BTreeMap<PlayerId, Occupied>,
    seats_given: u64,
}

#[derive(Debug)]
struct Occupied {
    number: u64,
    outbox: mpsc::Sender<Utf8Bytes>,
    farewell: oneshot::Sender<Farewell>,
}

/// A player's place in a land, from their side.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    /// What to send to the player.
    pub(super) inbox: mpsc::Receiver<Utf8Bytes>,
    /// Says why the player has to leave.
    pub(super) farewell: oneshot::Receiver<Farewell>,
}

/// Why a player has to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Their queue was full.
    TooSlow,
    /// They connected a second time; the newer connection stays.
    Replaced,
    /// The land is over.
    LandEnded,
}

/// What everybody in the land gets after every change.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "state", rename_all = "camelCase")]
struct State<'a> {
    land_id: &'a LandId,
    score: u64,
    players: Vec<&'a PlayerId>,
}

impl Land {
    pub(super) fn new(id: LandId, land_type: String, roster: Roster) -> Self {
        Self {
            id,
            land_type,
            roster,
            inside: Mutex::default(),
            players: watch::Sender::default(),
            over: CancellationToken::new(),
        }
    }

    /// Whether `player` may come in.
    pub(super) fn admits(&self, player: &PlayerId) -> bool {
        match &self.roster {
            Roster::Anyone => true,
            Roster::Only(players) => players.contains(player),
        }
    }

    /// Who may come in, for the log: their names with spaces between them.
    pub(super) fn expected(&self) -> String {
        match &self.roster {
            Roster::Anyone => "anyone".to_owned(),
            Roster::Only(players) => {
                let mut names: Vec<String> = players.iter().map(ToString::to_string).collect();
                names.sort_unstable();
                names.join(" ")
            }
        }
    }

    /// Lets a player in and tells everybody. `None` where the land is over.
    pub(super) fn join(&self, player: PlayerId) -> Option<Seat> {
        let (outbox, inbox) = mpsc::channel(SEAT_QUEUE);
        let (farewell, leave) = oneshot::channel();
        let mut inside = self.inside.lock();
        if self.over.is_cancelled() {
            return None;
        }
        inside.seats_given += 1;
        let number = inside.seats_given;
        let occupied = Occupied { number, outbox, farewell };
        if let Some(older) = inside.seats.insert(player, occupied) {
            older.leave(Farewell::Replaced);
        }
        self.tell_everybody(&mut inside);
        Some(Seat { number, inbox, farewell: leave })
    }

    /// Takes a player out who has gone, and tells everybody else. Harmless where their seat was taken over or taken away.
    pub(super) fn leave(&self, player: &PlayerId, seat: &Seat) {
        let mut inside = self.inside.lock();
        if inside.seats.get(player).is_some_and(|occupied| occupied.number == seat.number) {
            inside.seats.remove(player);
            self.tell_everybody(&mut inside);
        }
    }

    /// The one action of this game.
    pub(super) fn play(&self) {
        let mut inside = self.inside.lock();
        inside.score += 1;
        self.tell_everybody(&mut inside);
    }

    /// Ends the land and sends everybody home.
    pub(super) fn end(&self) {
        self.end_where(|_| true);
    }

    /// Ends the land if nobody is there, and says whether it did: somebody may have come at the last moment.
    pub(super) fn end_if_empty(&self) -> bool {
        self.end_where(|inside| inside.seats.is_empty())
    }

    /// Waits until the land is over.
    pub(super) async fn ended(&self) {
        self.over.cancelled().await;
    }

    fn end_where(&self, condition: impl FnOnce(&Inside) -> bool) -> bool {
        let mut inside = self.inside.lock();
        let ends = condition(&inside);
        if ends {
            self.over.cancel();
            for occupied in std::mem::take(&mut inside.seats).into_values() {
                occupied.leave(Farewell::LandEnded);
            }
            self.players.send_replace(Vec::new());
        }
        ends
    }

    /// Who is there, now and whenever that changes.
    pub(super) fn players(&self) -> watch::Receiver<Vec<PlayerId>> {
        self.players.subscribe()
    }

    /// Puts the state into everybody's queue. Who is too slow leaves, which is a change again.
    fn tell_everybody(&self, inside: &mut Inside) {
        loop {
            let state =
                State { land_id: &self.id, score: inside.score, players: inside.seats.keys().collect() };
            let text = serde_json::to_string(&state).expect("a state is plain text and numbers");
            let text = Utf8Bytes::from(text);
            let full: Vec<PlayerId> = inside
                .seats
                .iter()
                .filter(|(_, seat)| seat.outbox.try_send(text.clone()).is_err())
                .map(|(player, _)| player.clone())
                .collect();
            if full.is_empty() {
                break;
            }
            for player in full {
                if let Some(slow) = inside.seats.remove(&player) {
                    slow.leave(Farewell::TooSlow);
                }
            }
        }
        let present: Vec<PlayerId> = inside.seats.keys().cloned().collect();
        self.players.send_if_modified(|known| {
            let changed = *known != present;
            *known = present;
            changed
        });
    }
}

impl Occupied {
    fn leave(self, why: Farewell) {
        // A player who has gone already needs no farewell.
        self.farewell.send(why).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn land() -> Land {
        Land::new("demo:1".into(), "demo".to_owned(), Roster::Anyone)
    }

    #[test]
    fn everybody_sees_the_score_that_anybody_raises() {
        let land = land();
        let mut alice = land.join("alice".into()).unwrap();
        let mut bob = land.join("bob".into()).unwrap();
        land.play();
        for (seat, states) in [(&mut alice, 3), (&mut bob, 2)] {
            let last = (0..states).map(|_| seat.inbox.try_recv().unwrap()).last().unwrap();
            assert_eq!(
                last.as_str(),
                r#"{"type":"state","landId":"demo:1","score":1,"players":["alice","bob"]}"#
            );
        }
    }

    #[test]
    fn a_player_who_reads_nothing_leaves_and_the_others_go_on() {
        let land = land();
        let mut slow = land.join("slow".into()).unwrap();
        let mut quick = land.join("quick".into()).unwrap();
        for _ in 0..=SEAT_QUEUE {
            land.play();
            while quick.inbox.try_recv().is_ok() {}
        }
        assert_eq!(slow.farewell.try_recv().unwrap(), Farewell::TooSlow);
        assert!(quick.farewell.try_recv().is_err());
        assert_eq!(*land.players().borrow(), vec![PlayerId::from("quick")]);
    }

    #[test]
    fn a_second_connection_takes_the_seat_and_the_first_cannot_give_it_up() {
        let land = land();
        let mut first = land.join("alice".into()).unwrap();
        let _second = land.join("alice".into()).unwrap();
        assert_eq!(first.farewell.try_recv().unwrap(), Farewell::Replaced);
        land.leave(&"alice".into(), &first);
        assert_eq!(land.players().borrow().len(), 1);
        assert!(!land.end_if_empty());
    }

    #[test]
    fn nobody_joins_a_land_that_is_over() {
        let land = land();
        assert!(land.end_if_empty());
        assert!(land.join("late".into()).is_none());
    }
}
