//! A match function in a test's own hands: it answers as the test tells it to, and sees how it is called.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use control_plane::QueueEntry;
use proto::match_function::v1::{
    self as pb,
    match_function_server::{MatchFunction, MatchFunctionServer},
    propose_request::Part,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use crate::stack::PATIENCE;

pub(crate) type Answer = Pin<Box<dyn Stream<Item = Result<pb::ProposeResponse, Status>> + Send>>;
type Behaviour = Arc<dyn Fn(&pb::Round, &[pb::Ticket]) -> Result<Answer, Status> + Send + Sync>;

/// A running match function; ends when it is dropped.
pub(crate) struct Function {
    pub(crate) url: String,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

struct Shared {
    behaviour: parking_lot::Mutex<Behaviour>,
    calls: watch::Sender<Vec<Call>>,
    under_way: AtomicUsize,
    most_at_once: AtomicUsize,
    /// Calls that ended, however.
    ended: watch::Sender<usize>,
}

/// What one call brought.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) round: pb::Round,
    pub(crate) tickets: Vec<pb::Ticket>,
    /// The deadline, as it was sent.
    pub(crate) timeout: String,
}

struct Service(Arc<Shared>);

/// A call that is under way.
struct UnderWay(Arc<Shared>);

impl Function {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            behaviour: parking_lot::Mutex::new(Arc::new(|_, _| Ok(nothing()))),
            calls: watch::Sender::default(),
            under_way: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            ended: watch::Sender::default(),
        });
        let service = MatchFunctionServer::new(Service(Arc::clone(&shared)));
        let running = tokio::spawn(async move {
            let server = Server::builder().add_service(service);
            server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Self { url, shared, running }
    }

    /// A queue that is matched by it, called as often as may be.
    pub(crate) fn queue(&self) -> QueueEntry {
        QueueEntry {
            match_function: Some(self.url.clone()),
            match_function_deadline: Some(Duration::from_secs(1)),
            match_function_interval: Some(Duration::from_millis(10)),
            ..QueueEntry::default()
        }
    }

    /// From now on it answers like this.
    pub(crate) fn answers(
        &self,
        behaviour: impl Fn(&pb::Round, &[pb::Ticket]) -> Result<Answer, Status> + Send + Sync + 'static,
    ) {
        *self.shared.behaviour.lock() = Arc::new(behaviour);
    }

    /// From now on it makes matches of what comes, ticket by ticket, in teams of one ticket each.
    pub(crate) fn behaves(&self) {
        self.answers(|round, tickets| Ok(proposals(good(round, tickets))));
    }

    /// Waits for a call of which this is true.
    pub(crate) async fn call(&self, wanted: impl Fn(&Call) -> bool) -> Call {
        let mut calls = self.shared.calls.subscribe();
        let seen = calls.wait_for(|calls| calls.iter().any(&wanted));
        let seen = tokio::time::timeout(PATIENCE, seen).await.unwrap().unwrap();
        seen.iter().find(|call| wanted(call)).unwrap().clone()
    }

    /// How often it has been called.
    pub(crate) fn called(&self) -> usize {
        self.shared.calls.borrow().len()
    }

    /// How many calls have ended.
    pub(crate) fn ended(&self) -> usize {
        *self.shared.ended.borrow()
    }

    /// Waits until more calls than so many have ended.
    pub(crate) async fn ended_after(&self, before: usize) {
        let mut ended = self.shared.ended.subscribe();
        let reached = ended.wait_for(|ended| *ended > before);
        let seen = tokio::time::timeout(PATIENCE, reached).await;
        assert!(seen.is_ok(), "not called any more");
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }

    /// It is gone, and so are its connections.
    pub(crate) fn dies(self) {
        self.running.abort();
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}

#[tonic::async_trait]
impl MatchFunction for Service {
    type ProposeStream = Answer;

    async fn propose(
        &self,
        request: Request<Streaming<pb::ProposeRequest>>,
    ) -> Result<Response<Answer>, Status> {
        let at_once = self.0.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        let under_way = UnderWay(Arc::clone(&self.0));
        self.0.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        let timeout = request.metadata().get("grpc-timeout").unwrap().to_str().unwrap().to_owned();
        let mut parts = request.into_inner();
        let Some(Part::Round(round)) = parts.message().await?.unwrap().part else { panic!("no round") };
        let mut tickets = Vec::new();
        while let Some(request) = parts.message().await? {
            let Some(Part::Tickets(more)) = request.part else { panic!("no tickets") };
            assert!(!more.tickets.is_empty());
            tickets.extend(more.tickets);
        }
        let behaviour = Arc::clone(&self.0.behaviour.lock());
        let answer = behaviour(&round, &tickets);
        self.0.calls.send_modify(|calls| calls.push(Call { round, tickets, timeout }));
        let answer = answer?;
        Ok(Response::new(Box::pin(answer.map(move |message| {
            let _ = &under_way;
            message
        }))))
    }
}

/// No proposal at all.
pub(crate) fn nothing() -> Answer {
    proposals(Vec::new())
}

pub(crate) fn proposals(proposals: Vec<pb::Proposal>) -> Answer {
    Box::pin(tokio_stream::once(Ok(pb::ProposeResponse { proposals, again_in_ms: 0 })))
}

/// Teams by name and ticket ids.
pub(crate) fn proposal(teams: &[(&str, &[&str])]) -> pb::Proposal {
    let team = |(name, ids): &(&str, &[&str])| pb::Team {
        name: (*name).to_owned(),
        ticket_ids: ids.iter().map(|&id| id.to_owned()).collect(),
    };
    pb::Proposal { teams: teams.iter().map(team).collect(), score: 0.0 }
}

/// Proposals of tickets with one player each, in the order in which they came.
pub(crate) fn good(round: &pb::Round, tickets: &[pb::Ticket]) -> Vec<pb::Proposal> {
    let mut ids = tickets.iter().map(|ticket| ticket.ticket_id.as_str());
    let mut made = Vec::new();
    loop {
        let mut teams = Vec::new();
        for team in &round.teams {
            let members: Vec<&str> = ids.by_ref().take(team.max_players as usize).collect();
            if members.len() < team.max_players as usize {
                return made;
            }
            teams.push((team.name.as_str(), members));
        }
        let teams: Vec<_> = teams.iter().map(|(name, ids)| (*name, ids.as_slice())).collect();
        made.push(proposal(&teams));
    }
}
