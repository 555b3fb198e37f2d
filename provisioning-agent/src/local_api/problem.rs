//! Errors as RFC 9457 has them: `application/problem+json`, with a code for programs and a sentence for people.

use std::time::Duration;

use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    game_api::{Code, Refused},
    shown::shortened,
};

/// A refused request.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
    code: &'static str,
    retryable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// One field that can't be taken.
#[derive(Debug, Serialize)]
struct FieldError {
    field: String,
    message: String,
}

impl FieldError {
    fn new(field: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            // There is no page to read about it; `code` tells problems apart.
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code,
            retryable: false,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// A request with fields that can't be taken.
    fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            many => format!("{} fields can't be taken", many.len()),
        };
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", detail) }
    }

    /// A request with one such field.
    pub(super) fn field(field: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// The same may work after `wait`.
    pub(super) fn retry_after(mut self, wait: Duration) -> Self {
        self.retryable = true;
        self.retry_after = Some(wait);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused.code {
            Code::InvalidRequest => StatusCode::BAD_REQUEST,
            Code::LandNotFound => StatusCode::NOT_FOUND,
            Code::LandAlreadyReady | Code::TokenAlreadyRedeemed => StatusCode::CONFLICT,
            Code::TokenInvalid => StatusCode::FORBIDDEN,
            Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        if !refused.fields.is_empty() {
            let fields = refused.fields.into_iter();
            return Self::invalid(
                fields.map(|field| FieldError::new(in_json(&field.field), field.message)).collect(),
            );
        }
        let problem = Self::new(status, refused.code.name(), refused.detail);
        match refused.retry_after {
            Some(wait) => problem.retry_after(wait),
            None => problem,
        }
    }
}

/// The field's name as JSON has it: `lands[0].land_id` is `lands[0].landId`.
fn in_json(field: &str) -> String {
    let mut words = field.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// What is asked for isn't here.
pub(super) async fn no_such_path(uri: Uri) -> Problem {
    let detail = format!(
        "there is no {}; GET /v1/status and POST /v1/ready are where a game server begins",
        shortened(uri.path())
    );
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
}

/// It is here, but not for this method.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let (path, method) = (shortened(uri.path()), shortened(method.as_str()));
    let detail = format!("{path} can't be called with {method}; the Allow header names what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
