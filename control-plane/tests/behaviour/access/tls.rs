//! Callers by TLS and by certificate.

use std::path::Path;

use control_plane::access::{NewKey, Scope};
use proto::{
    error::Reason,
    matchmaking::v1::{
        self as mm, matchmaking_client::MatchmakingClient, watch_request::Action, watch_response::Event,
    },
};
use runtime::{
    control_plane::{Calls, Credentials},
    tls::ClientAuth,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{
    Guarded, PATIENCE,
    authority::{Authority, Pair},
    line, list_queues,
};
use crate::stack::request;

/// A guarded control plane with certificates from its own authority, in the directory `certificates`.
struct Tls {
    guarded: Guarded,
    authority: Authority,
    dir: tempfile::TempDir,
    server: Pair,
}

impl Tls {
    async fn start(lines: &str, auth: ClientAuth) -> Self {
        let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let server = authority.sign(dir.path(), "server", &["127.0.0.1"]);
        let ca = authority.write(&dir.path().join("ca.pem"));
        let guarded = Guarded::with(lines, |config| {
            config.access.grpc_tls_certificate = Some(server.certificate.clone());
            config.access.grpc_tls_key = Some(server.key.clone());
            config.access.grpc_tls_client_ca = Some(ca);
            config.access.grpc_tls_client_auth = auth;
        })
        .await;
        Self { guarded, authority, dir, server }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Who believes the authority, and has a key or nothing.
    fn believer(&self, key: Option<&NewKey>) -> Credentials {
        Credentials {
            control_plane_ca: Some(self.dir().join("ca.pem")),
            control_plane_key: key.map(|key| key.secret().parse().unwrap()),
            ..Credentials::default()
        }
    }

    fn client(&self, pair: &Pair) -> Credentials {
        pair.credentials(&self.dir().join("ca.pem"))
    }

    /// Connects and lists queues. With TLS 1.3 a server's refusal of a certificate comes with the first answer.
    async fn listing(&self, credentials: &Credentials) -> Result<(), Option<Reason>> {
        let calls = self.guarded.calls(credentials, true).await.map_err(|_| None)?;
        list_queues(&calls).await.map_err(|refusal| match refusal.reason {
            Reason::Unauthenticated | Reason::Forbidden => Some(refusal.reason),
            _ => None,
        })
    }
}

#[tokio::test]
async fn a_certificate_is_a_credential_and_so_is_a_key() {
    let key = NewKey::make();
    let lines = format!(
        "lobby matchmaking certificate:dns:lobby.example\nfleet operator certificate:uri:spiffe://games/fleet\n{}",
        line(Scope::Gateway, &key)
    );
    let tls = Tls::start(&lines, ClientAuth::Optional).await;
    let sign = |name: &str, names: &[&str]| tls.authority.sign(tls.dir(), name, names);
    tls.listing(&tls.client(&sign("lobby", &["Lobby.example"]))).await.unwrap();
    tls.listing(&tls.client(&sign("fleet", &["other.example", "spiffe://games/fleet"]))).await.unwrap();

    let unnamed = tls.client(&sign("unnamed", &["unnamed.example"]));
    assert_eq!(tls.listing(&unnamed).await, Err(Some(Reason::Unauthenticated)));
    assert_eq!(tls.listing(&tls.believer(None)).await, Err(Some(Reason::Unauthenticated)));
    // A key says it more precisely than the connection.
    assert_eq!(tls.listing(&tls.believer(Some(&key))).await, Err(Some(Reason::Forbidden)));
    let both = Credentials {
        control_plane_key: Some(key.secret().parse().unwrap()),
        ..tls.client(&sign("lobby", &["lobby.example"]))
    };
    assert_eq!(tls.listing(&both).await, Err(Some(Reason::Forbidden)));
    tls.guarded.stop().await;
}

#[tokio::test]
async fn what_is_not_signed_or_not_valid_is_no_connection() {
    let lines = "lobby matchmaking certificate:dns:lobby.example\n";
    let tls = Tls::start(lines, ClientAuth::Required).await;
    let names = ["lobby.example"];
    let good = tls.client(&tls.authority.sign(tls.dir(), "good", &names));
    tls.listing(&good).await.unwrap();

    let stranger = Authority::new();
    for (who, credentials) in [
        ("without a certificate", tls.believer(None)),
        ("with an expired one", tls.client(&tls.authority.sign_expired(tls.dir(), "old", &names))),
        ("with a stranger's", tls.client(&stranger.sign(tls.dir(), "forged", &names))),
        ("who believes another authority", {
            let ca = stranger.write(&tls.dir().join("other-ca.pem"));
            Credentials { control_plane_ca: Some(ca), ..good.clone() }
        }),
        ("who believes the machine's authorities", Credentials { control_plane_ca: None, ..good.clone() }),
    ] {
        assert_eq!(tls.listing(&credentials).await, Err(None), "{who}");
    }
    assert!(list_queues(&tls.guarded.without_key().await).await.is_err(), "without TLS");
    tls.guarded.stop().await;
}

#[tokio::test]
async fn a_server_whose_certificate_is_for_another_or_expired_is_not_spoken_to() {
    let key = NewKey::make();
    for sign in [
        |authority: &Authority, dir: &Path| authority.sign(dir, "server", &["10.0.0.1", "elsewhere.example"]),
        |authority: &Authority, dir: &Path| authority.sign_expired(dir, "server", &["127.0.0.1"]),
    ] {
        let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        let (server, ca) = (sign(&authority, dir.path()), authority.write(&dir.path().join("ca.pem")));
        let guarded = Guarded::with(&line(Scope::Operator, &key), |config| {
            config.access.grpc_tls_certificate = Some(server.certificate);
            config.access.grpc_tls_key = Some(server.key);
        })
        .await;
        let credentials = Credentials { control_plane_ca: Some(ca), ..Credentials::default() };
        let error = guarded.calls(&credentials, true).await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
        guarded.stop().await;
    }
}

async fn follow(
    calls: &Calls,
    ticket: &str,
) -> (mpsc::Sender<mm::WatchRequest>, Streaming<mm::WatchResponse>) {
    let (subscribe, requests) = mpsc::channel(4);
    subscribe.send(subscription(ticket)).await.unwrap();
    let events = MatchmakingClient::new(calls.clone()).watch(ReceiverStream::new(requests)).await.unwrap();
    (subscribe, events.into_inner())
}

fn subscription(ticket: &str) -> mm::WatchRequest {
    mm::WatchRequest { action: Some(Action::Subscribe(ticket.to_owned())) }
}

#[tokio::test]
async fn certificates_change_under_a_stream_that_goes_on() {
    let lines = "lobby matchmaking certificate:dns:lobby.example\n";
    let tls = Tls::start(lines, ClientAuth::Required).await;
    let old = tls.client(&tls.authority.sign(tls.dir(), "old", &["lobby.example"]));
    let calls = tls.guarded.calls(&old, true).await.unwrap();
    let enqueued = MatchmakingClient::new(calls.clone()).enqueue(request("a:2", &["p"])).await.unwrap();
    let ticket = enqueued.into_inner().ticket_id;
    let (subscribe, mut events) = follow(&calls, &ticket).await;
    assert!(matches!(events.message().await.unwrap().unwrap().event, Some(Event::Ticket(_))));

    // Everything is another authority's now. In between the files don't fit each other, and the old ones stay.
    let next = Authority::new();
    next.sign(tls.dir(), "server", &["127.0.0.1"]);
    let ca = next.write(&tls.dir().join("ca.pem"));
    let new = next.sign(tls.dir(), "new", &["lobby.example"]).credentials(&ca);
    let deadline = Instant::now() + PATIENCE;
    while tls.listing(&new).await.is_err() {
        assert!(Instant::now() < deadline, "the new certificates are not taken");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let old_ca = tls.authority.write(&tls.dir().join("old-ca.pem"));
    let old = Credentials { control_plane_ca: Some(old_ca), ..old };
    assert_eq!(tls.listing(&old).await, Err(None), "the old authority is believed no more");

    subscribe.send(subscription(&ticket)).await.unwrap();
    let again = tokio::time::timeout(PATIENCE, events.message()).await.unwrap().unwrap().unwrap();
    assert!(matches!(again.event, Some(Event::Ticket(_))), "the stream of before goes on");
    assert!(tls.server.certificate.exists());
    tls.guarded.stop().await;
}
