//! Whether the control plane can be reached and says that it serves clients.
//!
//! A replica may be well and not be for clients: one that only forms matches (`queue-worker`) is known by the same name in many
//! deployments. So the question is for the service that clients need, and only where that doesn't serve, for the whole.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use proto::matchmaking::v1::matchmaking_server;
use runtime::control_plane::Calls;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{Pool, replica::Replica, shared::SharedAnswer};

/// What clients need.
const SERVICE: &str = matchmaking_server::SERVICE_NAME;

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
    /// It is well, and serves no clients: it has another role.
    OtherRole,
    /// It doesn't answer.
    Unreachable,
}

impl Health {
    /// For people; no address in it.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Serving => None,
            Self::NotServing => Some("the control plane is not ready"),
            Self::OtherRole => Some("no control plane that serves clients is known"),
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
    match is_well(connection.channel()).await {
        Ok(health) => health,
        Err(status) => {
            tracing::debug!(%addr, %status, "a control plane's health is unknown");
            connection.give_up();
            Health::Unreachable
        }
    }
}

async fn is_well(channel: Calls) -> Result<Health, Status> {
    let mut client = HealthClient::new(channel);
    Ok(match serves(&mut client, SERVICE).await? {
        true => Health::Serving,
        false if serves(&mut client, "").await? => Health::OtherRole,
        false => Health::NotServing,
    })
}

/// `service` empty: the whole program. What isn't known isn't served.
async fn serves(client: &mut HealthClient<Calls>, service: &str) -> Result<bool, Status> {
    let question = client.check(HealthCheckRequest { service: service.to_owned() });
    match tokio::time::timeout(TIMEOUT, question).await {
        Ok(Ok(answer)) => Ok(answer.get_ref().status() == ServingStatus::Serving),
        Ok(Err(status)) if status.code() == Code::NotFound => Ok(false),
        Ok(Err(status)) => Err(status),
        Err(_) => Err(Status::deadline_exceeded("no answer in time")),
    }
}
