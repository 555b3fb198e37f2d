//! A control plane on a port of its own, and clients for it.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use control_plane::{Config, ControlPlane, Probe, QueueEntry, Sections, State};
use proto::{
    error::Refusal,
    keys::v1::keys_client::KeysClient,
    matchmaking::v1::{self as mm, matchmaking_client::MatchmakingClient},
    provisioning::v1::{self as pv, provisioning_client::ProvisioningClient},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running control plane; stops with [`Stack::stop`].
pub(crate) struct Stack {
    pub(crate) addr: SocketAddr,
    pub(crate) channel: Channel,
    pub(crate) probe: Probe,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
    /// Gone with the stack.
    #[expect(dead_code, reason = "it is there for its end")]
    keys: Option<tempfile::TempDir>,
}

/// The settings of a test, to be changed before it starts.
pub(crate) fn config() -> Config {
    Config {
        grpc_addr: ([127, 0, 0, 1], 0).into(),
        heartbeat_interval: Duration::from_millis(100),
        state: State::Memory,
        ..runtime::config::defaults(&[])
    }
}

impl Stack {
    pub(crate) async fn start() -> Self {
        Self::with(config(), &[]).await
    }

    pub(crate) async fn with(mut config: Config, queues: &[(&str, QueueEntry)]) -> Self {
        let keys = keys();
        config.keys_dir = keys.path().join("keys");
        Self::with_own_keys(config, queues).await.and_keys(keys)
    }

    /// The directory goes with the stack.
    pub(crate) fn and_keys(self, keys: tempfile::TempDir) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// The configuration says where the keys are.
    pub(crate) async fn with_own_keys(config: Config, queues: &[(&str, QueueEntry)]) -> Self {
        let queues = queues.iter().map(|(key, entry)| ((*key).to_owned(), entry.clone())).collect();
        Self::with_sections(config, Sections { queues }).await
    }

    /// The configuration says where the keys are, and the sections come from its file.
    pub(crate) async fn with_sections(config: Config, sections: Sections) -> Self {
        let control_plane = ControlPlane::bind(config, sections).await.unwrap();
        let (addr, probe) = (control_plane.grpc_addr(), control_plane.probe());
        let stop = CancellationToken::new();
        let running = tokio::spawn(control_plane.run(stop.clone()));
        let endpoint = Endpoint::from_shared(format!("http://{addr}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self { addr, channel, probe, stop, running, keys: None }
    }

    pub(crate) fn matchmaking(&self) -> MatchmakingClient<Channel> {
        MatchmakingClient::new(self.channel.clone())
    }

    pub(crate) fn provisioning(&self) -> ProvisioningClient<Channel> {
        ProvisioningClient::new(self.channel.clone())
    }

    pub(crate) fn keys(&self) -> KeysClient<Channel> {
        KeysClient::new(self.channel.clone())
    }

    /// Enqueues and returns the ticket's id.
    pub(crate) async fn enqueue(&self, queue: &str, players: &[&str]) -> String {
        let answer = self.matchmaking().enqueue(request(queue, players)).await.unwrap();
        answer.into_inner().ticket_id
    }

    /// What an enqueue is refused with.
    pub(crate) async fn refused(&self, request: mm::EnqueueRequest) -> Refusal {
        Refusal::from_status(&self.matchmaking().enqueue(request).await.unwrap_err())
    }

    pub(crate) async fn ticket(&self, id: &str) -> mm::Ticket {
        self.wait(id, 0).await
    }

    /// The ticket once its status is not queued any more.
    pub(crate) async fn ended(&self, id: &str) -> mm::Ticket {
        let ticket = self.wait(id, 20_000).await;
        assert_ne!(ticket.status(), mm::TicketStatus::Queued, "still queued: {ticket:?}");
        ticket
    }

    pub(crate) async fn assignment(&self, id: &str) -> mm::Assignment {
        self.ended(id).await.assignment.unwrap()
    }

    pub(crate) async fn cancel(&self, id: &str) -> mm::CancelResponse {
        let request = mm::CancelRequest { ticket_id: id.to_owned() };
        self.matchmaking().cancel(request).await.unwrap().into_inner()
    }

    async fn wait(&self, id: &str, wait_ms: u32) -> mm::Ticket {
        let request = mm::GetTicketRequest { ticket_id: id.to_owned(), wait_ms };
        self.matchmaking().get_ticket(request).await.unwrap().into_inner().ticket.unwrap()
    }

    /// Waits until the ticket has this place in its queue.
    pub(crate) async fn place_is(&self, id: &str, position: u32) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.ticket(id).await.place.is_none_or(|place| place.position != position) {
            assert!(tokio::time::Instant::now() < deadline, "`{id}` is not at {position}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn servers(&self) -> Vec<pv::Server> {
        let request = pv::ListServersRequest::default();
        self.provisioning().list_servers(request).await.unwrap().into_inner().servers
    }

    /// Waits until the servers are as wanted.
    pub(crate) async fn servers_are(&self, wanted: impl Fn(&[pv::Server]) -> bool) -> Vec<pv::Server> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let servers = self.servers().await;
            if wanted(&servers) {
                return servers;
            }
            assert!(tokio::time::Instant::now() < deadline, "the servers stayed {servers:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops it; nothing may be left over.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.running).await.unwrap();
        ended.unwrap().unwrap();
        assert_eq!(self.probe.followed_tickets(), 0, "somebody still follows a ticket");
    }
}

/// A directory with keys in it: the same ones in all tests, for one takes a good part of a second to make.
pub(crate) fn keys() -> tempfile::TempDir {
    static FILES: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let settings = tokens::KeyRingSettings {
            algorithm: tokens::Algorithm::Rs256,
            token_lifetime: Duration::from_secs(300),
            identity_lifetime: Duration::from_secs(300),
            publish_ahead: Duration::from_secs(300),
            bits: tokens::DEFAULT_BITS,
        };
        let keys = dir.path().join("keys");
        tokens::KeyRing::open(&keys, settings, SystemTime::now()).unwrap();
        let files = std::fs::read_dir(&keys).unwrap().map(Result::unwrap);
        files.map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect()
    });
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    std::fs::DirBuilder::new().mode(0o700).create(&keys).unwrap();
    for (name, bytes) in files {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(keys.join(name)).unwrap();
        file.write_all(bytes).unwrap();
    }
    dir
}

pub(crate) fn request(queue: &str, players: &[&str]) -> mm::EnqueueRequest {
    let player = |id: &&str| mm::Player { player_id: (*id).to_owned(), ..Default::default() };
    mm::EnqueueRequest {
        queue_key: queue.to_owned(),
        players: players.iter().map(player).collect(),
        ..Default::default()
    }
}

/// What a call is refused with.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) -> Refusal {
    Refusal::from_status(&answer.unwrap_err())
}
