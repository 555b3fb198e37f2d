//! Replacing a fleet of game servers under players, with the programs and the command that operators have.

use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tests::{Client, PATIENCE, Program, Servers, Socket, free_port};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long a player plays.
const PLAYS: Duration = Duration::from_millis(1_500);
/// How often a player comes.
const COMES: Duration = Duration::from_millis(40);

/// A control plane, a gateway, and what is needed to start game servers.
struct Installation {
    _dir: TempDir,
    url: String,
    control_plane: Program,
    gateway: Program,
    client: Client,
    servers: Servers,
}

/// A demo server and its agent.
struct GameServer {
    server: Program,
    agent: Program,
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

impl Installation {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let control_plane = words(&format!(
            "--grpc-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --keys-dir {} --state memory --token-algorithm es256 \
             --heartbeat-interval 200ms",
            dir.path().join("keys").display(),
        ));
        let control_plane = Program::start("control-plane", &control_plane);
        let url = format!("http://{}", control_plane.logged("addr").await);
        let gateway = words(&format!(
            "--client-addr 127.0.0.1:0 --internal-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --control-plane {url} \
             --allow-client-player-id"
        ));
        let gateway = Program::start("edge-gateway", &gateway);
        let client = Client::new(format!("http://{}", gateway.logged("clients").await));
        let servers = Servers::of(url.clone());
        Self { _dir: dir, url, control_plane, gateway, client, servers }
    }

    /// Starts a game server; its lands end soon after their players have left.
    async fn server(&self, name: &str) -> GameServer {
        let http = free_port();
        let server = words(&format!(
            "demo-server --addr 127.0.0.1:0 --land-type demo --agent http://127.0.0.1:{http} --join-within 5s --empty-grace 100ms"
        ));
        let server = Program::start("muster", &server);
        let addr = server.logged("addr").await;
        let agent = words(&format!(
            "--server-id {name} --land-type demo --port {} --http-addr 127.0.0.1:{http} --grpc-addr 127.0.0.1:0 --metrics-addr \
             127.0.0.1:0 --control-plane {}",
            addr.rsplit(':').next().unwrap(),
            self.url
        ));
        let agent = Program::start("provisioning-agent", &agent);
        GameServer { server, agent }
    }

    /// `muster servers` with these words; what it printed, where it ended well.
    async fn muster(&self, line: &str) -> String {
        let args = words(&format!("servers {line} --control-plane {}", self.url));
        let mut program = Program::start("muster", &args);
        let ended = program.ended().await;
        assert_eq!(ended.code(), Some(0), "{line}: {}\n{}", program.output(), program.log().join("\n"));
        program.output()
    }

    async fn stop(self) {
        self.gateway.stop().await;
        self.control_plane.stop().await;
    }
}

impl GameServer {
    async fn stop(self) {
        self.agent.stop().await;
        self.server.stop().await;
    }
}

/// One player's evening: a ticket, a match, a game from its begin to its end. The server that they played on.
async fn play(client: Client, player: String) -> String {
    let ticket = client.enqueue("demo", &[&player]).await;
    let assignment = client.assignment(&ticket).await;
    let server = assignment["serverId"].as_str().unwrap().to_owned();
    let mut game = Socket::play(&assignment, &player).await;
    game.next_of("state").await;
    let begun = Instant::now();
    let mut score = 0;
    while begun.elapsed() < PLAYS {
        game.send(&json!({ "action": "Play" })).await;
        score += 1;
        // Panics where the game was cut.
        while game.next_of("state").await["score"] != score {}
        tokio::time::sleep(PLAYS / 10).await;
    }
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_a_fleet_loses_no_match() {
    const FLEET: usize = 3;
    let all = Installation::start().await;
    let mut fleet = Vec::new();
    for n in 0..FLEET {
        fleet.push((format!("old-{n}"), all.server(&format!("old-{n}")).await));
    }
    all.servers.ready(FLEET).await;

    let enough = CancellationToken::new();
    let coming = tokio::spawn({
        let (client, enough) = (all.client.clone(), enough.clone());
        async move {
            let mut players = JoinSet::new();
            while enough.run_until_cancelled(tokio::time::sleep(COMES)).await.is_some() {
                players.spawn(play(client.clone(), format!("player-{}", players.len())));
            }
            tokio::time::timeout(PATIENCE, players.join_all()).await.unwrap()
        }
    });
    let mut new = Vec::new();
    for (n, (name, old)) in fleet.into_iter().enumerate() {
        new.push(all.server(&format!("new-{n}")).await);
        all.servers.ready(FLEET + 1).await;
        let said = all.muster(&format!("drain {name} --reason v2")).await;
        let (first, last) = (said.lines().next().unwrap(), said.lines().last().unwrap());
        assert!(first.starts_with(&format!("{name}: draining, ")), "{said}");
        assert_eq!(last, format!("{name} has no lands left: it can be stopped"), "{said}");
        old.stop().await;
        all.servers.state(&name, None).await;
    }
    enough.cancel();
    // Whoever was not matched, or was cut, would have panicked.
    let played = coming.await.unwrap();
    let on = |fleet: &str| played.iter().filter(|server| server.starts_with(fleet)).count();
    assert!(on("old") > 0 && on("new") > 0 && on("old") + on("new") == played.len(), "{played:?}");
    let listed = all.muster("list").await;
    assert!(listed.lines().count() == FLEET + 1 && !listed.contains("old-"), "{listed}");
    for server in new {
        server.stop().await;
    }
    all.stop().await;
}

#[tokio::test]
async fn a_drain_with_a_deadline_lets_games_go_on_until_then_and_no_longer() {
    const DEADLINE: Duration = Duration::from_secs(3);
    let all = Installation::start().await;
    let server = all.server("s-1").await;
    all.servers.ready(1).await;
    let ticket = all.client.enqueue("demo", &["ann"]).await;
    let mut game = Socket::play(&all.client.assignment(&ticket).await, "ann").await;
    game.next_of("state").await;

    let begun = Instant::now();
    let drained = all.muster("drain s-1 --deadline 3s");
    let cut = async {
        game.closed().await;
        begun.elapsed()
    };
    let (said, cut) = tokio::join!(drained, cut);
    assert!(cut >= DEADLINE.mul_f64(0.9), "cut after {cut:?}");
    assert!(said.starts_with("s-1: draining, 1 land"), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.ends_with("it can be stopped") || last.contains("has gone"), "{said}");
    // Nobody is sent there any more.
    let ticket = all.client.enqueue("demo", &["bob"]).await;
    assert_eq!(all.client.status(&ticket).await["status"], "queued");
    server.stop().await;
    all.stop().await;
}
