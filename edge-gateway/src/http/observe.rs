//! What is done for every request, whatever its path: it gets its id, it is counted, and it is timed.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use metrics::{counter, histogram};

use super::RequestId;

/// The middleware around all routes and around the answer to no route.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    // The pattern, not the path: a label for each ticket would fill the memory of whoever stores the metrics.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    response.headers_mut().insert(RequestId::HEADER, id.header_value());
    let status = response.status().as_u16();
    tracing::debug!(request_id = id.as_str(), route, status, "answered");
    counter!("gateway_requests_total", "route" => route.clone(), "status" => status.to_string()).increment(1);
    histogram!("gateway_request_seconds", "route" => route).record(started.elapsed().as_secs_f64());
    response
}
