//! Puts the programs of a topology together: ports, directories, arguments.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use runtime::Tasks;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{
    Ground, Kind, Link,
    game_server::LandLog,
    keeper::{Keeper, Spec},
};
use crate::{
    Proxy,
    chaos::{
        history::History,
        topology::{CONFIGURATION, LEASE, Role, State, Topology},
    },
    free_port, program,
};

struct Builder<'a> {
    topology: &'a Topology,
    dir: PathBuf,
    history: &'a Arc<History>,
    tasks: Tasks,
    keepers: Vec<Arc<Keeper>>,
    links: Vec<Arc<Link>>,
}

pub(super) async fn start(
    topology: &Topology,
    dir: PathBuf,
    history: &Arc<History>,
    tasks: Tasks,
) -> anyhow::Result<Ground> {
    std::fs::create_dir_all(dir.join("logs")).context("the directory of the logs")?;
    std::fs::write(dir.join("control-plane.toml"), CONFIGURATION).context("the configuration file")?;
    let mut builder = Builder { topology, dir, history, tasks, keepers: Vec::new(), links: Vec::new() };
    let apis = builder.control_planes().await?;
    let gateways = builder.gateways(&apis).await?;
    let agents = builder.servers(&apis).await?;
    for keeper in &builder.keepers {
        builder.tasks.spawn("keeper", Arc::clone(keeper).keep(builder.tasks.stopping().clone()));
    }
    let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
    let Builder { keepers, links, tasks, .. } = builder;
    Ok(Ground { keepers, links, gateways, agents, http, tasks })
}

