//! A control plane that remembers what it is told and says what the test wants.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use proto::{
    error::Refusal,
    keys::v1::{
        GetJwksRequest, GetJwksResponse, IssueIdentityRequest, IssueIdentityResponse, ListKeysRequest,
        ListKeysResponse, RedeemTokenRequest, RedeemTokenResponse, RotateKeysRequest, RotateKeysResponse,
        keys_server::{Keys, KeysServer},
    },
    provisioning::v1::{
        self as wire, AllocateLand, ConnectRequest, ConnectResponse, Heartbeat, Hello, LandAnswer, Welcome,
        connect_request::Message as Up,
        connect_response::Message as Down,
        land_answer::Outcome,
        provisioning_server::{Provisioning, ProvisioningServer},
    },
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, Streaming};

use crate::fixture::eventually;

/// What it does with a stream.
#[derive(Clone)]
pub(crate) enum Mood {
    Welcome,
    /// Reads, and never says a word: not even that the stream is there.
    Silent,
    Refuse(Refusal),
}

pub(crate) struct ControlPlane {
    pub(crate) addr: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    /// Ends the serving when the test ends.
    stop: DropGuard,
    serving: JoinHandle<()>,
}

type Downstream = mpsc::Sender<Result<ConnectResponse, Status>>;

/// What tonic serves.
struct Service(Arc<Shared>);

pub(crate) struct Shared {
    /// Everything that came, with the number of its stream, from 1.
    received: Mutex<Vec<(usize, Up)>>,
    /// How many streams there were, and the way down the newest while it lives.
    newest: Mutex<(usize, Option<Downstream>)>,
    pub(crate) mood: Mutex<Mood>,
    pub(crate) jwks: Mutex<String>,
    pub(crate) jwks_fetches: Mutex<usize>,
    pub(crate) redemptions: Mutex<Vec<RedeemTokenRequest>>,
    /// What the next redemptions are refused with; after them, all is well.
    pub(crate) refuse_redemptions: Mutex<VecDeque<Refusal>>,
    stop: Mutex<CancellationToken>,
    role: Role,
}

enum Role {
    All,
    Worker,
}

impl ControlPlane {
    pub(crate) async fn start() -> Self {
        Self::start_as(Role::All).await
    }

    /// One that only forms matches: well, and not for agents.
    pub(crate) async fn worker() -> Self {
        Self::start_as(Role::Worker).await
    }

