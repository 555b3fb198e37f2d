//! What is written down of the state's changes, in words that a later program can still read.

use std::sync::Arc;

use matching::Time;
use serde::{Deserialize, Serialize};

use super::KeptAllocation;
use crate::{AllocationId, RedemptionId, Status, TicketRecord, TicketState, TokenId};

/// One change of the state that must survive.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// A ticket is new, or has a new status.
    Ticket(KeptTicket),
    /// The ticket of this order is forgotten.
    Forgotten(u64),
    /// A token was redeemed by this redemption; it expires then.
    Redeemed(TokenId, RedemptionId, Time),
    /// That redemption is forgotten.
    RedemptionOver(TokenId, RedemptionId, Time),
    /// An allocation is new, or changed.
    Allocation(KeptAllocation),
    /// That allocation is forgotten.
    AllocationOver(AllocationId),
}

/// A ticket as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptTicket {
    pub(crate) record: Arc<TicketRecord>,
    pub(crate) status: Status,
    /// Until when it stays readable, once it is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep_until: Option<Time>,
}

impl KeptTicket {
    pub(super) fn new(state: &TicketState, keep_until: Option<Time>) -> Self {
        Self { record: Arc::clone(&state.record), status: state.status.clone(), keep_until }
    }
}
