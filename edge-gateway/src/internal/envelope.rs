//! The envelope of the internal listener's answers.

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use proto::error::Refusal;
use serde::Serialize;

use crate::problem::{Code, Problem, retry_after};

#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
}

#[derive(Serialize)]
struct ErrorBody {
    code: &'static str,
    message: String,
    retryable: bool,
}

/// `{"success":true,"result":…}`
pub(super) struct Success<T>(pub(super) T);

/// `{"success":false,"error":{…}}`, with the status that the table of problems gives the code.
pub(super) struct Failure {
    code: Code,
    refusal: Refusal,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Problem::from(refusal).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let (code, refusal) = problem.into_parts();
        Self { code, refusal }
    }
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        Json(Envelope { success: true, result: Some(self.0), error: None }).into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = ErrorBody {
            code: self.code.name(),
            message: message(&self.refusal),
            retryable: self.code.retryable(),
        };
        let body = Envelope { success: false, result: None::<()>, error: Some(error) };
        let mut response = (self.code.row().status, Json(body)).into_response();
        if let Some(wait) = retry_after(&self.refusal) {
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

/// The envelope has no list of fields, so its message names them.
fn message(refusal: &Refusal) -> String {
    if refusal.fields.is_empty() {
        return refusal.message.clone();
    }
    let fields = refusal.fields.iter().take(8).map(|error| format!("{}: {}", error.field, error.message));
    fields.collect::<Vec<_>>().join("; ")
}
