//! An operator's side of the control plane: calls over gRPC, each with a deadline.

use std::{fmt, future::Future, time::Duration};

use anyhow::{Context as _, anyhow};
use proto::{error::Refusal, matchmaking::v1::matchmaking_client::MatchmakingClient};
use runtime::{
    control_plane::{self, Credentials, Way},
    endpoints::{self, Endpoints},
};
use tokio::time::timeout;
use tonic::{Response, Status};

/// How long a call may take, with the connection before it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long one address may take to be connected, where there are others.
const CONNECT: Duration = Duration::from_secs(5);

/// The calls.
pub(crate) type Calls = MatchmakingClient<control_plane::Calls>;

/// What a control plane said no to, in its own words.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Refusal);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.reason.name(), self.0.message)
    }
}

impl std::error::Error for Refused {}

/// Where the control plane is, and who asks.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ControlPlane {
    /// The control plane's gRPC address.
    #[arg(
        long = "control-plane",
        env = "CONTROL_PLANE_URL",
        default_value = "http://127.0.0.1:3001",
        value_name = "URL"
    )]
    url: String,
    #[command(flatten)]
    credentials: Credentials,
}

impl ControlPlane {
    /// Makes one call. Fails with the refusal's own words, or where nobody answers.
    pub(crate) async fn ask<A, F>(&self, call: impl FnOnce(Calls) -> F) -> anyhow::Result<A>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        self.ask_by(|calls| call(MatchmakingClient::new(calls))).await
    }

    /// The same for any of the services: `call` makes its client.
    pub(crate) async fn ask_by<A, F>(&self, call: impl FnOnce(control_plane::Calls) -> F) -> anyhow::Result<A>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let targets = endpoints::parse("control_plane", std::slice::from_ref(&self.url))?;
        let (endpoints, way) =
            (Endpoints::new(targets, PATIENCE, endpoints::system_resolver()), self.credentials.open()?);
        let asked = async {
            let calls = connect(&endpoints, &way).await;
            let calls = calls.with_context(|| format!("no control plane answers at {}", self.url))?;
            call(calls).await.map_err(|status| anyhow!(Refused(Refusal::from_status(&status))))
        };
        let answer = timeout(PATIENCE, asked).await;
        Ok(answer.with_context(|| format!("{} did not answer within {PATIENCE:?}", self.url))??.into_inner())
    }
}

/// To the first address that can be connected.
async fn connect(endpoints: &Endpoints, way: &Way) -> anyhow::Result<control_plane::Calls> {
    let mut failed = anyhow!("the name has no address");
    for endpoint in endpoints.resolved().await.iter() {
        match way.connect(endpoint, CONNECT, |transport| transport).await {
            Ok(calls) => return Ok(calls),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
