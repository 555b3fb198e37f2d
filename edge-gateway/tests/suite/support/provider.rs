//! An identity provider: a small HTTP server with a discovery document and keys.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use edge_gateway::{IdentityProvider, OneOrMore, Sections};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::signer::{Signer, in_seconds};

/// The audience of its tokens.
pub(crate) const AUDIENCE: &str = "the-game";

/// A provider that runs.
pub(crate) struct Provider {
    pub(crate) signer: Signer,
    pub(crate) state: Arc<Served>,
    url: String,
}

/// What it serves.
pub(crate) struct Served {
    /// With the status 200, or this instead.
    pub(crate) status: Mutex<StatusCode>,
    pub(crate) keys: Mutex<Value>,
    pub(crate) issuer: Mutex<String>,
    pub(crate) reads: AtomicUsize,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let signer = Signer::new("p1");
        let state = Arc::new(Served {
            status: Mutex::new(StatusCode::OK),
            keys: Mutex::new(signer.jwks()),
            issuer: Mutex::new(url.clone()),
            reads: AtomicUsize::default(),
        });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { signer, state, url }
    }

    /// How the gateway is told of it: by discovery.
    pub(crate) fn entry(&self) -> IdentityProvider {
        IdentityProvider {
            issuer: self.url.clone(),
            audience: OneOrMore::More(vec!["another".to_owned(), AUDIENCE.to_owned()]),
            jwks_url: None,
            player_claim: "sub".to_owned(),
            player_prefix: String::new(),
            ca: None,
            allow_keys_over_plain_http_though_anybody_on_the_way_can_change_them: false,
        }
    }

    /// The same, as the gateway's only one.
    pub(crate) fn sections(&self) -> Sections {
        Sections { identity_providers: vec![self.entry()] }
    }

    /// Where its keys are.
    pub(crate) fn keys_url(&self) -> String {
        format!("{}/keys", self.url)
    }

    pub(crate) fn claims(&self, player: &str) -> Value {
        json!({"iss": self.url, "aud": ["x", AUDIENCE], "sub": player, "exp": in_seconds(600)})
    }

    pub(crate) fn token(&self, player: &str) -> String {
        self.signer.sign(&self.claims(player))
    }

    pub(crate) fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }
}

async fn discovery(State(served): State<Arc<Served>>) -> impl IntoResponse {
    let issuer = served.issuer.lock().clone();
    let document =
        json!({"jwks_uri": format!("{issuer}/keys"), "issuer": issuer, "scopes_supported": ["openid"]});
    (*served.status.lock(), Json(document))
}

async fn keys(State(served): State<Arc<Served>>) -> impl IntoResponse {
    served.reads.fetch_add(1, Ordering::SeqCst);
    (*served.status.lock(), Json(served.keys.lock().clone()))
}
