//! The agent as a real process, with a game server that it starts.

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    sync::Arc,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    control_plane::ControlPlane,
    fixture::{SOON, eventually},
};

pub(crate) struct Program {
    process: Child,
    pub(crate) http: SocketAddr,
    output: Lines<BufReader<ChildStdout>>,
    log: Arc<Mutex<String>>,
    /// Ends with the last word.
    reading: JoinHandle<()>,
}

impl Program {
    /// An agent that has started `game_server`.
    pub(crate) async fn start(control_plane: &ControlPlane, flags: &[&str], game_server: &[&str]) -> Self {
        let flags = [flags, &["--exec", "--"], game_server].concat();
        let url = format!("http://{}", control_plane.addr);
        let required =
            ["--server-id", "game-1", "--port", "7001", "--land-type", "arena", "--http-addr", "127.0.0.1:0"];
        Self::with(&[&["--control-plane", &url], &required[..], &flags].concat()).await
    }

    pub(crate) async fn with(flags: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_provisioning-agent"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .args(["--metrics-addr", "127.0.0.1:0", "--log-format", "json"])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let http =
            eventually("the local API's address", async || addresses(&log.lock()).first().copied()).await;
        Self { process, http, output, log, reading }
    }

    /// Everything that the agent has said, and its game server on standard error.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }

    /// The local APIs' addresses, by and by.
    pub(crate) async fn addresses(&self, count: usize) -> Vec<SocketAddr> {
        eventually("all addresses", async || {
            let all = addresses(&self.log.lock());
            (all.len() == count).then_some(all)
        })
        .await
    }

    /// The game server's next line.
    pub(crate) async fn line(&mut self) -> String {
        let line = timeout(SOON, self.output.next_line()).await;
        line.expect("it says nothing").unwrap().expect("it has ended")
    }

    /// The number behind `before` in its next line.
    pub(crate) async fn number(&mut self, before: &str) -> u32 {
        let line = self.line().await;
        line.strip_prefix(before).unwrap_or_else(|| panic!("{line}")).parse().unwrap()
    }

    /// Has it say that it is ready, and gives it the land `arena:1` by the command `c-1`.
    pub(crate) async fn with_a_land(&self, control_plane: &ControlPlane) {
        self.post("/v1/ready", json!({})).await;
        eventually("it to be registered", async || {
            (self.get("/v1/status").await["state"] == "registered").then_some(())
        })
        .await;
        control_plane.allocate("c-1", "arena:1", 60_000).await;
        eventually("the order", async || {
            let lands = self.get("/v1/status").await["lands"].clone();
            lands.as_array().is_some_and(|lands| !lands.is_empty()).then_some(())
        })
        .await;
        self.post("/v1/lands/arena:1/ready", json!({})).await;
        assert_eq!(control_plane.answer("c-1").await, None);
        control_plane.heartbeat("the land", |beat| !beat.lands.is_empty()).await;
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("http://{}{path}", self.http)).await.unwrap();
        answer.json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) {
        let request = reqwest::Client::new().post(format!("http://{}{path}", self.http)).json(&body);
        assert!(request.send().await.unwrap().status().is_success(), "{path}");
    }

    pub(crate) async fn delete(&self, path: &str) {
        let request = reqwest::Client::new().delete(format!("http://{}{path}", self.http));
        assert!(request.send().await.unwrap().status().is_success(), "{path}");
    }

    pub(crate) async fn signal(&self, signal: &str) {
        self.signal_to(self.process.id().unwrap(), signal).await;
    }

    pub(crate) async fn signal_to(&self, pid: u32, signal: &str) {
        let sent = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().await;
        assert!(sent.unwrap().success());
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(SOON, self.process.wait()).await.expect("it does not end").unwrap();
        timeout(SOON, &mut self.reading).await.expect("somebody still holds its output").unwrap();
        ended
    }

    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }
}

/// Whether there is such a process, be it dead and waiting to be taken away.
pub(crate) fn is_there(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

fn addresses(log: &str) -> Vec<SocketAddr> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line["http_addr"].as_str()?.parse().ok()).collect()
}
