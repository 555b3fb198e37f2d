//! Whether the control plane can be reached and says that it serves.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{Pool, replica::Replica, shared::SharedAnswer};

/// How long the control plane may take to say that it is well.
const TIMEOUT: Duration = Duration::from_secs(1);

/// For how long an answer is good: however many probes there are, the control plane hears few of them.
const MAX_AGE: Duration = Duration::from_millis(250);

/// The answer to "how is the control plane", the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    pool: Pool,
    answer: SharedAnswer<Health>,
}

impl HealthCheck {
    /// Asks the replicas of `pool`.
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool, answer: SharedAnswer::new(TIMEOUT + MAX_AGE) }
    }

    /// How the best replica is, or was a moment ago.
    pub(crate) async fn get(&self) -> Health {
        let replicas = self.pool.replicas();
        self.answer.get(|_, age| age < MAX_AGE, move || ask_all(replicas)).await
    }
}

/// All at the same time; the first that serves is enough.
async fn ask_all(replicas: Arc<[Arc<Replica>]>) -> Health {
    let mut answers: FuturesUnordered<_> = replicas.iter().map(|replica| ask(replica)).collect();
    let mut best = Health::Unreachable;
    while let Some(health) = answers.next().await {
        best = best.min(health);
        if best == Health::Serving {
            break;
        }
    }
    best
}

/// How one replica is.
pub(super) async fn ask(replica: &Replica) -> Health {
    tokio::time::timeout(TIMEOUT, ask_in_time(replica)).await.unwrap_or(Health::Unreachable)
}

async fn ask_in_time(replica: &Replica) -> Health {
    let addr = replica.endpoint().addr;
    let connection = match replica.connection().await {
        Ok(connection) => connection,
        Err(why) => {
            tracing::debug!(%addr, %why, "a control plane can't be connected");
            return Health::Unreachable;
        }
    };
    let mut client = HealthClient::new(connection.channel());
    match tokio::time::timeout(TIMEOUT, client.check(HealthCheckRequest::default())).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Health::Serving,
        Ok(Ok(_)) => Health::NotServing,
        Ok(Err(status)) => {
            tracing::debug!(%addr, %status, "a control plane's health is unknown");
            connection.give_up();
            Health::Unreachable
        }
        Err(_) => {
            connection.give_up();
            Health::Unreachable
        }
    }
}
