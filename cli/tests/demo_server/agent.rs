//! A stand-in of the agent: it speaks the local API over real HTTP, signs with real keys, and remembers what it was told.

use std::{
    collections::VecDeque,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{Method, StatusCode, Uri},
    routing::{get, post},
};
use futures_util::stream;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokens::{Admission, Claims, KeyRing, KeyRingSettings};
use tokio::sync::broadcast;

const SERVER_ID: &str = "demo-1";
const LIFETIME: Duration = Duration::from_secs(300);

/// The agent's side, as a test needs it.
pub(crate) struct FakeAgent {
    url: String,
    keys: KeyRing,
    _dir: TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    lands: Mutex<Value>,
    jwks: Mutex<String>,
    heard: Mutex<Vec<(Method, String, Value)>>,
    /// What the next redemptions are answered with; after them, all is well.
    redemptions: Mutex<VecDeque<StatusCode>>,
    lines: Mutex<broadcast::Sender<String>>,
}

/// Waits until `holds`, at most ten seconds.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never happened: {what}"));
}

impl FakeAgent {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = open(dir.path());
        let shared = Arc::new(Shared {
            lands: Mutex::new(json!([])),
            jwks: Mutex::new(keys.jwks_json(SystemTime::now())),
            heard: Mutex::default(),
            redemptions: Mutex::default(),
            lines: Mutex::new(broadcast::channel(64).0),
        });
        let app = Router::new()
            .route(
                "/v1/status",
                get(async |State(shared): State<Arc<Shared>>| {
                    Json(json!({"serverId": SERVER_ID, "lands": *shared.lands.lock()}))
                }),
            )
            .route("/v1/jwks", get(async |State(shared): State<Arc<Shared>>| shared.jwks.lock().clone()))
            .route("/v1/lands/watch", get(watch))
            .route("/v1/tokens/redeem", post(redeem))
            .fallback(hear)
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, keys, _dir: dir, shared }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Sends a command once somebody listens.
    pub(crate) async fn send(&self, command: &Value) {
        let line = format!("{command}\n");
        eventually("the server watches", async || self.shared.lines.lock().send(line.clone()).is_ok()).await;
    }

    pub(crate) async fn announce(&self, land: &str, players: &[&str]) {
        let land_type = land.split(':').next().unwrap();
        let command = json!({"type":"land.allocate","landId":land,"landType":land_type,"matchId":"m","queueKey":"q",
            "players":players,"teams":[],"constraints":null,"answerWithinMs":2000});
        self.send(&command).await;
    }

    /// Breaks all watches off.
    pub(crate) fn break_off(&self) {
        *self.shared.lines.lock() = broadcast::channel(64).0;
    }

    /// Waits for a call and returns its body; `null` where it had none.
    pub(crate) async fn heard(&self, method: &str, path: &str) -> Value {
        let find = || {
            let heard = self.shared.heard.lock();
            heard.iter().find(|call| call.0 == method && call.1 == path).map(|call| call.2.clone())
        };
        eventually(&format!("{method} {path}"), async || find().is_some()).await;
        find().unwrap()
    }

    /// Waits until the last report of a land's players is `players`.
    pub(crate) async fn heard_players(&self, land: &str, players: &[&str]) {
        let path = format!("/v1/lands/{land}/players");
        eventually(&format!("{path} {players:?}"), async || {
            let heard = self.shared.heard.lock();
            let last = heard.iter().rfind(|call| call.0 == Method::PUT && call.1 == path);
            last.is_some_and(|call| call.2 == json!({ "players": players }))
        })
        .await;
    }

    /// What `GET /v1/status` tells of lands.
    pub(crate) fn knows_lands(&self, lands: &Value) {
        *self.shared.lands.lock() = lands.clone();
    }

    /// What the next redemptions are answered with.
    pub(crate) fn answers_redemptions(&self, with: &[StatusCode]) {
        self.shared.redemptions.lock().extend(with);
    }

    /// The names of the redemptions that were asked for.
    pub(crate) fn redemptions(&self) -> Vec<Value> {
        let heard = self.shared.heard.lock();
        let asked = heard.iter().filter(|call| call.1 == "/v1/tokens/redeem");
        asked.map(|call| call.2["redemptionId"].clone()).collect()
    }

    pub(crate) fn has_heard(&self, method: &str, path: &str) -> bool {
        let heard = self.shared.heard.lock();
        heard.iter().any(|call| call.0 == method && call.1 == path)
    }

    pub(crate) fn forget_what_was_heard(&self) {
        self.shared.heard.lock().clear();
    }

    pub(crate) fn token(&self, player: &str, land: &str) -> String {
        self.sign(player, land, SERVER_ID, SystemTime::now())
    }

    pub(crate) fn token_for_server(&self, player: &str, land: &str, server: &str) -> String {
        self.sign(player, land, server, SystemTime::now())
    }

    pub(crate) fn expired_token(&self, player: &str, land: &str) -> String {
        self.sign(player, land, SERVER_ID, SystemTime::now() - 2 * LIFETIME)
    }

    /// From now on everything is signed with, and only, a new key.
    pub(crate) fn rotate_keys(&mut self) {
        let dir = tempfile::tempdir().unwrap();
        self.keys = open(dir.path());
        *self.shared.jwks.lock() = self.keys.jwks_json(SystemTime::now());
    }

    fn sign(&self, player: &str, land: &str, server: &str, now: SystemTime) -> String {
        let admission = Admission {
            player_id: player,
            assignment_id: "a-1",
            match_id: "m-1",
            land_id: land,
            server_id: server,
        };
        let claims = Claims::admit("muster", admission, now, LIFETIME);
        self.keys.sign(&claims, SystemTime::now()).unwrap().into_string()
    }
}

fn open(dir: &Path) -> KeyRing {
    let settings = KeyRingSettings {
        algorithm: tokens::Algorithm::Rs256,
        token_lifetime: LIFETIME,
        identity_lifetime: LIFETIME,
        publish_ahead: Duration::ZERO,
        bits: tokens::DEFAULT_BITS,
    };
    KeyRing::open(dir, settings, SystemTime::now()).unwrap()
}

async fn watch(State(shared): State<Arc<Shared>>) -> Body {
    let lines = shared.lines.lock().subscribe();
    Body::from_stream(stream::unfold(lines, async |mut lines| {
        let line = lines.recv().await.ok()?;
        Some((Ok::<_, std::io::Error>(line), lines))
    }))
}

async fn redeem(State(shared): State<Arc<Shared>>, Json(asked): Json<Value>) -> StatusCode {
    shared.heard.lock().push((Method::POST, "/v1/tokens/redeem".to_owned(), asked));
    shared.redemptions.lock().pop_front().unwrap_or(StatusCode::OK)
}

async fn hear(State(shared): State<Arc<Shared>>, method: Method, uri: Uri, body: Bytes) {
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    shared.heard.lock().push((method, uri.path().to_owned(), body));
}
