//! How tickets end that got no match in time: their lifetime is over, or their players are gone.

use matching::{TicketId, Time};
use storage::Fenced;

use super::{End, Worker};

/// Expired tickets ended at once.
const EXPIRED_AT_ONCE: usize = 1_024;
/// Tickets noted, or dropped, at once.
const AT_ONCE: usize = 512;

/// What the owner of a queue that drops absent tickets has to do about them.
#[derive(Debug, Default)]
pub(super) struct Absent {
    /// Tickets of which nothing was noted yet: they were there when they came.
    unnoted: Vec<TicketId>,
    /// When to look who is gone.
    pub(super) look_at: Time,
}

impl Worker {
    pub(super) async fn expire(&mut self, now: Time) -> Result<(), End> {
        loop {
            let tickets = self.waiting.take_expired(now, EXPIRED_AT_ONCE);
            if tickets.is_empty() {
                return Ok(());
            }
            self.unreported = true;
            metrics::counter!("control_plane_tickets_expired_total").increment(tickets.len() as u64);
            if self.shared.storage.expire(&self.lease, &tickets, now).await? == Fenced::LeaseLost {
                return Err(End::LeaseLost);
            }
        }
    }

    /// A ticket came whose players may be gone some time.
    pub(super) fn is_there(&mut self, ticket: &TicketId) {
        if self.settings.absence.is_some() {
            self.absent.unnoted.push(ticket.clone());
        }
    }

    /// From now on absent tickets are dropped, or at another time than before. Who was noted when is not known well enough, so
    /// everybody gets the whole time.
    pub(super) fn all_are_there(&mut self) {
        self.absent = Absent::default();
        if self.settings.absence.is_some() {
            self.absent.unnoted = self.waiting.ids().cloned().collect();
        }
    }

    /// Notes the tickets that came, and drops some of those whose players have been gone for too long.
    pub(super) async fn drop_absent(&mut self, now: Time) -> Result<(), End> {
        let Some(absence) = self.settings.absence.filter(|_| self.absent.look_at <= now) else {
            return Ok(());
        };
        let presence = self.shared.storage.presence();
        let rest = self.absent.unnoted.len().saturating_sub(AT_ONCE);
        let unnoted = self.absent.unnoted.split_off(rest);
        if !unnoted.is_empty() {
            presence.note_seen(&self.queue, &unnoted, now).await?;
        }
        if rest > 0 {
            // In the next pass; in between, others have their turn.
            return Ok(());
        }
        self.absent.look_at = now + absence.pace();
        let since = now - absence.overdue();
        let absent = presence.absent(&self.queue, since, AT_ONCE).await?;
        if absent.is_empty() {
            return Ok(());
        }
        let dropped = presence.drop_absent(&self.lease, &absent, since, now).await?.ok_or(End::LeaseLost)?;
        if dropped.len() == AT_ONCE {
            self.absent.look_at = now;
        }
        for ticket in &dropped {
            self.waiting.went(ticket);
        }
        self.unreported = true;
        metrics::counter!("control_plane_tickets_absent_total").increment(dropped.len() as u64);
        tracing::info!(queue = %self.queue, tickets = dropped.len(), "tickets were dropped: their players are gone");
        Ok(())
    }
}
