//! Who wants to play. They ask until they are answered, whichever control plane is there.

use std::time::Duration;

use matching::{GroupId, Player, PlayerId, QueueKey, TicketId};
use storage::{Cancelled, EnqueueError, NewTicket, Storage as _};

use super::{
    door::{AGAIN, Door, Present},
    history::Event,
    names::TicketNo,
    plan::Group,
};

impl Door {
    /// Asks for a ticket until it is acknowledged.
    pub(super) async fn enqueue(self, number: TicketNo, group: Group) {
        let asked_ms = self.log.now_ms();
        loop {
            if let Some(Present { storage, .. }) = self.present() {
                match storage.enqueue(ticket(number, &group), self.now()).await {
                    Ok(_) => break,
                    Err(EnqueueError::Storage(_)) => {}
                    Err(refused) => panic!("{number} is refused: {refused}"),
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
        self.log.note(Event::Enqueued {
            ticket: number,
            queue: group.queue,
            players: group.players,
            asked_ms,
            lifetime_ms: group.lifetime_ms,
        });
    }

    /// Asks to have a ticket taken out until that is answered.
    pub(super) async fn cancel(self, number: TicketNo) {
        self.log.note(Event::CancelAsked { ticket: number });
        loop {
            if let Some(Present { storage, .. }) = self.present()
                && let Ok(answer) = storage.cancel(&TicketId::new(number.id()), self.now()).await
            {
                // One that isn't there yet may still come: nobody promised anything.
                if let Some(cancelled) = answer {
                    let yes = cancelled == Cancelled::Yes;
                    self.log.note(Event::CancelAnswered { ticket: number, yes });
                }
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn ticket(number: TicketNo, group: &Group) -> NewTicket {
    NewTicket {
        id: TicketId::new(number.id()),
        queue: QueueKey::new(group.queue),
        group: GroupId::new(number.id()),
        players: (0..group.players).map(|place| Player::new(PlayerId::new(number.player(place)))).collect(),
        region: group.region.map(Into::into),
        constraints: None,
        lifetime: Duration::from_millis(group.lifetime_ms),
        queue_limit: 100_000,
        queues_limit: 100,
    }
}
