//! How tickets leave their queue: one script for the whole transition, and then what need not be waited for.

use std::time::Duration;

use matching::{TicketId, Time};

use super::{
    Redis,
    claims::millis,
    queues::TOMBSTONE,
    stored::{Stored, unreadable},
};
use crate::{Cancelled, Fenced, KEEP_ENDED, Lease, NewMatch, Status, StorageError};

/// How much longer than it is kept an ended ticket lives where nobody sweeps.
const UNSWEPT: Duration = Duration::from_secs(60 * 60);
/// Tickets that expire in one script: while it runs, nobody else is served.
const EXPIRED_AT_ONCE: usize = 512;

impl Redis {
    pub(super) async fn cancel_ticket(
        &self,
        ticket: &TicketId,
        now: Time,
    ) -> Result<Option<Cancelled>, StorageError> {
        let Some(home) = self.home(ticket).await? else {
            return Ok(None);
        };
        let queue = self.keys.queue(&home);
        let mut keys = queue.of_ends();
        keys.push(queue.ticket(ticket));
        let (keep_until, px) = kept(now, KEEP_ENDED);
        let args = [ticket.as_str(), &keep_until, &px, &queue.ends(), &millis(TOMBSTONE)];
        let answer: Option<Vec<String>> = self.link.run(&self.scripts.cancel, &keys, &args).await?;
        let Some(answer) = answer else {
            return Ok(None);
        };
        let (value, did) = answer.split_first().ok_or_else(|| unreadable(""))?;
        let Some(found) = Stored::parse(Some(value))? else {
            return Ok(None);
        };
        if let [first, generation] = did {
            if first == "1" {
                self.to_be_swept(&home).await;
            }
            self.unregister(&home, generation).await;
            self.after_end(std::slice::from_ref(ticket), [found]);
            return Ok(Some(Cancelled::Yes));
        }
        Ok(Some(match found.state.status {
            Status::Cancelled | Status::Absent => Cancelled::Yes,
            other => Cancelled::No(other),
        }))
    }

    pub(super) async fn assign_match(
        &self,
        lease: &Lease,
        new: &NewMatch,
        now: Time,
    ) -> Result<Fenced, StorageError> {
        let queue = self.keys.queue(&lease.queue);
        let mut keys = queue.of_ends();
        keys.extend(new.assignments.iter().map(|(ticket, _)| queue.ticket(ticket)));
        let written = |error| StorageError::Unavailable(format!("the assignment can't be written: {error}"));
        let assignments: Result<Vec<_>, _> =
            new.assignments.iter().map(|(_, assignment)| serde_json::to_string(assignment)).collect();
        let assignments = assignments.map_err(written)?;
        let (keep_until, px) = kept(now, new.lasting);
        // The same match may be assigned by two calls, of which only one does it; so each call has its name, not the match.
        let (fence, call) = (lease.fence.to_string(), format!("{:032x}", rand::random::<u128>()));
        let ends = queue.ends();
        let mut args = vec![fence.as_str(), &call, &keep_until, &px, &ends];
        for ((ticket, _), assignment) in new.assignments.iter().zip(&assignments) {
            args.extend([ticket.as_str(), assignment]);
        }
        let answer = self.link.run(&self.scripts.assign, &keys, &args).await?;
        let tickets: Vec<_> = new.assignments.iter().map(|(ticket, _)| ticket.clone()).collect();
        self.fenced(lease, answer, &tickets).await
    }

    pub(super) async fn expire_tickets(
        &self,
        lease: &Lease,
        tickets: &[TicketId],
        now: Time,
    ) -> Result<Fenced, StorageError> {
        let queue = self.keys.queue(&lease.queue);
        let (keep_until, px) = kept(now, KEEP_ENDED);
        let (fence, now, ends) = (lease.fence.to_string(), now.0.to_string(), queue.ends());
        let mut outcome = Fenced::Done;
        // An empty list is asked too: whether the lease holds is part of the answer.
        for some in std::iter::once(&tickets[..tickets.len().min(EXPIRED_AT_ONCE)])
            .chain(tickets.chunks(EXPIRED_AT_ONCE).skip(1))
        {
            let mut keys = queue.of_ends();
            keys.extend(some.iter().map(|ticket| queue.ticket(ticket)));
            let mut args = vec![fence.as_str(), &now, &keep_until, &px, &ends];
            args.extend(some.iter().map(TicketId::as_str));
            let answer = self.link.run(&self.scripts.expire, &keys, &args).await?;
            outcome = self.fenced(lease, answer, some).await?;
            if outcome != Fenced::Done {
                break;
            }
        }
        Ok(outcome)
    }

    /// What a fenced script answers, and what has to be done after it.
    async fn fenced(
        &self,
        lease: &Lease,
        answer: Vec<String>,
        asked: &[TicketId],
    ) -> Result<Fenced, StorageError> {
        if let Some((outcome, gone)) = answer.split_first()
            && outcome == "gone"
        {
            return Ok(Fenced::NotQueued(gone.iter().map(TicketId::new).collect()));
        }
        let Some(was) = self.ended(lease, answer).await? else {
            return Ok(Fenced::LeaseLost);
        };
        self.after_end(asked, was);
        Ok(Fenced::Done)
    }

    /// The tickets that a fenced script ended, as they were. `None`: the lease was lost.
    pub(super) async fn ended(
        &self,
        lease: &Lease,
        answer: Vec<String>,
    ) -> Result<Option<Vec<Stored>>, StorageError> {
        let (outcome, rest) = answer.split_first().ok_or_else(|| unreadable(""))?;
        match (outcome.as_str(), rest.split_first()) {
            ("lost", _) => Ok(None),
            ("done", Some((first, was))) => {
                if first == "1" {
                    self.to_be_swept(&lease.queue).await;
                }
                // What can't be read is not freed here: its claims are taken over.
                let was = was.iter().filter_map(|value| Stored::parse(Some(value)).ok().flatten());
                Ok(Some(was.collect()))
            }
            _ => Err(unreadable(outcome)),
        }
    }

    /// Tells who follows the tickets here, and has their claims given back.
    pub(super) fn after_end(&self, asked: &[TicketId], ended: impl IntoIterator<Item = Stored>) {
        for ticket in asked.iter().filter(|ticket| !self.news.will_tell(ticket)) {
            self.signals.wake(ticket);
        }
        for ended in ended {
            // Where there is more to clean than gets done, those who need the claims take them over.
            if let Err(error) = self.cleaning.try_send(self.free(&ended)) {
                tracing::debug!(%error, "claims of an ended ticket are left for who needs them");
            }
        }
    }
}

/// Until when an ended ticket is kept, and for how long it lives at most.
pub(super) fn kept(now: Time, lasting: Duration) -> (String, String) {
    ((now + lasting).0.to_string(), millis(lasting.saturating_add(UNSWEPT)))
}
