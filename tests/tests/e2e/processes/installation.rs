//! All programs on one machine, as real processes.

use tempfile::TempDir;
use tests::{Client, Program, Servers, free_port};

/// One of each, and a game server.
pub(super) struct Installation {
    _keys: TempDir,
    control_plane_args: Vec<String>,
    pub(super) control_plane: Program,
    pub(super) gateway: Program,
    pub(super) game_server: Program,
    agent_args: Vec<String>,
    pub(super) agent: Program,
    pub(super) client: Client,
    pub(super) servers: Servers,
}

/// Arguments, from a line of words.
pub(super) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

impl Installation {
    /// Starts everything, and returns when the game server takes lands.
    pub(super) async fn start() -> Self {
        let keys = tempfile::tempdir().unwrap();
        // These two come back on the same port; the others take any.
        let (grpc, agent_http) = (free_port(), free_port());
        let control_plane_args = words(&format!(
            "--grpc-addr 127.0.0.1:{grpc} --metrics-addr 127.0.0.1:0 --keys-dir {} --state-dir {} --heartbeat-interval 200ms \
             --heartbeat-expiry 3s",
            keys.path().join("keys").display(),
            keys.path().join("state").display()
        ));
        let control_plane = Program::start("control-plane", &control_plane_args);
        let url = format!("http://{}", control_plane.logged("addr").await);
        let gateway = words(&format!(
            "--client-addr 127.0.0.1:0 --internal-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --control-plane {url} \
             --allow-client-player-id"
        ));
        let gateway = Program::start("edge-gateway", &gateway);
        let game_server = words(&format!(
            "demo-server --addr 127.0.0.1:0 --land-type demo --agent http://127.0.0.1:{agent_http}"
        ));
        let game_server = Program::start("muster", &game_server);
        let addr = game_server.logged("addr").await;
        let agent_args = words(&format!(
            "--server-id game-1 --land-type demo --port {} --http-addr 127.0.0.1:{agent_http} --metrics-addr \
             127.0.0.1:0 --drain-timeout 2s --control-plane {url}",
            addr.rsplit(':').next().unwrap()
        ));
        let agent = Program::start("provisioning-agent", &agent_args);
        let client = Client::new(format!("http://{}", gateway.logged("clients").await));
        let servers = Servers::of(url);
        servers.ready(1).await;
        Self {
            _keys: keys,
            control_plane_args,
            control_plane,
            gateway,
            game_server,
            agent_args,
            agent,
            client,
            servers,
        }
    }

    /// Starts the agent again, as it was.
    pub(super) fn restart_agent(&mut self) {
        self.agent = Program::start("provisioning-agent", &self.agent_args);
    }

    /// Starts the control plane again, as it was.
    pub(super) async fn restart_control_plane(&mut self) {
        self.control_plane = Program::start("control-plane", &self.control_plane_args);
        self.control_plane.logged("addr").await;
    }
}
