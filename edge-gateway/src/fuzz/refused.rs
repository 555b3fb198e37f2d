//! What holds of every refusal, as a client gets it.

use axum::{body::to_bytes, response::IntoResponse as _};
use futures_util::FutureExt as _;
use proto::error::{Reason, Refusal};
use serde_json::Value;

use crate::{internal::fuzz::internal_answer, problem::Problem, realtime::fuzz::socket_answer};

/// No answer to a request that was refused is longer, in bytes: less than the request may have, many times over.
const LONGEST: usize = 16 * 1024;

/// Checks the refusal of a JSON object, in all the forms in which clients get it.
pub(crate) fn check_refusal(refusal: Refusal) {
    assert_eq!(refusal.reason, Reason::InvalidRequest, "{refusal:?}");
    assert!(!refusal.fields.is_empty(), "it names no field: {refusal:?}");
    for error in &refusal.fields {
        assert!(!error.field.is_empty() && !error.message.is_empty(), "{error:?}");
    }
    let on_a_socket = socket_answer(&refusal);
    assert!(on_a_socket.len() <= LONGEST, "a message of {} bytes", on_a_socket.len());
    let inside = internal_answer(refusal.clone());
    assert!(inside.len() <= LONGEST, "an envelope of {} bytes", inside.len());

    let response = Problem::from(refusal).into_response();
    assert_eq!(response.status(), 400);
    let body = to_bytes(response.into_body(), usize::MAX).now_or_never();
    let body = body.expect("it is there at once").expect("it is in memory");
    assert!(body.len() <= LONGEST, "a problem of {} bytes", body.len());
    let problem: Value = serde_json::from_slice(&body).expect("it is JSON");
    let errors = problem["errors"].as_array().expect("bad fields are listed");
    assert!(errors.iter().all(|error| error["field"].is_string() && error["message"].is_string()));
    assert!(problem["detail"].is_string() && problem["code"] == "INVALID_REQUEST");
}
