//! Part of the fuzz targets: see [`crate::fuzz`].

use axum::{body::to_bytes, response::IntoResponse as _};
use futures_util::FutureExt as _;
use proto::error::Refusal;

use super::envelope::Failure;

/// The bytes of the answer that a game server's refused call gets.
pub(crate) fn internal_answer(refusal: Refusal) -> Vec<u8> {
    let body = to_bytes(Failure::from(refusal).into_response().into_body(), usize::MAX).now_or_never();
    body.expect("it is there at once").expect("it is in memory").into()
}
