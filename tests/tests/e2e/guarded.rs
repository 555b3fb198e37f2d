//! Everything encrypted, and everybody known: keys and certificates between all programs, and TLS on every port.

#[path = "../../../control-plane/tests/behaviour/access/authority.rs"]
mod authority;
mod listeners;
mod over_tls;

use std::path::{Path, PathBuf};

use control_plane::{ControlPlane, access::NewKey};
use edge_gateway::EdgeGateway;
use muster::demo_server::{self, DemoServer};
use proto::provisioning::v1::{ListServersRequest, ServerState, provisioning_client::ProvisioningClient};
use provisioning_agent::ProvisioningAgent;
use runtime::{
    control_plane::Credentials,
    endpoints::{self, Endpoints},
};
use serde_json::json;
use tests::eventually;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::{authority::Authority, over_tls::Door};

/// Programs of one installation, with an authority of their own.
struct Installation {
    authority: Authority,
    dir: tempfile::TempDir,
    stop: CancellationToken,
    running: Vec<JoinHandle<anyhow::Result<()>>>,
    control_plane: String,
    operator: NewKey,
    agent: NewKey,
}

impl Installation {
    /// A control plane that serves by TLS and knows a gateway by its certificate, an operator and an agent by their keys.
    async fn start() -> Self {
        let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let ca = authority.write(&dir.path().join("ca.pem"));
        let server = authority.sign(dir.path(), "control-plane", &["127.0.0.1"]);
        let [operator, agent] = [NewKey::make(), NewKey::make()];
        let lines = format!(
            "edge gateway certificate:dns:edge.example\nops operator {}\narena agent {} servers=arena-*\n",
            operator.hash(),
            agent.hash()
        );
        std::fs::write(dir.path().join("access"), lines).unwrap();
        let mut config = control_plane::Config {
            grpc_addr: ([127, 0, 0, 1], 0).into(),
            keys_dir: dir.path().join("keys"),
            state: control_plane::State::Memory,
            ..runtime::config::defaults(&[])
        };
        config.access.access_file = Some(dir.path().join("access"));
        config.access.grpc_tls_certificate = Some(server.certificate);
        config.access.grpc_tls_key = Some(server.key);
        config.access.grpc_tls_client_ca = Some(ca);
        let program = ControlPlane::bind(config, control_plane::Sections::default()).await.unwrap();
        let control_plane = format!("https://{}", program.grpc_addr());
        let stop = CancellationToken::new();
        let running = vec![tokio::spawn(program.run(stop.clone()))];
        Self { authority, dir, stop, running, control_plane, operator, agent }
    }

    fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn by_key(&self, key: &NewKey) -> Credentials {
        Credentials {
            control_plane_key: Some(key.secret().parse().unwrap()),
            control_plane_ca: Some(self.ca()),
            ..Credentials::default()
        }
    }

    /// A gateway by whose two doors only TLS comes in, and by the internal one only who has a certificate.
    async fn gateway(&mut self) -> (Door, Door) {
        let clients = self.authority.sign(self.dir(), "clients", &["127.0.0.1"]);
        let internal = self.authority.sign(self.dir(), "internal", &["127.0.0.1"]);
        let edge = self.authority.sign(self.dir(), "edge", &["edge.example"]);
        let mut config = edge_gateway::Config {
            client_addr: ([127, 0, 0, 1], 0).into(),
            internal_addr: ([127, 0, 0, 1], 0).into(),
            control_plane: vec![self.control_plane.clone()],
            allow_client_player_id: true,
            credentials: edge.credentials(&self.ca()),
            ..runtime::config::defaults(&[])
        };
        config.tls.client_tls_certificate = Some(clients.certificate);
        config.tls.client_tls_key = Some(clients.key);
        config.tls.internal_tls_certificate = Some(internal.certificate);
        config.tls.internal_tls_key = Some(internal.key);
        config.tls.internal_tls_ca = Some(self.ca());
        let gateway = EdgeGateway::bind(config).await.unwrap();
        let doors = (Door::at(gateway.client_addr()), Door::at(gateway.internal_addr()));
        self.running.push(tokio::spawn(gateway.run(self.stop.clone())));
        doors
    }

