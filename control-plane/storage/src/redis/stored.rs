//! A ticket as it stands in Redis, and a claim.
//!
//! A ticket is one text: a line that scripts read (`<status> <order> <time> <nonce>`, for an assigned one also the call that
//! assigned it), a line with its record, and for an assigned one a line with its assignment. One string per ticket takes a
//! third of the memory of a hash, and can expire alone. The time is when a queued ticket expires, and until when another
//! is kept.

use std::sync::Arc;

use matching::{QueueKey, TicketId};
use serde::{Deserialize, Serialize};

use crate::{NewTicket, Status, StorageError, TicketRecord, TicketState};

/// What stands for a ticket.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub(super) state: TicketState,
    /// The attempt that enqueued it.
    pub(super) nonce: String,
}

/// Who holds a ticket id, a group or a player: an attempt to enqueue a ticket, and then that ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) ticket: TicketId,
    pub(super) queue: QueueKey,
    /// Tells one attempt from every other, also of the same ticket.
    pub(super) nonce: String,
}

impl Stored {
    /// `None`: there is no ticket, or only a mark that attempts to enqueue it are over.
    pub(super) fn parse(value: Option<&str>) -> Result<Option<Self>, StorageError> {
        let Some(value) = value.filter(|value| !value.starts_with('V')) else {
            return Ok(None);
        };
        Self::parts(value).map(Some).ok_or_else(|| unreadable(value))
    }

    fn parts(value: &str) -> Option<Self> {
        let mut lines = value.splitn(3, '\n');
        let mut head = lines.next()?.split(' ');
        let (status, order) = (head.next()?, head.next()?.parse().ok()?);
        let nonce = head.nth(1)?.to_owned();
        let mut record: TicketRecord = serde_json::from_str(lines.next()?).ok()?;
        record.ticket.order = order;
        let status = match status {
            "Q" => Status::Queued,
            "A" => Status::Assigned(serde_json::from_str(lines.next()?).ok()?),
            "C" => Status::Cancelled,
            "E" => Status::Expired,
            "G" => Status::Absent,
            _ => return None,
        };
        Some(Self { state: TicketState { record: Arc::new(record), status }, nonce })
    }

    /// The ticket's.
    pub(super) fn id(&self) -> TicketId {
        self.state.record.ticket.id.clone()
    }

    /// Who holds what this ticket holds.
    pub(super) fn holder(&self) -> Holder {
        let record = &self.state.record;
        Holder { ticket: record.ticket.id.clone(), queue: record.queue.clone(), nonce: self.nonce.clone() }
    }

    pub(super) fn is(&self, new: &NewTicket) -> bool {
        self.state.record.same_content(new)
    }
}

impl Holder {
    /// As it stands in a claim.
    pub(super) fn to_text(&self) -> String {
        // Three strings always can be written.
        serde_json::to_string(&(&self.ticket, &self.queue, &self.nonce)).unwrap_or_default()
    }

    pub(super) fn parse(text: &str) -> Result<Self, StorageError> {
        let parts: (TicketId, QueueKey, String) = serde_json::from_str(text).map_err(|_| unreadable(text))?;
        Ok(Self { ticket: parts.0, queue: parts.1, nonce: parts.2 })
    }
}

/// Written by something else, or a newer program.
pub(super) fn unreadable(what: &str) -> StorageError {
    let begin: String = what.chars().take(60).collect();
    StorageError::Unavailable(format!("Redis holds what this program can't read: {begin:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_ticket_is_told_apart_from_what_cannot_be_read() {
        assert_eq!(Stored::parse(None), Ok(None));
        assert_eq!(Stored::parse(Some("V 1 2")), Ok(None));
        assert!(Stored::parse(Some("Q 1 2 n\n{}")).is_err());
        assert!(Stored::parse(Some("Z")).is_err());
    }

    #[test]
    fn a_holder_comes_back_whatever_its_names_are() {
        let (ticket, queue) = (TicketId::new("t\" \n"), QueueKey::new("q,]"));
        let holder = Holder { ticket, queue, nonce: "1f".to_owned() };
        assert_eq!(Holder::parse(&holder.to_text()), Ok(holder));
    }
}
