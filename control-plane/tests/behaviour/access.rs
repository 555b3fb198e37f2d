//! Who may do what: every call with every kind of credential, over real sockets.

mod authority;
mod players;
mod servers;
mod table;
mod tls;

use std::{net::SocketAddr, time::Duration};

use control_plane::{
    Config, ControlPlane, Sections,
    access::{NewKey, Scope},
};
use proto::{
    error::{Reason, Refusal},
    matchmaking::v1::{
        self as mm, matchmaking_client::MatchmakingClient, watch_request::Action, watch_response::Event,
    },
};
use runtime::{
    control_plane::{Calls, Credentials},
    endpoints::Endpoint,
};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use self::authority::replace;
use crate::stack::{PATIENCE, config, keys, request};

/// A control plane that asks who calls.
struct Guarded {
    addr: SocketAddr,
    dir: tempfile::TempDir,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

impl Guarded {
    /// With these lines of the access file.
    async fn start(lines: &str) -> Self {
        Self::with(lines, |_| ()).await
    }

    async fn with(lines: &str, change: impl FnOnce(&mut Config)) -> Self {
        let dir = keys();
        let mut config = config();
        config.keys_dir = dir.path().join("keys");
        config.access.access_file = Some(dir.path().join("access"));
        std::fs::write(dir.path().join("access"), lines).unwrap();
        change(&mut config);
        let control_plane = ControlPlane::bind(config, Sections::default()).await.unwrap();
        let addr = control_plane.grpc_addr();
        let stop = CancellationToken::new();
        let running = tokio::spawn(control_plane.run(stop.clone()));
        Self { addr, dir, stop, running }
    }

    /// Changes the access file, as an editor does.
    fn rewrite(&self, lines: &str) {
        replace(&self.dir.path().join("access"), lines);
    }

    /// A connection with these credentials.
    async fn calls(&self, credentials: &Credentials, tls: bool) -> anyhow::Result<Calls> {
        let endpoint = Endpoint { addr: self.addr, authority: self.addr.to_string().into(), tls };
        let way = credentials.open()?;
        way.connect(&endpoint, PATIENCE, |transport| transport).await
    }

    async fn with_key(&self, key: &str) -> Calls {
        let credentials =
            Credentials { control_plane_key: Some(key.parse().unwrap()), ..Credentials::default() };
        self.calls(&credentials, false).await.unwrap()
    }

    async fn without_key(&self) -> Calls {
        self.calls(&Credentials::default(), false).await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

/// The name of who has this scope alone.
fn line(scope: Scope, key: &NewKey) -> String {
    let servers = if scope == Scope::Agent { " servers=arena-1,eu-*" } else { "" };
    format!("{0}-1 {0} {1}{servers}\n", scope.name(), key.hash())
}

async fn list_queues(calls: &Calls) -> Result<(), Refusal> {
    let answer = MatchmakingClient::new(calls.clone()).list_queues(mm::ListQueuesRequest {}).await;
    answer.map(drop).map_err(|status| Refusal::from_status(&status))
}

/// Waits until listing queues is answered so.
async fn listing_is(calls: &Calls, expected: Option<Reason>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = list_queues(calls).await.err().map(|refusal| refusal.reason);
        if answer == expected {
            return;
        }
        assert!(Instant::now() < deadline, "it stayed {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_file_is_read_again_and_who_is_gone_has_no_streams_left() {
    let [old, new] = [NewKey::make(), NewKey::make()];
    let (before, after) = (line(Scope::Matchmaking, &old), line(Scope::Matchmaking, &new));
    let guarded = Guarded::start(&before).await;
    let (olds, news) = (guarded.with_key(old.secret()).await, guarded.with_key(new.secret()).await);
    assert_eq!(list_queues(&news).await.unwrap_err().reason, Reason::Unauthenticated);

    let mut matchmaking = MatchmakingClient::new(olds.clone());
    let ticket = matchmaking.enqueue(request("a:2", &["p"])).await.unwrap().into_inner().ticket_id;
    let (subscribe, requests) = mpsc::channel(1);
    subscribe.send(mm::WatchRequest { action: Some(Action::Subscribe(ticket)) }).await.unwrap();
    let mut events = matchmaking.watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    assert!(matches!(events.message().await.unwrap().unwrap().event, Some(Event::Ticket(_))));

    guarded.rewrite(&format!("{before}nonsense\n"));
    guarded.rewrite(&format!("{before}{after}"));
    listing_is(&news, None).await;
    list_queues(&olds).await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), events.message()).await.is_err(),
        "who is still there keeps their streams"
    );

    guarded.rewrite("broken\n");
    guarded.rewrite(&after);
    let ended = tokio::time::timeout(PATIENCE, events.message()).await.unwrap().unwrap_err();
    assert_eq!(Refusal::from_status(&ended).reason, Reason::Unauthenticated);
    assert_eq!(list_queues(&olds).await.unwrap_err().reason, Reason::Unauthenticated);
    list_queues(&news).await.unwrap();
    guarded.stop().await;
}
