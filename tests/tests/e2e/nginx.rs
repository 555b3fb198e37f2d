//! The whole path through a real nginx as the single entry, with the configuration that docs/deploy hands out.

use std::{
    net::{Ipv4Addr, SocketAddr},
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
    time::Duration,
};

use reqwest::{Method, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Client, Program, Socket, Stack, StackBuilder, eventually, free_port, repository};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::tungstenite;

/// Whom Debian calls `nobody`.
const NOBODY: u32 = 65_534;

/// A running nginx, with a prefix of its own.
struct Nginx {
    program: Program,
    prefix: TempDir,
    entry: u16,
}

impl Nginx {
    /// Starts it on the port `entry`, before this gateway and this game server.
    async fn start(entry: u16, gateway: SocketAddr, game_server: SocketAddr, user: Option<u32>) -> Self {
        let prefix = tempfile::tempdir().unwrap();
        let mut config = configuration();
        for (marked, ours) in [
            ("server 127.0.0.1:3000;", format!("server {gateway};")),
            ("server 127.0.0.1:7001;", format!("server {game_server};")),
            ("listen 8080;", format!("listen 127.0.0.1:{entry};")),
        ] {
            assert_eq!(config.matches(marked).count(), 1, "`{marked}` is one of the lines to change");
            config = config.replace(marked, &ours);
        }
        let path = prefix.path().join("nginx.conf");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new(binary());
        command.args(["-e", "stderr", "-p"]).arg(prefix.path()).arg("-c").arg(&path);
        if let Some(user) = user {
            chown(prefix.path(), Some(user), Some(user)).unwrap();
            command.uid(user).gid(user);
        }
        let nginx = Self { program: Program::spawn("nginx", command), prefix, entry };
        let listens = async || TcpStream::connect((Ipv4Addr::LOCALHOST, entry)).await.ok();
        eventually("nginx to listen", listens).await;
        nginx
    }

    /// Before a stack whose game servers send players here.
    async fn before(stack: &Stack, entry: u16) -> Self {
        Self::start(entry, stack.gateway_addr(), stack.game_server_addr(0), None).await
    }

    /// A client that knows nothing but the entry.
    fn client(&self) -> Client {
        Client::new(format!("http://127.0.0.1:{}/match", self.entry))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers are processes of their own.
        self.program.end_with_children();
    }
}

fn configuration() -> String {
    std::fs::read_to_string(repository().join("docs/deploy/nginx.conf")).unwrap()
}

/// Debian has it where only administrators look.
fn binary() -> &'static str {
    if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" }
}

fn sends_players_to(entry: u16) -> StackBuilder {
    Stack::builder().agent(move |config| {
        config.connect_host = Some("127.0.0.1".to_owned());
        config.connect_port = Some(entry);
    })
}

/// A match of two through the entry: one asks over REST and waits, the other over a socket; then both play.
async fn two_meet_and_play(nginx: &Nginx) {
    let client = nginx.client();
    let mut bob = client.socket("/realtime").await;
    let ticket = client.enqueue("demo:2", &["ann"]).await;
    let waiting = tokio::spawn({
        let (client, ticket) = (client.clone(), ticket.clone());
        async move { client.assignment(&ticket).await }
    });
    let mut follower = client.socket(&format!("/realtime?ticketId={ticket}")).await;
    follower.next_of("queue.update").await;
    bob.send(&json!({ "action": "enqueue", "queueKey": "demo:2", "members": ["bob"] })).await;
    let pushed = bob.next_of("match.assigned").await;
    let (anns, bobs) = (waiting.await.unwrap(), &pushed["data"]["assignment"]);
    assert_eq!(follower.next_of("match.assigned").await["data"]["ticketId"], json!(ticket));
    let url = format!("ws://127.0.0.1:{}/game/demo?landId={}", nginx.entry, anns["landId"].as_str().unwrap());
    assert_eq!((&anns["connectUrl"], &bobs["connectUrl"]), (&json!(url), &json!(url)));

    let mut ann = Socket::play(&anns, "ann").await;
    let mut bob = Socket::play(bobs, "bob").await;
    bob.send(&json!({ "action": "Play" })).await;
    while ann.next_of("state").await["score"] != 1 {}
    ann.send(&json!({ "action": "Play" })).await;
    let last = loop {
        let state = bob.next_of("state").await;
        if state["score"] == 2 {
            break state;
        }
    };
    assert_eq!(last["players"], json!(["ann", "bob"]));
}

#[tokio::test]
async fn the_whole_path() {
    let entry = free_port();
    let stack = sends_players_to(entry).start().await;
    let nginx = Nginx::before(&stack, entry).await;
    two_meet_and_play(&nginx).await;

    let client = nginx.client();
    assert_eq!(client.get("/health").await, (200, json!({ "ok": true })));
    let own = client.request(Method::GET, "/health").header("x-request-id", "mine-1").send().await.unwrap();
    assert_eq!(own.headers()["x-request-id"], "mine-1");
    // The gateway's own words pass unchanged, wherever in its limits they come from.
    let large = json!({ "queueKey": "demo", "members": ["ann"], "groupId": "x".repeat(65 * 1024) });
    for body in [large.to_string(), "x".repeat(200 * 1024)] {
        let (status, problem) = client.post_text("/v1/matchmaking/enqueue", body).await;
        assert_eq!((status, &problem["code"]), (413, &json!("PAYLOAD_TOO_LARGE")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("65536 bytes"), "{problem}");
    }
    let (status, problem) = Client::new(format!("http://127.0.0.1:{entry}")).get("/v1/matchmaking").await;
    assert_eq!((status, &problem["code"]), (404, &json!("ROUTE_NOT_FOUND")), "{problem}");

    // Whoever reads the log can follow a game and can't join it.
    let log = nginx.prefix.path().join("access.log");
    let log = eventually("the game to be logged", async || {
        let log = std::fs::read_to_string(&log).unwrap();
        (log.matches("\"path\":\"/game/demo\"").count() == 2).then_some(log)
    })
    .await;
    assert!(!log.contains("token") && !log.contains("eyJ"), "{log}");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["request_id"] == "mine-1"), "{log}");
}

