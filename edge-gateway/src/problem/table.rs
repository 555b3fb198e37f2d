//! The one mapping from a reason to HTTP: status and title, and what a reader of `/problems/{name}` is told.
//!
//! Which reasons there are is the business of `proto`; three more codes exist only in HTTP, for addresses and methods that
//! aren't there, and heads that are too large.

use axum::http::StatusCode;
use proto::error::Reason;

/// The `code` of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// A reason of the contract.
    Reason(Reason),
    /// No route has this path.
    RouteNotFound,
    /// The route takes other methods.
    MethodNotAllowed,
    /// The address and the headers are larger than they may be.
    HeadTooLarge,
}

/// How a code looks in HTTP.
pub(crate) struct Row {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    /// What to do about it.
    pub(crate) advice: &'static str,
}

const fn row(status: StatusCode, title: &'static str, advice: &'static str) -> Row {
    Row { status, title, advice }
}

impl Code {
    /// Every code there is.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let reasons = Reason::ALL.iter().copied().map(Self::Reason);
        reasons.chain([Self::RouteNotFound, Self::MethodNotAllowed, Self::HeadTooLarge])
    }

    /// The name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reason(reason) => reason.name(),
            Self::RouteNotFound => "ROUTE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::HeadTooLarge => "HEAD_TOO_LARGE",
        }
    }

    /// Whether the same request may succeed later.
    pub(crate) const fn retryable(self) -> bool {
        match self {
            Self::Reason(reason) => reason.retryable(),
            Self::RouteNotFound | Self::MethodNotAllowed | Self::HeadTooLarge => false,
        }
    }

    /// The `type` of its problems: a path at this gateway that explains it.
    pub(crate) fn type_uri(self) -> String {
        format!("/problems/{}", self.name().to_lowercase().replace('_', "-"))
    }

    /// How it looks in HTTP.
    #[rustfmt::skip]
    pub(crate) const fn row(self) -> Row {
        use StatusCode as S;
        match self {
            Self::RouteNotFound => row(S::NOT_FOUND, "No such address", "Read /api for the addresses there are."),
            Self::MethodNotAllowed => row(S::METHOD_NOT_ALLOWED, "Method not allowed", "The Allow header lists the methods that this address takes."),
            Self::HeadTooLarge => row(S::REQUEST_HEADER_FIELDS_TOO_LARGE, "The head is too large", "Send fewer or smaller headers; `detail` names the limit."),
            Self::Reason(reason) => match reason {
                Reason::InvalidRequest => row(S::BAD_REQUEST, "The request can't be understood", "Mend what `errors` and `detail` name; the same request will fail again."),
                Reason::Unauthenticated => row(S::UNAUTHORIZED, "Not authenticated", "Say who you are, in the way that `detail` names."),
                Reason::Forbidden => row(S::FORBIDDEN, "Not allowed", "You may not do this; another account may."),
                Reason::TicketNotFound => row(S::NOT_FOUND, "No such ticket", "Check the ticket's id. A ticket is forgotten some time after it is over: enqueue again."),
                Reason::QueueNotFound => row(S::NOT_FOUND, "No such queue", "Check `queueKey`, or configure the queue at the control plane."),
                Reason::GroupAlreadyQueued => row(S::CONFLICT, "The group is queued already", "Cancel the ticket that `ticketId` names, or send the same content again."),
                Reason::PlayerAlreadyQueued => row(S::CONFLICT, "A player is queued already", "The player that `playerId` names is in another active ticket: cancel that one, or wait until it is over."),
                Reason::PayloadTooLarge => row(S::PAYLOAD_TOO_LARGE, "Too large", "Send less; `detail` names the limit where it is known."),
                Reason::RateLimited => row(S::TOO_MANY_REQUESTS, "Too many requests", "Wait as long as Retry-After says."),
                Reason::QueueFull => row(S::TOO_MANY_REQUESTS, "The queue is full", "Wait as long as Retry-After says; others must be matched first."),
                Reason::NoServerAvailable => row(S::SERVICE_UNAVAILABLE, "No server is free", "Wait as long as Retry-After says, or start more game servers."),
                Reason::ServerNotFound => row(S::NOT_FOUND, "No such server", "Check the server's id: `muster servers list` has those that there are."),
                Reason::ServerSuperseded => row(S::CONFLICT, "Another instance holds this server id", "Stop this instance, or give it a server id of its own."),
                Reason::TokenInvalid => row(S::FORBIDDEN, "The token is not valid", "Enqueue again for a new token."),
                Reason::TokenAlreadyRedeemed => row(S::FORBIDDEN, "The token was used before", "A token lets one player in once: enqueue again."),
                Reason::Unavailable => row(S::SERVICE_UNAVAILABLE, "Not available at the moment", "Wait as long as Retry-After says and send the same request again."),
                Reason::DeadlineExceeded => row(S::GATEWAY_TIMEOUT, "No answer in time", "Send the same request again."),
                Reason::Internal => row(S::INTERNAL_SERVER_ERROR, "Internal error", "Tell the operator the x-request-id of the answer; the log has the rest."),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let lines: Vec<String> = Code::all()
            .map(|code| {
                let row = code.row();
                format!(
                    "{} {} {} | {} | retryable: {}",
                    row.status.as_u16(),
                    code.name(),
                    code.type_uri(),
                    row.title,
                    code.retryable()
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
