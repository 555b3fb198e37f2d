//! An operator's side of the control plane: calls over gRPC, each with a deadline.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, anyhow};
use proto::{error::Refusal, matchmaking::v1::matchmaking_client::MatchmakingClient};
use runtime::{config::Invalid, endpoints};
use tokio::time::timeout;
use tonic::{
    Response, Status,
    transport::{Channel, Endpoint},
};

/// How long a call may take, with the connection before it.
const PATIENCE: Duration = Duration::from_secs(15);

/// The calls.
pub(crate) type Calls = MatchmakingClient<Channel>;

/// Where the control plane is.
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
}

impl ControlPlane {
    /// Makes one call. Fails with the refusal's own words, or where nobody answers.
    pub(crate) async fn ask<A, F>(&self, call: impl FnOnce(Calls) -> F) -> anyhow::Result<A>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let url = [self.url.clone()];
        endpoints::parse("control_plane", &url)?;
        let endpoint = Endpoint::from_shared(self.url.clone())
            .map_err(|error| Invalid::new("control_plane", format!("`{}`: {error}", self.url)))?;
        let asked = async {
            let channel = endpoint.connect().await;
            let channel = channel.with_context(|| format!("no control plane answers at {}", self.url))?;
            let answer = call(MatchmakingClient::new(channel)).await;
            answer.map_err(|status| {
                let refusal = Refusal::from_status(&status);
                anyhow!("{}: {}", refusal.reason.name(), refusal.message)
            })
        };
        let answer = timeout(PATIENCE, asked).await;
        Ok(answer.with_context(|| format!("{} did not answer within {PATIENCE:?}", self.url))??.into_inner())
    }
}
