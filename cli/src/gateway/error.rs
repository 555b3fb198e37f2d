//! What went wrong between a client and the gateway, with a code to count it by.

use serde_json::Value;
use tokio_tungstenite::tungstenite;

/// An answer that is none, or one that says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct GatewayError {
    /// The gateway's own code (`QUEUE_FULL`), or what happened on the way (`TIMEOUT`, `CONNECT`, `CLOSED_4404`).
    pub code: String,
    /// For people.
    pub detail: String,
    /// The HTTP status, where there was one.
    pub http: Option<u16>,
}

impl GatewayError {
    /// An error that no HTTP answer told.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into(), http: None }
    }

    /// Reads `application/problem+json`; what is none is counted by its status.
    pub(crate) fn from_problem(status: u16, body: &Value) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        Self {
            code: text("code").map_or_else(|| format!("HTTP_{status}"), str::to_owned),
            detail: text("detail").unwrap_or("the answer has no detail").to_owned(),
            http: Some(status),
        }
    }

    /// Reads `{"type":"error",…}` from a socket.
    pub(crate) fn from_message(message: &Value) -> Self {
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        Self::new(text("code").unwrap_or("ERROR"), text("message").unwrap_or("the error has no message"))
    }
}

impl From<reqwest::Error> for GatewayError {
    fn from(error: reqwest::Error) -> Self {
        let code = match () {
            () if error.is_timeout() => "TIMEOUT",
            () if error.is_connect() => "CONNECT",
            () => "TRANSPORT",
        };
        Self::new(code, causes(&error))
    }
}

impl From<tungstenite::Error> for GatewayError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(answer) => {
                let body = answer.body().as_deref().unwrap_or_default();
                Self::from_problem(
                    answer.status().as_u16(),
                    &serde_json::from_slice(body).unwrap_or_default(),
                )
            }
            tungstenite::Error::Io(error) => Self::new("CONNECT", error.to_string()),
            error => Self::new("TRANSPORT", error.to_string()),
        }
    }
}

/// An error with everything that led to it: the last cause is the one that helps.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_problem_is_counted_by_its_code_and_anything_else_by_its_status() {
        let problem = GatewayError::from_problem(429, &json!({"code": "QUEUE_FULL", "detail": "later"}));
        assert_eq!((problem.to_string().as_str(), problem.http), ("QUEUE_FULL: later", Some(429)));
        assert_eq!(GatewayError::from_problem(502, &Value::Null).code, "HTTP_502");
    }
}
