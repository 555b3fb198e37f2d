//! An agent under test, and its game server's end of the local API.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use provisioning_agent::{Config, ProvisioningAgent};
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::control_plane::ControlPlane;

/// How long anything may take before a test has failed.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Waits until `look` sees something.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let seen = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(SOON, seen).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

pub(crate) struct Agent {
    pub(crate) http_addr: SocketAddr,
    /// The Agones SDK by gRPC, where the flags ask for it.
    pub(crate) grpc_addr: Option<SocketAddr>,
    pub(crate) http: reqwest::Client,
    pub(crate) stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

/// Settings for the control plane at `addr`.
pub(crate) fn config(addr: SocketAddr, flags: &[&str]) -> Config {
    let url = format!("http://{addr}");
    let required = [
        "--control-plane",
        &url,
        "--http-addr",
        "127.0.0.1:0",
        "--server-id",
        "game-1",
        "--port",
        "7001",
        "--land-type",
        "arena",
    ];
    // Tests end with lands that live.
    let hurry: &[&str] = if flags.contains(&"--drain-timeout") { &[] } else { &["--drain-timeout", "0s"] };
    runtime::config::defaults(&[&required[..], hurry, flags].concat())
}

impl Agent {
    pub(crate) async fn start(control_plane: SocketAddr, flags: &[&str]) -> Self {
        let agent = ProvisioningAgent::bind(config(control_plane, flags)).await.unwrap();
        let stop = CancellationToken::new();
        Self {
            http_addr: agent.http_addr(),
            grpc_addr: agent.grpc_addr(),
            http: reqwest::Client::new(),
            stop: stop.clone(),
            running: tokio::spawn(agent.run(stop)),
        }
    }

    /// An agent whose game server is ready, and which is registered.
    pub(crate) async fn registered(control_plane: &ControlPlane, flags: &[&str]) -> Self {
        let agent = Self::start(control_plane.addr, flags).await;
        agent.ok(Method::POST, "/v1/ready", None).await;
        agent.state("registered").await;
        agent
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.http_addr).parse().unwrap()
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.http.request(method, self.url(path)).timeout(SOON);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// A call that must work.
    pub(crate) async fn ok(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let response = self.call(method, path, body).await;
        let status = response.status();
        let answer = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) async fn status(&self) -> Value {
        self.ok(Method::GET, "/v1/status", None).await
    }

    /// Waits until the agent is in this state.
    pub(crate) async fn state(&self, state: &str) {
        eventually(state, async || (self.status().await["state"] == state).then_some(())).await;
    }

    pub(crate) async fn watch(&self) -> Watch {
        let response = self.http.get(self.url("/v1/lands/watch")).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Watch { response, lines: VecDeque::new(), unread: String::new() }
    }

    /// Waits for the end of `run`.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        timeout(SOON, self.running).await.expect("the agent does not end").unwrap()
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.end().await
    }
}

/// The lines that a game server is sent.
pub(crate) struct Watch {
    response: Response,
    lines: VecDeque<Value>,
    unread: String,
}

impl Watch {
    /// The next line that is no ping; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                if line["type"] != "ping" {
                    return Some(line);
                }
                continue;
            }
            let chunk = timeout(SOON, self.response.chunk()).await.expect("no line came").unwrap();
            self.unread.push_str(std::str::from_utf8(&chunk?).unwrap());
            while let Some((line, rest)) = self.unread.split_once('\n') {
                self.lines.push_back(serde_json::from_str(line).unwrap());
                self.unread = rest.to_owned();
            }
        }
    }
}

/// A wire between the agent and its control plane that can be cut, so that neither sees the other's end of it.
pub(crate) struct Wire {
    pub(crate) addr: SocketAddr,
    pub(crate) cut: CancellationToken,
    /// Takes the wire away when the test ends.
    _away: tokio_util::sync::DropGuard,
}

impl Wire {
    pub(crate) async fn to(far: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (cut, away) = (CancellationToken::new(), CancellationToken::new());
        let (is_cut, is_away) = (cut.clone(), away.clone());
        tokio::spawn(is_away.clone().run_until_cancelled_owned(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (is_cut, is_away) = (is_cut.clone(), is_away.clone());
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(far).await.unwrap();
                    let copied = tokio::io::copy_bidirectional(&mut near, &mut far);
                    if is_cut.run_until_cancelled(copied).await.is_none() {
                        is_away.cancelled().await;
                    }
                });
            }
        }));
        Self { addr, cut, _away: away.drop_guard() }
    }
}
