//! Keeps out whoever is on this machine only by a trick, and counts everyone.
//!
//! A web page in a browser on this machine can make requests to the loopback. Where it does so openly, the browser adds
//! `Origin`; where it hides behind a name of its own that resolves to the loopback, `Host` holds that name. A game server does
//! neither.

use std::net::IpAddr;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::problem::Problem;

/// Lets a request pass, or answers 403; and counts it by its route and its answer.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let response = match refusal(request.uri(), request.headers()) {
        None => next.run(request).await,
        Some(detail) => {
            tracing::warn!(%route, detail, "a local request was refused");
            Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail).into_response()
        }
    };
    let status = response.status().as_u16().to_string();
    metrics::counter!("agent_local_requests_total", "route" => route, "status" => status).increment(1);
    response
}

fn refusal(uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    if headers.contains_key(header::ORIGIN) {
        return Some(
            "requests with an Origin header are refused: this API is for the game server, not for browsers",
        );
    }
    let mut hosts = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or_default());
    let named = uri.authority().map(Authority::as_str);
    let mut all = named.into_iter().chain(&mut hosts).peekable();
    let loopback = all.peek().is_some() && all.all(is_loopback);
    (!loopback).then_some("the Host header must name the loopback: localhost, 127.0.0.1 or [::1]")
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    if host.contains('@') {
        return false;
    }
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_by_its_own_names_passes() {
        for good in ["localhost", "LOCALHOST:9358", "127.0.0.1:1", "127.0.0.1", "[::1]:9358", "[::1]"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.168.1.1",
            "x@localhost",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
        assert!(refusal(&Uri::from_static("/"), &HeaderMap::new()).is_some(), "no Host at all");
    }
}
