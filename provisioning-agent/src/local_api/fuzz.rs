//! Part of the fuzz targets: see [`crate::fuzz`].

use std::{
    pin::pin,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use proto::provisioning::v1::{AllocateLand, ConnectResponse, Welcome, connect_response::Message as Down};
use runtime::endpoints::{self, Endpoints};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::codegen::Service as _;

use super::router;
use crate::{
    agones::{self, SdkApi},
    config::Config,
    fuzz::World,
    game_api::GameApi,
    handle::{Call, Handle, Watch},
    jwks::Jwks,
    redeem::Redeemer,
    route::Route,
};

/// How many lines are looked at.
const LINES: usize = 24;
/// No answer that says why not is longer, in bytes.
const LONGEST: usize = 16 * 1024;
/// Requests of which nothing comes when the machine has nothing to do any more: they ask the network.
const IDLE: usize = 8;

/// What a game server asks over HTTP, of the local API and of the Agones SDK, and what happens beside it, a line each:
/// `METHOD PATH BODY`, `land ID` where the control plane asks for a land, `pass MILLISECONDS`.
pub fn game_server_requests(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut agent = Agent::new();
        for line in data.split(|byte| *byte == b'\n').take(LINES) {
            agent.line(line).await;
            agent.world.settle();
            if agent.world.has_ended {
                return;
            }
        }
    });
}

struct Agent {
    world: World,
    router: Router,
    calls: mpsc::Receiver<Call>,
    /// Of whoever listens.
    _watcher: Option<mpsc::Sender<crate::machine::Notice>>,
    _changes: watch::Sender<u64>,
    commands: usize,
}

impl Agent {
    fn new() -> Self {
        let world = World::new();
        let (agent, calls) = Handle::new();
        let (changes, changed) = watch::channel(0);
        let (server, instance_id) = (Arc::clone(&world.identity.server), world.identity.instance_id.clone());
        let stop = CancellationToken::new();
        let sdk = SdkApi::new(agent.clone(), Arc::clone(&server), instance_id.clone(), changed, stop);
        let (jwks, redeemer) = (Jwks::new(), unreachable());
        let api = GameApi { agent, jwks, redeemer, server, instance_id };
        let router = router(api, agones::routes(sdk));
        Self { world, router, calls, _watcher: None, _changes: changes, commands: 0 }
    }

    async fn line(&mut self, line: &[u8]) {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let Ok(second) = std::str::from_utf8(second) else { return };
        match first {
            b"land" => self.commanded(second),
            b"pass" => self.world.pass(second.parse().unwrap_or(1_000).min(100_000)),
            method => {
                let request = Request::builder().method(method).uri(second).header(header::HOST, "localhost");
                let request = request.header(header::CONTENT_TYPE, "application/json");
                let body = Body::from(words.next().unwrap_or_default().to_vec());
                let Ok(request) = request.body(body) else { return };
                if let Some(response) = self.answer(request).await {
                    check(response).await;
                }
            }
        }
    }

    fn commanded(&mut self, land: &str) {
        self.commands += 1;
        self.world.hear(ConnectResponse { message: Some(Down::Welcome(Welcome::default())) });
        self.world.hear(ConnectResponse {
            message: Some(Down::AllocateLand(AllocateLand {
                command_id: format!("command-{}", self.commands),
                land_id: land.to_owned(),
                land_type: land.split(':').next().unwrap_or_default().to_owned(),
                player_ids: vec!["ann".to_owned(), "bob".to_owned()],
                ..AllocateLand::default()
            })),
        });
    }

    /// `None`: it waits for the network.
    async fn answer(&mut self, request: Request<Body>) -> Option<Response<Body>> {
        let mut router = self.router.clone();
        let mut answer = pin!(router.call(request));
        let mut idle = 0;
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return Some(answer.unwrap_or_else(|never| match never {})),
                Some(call) = self.calls.recv() => match call {
                    Call::Machine(question) => question(&mut self.world.machine, self.world.now_ms),
                    Call::Watch(asker) => {
                        let missed = self.world.machine.watcher_came(self.world.now_ms);
                        let (told, following) = mpsc::channel(1);
                        self._watcher = Some(told);
                        drop(asker.send(Watch { missed, following }));
                    }
                },
                () = tokio::task::yield_now() => {
                    idle += 1;
                    if idle > IDLE {
                        return None;
                    }
                }
            }
        }
    }
}

/// Asks a control plane of which no address is known.
fn unreachable() -> Redeemer {
    static REDEEMER: OnceLock<Redeemer> = OnceLock::new();
    let redeemer = REDEEMER.get_or_init(|| {
        let targets = endpoints::parse("control_plane", &["http://control-plane.example:3001".to_owned()]);
        let targets = targets.expect("it is an address");
        let flags = ["--server-id", "a", "--host", "b", "--port", "1", "--land-type", "c"];
        let config: Config = runtime::config::defaults(&flags);
        let way = config.credentials.open().expect("there are none");
        let refresh = config.control_plane_refresh;
        Redeemer::new(Route::new(Endpoints::new(targets, refresh, endpoints::system_resolver()), way))
    });
    redeemer.clone()
}

/// Whatever is asked, the answer is JSON, and one that says why not is short and names what is wrong.
async fn check(response: Response<Body>) {
    let status = response.status();
    assert!(status.as_u16() < 500, "{response:?}");
    if status.is_success() {
        return;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_problem = kind == Some("application/problem+json");
    let kind = kind.map(str::to_owned);
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("it is in memory");
    assert!(body.len() <= LONGEST, "an answer of {} bytes", body.len());
    if !is_problem && kind.as_deref() != Some("application/json") {
        // What axum itself says of a path or a query that can't be read.
        return;
    }
    let body: Value = serde_json::from_slice(&body).expect("it is JSON");
    if is_problem {
        assert!(body["detail"].is_string() && body["code"].is_string(), "{body}");
        if status == StatusCode::BAD_REQUEST {
            let errors = body["errors"].as_array().expect("bad fields are named");
            assert!(!errors.is_empty() && errors.iter().all(|error| error["field"] != ""), "{body}");
        }
    } else {
        assert!(body["message"].is_string() && body["code"].is_number(), "{body}");
    }
}
