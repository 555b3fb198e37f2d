//! One of each program and two game servers, each at the end of a proxy.

use std::{net::SocketAddr, time::Duration};

use runtime::Tasks;
use tempfile::TempDir;
use tests::{Program, Proxy, Servers, free_port};
use tokio_util::sync::CancellationToken;

/// How long the gateway may take for a request.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) struct Installation {
    _dir: TempDir,
    control_plane: Program,
    gateway: Program,
    /// Each game server and its agent.
    game_servers: Vec<(Program, Program)>,
    tasks: Tasks,
    pub(crate) servers: Servers,
    /// Where clients connect: behind the proxy.
    pub(crate) url: String,
    /// The gateway itself.
    pub(crate) direct: String,
    pub(crate) to_clients: Proxy,
    pub(crate) to_control_plane: Proxy,
    pub(crate) to_agents: Vec<Proxy>,
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

impl Installation {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::new(CancellationToken::new());
        let proxy =
            async |target: &str| Proxy::start(target.parse::<SocketAddr>().unwrap(), &tasks).await.unwrap();
        let control_plane = words(&format!(
            "--grpc-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --keys-dir {0}/keys --state-dir {0}/state \
             --heartbeat-interval 200ms --heartbeat-expiry 1500ms --land-answer-timeout 1s",
            dir.path().display()
        ));
        let control_plane = Program::start("control-plane", &control_plane);
        let grpc = control_plane.logged("addr").await;
        let to_control_plane = proxy(&grpc).await;
        let gateway = words(&format!(
            "--client-addr 127.0.0.1:0 --internal-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --allow-client-player-id \
             --control-plane http://127.0.0.1:{} --request-timeout {}s --connect-timeout 1s",
            to_control_plane.port,
            REQUEST_TIMEOUT.as_secs()
        ));
        let gateway = Program::start("edge-gateway", &gateway);
        let clients = gateway.logged("clients").await;
        let to_clients = proxy(&clients).await;
        let (mut game_servers, mut to_agents) = (Vec::new(), Vec::new());
        for number in 1..=2 {
            let http = free_port();
            let to_agent = proxy(&grpc).await;
            let game = words(&format!(
                "demo-server --addr 127.0.0.1:0 --land-type demo --agent http://127.0.0.1:{http} --max-lands 10000"
            ));
            let game = Program::start("muster", &game);
            let addr = game.logged("addr").await;
            let agent = words(&format!(
                "--server-id game-{number} --land-type demo --port {} --capacity 10000 --http-addr 127.0.0.1:{http} \
                 --metrics-addr 127.0.0.1:0 --drain-timeout 0s --control-plane http://127.0.0.1:{}",
                addr.rsplit(':').next().unwrap(),
                to_agent.port
            ));
            game_servers.push((game, Program::start("provisioning-agent", &agent)));
            to_agents.push(to_agent);
        }
        let servers = Servers::of(format!("http://{grpc}"));
        servers.ready(2).await;
        Self {
            _dir: dir,
            control_plane,
            gateway,
            game_servers,
            url: format!("http://127.0.0.1:{}", to_clients.port),
            direct: format!("http://{clients}"),
            tasks,
            servers,
            to_clients,
            to_control_plane,
            to_agents,
        }
    }

    /// Ends everything; each program must end well.
    pub(crate) async fn stop(self) {
        self.gateway.stop().await;
        for (game_server, agent) in self.game_servers {
            agent.stop().await;
            game_server.stop().await;
        }
        self.control_plane.stop().await;
        self.tasks.stopping().cancel();
    }
}
