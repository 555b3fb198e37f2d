//! An agent whose game server is the test itself.

use std::net::SocketAddr;

use provisioning_agent::ProvisioningAgent;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::part::Part;
use crate::PATIENCE;

/// A provisioning agent without a game server; the test speaks to its local API. Stopped when it is dropped.
#[derive(Debug)]
pub struct Agent {
    http: reqwest::Client,
    addr: SocketAddr,
    part: Option<Part>,
}

/// The land commands that an agent sends to its game server, for as long as the connection lives.
#[derive(Debug)]
pub struct LandCommands {
    answer: Response,
    unread: Vec<u8>,
}

impl Agent {
    pub(super) async fn start(runtime: &Handle, server_id: &str, control_plane: &str) -> Self {
        // Nobody plays there: the port is only a name in the connect URL.
        let required = ["--server-id", server_id, "--port", "1", "--land-type", "demo"];
        let config = provisioning_agent::Config {
            control_plane: vec![control_plane.to_owned()],
            http_addr: ([127, 0, 0, 1], 0).into(),
            // Tests end with lands that live.
            drain_timeout: std::time::Duration::ZERO,
            ..runtime::config::defaults(&required)
        };
        let agent = runtime.spawn(ProvisioningAgent::bind(config)).await.unwrap().unwrap();
        let addr = agent.http_addr();
        let part = Some(Part::start("agent", runtime, |stop| agent.run(stop)));
        Self { http: reqwest::Client::new(), addr, part }
    }

    /// Follows the land commands, and then says that the game server takes lands.
    pub async fn ready(&self) -> LandCommands {
        let answer = self.call(Method::GET, "/v1/lands/watch", &Value::Null).await;
        self.call(Method::POST, "/v1/ready", &json!({ "lands": [] })).await;
        LandCommands { answer, unread: Vec::new() }
    }

    /// Answers a `land.allocate`: the land is made.
    pub async fn land_ready(&self, command: &Value) {
        let land = command["landId"].as_str().unwrap();
        self.call(Method::POST, &format!("/v1/lands/{land}/ready"), &Value::Null).await;
    }

    /// Ends it where it stands, without a word to anybody.
    pub async fn crash(mut self) {
        self.part.take().expect("it runs").crash().await;
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Response {
        let mut request = self.http.request(method, format!("http://{}{path}", self.addr));
        if !body.is_null() {
            request = request.json(body);
        }
        request.send().await.unwrap().error_for_status().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            part.ask_to_stop();
        }
    }
}

impl LandCommands {
    /// The next command; pings are passed over.
    pub async fn next(&mut self) -> Value {
        loop {
            while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let command: Value = serde_json::from_slice(&line).unwrap();
                if command["type"] != "ping" {
                    return command;
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await.expect("no command came");
            self.unread.extend_from_slice(&chunk.unwrap().expect("the agent closed the watch"));
        }
    }
}
