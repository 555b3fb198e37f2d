//! What the service answered, checked before anything is made of it: a stranger wrote it, and players are sent where it says.

use std::time::Duration;

use hyper::{StatusCode, Uri};
use matching::Time;
use serde::Deserialize;
use serde_json::value::RawValue;
use storage::{LandId, ServerId};

use super::{connection::Answer, wire::Release};
use crate::{
    allocation::{
        Allocated, AllocationRequest,
        outside::{Failure, Kind, Then},
    },
    ids::{self, MAX_ID},
};

/// The longest URL that players are given, in bytes.
const LONGEST_URL: usize = 2_048;
/// The largest hints, in bytes.
const LARGEST_HINTS: usize = 16 * 1_024;
/// The error's code of a service that has no server: the one of our own API.
const NO_SERVER: &str = "NO_SERVER_AVAILABLE";

/// The envelope of the REST twin, which an answer may have.
#[derive(Deserialize)]
struct Envelope {
    success: Option<bool>,
    result: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Land {
    server_id: String,
    land_id: String,
    connect_url: String,
    expires_at: Option<jiff::Timestamp>,
    assignment_hints: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Said {
    code: String,
    message: Option<String>,
    retryable: Option<bool>,
}

/// A land that can't be used, and what of it can be given back.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) failure: Failure,
    pub(super) land: Box<Release>,
}

impl From<Failure> for Unusable {
    fn from(failure: Failure) -> Self {
        Self { failure, land: Box::default() }
    }
}

/// The land, where it is one.
pub(super) fn read(
    answer: &Answer,
    request: &AllocationRequest,
    now: jiff::Timestamp,
) -> Result<Allocated, Unusable> {
    let body = std::str::from_utf8(&answer.body).unwrap_or_default();
    let envelope: Option<Envelope> = serde_json::from_str(body).ok();
    let (ok, land, error) = match &envelope {
        Some(Envelope { success: Some(success), result, error }) => {
            (*success, result.as_deref().map(RawValue::get), error.as_deref().map(RawValue::get))
        }
        _ => (true, Some(body), Some(body)),
    };
    if ok && answer.status.is_success() {
        return match land.map(serde_json::from_str::<Land>) {
            Some(Ok(land)) => check(land, request, now),
            Some(Err(error)) if said(body).is_none() => Err(bad("is no land").because(error).into()),
            None => Err(bad("has no result").into()),
            Some(Err(_)) => Err(refused(answer, said(body), request, now).into()),
        };
    }
    Err(refused(answer, error.and_then(said), request, now).into())
}

fn said(text: &str) -> Option<Said> {
    serde_json::from_str(text).ok()
}

fn check(land: Land, request: &AllocationRequest, now: jiff::Timestamp) -> Result<Allocated, Unusable> {
    let id = |text: &str| !text.is_empty() && ids::problem(text, MAX_ID).is_none();
    let mut named = Release::default();
    let server = id(&land.server_id).then(|| ServerId::new(&land.server_id));
    named.server_id.clone_from(&server);
    let of_its_type =
        land.land_id.strip_prefix(request.land_type.as_str()).and_then(|rest| rest.strip_prefix(':'));
    let land_id = (of_its_type.is_some_and(id) && id(&land.land_id)).then(|| LandId::new(&land.land_id));
    named.land_id.clone_from(&land_id);
    let unusable = |what: &str| Unusable { failure: bad(what), land: Box::new(named.clone()) };
    let server = server.ok_or_else(|| unusable("has a serverId that can't be one"))?;
    let land_id = land_id
        .ok_or_else(|| unusable(&format!("has a landId that isn't `{}:` and an id", request.land_type)))?;
    if !is_connect_url(&land.connect_url) {
        return Err(unusable("has a connectUrl that isn't ws:// or wss:// with a host"));
    }
    if land.expires_at.is_some_and(|at| at <= now) {
        return Err(unusable("has an expiresAt that is over"));
    }
    let hints = land.assignment_hints.map(|hints| hints.get().to_owned()).filter(|hints| hints != "null");
    if hints.as_ref().is_some_and(|hints| hints.len() > LARGEST_HINTS || !hints.starts_with('{')) {
        return Err(unusable("has assignmentHints that are no object, or too large"));
    }
    let expires_at = land.expires_at.and_then(|at| u64::try_from(at.as_millisecond()).ok()).map(Time);
    Ok(Allocated { server, land: land_id, connect_url: land.connect_url, expires_at, hints })
}

/// Whether players can be sent there.
fn is_connect_url(url: &str) -> bool {
    let plain =
        url.len() <= LONGEST_URL && url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains('#');
    plain
        && url.parse::<Uri>().is_ok_and(|uri| {
            let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
            matches!(uri.scheme_str(), Some("ws" | "wss"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && !authority.contains('@')
                && !authority.ends_with(':')
        })
}

fn bad(what: &str) -> Failure {
    let failure = Failure::unclear(Kind::BadAnswer, format!("gave an answer that {what}"));
    Failure { then: Then::Wait, ..failure }
}

/// What a refusal means, by what it says of itself and by its status.
fn refused(
    answer: &Answer,
    said: Option<Said>,
    request: &AllocationRequest,
    now: jiff::Timestamp,
) -> Failure {
    let status = answer.status;
    let code = said.as_ref().map(|said| said.code.as_str()).filter(|code| is_code(code));
    let message = said.as_ref().and_then(|said| said.message.clone()).unwrap_or_default();
    if code == Some(NO_SERVER) {
        let said = format!("has no server for `{}`", request.land_type);
        return Failure::nothing(Kind::NoServer, Then::Wait, said).because(message);
    }
    let shown = code.map_or_else(|| format!("the status {}", status.as_u16()), |code| format!("`{code}`"));
    let retryable = said.and_then(|said| said.retryable).unwrap_or(is_passing(status));
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Kind::Overloaded,
        _ if status.is_server_error() => Kind::Failed,
        _ => Kind::Refused,
    };
    if status.is_redirection() {
        let said = format!("redirects ({}), and that isn't followed", status.as_u16());
        return Failure::nothing(Kind::Failed, Then::Wait, said);
    }
    let then = match (retryable, answer.retry_after(now)) {
        (true, Some(pause)) if kind == Kind::Overloaded => {
            Then::AgainAfter(pause.max(Duration::from_millis(1)))
        }
        (true, _) => Then::Again,
        (false, _) => Then::Wait,
    };
    // Whoever fails in the middle may have made it.
    let may_have_made = kind == Kind::Failed;
    let failure = Failure::nothing(kind, then, format!("answered with {shown}"));
    Failure { may_have_made, ..failure }.because(message)
}

/// Whether a status is one that passes.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::REQUEST_TIMEOUT
        || status == StatusCode::TOO_EARLY
        || status == StatusCode::TOO_MANY_REQUESTS
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

/// Whether it may be shown to everybody: a word of a vocabulary, and no sentence.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests;