#[tokio::test]
async fn nobody_in_particular_can_run_it() {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let entry = free_port();
    let stack = sends_players_to(entry).start().await;
    let (gateway, game_server) = (stack.gateway_addr(), stack.game_server_addr(0));
    let mut nginx = Nginx::start(entry, gateway, game_server, is_root.then_some(NOBODY)).await;
    two_meet_and_play(&nginx).await;
    nginx.program.signal("QUIT");
    assert_eq!(nginx.program.ended().await.code(), Some(0), "{:?}", nginx.program.log());
}

#[tokio::test]
async fn without_a_gateway_clients_get_a_problem_that_they_can_read() {
    let entry = free_port();
    let mut stack = sends_players_to(entry).start().await;
    let nginx = Nginx::before(&stack, entry).await;
    let client = nginx.client();
    assert_eq!(client.get("/health").await.0, 200);
    let mut socket = client.socket("/realtime").await;
    stack.stop_gateway().await;
    assert_eq!(socket.closed().await.0, 1001, "what the gateway says at the end arrives");

    let answer = client.request(Method::GET, "/health").send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((status, &problem["status"], &problem["code"]), (503, &json!(503), &json!("UNAVAILABLE")));
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(headers[header::RETRY_AFTER], "1");
    assert!(headers.contains_key("x-request-id") && !problem.to_string().contains("127.0.0.1"), "{problem}");
    assert_eq!(refused(&format!("ws://127.0.0.1:{entry}/match/realtime")).await, 503);
}

#[tokio::test]
async fn a_game_server_that_is_away_is_told_without_telling_the_token() {
    let nobody: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let nginx = Nginx::start(free_port(), nobody, nobody, None).await;
    let url = format!("ws://127.0.0.1:{}/game/demo?landId=demo:1&token=eyJsecret", nginx.entry);
    assert_eq!(refused(&url).await, 503);
    // The same fault where the request holds no secret: its line comes after what the first would have said.
    assert_eq!(nginx.client().get("/health").await.0, 503);
    let log = eventually("nginx to complain", async || {
        let log = nginx.program.log().join("\n");
        log.contains("/match/health").then_some(log)
    })
    .await;
    assert!(!log.contains("eyJsecret"), "{log}");
}

/// The status with which a WebSocket is refused.
async fn refused(url: &str) -> u16 {
    match tokio_tungstenite::connect_async(url).await {
        Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_gateway_learns_who_asked_and_nobody_lies_about_it() {
    let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = gateway.local_addr().unwrap();
    let nginx = Nginx::start(free_port(), addr, addr, None).await;
    let heard = tokio::spawn(async move {
        let (mut connection, _) = gateway.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\nx-request-id: x\r\ncontent-length: 2\r\n\r\n{}";
        connection.write_all(answer).await.unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    });
    let request = nginx.client().request(Method::GET, "/v1/matchmaking/status/x?wait=20");
    let request = request.header("x-forwarded-for", "6.6.6.6").header("x-forwarded-proto", "https");
    assert_eq!(request.send().await.unwrap().status(), 200);
    let head = heard.await.unwrap();
    let host = format!("127.0.0.1:{}", nginx.entry);
    assert!(head.starts_with("get /v1/matchmaking/status/x?wait=20 http/1.1\r\n"), "{head}");
    for line in [
        format!("host: {host}"),
        format!("x-forwarded-host: {host}"),
        "x-forwarded-for: 127.0.0.1".to_owned(),
        "x-forwarded-proto: http".to_owned(),
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} is missing in {head}");
    }
    assert!(head.contains("\r\nx-request-id: ") && !head.contains("connection:"), "{head}");
}

/// Where a default grows, the file that people copy has to grow with it.
#[test]
fn its_timeouts_outlast_those_of_the_programs() {
    let config = configuration();
    let timeout = |location: &str| {
        let block = config.split(&format!("location {location} {{")).nth(1).unwrap();
        let value = block.split("proxy_read_timeout ").nth(1).unwrap().split("s;").next().unwrap();
        Duration::from_secs(value.parse().unwrap())
    };
    let gateway: edge_gateway::Config = runtime::config::defaults(&[]);
    assert!(timeout("/match/") > Duration::from_secs(20) + gateway.request_timeout);
    for sockets in ["= /match/realtime", "/game/"] {
        assert!(timeout(sockets) > gateway.ping_timeout, "{sockets}");
    }
    let kept = config.split("keepalive 64;").nth(1).unwrap();
    let kept = kept.split("keepalive_timeout ").nth(1).unwrap().split("s;").next().unwrap();
    assert!(Duration::from_secs(kept.parse().unwrap()) < gateway.idle_timeout);
}
