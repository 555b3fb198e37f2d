//! The program itself, to be killed: its state is in a directory, or in a Redis, that outlives it.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use proto::provisioning::v1::provisioning_client::ProvisioningClient;
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint};

use crate::stack::PATIENCE;

/// A running control plane; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) channel: Channel,
}

impl Process {
    /// Starts it with these settings beside its ports, and waits until it serves.
    pub(crate) async fn start(settings: &[&str]) -> Self {
        // Free a moment ago; nothing else here asks for a port by its number.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(env!("CARGO_BIN_EXE_control-plane"))
            .args(["--grpc-addr", &format!("127.0.0.1:{port}"), "--metrics-addr", "127.0.0.1:0"])
            .args(["--heartbeat-interval", "100ms"])
            .args(settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let channel = loop {
            match endpoint.connect().await {
                Ok(channel) => break channel,
                Err(error) => assert!(Instant::now() < deadline, "it doesn't come up: {error}"),
            }
            sleep(Duration::from_millis(20)).await;
        };
        Self { child, channel }
    }

    pub(crate) fn provisioning(&self) -> ProvisioningClient<Channel> {
        ProvisioningClient::new(self.channel.clone())
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where it was killed already, there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
