//! Reading a request's body as JSON: bounded in size and in time.
//!
//! What the JSON must look like is the business of `wire`.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use futures_util::StreamExt as _;
use proto::error::{Reason, Refusal};
use serde_json::Value;

/// How much of a body that is too large is read and thrown away, so that its sender gets to read the answer instead of a
/// reset connection.
const MAX_DISCARDED: usize = 1024 * 1024;

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// In bytes.
    pub(crate) max_size: usize,
    /// How long its sender may take.
    pub(crate) timeout: Duration,
}

/// The body as JSON of any shape.
pub(crate) async fn json_body(limits: BodyLimits, headers: &HeaderMap, body: Body) -> Result<Value, Refusal> {
    check_content_type(headers)?;
    let bytes = tokio::time::timeout(limits.timeout, read(limits.max_size, body))
        .await
        .map_err(|_| Refusal::new(Reason::DeadlineExceeded, "the body did not arrive in time"))??;
    parse(&bytes)
}

/// The text of a body or of a socket's message as JSON. The refusal says where the text stops being JSON.
pub(crate) fn parse(text: &[u8]) -> Result<Value, Refusal> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::new(Reason::InvalidRequest, "there is nothing here; send a JSON object"));
    }
    serde_json::from_slice(text)
        .map_err(|error| Refusal::new(Reason::InvalidRequest, format!("this is not JSON: {error}")))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.map(|value| value.split(';').next().unwrap_or_default().trim());
    match essence {
        Some(essence) if essence.eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Refusal::new(
            Reason::InvalidRequest,
            "send JSON, with the header `Content-Type: application/json`",
        )),
    }
}

async fn read(max_size: usize, body: Body) -> Result<Bytes, Refusal> {
    let mut stream = body.into_data_stream();
    let mut read = Vec::new();
    let mut size = 0;
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else {
            return Err(Refusal::new(Reason::InvalidRequest, "the body ended before it was complete"));
        };
        size += chunk.len();
        if size <= max_size {
            read.extend_from_slice(&chunk);
        } else if size > max_size + MAX_DISCARDED {
            break;
        }
    }
    if size > max_size {
        let message = format!("the body is larger than {max_size} bytes, which is the most that is taken");
        return Err(Refusal::new(Reason::PayloadTooLarge, message));
    }
    Ok(read.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BodyLimits = BodyLimits { max_size: 16, timeout: Duration::from_secs(1) };

    async fn read_json(content_type: &'static str, body: impl Into<Body>) -> Result<Value, Refusal> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
        json_body(LIMITS, &headers, body.into()).await
    }

    #[tokio::test]
    async fn json_is_read_whatever_its_charset_parameter() {
        let value = read_json("application/json; charset=utf-8", "{\"a\": 1}").await.unwrap();
        assert_eq!(value["a"], 1);
    }

    #[tokio::test]
    async fn each_fault_has_its_sentence() {
        for (content_type, body, reason, part) in [
            ("text/plain", "{}", Reason::InvalidRequest, "Content-Type"),
            ("application/json", " ", Reason::InvalidRequest, "nothing"),
            ("application/json", "{\n \"a\": }", Reason::InvalidRequest, "line 2 column 7"),
            ("application/json", "{\"a\": 1234567890}", Reason::PayloadTooLarge, "16 bytes"),
        ] {
            let refusal = read_json(content_type, body).await.unwrap_err();
            assert_eq!(refusal.reason, reason, "{body}");
            assert!(refusal.message.contains(part), "{}", refusal.message);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let refusal = read_json("application/json", body).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::DeadlineExceeded);
    }
}