    /// A demo server with its agent.
    async fn server(&mut self, name: &str) {
        let any = ([127, 0, 0, 1], 0).into();
        let config = demo_server::Config {
            addr: any,
            land_type: vec!["demo".to_owned()],
            ..runtime::config::defaults(&[])
        };
        let server = DemoServer::bind(config).await.unwrap();
        let port = server.addr().unwrap().port().to_string();
        let config = provisioning_agent::Config {
            control_plane: vec![self.control_plane.clone()],
            http_addr: any,
            credentials: self.by_key(&self.agent),
            ..runtime::config::defaults(&["--server-id", name, "--port", &port, "--land-type", "demo"])
        };
        let agent = ProvisioningAgent::bind(config).await.unwrap();
        let server = server.with_agent(format!("http://{}", agent.http_addr()));
        self.running.push(tokio::spawn(server.run(self.stop.clone())));
        self.running.push(tokio::spawn(agent.run(self.stop.clone())));
    }

    /// Waits until the operator sees these servers take lands.
    async fn servers_are(&self, names: &[&str]) {
        let targets = endpoints::parse("control_plane", std::slice::from_ref(&self.control_plane)).unwrap();
        let endpoints = Endpoints::new(targets, tests::PATIENCE, endpoints::system_resolver());
        let way = self.by_key(&self.operator).open().unwrap();
        let calls = way.connect(&endpoints.known()[0], tests::PATIENCE, |transport| transport).await.unwrap();
        eventually(&format!("{names:?} to be ready"), async || {
            let mut client = ProvisioningClient::new(calls.clone());
            let listed = client.list_servers(ListServersRequest::default()).await.unwrap();
            let mut ready: Vec<_> = listed.into_inner().servers;
            ready.retain(|server| server.state() == ServerState::Ready);
            let mut ready: Vec<_> = ready.into_iter().map(|server| server.server_id).collect();
            ready.sort();
            (ready == names).then_some(())
        })
        .await;
    }

    async fn stop(self) {
        self.stop.cancel();
        for running in self.running {
            tokio::time::timeout(tests::PATIENCE, running).await.unwrap().unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_match_is_made_where_everybody_is_known() {
    let mut installation = Installation::start().await;
    let (clients, _) = installation.gateway().await;
    installation.server("arena-1").await;
    installation.servers_are(&["arena-1"]).await;

    let mut socket = clients.socket(&installation.ca(), None).await.unwrap();
    socket.say(&json!({"action": "enqueue", "queueKey": "demo:1", "members": ["ann"]})).await;
    socket.hears("enqueued").await;
    let assigned = socket.hears("match.assigned").await;
    assert_eq!(assigned["data"]["assignment"]["serverId"], "arena-1");
    installation.stop().await;
}

#[tokio::test]
async fn an_agent_with_a_key_for_others_is_refused_in_words() {
    let installation = Installation::start().await;
    let config = provisioning_agent::Config {
        control_plane: vec![installation.control_plane.clone()],
        http_addr: ([127, 0, 0, 1], 0).into(),
        credentials: installation.by_key(&installation.agent),
        ..runtime::config::defaults(&[
            "--server-id",
            "bank-1",
            "--port",
            "1",
            "--land-type",
            "demo",
            "--lands",
            "auto",
        ])
    };
    let agent = ProvisioningAgent::bind(config).await.unwrap();
    let ended = tokio::time::timeout(tests::PATIENCE, agent.run(installation.stop.clone())).await.unwrap();
    let said = ended.unwrap_err().to_string();
    assert!(said.contains("`arena` may not speak for the server `bank-1`"), "{said}");
    installation.stop().await;
}

#[tokio::test]
async fn a_server_without_an_agent_brings_its_own_key() {
    let mut installation = Installation::start().await;
    let (_, internal) = installation.gateway().await;
    let server = installation.authority.sign(installation.dir(), "server", &["server.example"]);
    let body = |id: &str| json!({"serverId": id, "host": "127.0.0.1", "port": 7001, "landType": "demo"});
    let (ca, key) = (installation.ca(), installation.agent.secret());
    let register = async |id: &str, key: Option<&str>| {
        internal.post(&ca, Some(&server), "/v1/provisioning/servers/register", key, &body(id)).await.unwrap()
    };
    for (id, key, expected) in [
        ("arena-rest", Some(key), 200),
        ("bank-1", Some(key), 403),
        ("arena-rest", Some("muster_garbage"), 401),
        ("arena-rest", None, 403),
    ] {
        let (status, said) = register(id, key).await;
        assert_eq!(status, expected, "{id}: {said}");
    }
    installation.servers_are(&["arena-rest"]).await;
    installation.stop().await;
}
