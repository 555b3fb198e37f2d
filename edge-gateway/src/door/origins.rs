//! Which pages may use the gateway from a browser: those of its own origin, and those that the operator lists.
//!
//! A browser says which page sends a request or opens a socket, and a page can't change that. Programs that are no browsers
//! send no `Origin`, and are not meant here. No answer ever allows credentials: the gateway knows no cookies, so a page that
//! is not let in finds nothing of its reader's to use.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use proto::error::{Reason, Refusal};

use super::turn_away;
use crate::{app::App, config::Config, http::RequestId};

/// How long a browser may remember what a preflight was told, in seconds.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("600");

/// The origins whose pages are let in.
pub(crate) struct Origins {
    listed: Vec<String>,
    any: bool,
    /// In development, whatever this machine serves.
    this_machine: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// No browser, or a page of this gateway.
    Own,
    /// A page that is let in from elsewhere.
    Other(HeaderValue),
    Refused,
}

impl Origins {
    /// As configured.
    pub(crate) fn new(config: &Config) -> Self {
        let listed: Vec<_> =
            config.limits.allowed_origins.iter().map(|origin| origin.to_ascii_lowercase()).collect();
        Self {
            any: listed.iter().any(|origin| origin == "*"),
            listed,
            this_machine: config.allow_client_player_id && config.client_addr.ip().is_loopback(),
        }
    }

    fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Verdict {
        let mut given = headers.get_all(header::ORIGIN).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return if headers.contains_key(header::ORIGIN) { Verdict::Refused } else { Verdict::Own };
        };
        let Some(origin) = value.to_str().ok().map(str::to_ascii_lowercase) else {
            return Verdict::Refused;
        };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
        if host.is_some_and(|host| is_same(&origin, &host.to_ascii_lowercase())) {
            return Verdict::Own;
        }
        if self.any || self.listed.contains(&origin) || self.this_machine && is_this_machine(&origin) {
            return Verdict::Other(value.clone());
        }
        Verdict::Refused
    }
}

/// Whether a page of `origin` came from `host`. The scheme is not compared: what is TLS for the browser is often none here.
fn is_same(origin: &str, host: &str) -> bool {
    let (authority, port) = match origin.split_once("://") {
        Some(("https", authority)) => (authority, ":443"),
        Some(("http", authority)) => (authority, ":80"),
        _ => return false,
    };
    authority.trim_end_matches(port) == host.trim_end_matches(port)
}

fn is_this_machine(origin: &str) -> bool {
    let Some(Ok(uri)) = origin.starts_with("http").then(|| origin.parse::<Uri>()) else { return false };
    let Some(host) = uri.host() else { return false };
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// The middleware that turns other pages away, and tells browsers which are let in.
pub(crate) async fn origins(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match app.door.origins.judge(request.uri(), request.headers()) {
        Verdict::Own => next.run(request).await,
        Verdict::Refused => {
            let message =
                "pages of this origin may not use this gateway; its operator can list it (allowed_origins)";
            turn_away(Refusal::new(Reason::Forbidden, message).into())
        }
        Verdict::Other(origin) => {
            let mut response = if is_preflight(&request) { preflight() } else { next.run(request).await };
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let readable = HeaderValue::from_static("x-request-id, retry-after");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
            response
        }
    };
    // Whoever caches an answer for one page must not hand it to another.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type, x-request-id"),
        ),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S),
    ];
    (StatusCode::NO_CONTENT, HEADERS).into_response()
}

/// Whether a request can't be a page's: the internal listener takes no others.
pub(crate) fn only_without_origin(headers: &HeaderMap, id: &RequestId) -> Result<(), Refusal> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    tracing::warn!(request_id = id.as_str(), "a page in a browser tried to reach the internal listener");
    Err(Refusal::new(Reason::Forbidden, "this address is for game servers, not for pages in browsers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(flags: &[&str], host: &str, origins: &[&str]) -> Verdict {
        let config: Config = runtime::config::defaults(flags);
        let mut headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        Origins::new(&config).judge(&Uri::from_static("/realtime"), &headers)
    }

    #[test]
    fn a_gateways_own_pages_and_no_browsers_are_let_in() {
        let strict = |host: &str, origins: &[&str]| judge(&[], host, origins);
        for (host, origin) in [
            ("gw.example", "https://gw.example"),
            ("GW.example:443", "https://gw.example"),
            ("gw.example:3000", "http://gw.example:3000"),
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ] {
            assert_eq!(strict(host, &[origin]), Verdict::Own, "{origin}");
        }
        assert_eq!(strict("gw.example", &[]), Verdict::Own);
        for origins in [
            &["https://evil.example"][..],
            &["https://gw.example.evil.example"],
            &["https://gw.example:8443"],
            &["null"],
            &[""],
            &["http://localhost:5173"],
            &["https://gw.example", "https://evil.example"],
        ] {
            assert_eq!(strict("gw.example", origins), Verdict::Refused, "{origins:?}");
        }
    }

    #[test]
    fn listed_origins_are_let_in_exactly() {
        let flags = ["--allowed-origins", "https://game.example,capacitor://localhost"];
        let judge = |origin: &str| judge(&flags, "gw.example", &[origin]);
        assert!(matches!(judge("https://game.example"), Verdict::Other(_)));
        assert!(matches!(judge("capacitor://localhost"), Verdict::Other(_)));
        for other in ["http://game.example", "https://game.example:1", "https://x.game.example", "null"] {
            assert_eq!(judge(other), Verdict::Refused, "{other}");
        }
    }

    #[test]
    fn in_development_pages_of_this_machine_are_let_in() {
        let dev = |origin: &str| judge(&["--allow-client-player-id"], "127.0.0.1:3000", &[origin]);
        for origin in ["http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert!(matches!(dev(origin), Verdict::Other(_)), "{origin}");
        }
        for origin in ["http://localhost.evil.example", "http://10.0.0.1", "null"] {
            assert_eq!(dev(origin), Verdict::Refused, "{origin}");
        }
    }
}
