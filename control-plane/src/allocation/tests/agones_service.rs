//! A stand-in for Agones' allocation service: game servers that are ready are taken, by their labels, until it is told to behave
//! otherwise.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use proto::agones::allocation::{
    AllocationRequest, AllocationResponse, GameServerSelector,
    allocation_response::{GameServerMetadata, GameServerStatusPort},
    allocation_service_server::{AllocationService, AllocationServiceServer},
    game_server_selector::GameServerState,
};
use runtime::{Tasks, tls::ServerTls};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{
    ground::{Ground, Trouble},
    http_service::opened,
};
use crate::allocation::Allocation;

/// What is done with one request.
#[derive(Debug, Clone)]
pub(super) enum Mood {
    /// Nothing is taken, and this is the answer.
    Refuses(Status),
    /// Nothing is taken, and there is no answer.
    Silent,
    /// The game server is taken, and the connection breaks.
    Lost,
    /// The game server is taken, and the answer is changed.
    Odd(fn(&mut AllocationResponse)),
}

/// A game server.
#[derive(Debug, Clone)]
pub(super) struct GameServer {
    pub(super) name: String,
    pub(super) allocated: bool,
    pub(super) labels: HashMap<String, String>,
    pub(super) annotations: HashMap<String, String>,
}

/// The service. Stops when it is dropped.
pub(super) struct AgonesStandIn {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
    stop: CancellationToken,
}

#[derive(Default)]
struct State {
    moods: VecDeque<Mood>,
    standing: Option<Mood>,
    servers: BTreeMap<String, GameServer>,
    seen: Vec<AllocationRequest>,
    now: usize,
    most_at_once: usize,
    /// Ends all connections.
    cut: CancellationToken,
}

struct Service(Arc<Mutex<State>>);

impl AgonesStandIn {
    pub(super) async fn start(tls: Option<ServerTls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let (state, stop) = (Arc::<Mutex<State>>::default(), CancellationToken::new());
        let (accepted, incoming) = mpsc::channel(16);
        let shared = Arc::clone(&state);
        let accepting = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, accepted, cut) = (tls.clone(), accepted.clone(), shared.lock().cut.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = runtime::tls::accept(tls.as_ref(), stream).await {
                        drop(accepted.send(Ok::<_, std::io::Error>(through(stream, cut))).await);
                    }
                });
            }
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(accepting));
        let service = AllocationServiceServer::new(Service(Arc::clone(&state)));
        let serving = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(ReceiverStream::new(incoming));
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(serving).await });
        Self { url, state, stop }
    }

    /// A game server for lands of the type `demo`.
    pub(super) fn game_server(&self, name: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().chain(&[("muster.dev/land-type", "demo")]);
        let labels = labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let server =
            GameServer { name: name.to_owned(), allocated: false, labels, annotations: HashMap::new() };
        self.state.lock().servers.insert(name.to_owned(), server);
    }

    pub(super) fn once(&self, mood: Mood) {
        self.state.lock().moods.push_back(mood);
    }

    /// In this mood from now on; `None`: as it should be.
    pub(super) fn always(&self, mood: Option<Mood>) {
        self.state.lock().standing = mood;
    }

    pub(super) fn seen(&self) -> Vec<AllocationRequest> {
        self.state.lock().seen.clone()
    }

    pub(super) fn taken(&self) -> Vec<GameServer> {
        self.state.lock().servers.values().filter(|server| server.allocated).cloned().collect()
    }
}

impl Drop for AgonesStandIn {
    fn drop(&mut self) {
        self.stop.cancel();
        self.state.lock().cut.cancel();
    }
}

/// The connection, until it is cut.
fn through(mut stream: runtime::tls::ServerStream, cut: CancellationToken) -> tokio::io::DuplexStream {
    let (mut near, far) = tokio::io::duplex(64 * 1_024);
    tokio::spawn(async move {
        let copying = tokio::io::copy_bidirectional(&mut stream, &mut near);
        drop(cut.run_until_cancelled(copying).await);
    });
    far
}