    async fn start_as(role: Role) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            newest: Mutex::default(),
            mood: Mutex::new(Mood::Welcome),
            jwks: Mutex::new(r#"{"keys":[{"kid":"first"}]}"#.to_owned()),
            jwks_fetches: Mutex::default(),
            redemptions: Mutex::default(),
            refuse_redemptions: Mutex::default(),
            stop: Mutex::default(),
            role,
        });
        Self::serve(listener, shared).await
    }

    async fn serve(listener: TcpListener, shared: Arc<Shared>) -> Self {
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        *shared.stop.lock() = stop.clone();
        let stopped = stop.clone();
        let (reporter, health) = tonic_health::server::health_reporter();
        match shared.role {
            Role::All => reporter.set_serving::<ProvisioningServer<Service>>().await,
            Role::Worker => reporter.set_not_serving::<ProvisioningServer<Service>>().await,
        }
        let server = tonic::transport::Server::builder()
            .add_service(health)
            .add_service(ProvisioningServer::new(Service(Arc::clone(&shared))))
            .add_service(KeysServer::new(Service(Arc::clone(&shared))))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async move {
                stopped.cancelled().await;
            });
        let serving = tokio::spawn(async move { server.await.unwrap() });
        Self { addr, shared, stop: stop.drop_guard(), serving }
    }

    /// Goes down, with all its streams; returns what is needed to come back.
    pub(crate) async fn go_down(self) -> (SocketAddr, Arc<Shared>) {
        self.stop.disarm().cancel();
        self.shared.newest.lock().1 = None;
        self.serving.await.unwrap();
        (self.addr, self.shared)
    }

    /// Comes back where it was.
    pub(crate) async fn come_back((addr, shared): (SocketAddr, Arc<Shared>)) -> Self {
        Self::serve(TcpListener::bind(addr).await.unwrap(), shared).await
    }

    /// Says something on the newest stream.
    pub(crate) async fn say(&self, message: Down) {
        let stream = self.shared.newest.lock().1.clone().unwrap();
        let message = ConnectResponse { message: Some(message) };
        stream.send(Ok(message)).await.unwrap();
    }

    /// Asks for a land of two players.
    pub(crate) async fn allocate(&self, command_id: &str, land_id: &str, answer_within_ms: u32) {
        let players = vec!["ann".to_owned(), "bob".to_owned()];
        let command = AllocateLand {
            command_id: command_id.to_owned(),
            land_id: land_id.to_owned(),
            land_type: "arena".to_owned(),
            match_id: "m-1".to_owned(),
            queue_key: "arena:2".to_owned(),
            player_ids: players.clone(),
            teams: vec![wire::RosterTeam { name: "red".to_owned(), player_ids: players }],
            constraints_json: "{\"g\":\n{\"map\":\"lava\"}}".to_owned(),
            answer_within_ms,
        };
        self.say(Down::AllocateLand(command)).await;
    }

    pub(crate) async fn release(&self, land_id: &str, reason: &str) {
        let command = wire::ReleaseLand { land_id: land_id.to_owned(), reason: reason.to_owned() };
        self.say(Down::ReleaseLand(command)).await;
    }

    /// Waits until `find` finds something among all that came.
    pub(crate) async fn heard<T>(&self, what: &str, find: impl Fn(usize, &Up) -> Option<T>) -> T {
        eventually(what, async || {
            let received = self.shared.received.lock();
            received.iter().find_map(|(stream, message)| find(*stream, message))
        })
        .await
    }

    pub(crate) async fn hello(&self, on_stream: usize) -> Hello {
        self.heard("a hello", |stream, message| match message {
            Up::Hello(hello) if stream == on_stream => Some(hello.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn heartbeat(&self, what: &str, wanted: impl Fn(&Heartbeat) -> bool) -> Heartbeat {
        self.heard(what, |_, message| match message {
            Up::Heartbeat(heartbeat) if wanted(heartbeat) => Some(heartbeat.clone()),
            _ => None,
        })
        .await
    }

    /// The answer to a command: nothing where the land is ready, else why not.
    pub(crate) async fn answer(&self, command: &str) -> Option<String> {
        let answer: LandAnswer = self
            .heard("an answer", |_, message| match message {
                Up::LandAnswer(answer) if answer.command_id == command => Some(answer.clone()),
                _ => None,
            })
            .await;
        match answer.outcome.unwrap() {
            Outcome::Ready(_) => None,
            Outcome::Refused(refused) => Some(refused.reason),
        }
    }

    /// Waits until a command that was answered ready is refused for that reason: its land broke.
    pub(crate) async fn refused_afterwards(&self, command: &str, reason: &str) {
        self.heard("a refusal", |_, message| match message {
            Up::LandAnswer(LandAnswer { command_id, outcome: Some(Outcome::Refused(refused)) }) => {
                (command_id == command && refused.reason == reason).then_some(())
            }
            _ => None,
        })
        .await;
    }

    pub(crate) fn streams(&self) -> usize {
        self.shared.newest.lock().0
    }

    pub(crate) fn jwks_fetches(&self) -> usize {
        *self.shared.jwks_fetches.lock()
    }

    pub(crate) fn all(&self) -> Vec<Up> {
        let received = self.shared.received.lock();
        received.iter().map(|(_, message)| message.clone()).collect()
    }
}

#[tonic::async_trait]
impl Provisioning for Service {
    type ConnectStream = ReceiverStream<Result<ConnectResponse, Status>>;

    async fn connect(
        &self,
        request: Request<Streaming<ConnectRequest>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let mut inbound = request.into_inner();
        let (outbound, sent) = mpsc::channel(1024);
        let mood = self.0.mood.lock().clone();
        let stop = self.0.stop.lock().clone();
        let number = {
            let mut newest = self.0.newest.lock();
            *newest = (newest.0 + 1, Some(outbound.clone()));
            newest.0
        };
        if matches!(self.0.role, Role::Worker) {
            return Err(Status::unavailable("this control plane forms matches and serves no calls"));
        }
        match mood {
            Mood::Refuse(refusal) => return Err(refusal.into_status()),
            Mood::Silent => {
                stop.cancelled().await;
                return Err(Status::unavailable("gone"));
            }
            Mood::Welcome => {}
        }
        let welcome = Down::Welcome(Welcome { heartbeat_interval_ms: 100, expiry_ms: 400 });
        outbound.send(Ok(ConnectResponse { message: Some(welcome) })).await.unwrap();
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            // Held until the agent ends its side: other agents' streams end none.
            let _outbound = outbound;
            loop {
                let message = tokio::select! {
                    message = inbound.message() => message,
                    () = stop.cancelled() => return,
                };
                let Ok(Some(ConnectRequest { message: Some(message) })) = message else {
                    break;
                };
                shared.received.lock().push((number, message));
            }
            // Ends our side when the agent has ended its own.
            let mut newest = shared.newest.lock();
            if newest.0 == number {
                newest.1 = None;
            }
        });
        Ok(Response::new(ReceiverStream::new(sent)))
    }

    async fn register_server(
        &self,
        _request: Request<wire::RegisterServerRequest>,
    ) -> Result<Response<wire::RegisterServerResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn deregister_server(
        &self,
        _request: Request<wire::DeregisterServerRequest>,
    ) -> Result<Response<wire::DeregisterServerResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn list_servers(
        &self,
        _request: Request<wire::ListServersRequest>,
    ) -> Result<Response<wire::ListServersResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn allocate(
        &self,
        _request: Request<wire::AllocateRequest>,
    ) -> Result<Response<wire::AllocateResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn allocate_batch(
        &self,
        _request: Request<wire::AllocateBatchRequest>,
    ) -> Result<Response<wire::AllocateBatchResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn drain_server(
        &self,
        _request: Request<wire::DrainServerRequest>,
    ) -> Result<Response<wire::DrainServerResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn release(
        &self,
        _request: Request<wire::ReleaseRequest>,
    ) -> Result<Response<wire::ReleaseResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }
}

#[tonic::async_trait]
impl Keys for Service {
    async fn get_jwks(&self, _request: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        *self.0.jwks_fetches.lock() += 1;
        Ok(Response::new(GetJwksResponse { jwks_json: self.0.jwks.lock().clone(), max_age_s: 300 }))
    }

    async fn rotate_keys(
        &self,
        _request: Request<RotateKeysRequest>,
    ) -> Result<Response<RotateKeysResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn list_keys(
        &self,
        _request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn issue_identity(
        &self,
        _request: Request<IssueIdentityRequest>,
    ) -> Result<Response<IssueIdentityResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    async fn redeem_token(
        &self,
        request: Request<RedeemTokenRequest>,
    ) -> Result<Response<RedeemTokenResponse>, Status> {
        self.0.redemptions.lock().push(request.into_inner());
        if let Some(refusal) = self.0.refuse_redemptions.lock().pop_front() {
            return Err(refusal.into_status());
        }
        Ok(Response::new(RedeemTokenResponse {
            player_id: "ann".to_owned(),
            assignment_id: "a-1".to_owned(),
            match_id: "m-1".to_owned(),
            expires_at_unix_ms: 1_700_000_000_000,
        }))
    }
}
