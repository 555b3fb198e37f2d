//! The one vocabulary of errors, and its one mapping to gRPC.
//!
//! A program that refuses a call makes a [`Refusal`]; [`Refusal::into_status`] puts it on the wire as a `google.rpc.ErrorInfo`
//! (and `BadRequest`, `RetryInfo` where they apply), [`Refusal::from_status`] reads it back on the other side. Who
//! turns a [`Reason`] into HTTP does so from [`Reason::name`] alone.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The `domain` of every `google.rpc.ErrorInfo` that Muster sends.
pub const DOMAIN: &str = "muster";

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $code:ident, $retryable:literal;)+) => {
        /// Why a call was refused. The name is part of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[doc = $doc])+ $variant,)+ }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name on the wire, for example `TICKET_NOT_FOUND`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The gRPC code that goes with it.
            pub const fn code(self) -> Code {
                match self { $(Self::$variant => Code::$code,)+ }
            }

            /// Whether the same call may succeed later.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)+ }
            }
        }
    };
}

reasons! {
    /// A field is missing, malformed or out of range.
    InvalidRequest = "INVALID_REQUEST", InvalidArgument, false;
    /// The caller did not say who they are, or could not prove it.
    Unauthenticated = "UNAUTHENTICATED", Unauthenticated, false;
    /// The caller may not do this.
    Forbidden = "FORBIDDEN", PermissionDenied, false;
    /// There is no such ticket, or none that the caller may see.
    TicketNotFound = "TICKET_NOT_FOUND", NotFound, false;
    /// There is no such queue, where queues must be configured.
    QueueNotFound = "QUEUE_NOT_FOUND", NotFound, false;
    /// The group has a queued ticket with other content; metadata `ticketId`.
    GroupAlreadyQueued = "GROUP_ALREADY_QUEUED", AlreadyExists, false;
    /// A player is in another active ticket; metadata `playerId`.
    PlayerAlreadyQueued = "PLAYER_ALREADY_QUEUED", AlreadyExists, false;
    /// The message is larger than allowed.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", OutOfRange, false;
    /// The caller asks too often.
    RateLimited = "RATE_LIMITED", ResourceExhausted, true;
    /// The queue holds as many tickets as it may.
    QueueFull = "QUEUE_FULL", ResourceExhausted, true;
    /// No server can take the land now.
    NoServerAvailable = "NO_SERVER_AVAILABLE", ResourceExhausted, true;
    /// There is no such server.
    ServerNotFound = "SERVER_NOT_FOUND", NotFound, false;
    /// A newer instance holds this server id.
    ServerSuperseded = "SERVER_SUPERSEDED", AlreadyExists, false;
    /// The token is not valid here and now.
    TokenInvalid = "TOKEN_INVALID", PermissionDenied, false;
    /// The token was used before.
    TokenAlreadyRedeemed = "TOKEN_ALREADY_REDEEMED", PermissionDenied, false;
    /// A part that is needed can't be reached.
    Unavailable = "UNAVAILABLE", Unavailable, true;
    /// The answer did not come in the time that the caller gave.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded, true;
    /// A fault of Muster's own; its text is fixed.
    Internal = "INTERNAL", Internal, false;
}

impl Reason {
    /// The reason with this name on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.name() == name)
    }
}

/// One field that can't be taken, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path in the `.proto` file's names: `players[3].player_id`.
    pub field: String,
    /// A sentence that says what is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// `field` in the `.proto` file's names.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// A refused call: a reason, a sentence for people, and what programs need to act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// For people. Goes to clients: no address, no stack, no internal text.
    pub message: String,
    /// The bad fields, with [`Reason::InvalidRequest`].
    pub fields: Vec<FieldError>,
    /// What the reason names, for example `ticketId`.
    pub metadata: HashMap<String, String>,
    /// How long to wait before the next try, where it is known.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with a sentence for people.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            fields: Vec::new(),
            metadata: HashMap::new(),
            retry_after: None,
        }
    }

    /// [`Reason::InvalidRequest`] for these fields. With one field the message names it, with more it counts them.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            many => format!("{} fields can't be taken", many.len()),
        };
        Self { fields, ..Self::new(Reason::InvalidRequest, message) }
    }

    /// Adds a name that the reason speaks about.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Says when the next try makes sense.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What goes over gRPC.
    pub fn into_status(self) -> Status {
        let mut details = ErrorDetails::with_error_info(self.reason.name(), DOMAIN, self.metadata);
        for field in self.fields {
            details.add_bad_request_violation(field.field, field.message);
        }
        if let Some(wait) = self.retry_after {
            details.set_retry_info(Some(wait));
        }
        Status::with_error_details(self.reason.code(), self.message, details)
    }

    /// What a peer meant. A status without our `ErrorInfo` comes from the transport or from a stranger: its text may hold
    /// addresses, so only its code is believed, with a fixed sentence.
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let ours = details
            .error_info()
            .filter(|info| info.domain == DOMAIN)
            .and_then(|info| Some((Reason::from_name(&info.reason)?, info.metadata.clone())));
        let Some((reason, metadata)) = ours else {
            return Self::from_code(status.code());
        };
        let fields = details.bad_request().map_or_else(Vec::new, |bad| {
            bad.field_violations
                .iter()
                .map(|violation| FieldError::new(&violation.field, &violation.description))
                .collect()
        });
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        Self { reason, message: status.message().to_owned(), fields, metadata, retry_after }
    }

    fn from_code(code: Code) -> Self {
        match code {
            Code::Unavailable => Self::new(
                Reason::Unavailable,
                "the matchmaking service can't be reached at the moment; try again shortly",
            )
            .retry_after(Duration::from_secs(1)),
            // A tonic client reports its own expired deadline as CANCELLED.
            Code::DeadlineExceeded | Code::Cancelled => Self::new(
                Reason::DeadlineExceeded,
                "the matchmaking service did not answer in time; try again",
            ),
            Code::ResourceExhausted | Code::OutOfRange => {
                Self::new(Reason::PayloadTooLarge, "the message is larger than allowed")
            }
            _ => Self::internal(),
        }
    }

    /// [`Reason::Internal`] with its fixed text; the cause belongs in the log.
    pub fn internal() -> Self {
        Self::new(Reason::Internal, "something went wrong on our side; the request id helps to find out what")
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refusal.into_status()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_the_wire() {
        for &reason in Reason::ALL {
            let sent = Refusal {
                fields: vec![FieldError::new("players[3].player_id", "is empty")],
                ..Refusal::new(reason, "no")
            }
            .with("ticketId", "t-1")
            .retry_after(Duration::from_secs(2));
            assert_eq!(Refusal::from_status(&sent.clone().into_status()), sent);
        }
    }

    #[test]
    fn a_strangers_text_is_not_passed_on() {
        let status = Status::unavailable("tcp connect error: 10.1.2.3:3001");
        let refusal = Refusal::from_status(&status);
        assert_eq!(refusal.reason, Reason::Unavailable);
        assert!(!refusal.message.contains("10.1.2.3"));
    }
}