#[tonic::async_trait]
impl AllocationService for Service {
    async fn allocate(
        &self,
        request: Request<AllocationRequest>,
    ) -> Result<Response<AllocationResponse>, Status> {
        assert!(request.metadata().contains_key("grpc-timeout"), "the deadline is told");
        let request = request.into_inner();
        let mood = {
            let mut state = self.0.lock();
            state.seen.push(request.clone());
            state.now += 1;
            state.most_at_once = state.most_at_once.max(state.now);
            let standing = state.standing.clone();
            state.moods.pop_front().or(standing)
        };
        let _now = Now(&self.0);
        tokio::task::yield_now().await;
        match mood {
            None => take(&mut self.0.lock(), &request).map(Response::new),
            Some(Mood::Refuses(status)) => Err(status),
            Some(Mood::Silent) => std::future::pending().await,
            Some(Mood::Lost) => {
                let mut state = self.0.lock();
                take(&mut state, &request)?;
                std::mem::take(&mut state.cut).cancel();
                Err(Status::internal("nobody hears this"))
            }
            Some(Mood::Odd(change)) => {
                let mut answer = take(&mut self.0.lock(), &request)?;
                change(&mut answer);
                Ok(Response::new(answer))
            }
        }
    }
}

struct Now<'a>(&'a Mutex<State>);

impl Drop for Now<'_> {
    fn drop(&mut self) {
        self.0.lock().now -= 1;
    }
}

/// As Agones does it: the first selector that a game server satisfies decides.
fn take(state: &mut State, request: &AllocationRequest) -> Result<AllocationResponse, Status> {
    assert_eq!(request.namespace, "default");
    let fits = |server: &GameServer, selector: &GameServerSelector| {
        server.allocated == (selector.game_server_state() == GameServerState::Allocated)
            && selector.match_labels.iter().all(|(name, value)| server.labels.get(name) == Some(value))
    };
    let name = request.game_server_selectors.iter().find_map(|selector| {
        state.servers.values().find(|server| fits(server, selector)).map(|server| server.name.clone())
    });
    let none = || Status::resource_exhausted("there is no available GameServer to allocate");
    let server = state.servers.get_mut(&name.ok_or_else(none)?).unwrap();
    server.allocated = true;
    let patch = request.metadata.clone().unwrap_or_default();
    server.labels.extend(patch.labels);
    server.annotations.extend(patch.annotations);
    Ok(AllocationResponse {
        game_server_name: server.name.clone(),
        address: "192.0.2.1".to_owned(),
        ports: vec![GameServerStatusPort { name: "default".to_owned(), port: 7_000 }],
        metadata: Some(GameServerMetadata {
            labels: server.labels.clone(),
            annotations: server.annotations.clone(),
        }),
        ..AllocationResponse::default()
    })
}

/// The port on a stand-in.
pub(super) struct AgonesGround {
    pub(super) service: AgonesStandIn,
    pub(super) port: Arc<dyn Allocation>,
    pub(super) tasks: Tasks,
}

/// On a stand-in that is not in TLS, with as many game servers as the suite needs.
pub(super) async fn ground() -> AgonesGround {
    let service = AgonesStandIn::start(None).await;
    for n in 0..100 {
        service.game_server(&format!("arena-{n}"), &[]);
    }
    AgonesGround::on(service, "").unwrap()
}

impl AgonesGround {
    pub(super) fn on(service: AgonesStandIn, flags: &str) -> Result<Self, runtime::config::Invalid> {
        let tasks = Tasks::new(CancellationToken::new());
        let port = opened("agones", &service.url, flags, &tasks)?;
        Ok(Self { service, port, tasks })
    }
}

impl Drop for AgonesGround {
    fn drop(&mut self) {
        self.tasks.stopping().cancel();
    }
}

impl Ground for AgonesGround {
    fn port(&self) -> Arc<dyn Allocation> {
        Arc::clone(&self.port)
    }

    fn trouble(&self, trouble: Trouble) {
        self.service.once(match trouble {
            Trouble::NoServer => Mood::Refuses(Status::resource_exhausted("none")),
            Trouble::Refuses => Mood::Refuses(Status::permission_denied("not you")),
            Trouble::Silent => Mood::Silent,
            Trouble::LosesReply => Mood::Lost,
        });
    }

    fn lands(&self) -> BTreeSet<String> {
        let taken = self.service.taken();
        taken.iter().map(|server| server.annotations["muster.dev/land-id"].clone()).collect()
    }

    fn takes_back(&self) -> bool {
        false
    }

    fn most_at_once(&self) -> Option<usize> {
        Some(self.service.state.lock().most_at_once)
    }
}
