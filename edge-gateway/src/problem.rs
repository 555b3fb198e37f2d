//! What a client is told when it can't have what it asked for: RFC 9457 problems, in one place.
//!
//! Everything inside the gateway fails with a `proto::error::Refusal`, whose field names are by then those of the client's
//! JSON; here it becomes HTTP. `type` is a path, `/problems/ticket-not-found`, and that path explains the code. Sockets and
//! the internal listener have envelopes of their own and take only the table from here.

mod body;
mod page;
mod table;

use std::{any::Any, time::Duration};

use axum::{
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use proto::error::{FieldError, Reason, Refusal};

pub(crate) use body::{FieldProblem, ProblemBody};
pub(crate) use page::explain;
pub(crate) use table::Code;

use crate::identity::BAD_TOKEN;

/// The media type of every problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// More bad fields than this are counted, not listed: an answer stays smaller than what provoked it.
const MAX_LISTED: usize = 32;

/// An answer that says why not.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    refusal: Refusal,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { code: Code::Reason(refusal.reason), refusal }
    }
}

impl Problem {
    /// The answer to a path that no route has.
    pub(crate) fn route_not_found(uri: &Uri) -> Self {
        let path: String = uri.path().chars().take(128).collect();
        Self {
            code: Code::RouteNotFound,
            refusal: Refusal::new(
                Reason::InvalidRequest,
                format!("nothing is at {path}; /api lists what there is"),
            ),
        }
    }

    /// The answer to a method that the route doesn't take.
    pub(crate) fn method_not_allowed() -> Self {
        Self {
            code: Code::MethodNotAllowed,
            refusal: Refusal::new(
                Reason::InvalidRequest,
                "this address takes other methods; the Allow header lists them",
            ),
        }
    }

    /// The answer to a request whose head is larger than it may be.
    pub(crate) fn head_too_large(max_size: usize, max_headers: usize) -> Self {
        let message =
            format!("the address and the headers may be {max_size} bytes, in {max_headers} headers");
        Self { code: Code::HeadTooLarge, refusal: Refusal::new(Reason::PayloadTooLarge, message) }
    }

    /// Its code's name.
    pub(crate) fn name(&self) -> &'static str {
        self.code.name()
    }

    /// Its code, and what was refused: for an envelope of another kind.
    pub(crate) fn into_parts(self) -> (Code, Refusal) {
        (self.code, self.refusal)
    }

    /// Its body.
    fn body(&self) -> ProblemBody {
        let Refusal { message, fields, metadata, .. } = &self.refusal;
        let row = self.code.row();
        ProblemBody {
            kind: self.code.type_uri(),
            title: row.title.to_owned(),
            status: row.status.as_u16(),
            detail: message.clone(),
            code: self.code.name().to_owned(),
            retryable: self.code.retryable(),
            errors: fields.iter().take(MAX_LISTED).map(FieldProblem::from).collect(),
            ticket_id: metadata.get("ticketId").cloned(),
            player_id: metadata.get("playerId").cloned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body()).expect("texts and numbers are always JSON");
        let head = [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))];
        let mut response = (self.code.row().status, head, body).into_response();
        if let Some(wait) = retry_after(&self.refusal) {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        if self.refusal.reason == Reason::Unauthenticated {
            let bad_token = self.refusal.metadata.contains_key(BAD_TOKEN);
            // RFC 6750: what is wanted, and whether what was sent was no good.
            let challenge = if bad_token {
                r#"Bearer realm="muster", error="invalid_token""#
            } else {
                r#"Bearer realm="muster""#
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// `Retry-After` in whole seconds, for what is worth another try. A late answer is tried again at once.
pub(crate) fn retry_after(refusal: &Refusal) -> Option<HeaderValue> {
    let worth_it = refusal.reason.retryable() && refusal.reason != Reason::DeadlineExceeded;
    let wait = refusal.retry_after.or(worth_it.then_some(Duration::from_secs(1)))?;
    Some(HeaderValue::from(in_seconds(wait)))
}

/// A wait in whole seconds, at least one.
pub(crate) fn in_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// What a panic leaves behind.
pub(crate) type Panic = Box<dyn Any + Send>;

/// The answer where a handler panicked: a fixed text. The panic's own goes to the log.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Refusal {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("without a message"), "a request's handler panicked");
    Refusal::internal()
}

/// [`Reason::InvalidRequest`] for one field of the client's JSON.
pub(crate) fn bad_field(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::invalid(vec![FieldError::new(field, message)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_rounded_up_and_never_zero() {
        let wait = |refusal: Refusal| retry_after(&refusal).map(|value| value.to_str().unwrap().to_owned());
        let full = Refusal::new(Reason::QueueFull, "full");
        assert_eq!(wait(full.clone()).as_deref(), Some("1"));
        assert_eq!(wait(full.retry_after(Duration::from_millis(1500))).as_deref(), Some("2"));
        assert_eq!(wait(Refusal::new(Reason::InvalidRequest, "no")), None);
    }

    #[test]
    fn a_panics_text_stays_here() {
        let refusal = panicked(&"the key is 1234");
        assert!(!refusal.message.contains("1234"));
    }

    #[test]
    fn many_bad_fields_are_not_all_listed() {
        let fields = (0..1000).map(|n| FieldError::new(format!("x{n}"), "unknown")).collect();
        let body = Problem::from(Refusal::invalid(fields)).body();
        assert_eq!(body.errors.len(), MAX_LISTED);
        assert!(body.detail.contains("1000"), "{}", body.detail);
    }
}
