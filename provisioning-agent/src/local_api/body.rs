//! Reading what a request brings: bounded in size and time, and never half understood.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::PathRejection},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::{game_api::LARGEST, shown::shortened};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// A JSON body, without fields that nobody knows. `T` denies unknown fields.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = bytes(request.into_body()).await?;
        parse(&bytes).map(Self)
    }
}

/// Like [`Json`], where an empty body says nothing.
pub(super) struct MaybeJson<T>(pub(super) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = bytes(request.into_body()).await?;
        if bytes.is_empty() { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

/// The land that the path names, as it stands there.
pub(super) struct Land(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Land {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error: PathRejection| Problem::field("landId", error.body_text()))?;
        Ok(Self(text))
    }
}

async fn bytes(body: Body) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, LARGEST)).await;
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_large(&error) => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            format!("the body is larger than {LARGEST} bytes"),
        )),
        Ok(Err(_)) => Err(Problem::field("body", "broke off; send it again")),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "DEADLINE_EXCEEDED",
            "the body did not arrive within 5 s",
        )
        .retry_after(Duration::from_secs(1))),
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    use std::error::Error as _;
    // axum says so only in the source of its error.
    error.source().is_some_and(|source| source.to_string().contains("length limit"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde would take a list for an object, its items for the fields in their order.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Problem::field("body", "is no JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let message = shortened(&error.inner().to_string());
        if error.inner().is_data() {
            Problem::field(field(&error.path().to_string(), &message), message)
        } else {
            Problem::field("body", format!("is no JSON: {message}"))
        }
    })?;
    json.end().map_err(|error| Problem::field("body", format!("has something behind its JSON: {error}")))?;
    Ok(value)
}

/// The field that an error is about. A field that isn't there has no path; serde names it in its message.
fn field(path: &str, message: &str) -> String {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    match (path, missing) {
        (".", Some((name, _))) => name.to_owned(),
        (".", None) => "body".to_owned(),
        ("", _) => "\"\"".to_owned(),
        (path, Some((name, _))) => format!("{}.{name}", shortened(path)),
        (path, None) => shortened(path),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    #[test]
    fn names_that_a_caller_made_up_are_shown_shortly_and_not_as_nothing() {
        let field = |name: &str| {
            let object: Map<String, Value> = [(name.to_owned(), Value::Null)].into_iter().collect();
            let problem = parse::<Nothing>(Value::Object(object).to_string().as_bytes()).unwrap_err();
            serde_json::to_value(&problem).unwrap()
        };
        assert_eq!(field("")["errors"][0]["field"], "\"\"");
        assert_eq!(field("more")["errors"][0]["field"], "more");
        let long = field(&"x".repeat(10_000)).to_string();
        assert!(long.len() < 2_000, "{} bytes", long.len());
    }
}
