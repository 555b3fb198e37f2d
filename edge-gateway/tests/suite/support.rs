//! A gateway before a control plane of the test's own, and clients for both of its doors.

pub(crate) mod control_plane;
pub(crate) mod provider;
pub(crate) mod signer;
pub(crate) mod socket;
mod tickets;

use std::time::Duration;

use axum::http::StatusCode;
use edge_gateway::{Config, EdgeGateway, Probe, Sections};
use runtime::endpoints::{Resolver, system_resolver};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use control_plane::ControlPlane;
use socket::Socket;

/// Nothing in these tests takes longer, unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "it never came true that {what}");
}

/// A gateway and its control plane.
pub(crate) struct Stack {
    pub(crate) control_plane: ControlPlane,
    pub(crate) probe: Probe,
    pub(crate) client_addr: String,
    internal_addr: String,
    http: reqwest::Client,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// Checks that it is a problem with this status and code, complete, and with a request id.
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:#?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{self:#?}");
        }
        assert!(self.body["retryable"].is_boolean(), "{self:#?}");
        assert!(!self.header("x-request-id").is_empty());
    }

    /// The fields that are named, in order.
    pub(crate) fn bad_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Stack {
    /// In Mode A, with the defaults.
    pub(crate) async fn start() -> Self {
        Self::start_with(&["--allow-client-player-id"]).await
    }

    /// With these flags.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let control_plane = ControlPlane::start().await;
        let url = control_plane.url();
        Self::start_before(control_plane, &[&["--control-plane", &url], flags].concat(), system_resolver())
            .await
    }

    /// Before control planes that run already; `flags` say where.
    pub(crate) async fn start_before(
        control_plane: ControlPlane,
        flags: &[&str],
        resolver: Resolver,
    ) -> Self {
        Self::start_as(control_plane, flags, Sections::default(), resolver).await
    }

    /// The same with identity providers.
    pub(crate) async fn start_as(
        control_plane: ControlPlane,
        flags: &[&str],
        sections: Sections,
        resolver: Resolver,
    ) -> Self {
        let all = [&["--client-addr", "127.0.0.1:0", "--internal-addr", "127.0.0.1:0"], flags];
        let config: Config = runtime::config::defaults(&all.concat());
        let gateway = EdgeGateway::bind_with(config, sections, resolver).await.unwrap();
        let stop = CancellationToken::new();
        Self {
            control_plane,
            probe: gateway.probe(),
            client_addr: gateway.client_addr().to_string(),
            internal_addr: gateway.internal_addr().to_string(),
            http: reqwest::Client::new(),
            running: tokio::spawn(gateway.run(stop.clone())),
            stop,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", path).json(body)).await
    }

    /// A request to the clients' listener.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.client_addr);
        self.http.request(method.parse().unwrap(), url)
    }

    /// A request to the internal listener.
    pub(crate) fn internal_request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.internal_addr);
        self.http.request(method.parse().unwrap(), url)
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.timeout(PATIENCE * 3).send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.json().await.unwrap_or(Value::Null),
        }
    }

    /// Enqueues these players and returns their ticket's id.
    pub(crate) async fn enqueue(&self, members: &[&str]) -> String {
        let body = json!({"queueKey": "demo:2", "members": members});
        let answer = self.post("/v1/matchmaking/enqueue", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:#?}");
        answer.body["ticketId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn status(&self, ticket_id: &str) -> Answer {
        self.get(&format!("/v1/matchmaking/status/{ticket_id}")).await
    }

    pub(crate) async fn cancel(&self, ticket_id: &str) -> Answer {
        self.post("/v1/matchmaking/cancel", &json!({"ticketId": ticket_id})).await
    }

    /// A socket without a ticket.
    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(&format!("ws://{}/realtime", self.client_addr)).await
    }

    /// A socket that follows a ticket.
    pub(crate) async fn socket_of(&self, ticket_id: &str) -> Socket {
        Socket::open(&format!("ws://{}/realtime?ticketId={ticket_id}", self.client_addr)).await
    }

    /// Tells the gateway to stop, and goes on.
    pub(crate) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Stops the gateway and checks that it let go of everything.
    pub(crate) async fn finish(self) {
        self.stop.cancel();
        drop(self.http);
        let ended = tokio::time::timeout(PATIENCE * 2, self.running).await;
        ended.expect("the gateway ends").unwrap().unwrap();
        let probe = self.probe;
        assert_eq!(
            (probe.sockets(), probe.connections(), probe.subscriptions(), probe.tasks()),
            (0, 0, 0, 0),
            "sockets, connections, subscriptions, tasks"
        );
    }
}
