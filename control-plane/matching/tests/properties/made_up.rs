//! Made-up rules and tickets.

use std::{sync::Arc, time::Duration};

use matching::{GroupId, Player, PlayerId, Rules, Ticket, TicketId, Time};
use proptest::prelude::*;

/// A ticket whose players are named after it.
pub(crate) fn ticket(order: u64, size: u32, enqueued_at: u64, expires_at: u64) -> Ticket {
    let players: Arc<[Player]> =
        (0..size).map(|index| Player::new(PlayerId::new(format!("player-{order}-{index}")))).collect();
    Ticket {
        id: TicketId::new(format!("ticket-{order}")),
        group: GroupId::new(format!("group-{order}")),
        players,
        order,
        enqueued_at: Time(enqueued_at),
        expires_at: Time(expires_at),
    }
}

/// Rules for small matches, with waits of up to 30 ms.
pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let wait = || (0..30_u64).prop_map(Duration::from_millis);
    let group = (1..7_u32, 0..5_u32, wait(), proptest::option::of(wait())).prop_map(
        |(min_players, more, min_wait, relax_after)| Rules::FillGroup {
            min_players,
            max_players: min_players + more,
            min_wait,
            relax_after,
        },
    );
    let teams = (proptest::collection::vec(1..5_u32, 1..5), wait())
        .prop_map(|(sizes, min_wait)| Rules::Teams { sizes, min_wait });
    prop_oneof![1 => Just(Rules::StartAlone), 4 => group, 4 => teams]
}

/// The same with waits that nobody has to wait for.
pub(crate) fn rules_at_once() -> impl Strategy<Value = Rules> {
    rules().prop_map(|mut rules| {
        if let Rules::FillGroup { min_wait, .. } | Rules::Teams { min_wait, .. } = &mut rules {
            *min_wait = Duration::ZERO;
        }
        rules
    })
}