impl Builder<'_> {
    /// Redis where there is one, and the control planes; where calls are served.
    async fn control_planes(&mut self) -> anyhow::Result<Vec<(String, u16)>> {
        let redis = match self.topology.state {
            State::Embedded => None,
            State::Redis => Some(self.redis().await?),
        };
        let mut apis = Vec::new();
        let mut counts = std::collections::HashMap::new();
        for role in self.topology.control_planes.clone() {
            let count = counts.entry(role).or_insert(0);
            *count += 1;
            let (name, kind) = match role {
                Role::All => (format!("control-plane-{count}"), Kind::ControlPlane),
                Role::Api => (format!("api-{count}"), Kind::Api),
                Role::QueueWorker => (format!("queue-worker-{count}"), Kind::QueueWorker),
            };
            let port = free_port();
            let state = match redis {
                None => format!("--state embedded --state-dir {}", self.path("state")),
                Some(redis) => {
                    let port = self.link((&name, kind), ("redis", Kind::Redis), redis).await?;
                    format!(
                        "--state redis --redis-url redis://127.0.0.1:{port} --matchmaking-role {}",
                        role.as_str()
                    )
                }
            };
            let lease = humantime(LEASE);
            let (keys, config) = (self.path("keys"), self.path("control-plane.toml"));
            let args = format!(
                "--grpc-addr 127.0.0.1:{port} --metrics-addr 127.0.0.1:0 --keys-dir {keys} --config {config} {state} \
                 --queue-lease {lease} --heartbeat-interval 300ms --heartbeat-expiry 1500ms --land-answer-timeout 1s"
            );
            self.program(&name, kind, "control-plane", &args);
            // One after the other: the first makes the keys that all sign with.
            answers(&name, port).await?;
            if role.serves_calls() {
                apis.push((name, port));
            }
        }
        Ok(apis)
    }

    async fn redis(&mut self) -> anyhow::Result<u16> {
        let port = free_port();
        let dir = self.path("redis");
        std::fs::create_dir_all(&dir).context("the directory of Redis")?;
        let args =
            format!("--bind 127.0.0.1 --port {port} --dir {dir} --appendonly yes --appendfsync always");
        let mut args = words(&args);
        args.extend(["--save", "", "--maxmemory-policy", "noeviction"].map(str::to_owned));
        self.keep("redis", Kind::Redis, "redis-server".into(), args, None);
        answers("redis", port).await?;
        Ok(port)
    }

    async fn gateways(&mut self, apis: &[(String, u16)]) -> anyhow::Result<Vec<String>> {
        let mut urls = Vec::new();
        for number in 1..=self.topology.gateways {
            let name = format!("gateway-{number}");
            let control_planes = self.links_to(&name, Kind::Gateway, apis).await?;
            let port = free_port();
            let args = format!(
                "--client-addr 127.0.0.1:{port} --internal-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 \
                 --control-plane {control_planes} --allow-client-player-id --request-timeout 3s --connect-timeout 1s"
            );
            self.program(&name, Kind::Gateway, "edge-gateway", &args);
            urls.push(format!("http://127.0.0.1:{port}"));
        }
        Ok(urls)
    }

    /// The game servers and their agents; where the agents answer.
    async fn servers(&mut self, apis: &[(String, u16)]) -> anyhow::Result<Vec<String>> {
        let capacity = self.topology.capacity;
        let mut agents = Vec::new();
        for number in 1..=self.topology.servers {
            let (game, http) = (free_port(), free_port());
            let id = format!("server-{number}");
            // More than its capacity: it would take what the control plane must not send.
            let args = format!(
                "demo-server --addr 127.0.0.1:{game} --land-type demo --agent http://127.0.0.1:{http} \
                 --join-within 1500ms --empty-grace 300ms --max-lands 100000 --log-format json \
                 --log info,muster::demo_server=debug"
            );
            let lands = LandLog { server: id.as_str().into(), capacity };
            self.keep(
                &format!("game-{id}"),
                Kind::GameServer,
                program::binary("muster"),
                words(&args),
                Some(lands),
            );

            let name = format!("agent-{number}");
            let control_planes = self.links_to(&name, Kind::Agent, apis).await?;
            let args = format!(
                "--server-id {id} --port {game} --land-type demo --capacity {capacity} --http-addr 127.0.0.1:{http} \
                 --metrics-addr 127.0.0.1:0 --control-plane {control_planes}"
            );
            self.program(&name, Kind::Agent, "provisioning-agent", &args);
            agents.push(format!("http://127.0.0.1:{http}"));
        }
        Ok(agents)
    }

    /// Connections to every control plane that serves calls, as the setting takes them.
    async fn links_to(&mut self, name: &str, kind: Kind, apis: &[(String, u16)]) -> anyhow::Result<String> {
        let to =
            if self.topology.control_planes.contains(&Role::Api) { Kind::Api } else { Kind::ControlPlane };
        let mut urls = Vec::new();
        for (api, port) in apis {
            let port = self.link((name, kind), (api, to), *port).await?;
            urls.push(format!("http://127.0.0.1:{port}"));
        }
        Ok(urls.join(","))
    }

    async fn link(&mut self, from: (&str, Kind), to: (&str, Kind), port: u16) -> anyhow::Result<u16> {
        let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), &self.tasks).await;
        let proxy = proxy.context("the port of a proxy")?;
        let port = proxy.port;
        let name = format!("{} -> {}", from.0, to.0);
        self.links.push(Arc::new(Link {
            name,
            from: from.1,
            to: to.1,
            proxy,
            suffering: tokio::sync::Mutex::default(),
        }));
        Ok(port)
    }

    fn program(&mut self, name: &str, kind: Kind, program: &str, args: &str) {
        let mut args = words(args);
        args.extend(["--log", "info", "--log-format", "json"].map(str::to_owned));
        self.keep(name, kind, program::binary(program), args, None);
    }

    fn keep(&mut self, name: &str, kind: Kind, binary: PathBuf, args: Vec<String>, lands: Option<LandLog>) {
        let log = self.dir.join("logs").join(format!("{name}.log"));
        let spec = Spec { name: name.to_owned(), kind, binary, args, log, lands };
        self.keepers.push(Arc::new(Keeper::start(spec, self.history)));
    }

    fn path(&self, name: &str) -> String {
        Path::display(&self.dir.join(name)).to_string()
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn humantime(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// Waits until somebody takes connections at a port.
async fn answers(name: &str, port: u16) -> anyhow::Result<()> {
    let deadline = Instant::now() + crate::PATIENCE;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        anyhow::ensure!(Instant::now() < deadline, "{name} does not answer on port {port}; see its log");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
