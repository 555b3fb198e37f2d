//! What a fleet consists of: each program's name, ports and arguments, all decided before the first one starts.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{Config, ports::Ports, redis};

/// How many of each.
const APIS: usize = 2;
const WORKERS: usize = 2;
const GATEWAYS: usize = 2;
const SERVERS: usize = 4;

/// What comes before every key, so that a Redis that is used for more is not disturbed.
const PREFIX: &str = "muster-fleet:";

/// What one program of the fleet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Redis,
    Api,
    Worker,
    Gateway,
    Server,
    Agent,
}

impl Kind {
    /// For the table.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Redis => "state",
            Self::Api => "control-plane, api",
            Self::Worker => "control-plane, queue-worker",
            Self::Gateway => "edge-gateway",
            Self::Server => "muster demo-server",
            Self::Agent => "provisioning-agent",
        }
    }
}

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// One of Muster's, by its name: this executable runs it itself, so no other version can be found by mistake.
    Own(&'static str),
    /// Another one.
    Other(PathBuf),
}

/// One program of the fleet.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) program: Program,
    pub(super) args: Vec<String>,
    /// What is not for everyone who can list processes.
    pub(super) env: Vec<(&'static str, String)>,
    /// Where it is reached.
    pub(super) addr: SocketAddr,
    pub(super) metrics: Option<SocketAddr>,
}

/// All of them, in the order in which they start.
pub(super) struct Plan {
    pub(super) specs: Vec<Spec>,
    pub(super) logs: PathBuf,
}

impl Plan {
    /// Chooses the ports and makes the directories. Fails where redis-server is needed and missing.
    pub(super) fn new(config: &Config, dir: &Path) -> anyhow::Result<Self> {
        let own_redis = if config.redis_url.is_none() { Some(redis::program()?) } else { None };
        let logs = dir.join("logs");
        for dir in [&logs, &dir.join("redis")] {
            fs::create_dir_all(dir).with_context(|| format!("can't make the directory {}", dir.display()))?;
        }
        let mut ports = Ports::new(config.first_port);
        let mut specs = Vec::new();
        let mut redis_url = config.redis_url.clone().unwrap_or_default();
        if let Some(program) = own_redis {
            let addr = ports.take()?;
            redis_url = format!("redis://{addr}");
            let args = redis::args(addr, &dir.join("redis"));
            let program = Program::Other(program);
            specs.push(Spec { args, program, ..spec("redis", 0, Kind::Redis, addr, None) });
        }
        let mut apis = Vec::new();
        for (kind, role, name, count) in
            [(Kind::Api, "api", "api", APIS), (Kind::Worker, "queue-worker", "worker", WORKERS)]
        {
            for number in 1..=count {
                let (grpc, metrics) = (ports.take()?, ports.take()?);
                let args = words(format!(
                    "--matchmaking-role {role} --grpc-addr {grpc} --metrics-addr {metrics} --state redis --queue-lease {}ms \
                     --shutdown-timeout 3s",
                    config.queue_lease.as_millis()
                ));
                let keys = ["--keys-dir".to_owned(), dir.join("keys").display().to_string()];
                let env = vec![("REDIS_URL", redis_url.clone()), ("REDIS_PREFIX", PREFIX.to_owned())];
                let args = args.into_iter().chain(keys).collect();
                specs.push(Spec { args, env, ..spec(name, number, kind, grpc, Some(metrics)) });
                if kind == Kind::Api {
                    apis.push(format!("http://{grpc}"));
                }
            }
        }
        let apis = apis.join(",");
        for number in 1..=GATEWAYS {
            let (clients, internal, metrics) = (ports.take()?, ports.take()?, ports.take()?);
            let args = words(format!(
                "--client-addr {clients} --internal-addr {internal} --metrics-addr {metrics} --control-plane {apis} \
                 --allow-client-player-id --drain-timeout 3s"
            ));
            specs.push(Spec { args, ..spec("gateway", number, Kind::Gateway, clients, Some(metrics)) });
        }
        for number in 1..=SERVERS {
            let (players, http, metrics) = (ports.take()?, ports.take()?, ports.take()?);
            let args = words(format!(
                "demo-server --addr {players} --agent http://{http} --land-type demo,hero-defense --max-lands 1000 \
                 --join-within 10s"
            ));
            specs.push(Spec { args, ..spec("server", number, Kind::Server, players, None) });
            let args = words(format!(
                "--server-id server-{number} --port {} --land-type demo,hero-defense --capacity 1000 --http-addr {http} \
                 --metrics-addr {metrics} --control-plane {apis} --drain-timeout 1s",
                players.port()
            ));
            specs.push(Spec { args, ..spec("agent", number, Kind::Agent, http, Some(metrics)) });
        }
        Ok(Self { specs, logs })
    }
}

fn spec(name: &str, number: usize, kind: Kind, addr: SocketAddr, metrics: Option<SocketAddr>) -> Spec {
    let program = Program::Own(match kind {
        Kind::Api | Kind::Worker => "control-plane",
        Kind::Gateway => "edge-gateway",
        Kind::Agent => "provisioning-agent",
        Kind::Server | Kind::Redis => "muster",
    });
    let name = if number == 0 { name.to_owned() } else { format!("{name}-{number}") };
    Spec { name, kind, program, args: Vec::new(), env: Vec::new(), addr, metrics }
}

fn words(line: impl AsRef<str>) -> Vec<String> {
    line.as_ref().split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_knows_both_apis_and_nobody_shows_the_redis_url() {
        let dir = tempfile::tempdir().unwrap();
        let mut config: Config = runtime::config::defaults(&[]);
        config.redis_url = Some("redis://:secret@redis:6379".to_owned());
        let plan = Plan::new(&config, dir.path()).unwrap();
        let count = |kind| plan.specs.iter().filter(|spec| spec.kind == kind).count();
        let kinds = [Kind::Redis, Kind::Api, Kind::Worker, Kind::Gateway, Kind::Server, Kind::Agent];
        assert_eq!(kinds.map(count), [0, 2, 2, 2, 4, 4]);
        let apis: Vec<_> = plan.specs.iter().filter(|spec| spec.kind == Kind::Api).collect();
        for spec in &plan.specs {
            let said = spec.args.join(" ");
            assert!(!said.contains("secret"), "{said}");
            if matches!(spec.kind, Kind::Gateway | Kind::Agent) {
                assert!(apis.iter().all(|api| said.contains(&format!("http://{}", api.addr))), "{said}");
            }
        }
        let mut addrs: Vec<_> =
            plan.specs.iter().flat_map(|spec| [Some(spec.addr), spec.metrics]).flatten().collect();
        let all = addrs.len();
        addrs.sort();
        addrs.dedup();
        assert_eq!(addrs.len(), all, "no port twice");
    }
}
