//! The game servers, as a control plane knows them.

use proto::provisioning::v1::{
    ListServersRequest, Server, ServerState, provisioning_client::ProvisioningClient,
};
use tonic::transport::Endpoint;

use crate::eventually;

/// Asks one control plane for its servers.
#[derive(Debug, Clone)]
pub struct Servers {
    control_plane: String,
}

impl Servers {
    /// `control_plane` for example `http://127.0.0.1:3001`.
    pub fn of(control_plane: impl Into<String>) -> Self {
        Self { control_plane: control_plane.into() }
    }

    /// All of them; `None` where the control plane can't be asked.
    pub async fn list(&self) -> Option<Vec<Server>> {
        let channel = Endpoint::from_shared(self.control_plane.clone()).unwrap().connect().await.ok()?;
        let listed = ProvisioningClient::new(channel).list_servers(ListServersRequest::default()).await;
        Some(listed.ok()?.into_inner().servers)
    }

    /// Waits until this many take lands.
    pub async fn ready(&self, count: usize) {
        eventually("servers to be ready", async || {
            let servers = self.list().await?;
            let ready = servers.iter().filter(|server| server.state() == ServerState::Ready).count();
            (ready == count).then_some(())
        })
        .await;
    }

    /// Waits until a server has this state; `None`: until it is not listed.
    pub async fn state(&self, server_id: &str, wanted: Option<ServerState>) {
        eventually(&format!("{server_id} to be {wanted:?}"), async || {
            let servers = self.list().await?;
            let found = servers.iter().find(|server| server.server_id == server_id);
            (found.map(Server::state) == wanted).then_some(())
        })
        .await;
    }
}
