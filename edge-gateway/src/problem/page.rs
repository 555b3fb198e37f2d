//! `GET /problems/{name}`: what a problem's `type` points at.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};

use super::{Code, Problem};

/// Explains one code in plain text.
pub(crate) async fn explain(uri: Uri, name: Result<Path<String>, PathRejection>) -> Response {
    let path = name.map(|Path(name)| format!("/problems/{name}")).ok();
    let code = Code::all().find(|code| path.as_deref() == Some(code.type_uri().as_str()));
    let Some(code) = code else {
        return Problem::route_not_found(&uri).into_response();
    };
    let row = code.row();
    let retry = if code.retryable() {
        "The same request may succeed later."
    } else {
        "The same request will fail again."
    };
    let text =
        format!("{}\n\ncode: {}\nstatus: {}\n\n{} {retry}\n", row.title, code.name(), row.status, row.advice);
    let head = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::OK, head, text).into_response()
}
