//! Where a request carries what its sender proves themselves with.
//!
//! `Authorization: Bearer …`; and in the handshake of a WebSocket, where a browser can't set that header, a subprotocol
//! `bearer.…` beside our own `muster.v1`. Never the query: addresses are written into everybody's logs.

use axum::http::{HeaderMap, HeaderValue, header};

use super::Secret;

/// The subprotocol that a browser must offer beside its token: it wants one of those that it offered to be chosen.
pub(crate) const SUBPROTOCOL: &str = "muster.v1";

/// What comes before the token in its own subprotocol.
const BEARER_SUBPROTOCOL: &str = "bearer.";

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Nothing that concerns us.
    None,
    /// A token or a key.
    Bearer(Secret),
    /// Several, or something that can't be read.
    Unreadable,
}

impl Credentials {
    /// Of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::None,
            (Some(value), None) => Self::of_authorization(value),
            (Some(_), Some(_)) => Self::Unreadable,
        }
    }

    /// Of a WebSocket's handshake.
    pub(crate) fn of_handshake(headers: &HeaderMap) -> Self {
        let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let offered = offered.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let mut tokens =
            offered.filter_map(|one| one.trim_ascii().strip_prefix(BEARER_SUBPROTOCOL.as_bytes()));
        match (Self::of(headers), tokens.next(), tokens.next()) {
            (in_header, None, _) => in_header,
            (Self::None, Some(token), None) => Self::of_bytes(token),
            _ => Self::Unreadable,
        }
    }

    fn of_authorization(value: &HeaderValue) -> Self {
        let value = value.as_bytes();
        let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, rest) = value.split_at(end);
        if scheme.eq_ignore_ascii_case(b"bearer") {
            Self::of_bytes(rest.trim_ascii())
        } else {
            // A proxy's own `Basic`, for example.
            Self::None
        }
    }

    /// What RFC 6750 allows in a bearer's token is visible ASCII.
    fn of_bytes(token: &[u8]) -> Self {
        match std::str::from_utf8(token) {
            Ok(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Self::Bearer(Secret::new(text))
            }
            _ => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(all: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(name.clone(), value.parse().unwrap());
        }
        headers
    }

    fn bearer(token: &str) -> Credentials {
        Credentials::Bearer(Secret::new(token))
    }

    #[test]
    fn a_bearer_is_read_and_other_schemes_are_not_ours() {
        let of = |values: &[&str]| {
            let all: Vec<_> = values.iter().map(|value| (header::AUTHORIZATION, *value)).collect();
            Credentials::of(&headers(&all))
        };
        assert_eq!(of(&[]), Credentials::None);
        assert_eq!(of(&["Bearer a.b.c"]), bearer("a.b.c"));
        assert_eq!(of(&["bearer  a.b.c"]), bearer("a.b.c"));
        assert_eq!(of(&["Basic dXNlcjpwYXNz"]), Credentials::None);
        for bad in [&["Bearer"][..], &["Bearer "], &["Bearer a b"], &["Bearer a", "Bearer b"]] {
            assert_eq!(of(bad), Credentials::Unreadable, "{bad:?}");
        }
    }

    #[test]
    fn a_handshake_has_a_header_or_a_subprotocol_and_not_both() {
        let protocols = |value| (header::SEC_WEBSOCKET_PROTOCOL, value);
        let of = |all: &[(HeaderName, &str)]| Credentials::of_handshake(&headers(all));
        assert_eq!(of(&[protocols("muster.v1, bearer.a.b.c")]), bearer("a.b.c"));
        assert_eq!(of(&[protocols("muster.v1"), protocols("bearer.a.b.c")]), bearer("a.b.c"));
        assert_eq!(of(&[protocols("muster.v1")]), Credentials::None);
        assert_eq!(of(&[(header::AUTHORIZATION, "Bearer x")]), bearer("x"));
        for bad in [
            &[protocols("bearer.")][..],
            &[protocols("bearer.a, bearer.b")],
            &[protocols("bearer.a"), (header::AUTHORIZATION, "Bearer a")],
        ] {
            assert_eq!(of(bad), Credentials::Unreadable, "{bad:?}");
        }
    }
}
