//! The id that ties a client's request to the calls made for it and to the lines about it in the log.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
};
use tonic::metadata::AsciiMetadataValue;
use uuid::Uuid;

/// 1 to 128 visible ASCII characters. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    /// The header and the gRPC metadata that carry it.
    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// The client's own where it is sane, else a new one: it ends up in logs, so nobody writes lines of theirs with it.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(&Self::HEADER).map(HeaderValue::as_bytes);
        match given.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            Some(text) if is_sane(text) => Self(text.into()),
            _ => Self::new(),
        }
    }

    /// A new one.
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As the value of an HTTP header.
    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("visible ASCII is a header value")
    }

    /// As the value of gRPC metadata.
    pub(crate) fn metadata_value(&self) -> AsciiMetadataValue {
        self.0.parse().expect("visible ASCII is a metadata value")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

fn is_sane(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sane_id_is_taken_over() {
        let of = |value: &[u8]| {
            let value = HeaderValue::from_bytes(value).unwrap();
            RequestId::of(&HeaderMap::from_iter([(RequestId::HEADER, value)]))
        };
        assert_eq!(of(b"abc-1").as_str(), "abc-1");
        for bad in [&b""[..], b"a b", "ü".as_bytes(), b"\xff", &[b'a'; 129]] {
            let id = of(bad);
            assert!(Uuid::parse_str(id.as_str()).is_ok(), "{id:?}");
        }
    }
}
