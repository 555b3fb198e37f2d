//! Whether the control plane can be reached and says that it serves.

use std::time::Duration;

use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::shared::SharedAnswer;

/// How long the control plane may take to say that it is well.
const TIMEOUT: Duration = Duration::from_secs(1);

/// For how long an answer is good: however many probes there are, the control plane hears few of them.
const MAX_AGE: Duration = Duration::from_millis(250);

/// The answer to "how is the control plane".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It serves.
    Serving,
    /// It answers, and says that it doesn't serve.
    NotServing,
    /// It doesn't answer.
    Unreachable,
}

impl Health {
    /// For people; no address in it.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Serving => None,
            Self::NotServing => Some("the control plane is not ready"),
            Self::Unreachable => Some("the control plane can't be reached"),
        }
    }
}

/// Asks the control plane how it is, at most a few times a second.
#[derive(Clone)]
pub(crate) struct HealthCheck {
    channel: Channel,
    answer: SharedAnswer<Health>,
}

impl HealthCheck {
    /// Asks over `channel`.
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, answer: SharedAnswer::new(TIMEOUT + MAX_AGE) }
    }

    /// How the control plane is, or was a moment ago.
    pub(crate) async fn get(&self) -> Health {
        let channel = self.channel.clone();
        self.answer.get(|_, age| age < MAX_AGE, move || check(channel)).await
    }
}

async fn check(channel: Channel) -> Health {
    let mut client = HealthClient::new(channel);
    let asked = client.check(HealthCheckRequest::default());
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Health::Serving,
        Ok(Ok(_)) => Health::NotServing,
        Ok(Err(status)) => {
            tracing::debug!(%status, "the control plane's health is unknown");
            Health::Unreachable
        }
        Err(_) => Health::Unreachable,
    }
}
