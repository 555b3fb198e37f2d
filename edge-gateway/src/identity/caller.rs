//! Who sent a request or opened a socket, and so what they may do.
//!
//! The one rule about tickets stands here: a player has their own and no others. The control plane keeps it too, for the
//! calls that are made for a player; here it is kept for what many callers share, such as a ticket's news.

use std::sync::Arc;

use proto::{
    error::{Reason, Refusal},
    matchmaking::v1 as pb,
};

use super::{KnownPlayer, PlayerId};

/// Who sent a request or opened a socket. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Believed, whatever players it names: a backend, or anybody in Mode A.
    Trusted,
    /// A player who proved who they are.
    Player(Arc<KnownPlayer>),
}

impl Caller {
    /// The player who is asking, where it is one.
    pub(crate) fn player(&self) -> Option<&PlayerId> {
        match self {
            Self::Trusted => None,
            Self::Player(player) => Some(&player.id),
        }
    }

    /// Whether this caller may know of a ticket at all.
    pub(crate) fn may_see(&self, ticket: &pb::Ticket) -> bool {
        self.player().is_none_or(|player| ticket.player_ids.iter().any(|id| id == player.as_str()))
    }
}

/// What everybody is told of a ticket that isn't there, and a player of a ticket that isn't theirs: the same to the byte, so
/// that nobody learns which ids exist.
pub(crate) fn no_such_ticket() -> Refusal {
    let message = "there is no such ticket; it may have been over for some minutes, or never have been";
    Refusal::new(Reason::TicketNotFound, message)
}

/// `refusal`, or [`no_such_ticket`] where it means that.
pub(crate) fn without_a_hint(refusal: Refusal) -> Refusal {
    if refusal.reason == Reason::TicketNotFound { no_such_ticket() } else { refusal }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn a_player_sees_their_own_tickets_and_a_trusted_caller_all() {
        let ann = KnownPlayer { id: PlayerId::new("ann").unwrap(), until: SystemTime::now() };
        let ann = Caller::Player(Arc::new(ann));
        let ticket = |players: &[&str]| pb::Ticket {
            player_ids: players.iter().map(|id| (*id).to_owned()).collect(),
            ..pb::Ticket::default()
        };
        assert!(ann.may_see(&ticket(&["bob", "ann"])));
        assert!(!ann.may_see(&ticket(&["bob", "anna"])) && !ann.may_see(&ticket(&[])));
        assert!(Caller::Trusted.may_see(&ticket(&["bob"])));
    }

    #[test]
    fn whatever_the_control_plane_says_of_a_ticket_that_is_not_there_is_said_the_same_way() {
        let from_there = Refusal::new(Reason::TicketNotFound, "ticket 7 is unknown").with("ticketId", "7");
        assert_eq!(without_a_hint(from_there), no_such_ticket());
        let other = Refusal::new(Reason::Unavailable, "away");
        assert_eq!(without_a_hint(other.clone()), other);
    }
}
