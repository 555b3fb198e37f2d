//! Every program, known to every other by a secret, with all that it logs.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use control_plane::access::NewKey;
use reqwest::Method;
use tempfile::TempDir;
use tests::{Client, Program, eventually, free_port};

use crate::{
    authority::{Authority, Pair},
    door::Door,
    provider::Provider,
    search::{Secrets, Written},
};

/// A password in which everything is that has to be spelled otherwise somewhere.
const REDIS_PASSWORD: &str = "p@ss word/with:everything?&#1";
const REDIS_PASSWORD_IN_URL: &str = "p%40ss%20word%2Fwith%3Aeverything%3F%26%231";

/// Where tickets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    File,
    Redis,
}

pub(crate) struct Installation {
    pub(crate) dir: TempDir,
    pub(crate) grpc: String,
    pub(crate) client: Client,
    pub(crate) internal: Door,
    /// The agent's API.
    pub(crate) agent: String,
    pub(crate) provider: Provider,
    pub(crate) operator: NewKey,
    pub(crate) backend: NewKey,
    pub(crate) secrets: Secrets,
    metrics: Vec<(&'static str, u16)>,
    programs: Vec<(&'static str, Program)>,
    redis: Option<Program>,
    /// Files and directories into which somebody put secrets.
    given: Vec<PathBuf>,
}

impl Installation {
    /// `format` is the form of the logs.
    pub(crate) async fn start(state: State, format: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let shown = |name: &str| path(name).display().to_string();
        let authority = Authority::new();
        let ca = authority.write(&path("ca.pem")).display().to_string();
        let certificates: Vec<Pair> =
            ["grpc", "internal"].map(|name| authority.sign(dir.path(), name, &["127.0.0.1"])).into();
        let [edge, agent, operator, backend] =
            [NewKey::make(), NewKey::make(), NewKey::make(), NewKey::make()];
        let mut access = String::new();
        for (name, scope, key, rest) in [
            ("edge", "gateway", &edge, ""),
            ("arena", "agent", &agent, " servers=game-*"),
            ("ops", "operator,matchmaking", &operator, ""),
        ] {
            writeln!(access, "{name} {scope} {}{rest}", key.hash()).unwrap();
        }
        std::fs::write(path("access"), access).unwrap();
        std::fs::write(path("backends"), format!("lobby matchmaking {}\n", backend.hash())).unwrap();
        std::fs::write(path("edge.key"), edge.secret()).unwrap();
        let provider = Provider::start().await;
        std::fs::write(path("gateway.toml"), provider.table()).unwrap();

        let mut metrics = Vec::new();
        let mut measured = |name: &'static str| {
            let port = free_port();
            metrics.push((name, port));
            format!("127.0.0.1:{port}")
        };
        let trace = ["--log", "trace", "--log-format", format];
        let (redis, state_flags) = redis(state, &path("state"), &shown("state")).await;
        let flags = |line: String| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        let with = |line: String| [flags(line), trace.map(str::to_owned).to_vec()].concat();

        let control_plane = with(format!(
            "--grpc-addr 127.0.0.1:0 --metrics-addr {} --keys-dir {} --access-file {} --grpc-tls-certificate {} --grpc-tls-key {} \
             --heartbeat-interval 200ms --jwks-max-age 0s {state_flags}",
            measured("control-plane"),
            shown("keys"),
            shown("access"),
            certificates[0].certificate.display(),
            certificates[0].key.display(),
        ));
        let control_plane = Program::start("control-plane", &control_plane);
        let grpc = format!("https://{}", heard(&control_plane, format, "addr").await);
        let gateway = with(format!(
            "--config {} --client-addr 127.0.0.1:0 --internal-addr 127.0.0.1:0 --metrics-addr {} --control-plane {grpc} \
             --control-plane-ca {ca} --control-plane-key-file {} --backend-keys {} --guest-identity --internal-tls-certificate {} \
             --internal-tls-key {}",
            shown("gateway.toml"),
            measured("edge-gateway"),
            shown("edge.key"),
            shown("backends"),
            certificates[1].certificate.display(),
            certificates[1].key.display(),
        ));
        let gateway = Program::start("edge-gateway", &gateway);
        let client = Client::new(format!("http://{}", heard(&gateway, format, "clients").await));
        let internal = Door::at(heard(&gateway, format, "internal").await.parse().unwrap());

        let agent_http = free_port();
        let game = with(format!(
            "demo-server --addr 127.0.0.1:0 --land-type demo --agent http://127.0.0.1:{agent_http} --redeem always"
        ));
        let game = Program::start("muster", &game);
        let port = heard(&game, format, "addr").await;
        let arguments = with(format!(
            "--server-id game-1 --land-type demo --port {} --http-addr 127.0.0.1:{agent_http} --metrics-addr {} --drain-timeout 0s \
             --control-plane {grpc} --control-plane-ca {ca}",
            port.rsplit(':').next().unwrap(),
            measured("provisioning-agent"),
        ));
        let mut command = Command::new(tests::binary("provisioning-agent"));
        command.args(arguments).env("CONTROL_PLANE_KEY", agent.secret());
        let sidecar = Program::spawn("provisioning-agent", command);

        let mut secrets = Secrets::default();
        for (name, key) in
            [("gateway", &edge), ("agent", &agent), ("operator", &operator), ("backend", &backend)]
        {
            secrets.text(format!("the key of the {name}"), key.secret());
        }
        secrets.text("the password of Redis", REDIS_PASSWORD);
        for (name, pair) in ["gRPC", "internal"].into_iter().zip(&certificates) {
            secrets.private_key(&format!("the key of the {name} certificate"), &pair.key);
        }
        let given =
            [path("keys"), path("edge.key"), certificates[0].key.clone(), certificates[1].key.clone()];
        let all = Self {
            grpc,
            client,
            internal,
            agent: format!("http://127.0.0.1:{agent_http}"),
            provider,
            operator,
            backend,
            secrets,
            metrics,
            programs: vec![
                ("the gateway", gateway),
                ("the agent", sidecar),
                ("the game server", game),
                ("the control plane", control_plane),
            ],
            redis,
            given: given.into(),
            dir,
        };
        let health = async || (all.client.get("/health").await.0 == 200).then_some(());
        eventually("the gateway to be well", health).await;
        eventually("the agent to be registered", async || {
            let status = reqwest::get(format!("{}/v1/status", all.agent)).await.ok()?.text().await.ok()?;
            status.contains("\"registered\"").then_some(())
        })
        .await;
        all
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `muster` against the control plane as whoever has this key, in the environment or as a flag, and keeps what it says. True
    /// where it went well.
    pub(crate) fn muster(&self, arguments: &[&str], key: &str, by_flag: bool, written: &mut Written) -> bool {
        let ca = self.path("ca.pem");
        let mut command = Command::new(tests::binary("muster"));
        command.args(arguments).args(["--control-plane", &self.grpc, "--control-plane-ca"]).arg(ca);
        command.env("RUST_LOG", "trace").env("MUSTER_LOG", "trace");
        if by_flag {
            command.args(["--control-plane-key", key]);
        } else {
            command.env("CONTROL_PLANE_KEY", key);
        }
        let said = command.output().unwrap();
        written.add(format!("muster {}", arguments.join(" ")), [said.stdout, said.stderr].concat());
        said.status.success()
    }

    /// Whether the control plane has complained about this setting.
    pub(crate) fn control_plane_complains_about(&self, setting: &str) -> bool {
        let (_, control_plane) = self.programs.iter().find(|(name, _)| *name == "the control plane").unwrap();
        control_plane.log().iter().any(|line| line.contains("ERROR") && line.contains(setting))
    }

    /// Ends everything, and adds all that was written.
    pub(crate) async fn end(mut self, mut written: Written) {
        for (name, port) in &self.metrics {
            let page =
                reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.unwrap().text().await.unwrap();
            assert!(page.lines().count() > 10, "{name} measures: {page}");
            written.add(format!("the metrics of {name}"), page);
        }
        for path in ["/api", "/api/openapi.json", "/.well-known/jwks.json", "/health"] {
            let page = self.client.request(Method::GET, path).send().await.unwrap().bytes().await.unwrap();
            written.add(path, page);
        }
        self.secrets.signing_keys(&self.path("keys"));
        for (name, mut program) in self.programs {
            program.signal("TERM");
            assert!(program.ended().await.success(), "{name}");
            let log = program.log();
            let low = |line: &String| ["TRACE", "DEBUG"].iter().any(|level| line.contains(level));
            assert!(log.iter().any(low), "{name} logs more than usual");
            written.add(format!("the log of {name}"), log.join("\n"));
            written.add(format!("the output of {name}"), program.output());
        }
        if let Some(mut redis) = self.redis {
            redis.signal("TERM");
            assert!(redis.ended().await.success());
            written.add("the log of Redis", redis.output());
        }
        written.add_files(self.dir.path(), &self.given);
        assert!(
            written.holds(&self.dir.path().join("state").display().to_string(), "demo:"),
            "the state was searched"
        );
        self.secrets.are_nowhere_in(&written);
    }
}

/// A field of a line of the log, in either form.
async fn heard(program: &Program, format: &str, field: &str) -> String {
    if format == "json" {
        return program.logged(field).await;
    }
    let plain = format!(" {field}=");
    eventually(&format!("a line with {field}"), async || {
        let lines = program.log();
        let value = lines.iter().find_map(|line| line.split_once(&plain))?.1;
        Some(value.split_whitespace().next()?.to_owned())
    })
    .await
}

/// A Redis with a password where one is wanted, and the flags that name it.
async fn redis(state: State, dir: &Path, shown: &str) -> (Option<Program>, String) {
    if state == State::File {
        return (None, format!("--state embedded --state-dir {shown}"));
    }
    std::fs::create_dir(dir).unwrap();
    let port = free_port();
    let mut command = Command::new("redis-server");
    command
        .args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--dir",
            shown,
            "--requirepass",
            REDIS_PASSWORD,
        ])
        // Both of its files, as they would be found on a disk, and none of them packed.
        .args([
            "--appendonly",
            "yes",
            "--aof-use-rdb-preamble",
            "no",
            "--save",
            "3600 1",
            "--rdbcompression",
            "no",
        ])
        .args(["--loglevel", "debug", "--maxmemory-policy", "noeviction"]);
    let redis = Program::spawn("redis-server", command);
    let connected = async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop);
    eventually("Redis to listen", connected).await;
    (Some(redis), format!("--state redis --redis-url redis://:{REDIS_PASSWORD_IN_URL}@127.0.0.1:{port}"))
}
