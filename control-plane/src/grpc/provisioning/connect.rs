//! One agent's stream, from its hello to its end.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{Stream, StreamExt as _};
use proto::{
    error::{FieldError, Refusal},
    provisioning::v1::{
        self as pb, connect_request::Message as Up, connect_response::Message as Down, land_answer::Outcome,
    },
};
use storage::ServerId;
use tokio::sync::mpsc;
use tonic::{Code, Status};

use super::{Shared, convert};
use crate::{
    access::Caller,
    chance,
    grpc::refusals,
    registry::{Answer, Arrival, Command, Link},
};

/// How long a new stream may be silent before its hello.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// Commands that the registry may have ready for a stream. An agent that reads so slowly that there are more gets no lands.
const COMMANDS: usize = 1_024;

type Answers = mpsc::Sender<Result<pb::ConnectResponse, Status>>;

/// What comes from the agent.
pub(crate) trait Messages: Stream<Item = Result<pb::ConnectRequest, Status>> + Unpin + Send {}

impl<S: Stream<Item = Result<pb::ConnectRequest, Status>> + Unpin + Send> Messages for S {}

/// Tells streams apart; a number is used once in the life of the process.
static NEXT_LINK: AtomicU64 = AtomicU64::new(1);

/// Serves the stream until either side ends it.
pub(crate) async fn serve(shared: &Shared, caller: &Caller, mut messages: impl Messages, answers: Answers) {
    let hello = chance::select! {
        hello = hello(&mut messages) => hello,
        () = shared.tasks.stopping().cancelled() => Err(refusals::shutting_down()),
    };
    let hello = match hello {
        Ok(hello) => hello,
        Err(refusal) => return end(&answers, refusal),
    };
    let greeting = match convert::hello(hello) {
        Ok(greeting) => greeting,
        Err(refusal) => return end(&answers, refusal),
    };
    let server = greeting.registration.server.clone();
    if let Err(refusal) = caller.speaks_for(server.as_str()) {
        tracing::warn!(%server, caller = &*caller.name, "an agent may not speak for this server");
        return end(&answers, refusal);
    }
    let term = match shared.peers.hold(&server, &greeting.instance).await {
        Ok(term) => term,
        Err(refused) => return end(&answers, convert::not_held(refused)),
    };
    let (commands, commanded) = mpsc::channel(COMMANDS);
    let link = Link { id: NEXT_LINK.fetch_add(1, Ordering::Relaxed), commands };
    let link_id = link.id;
    let pace = shared.agent_pace;
    let arrival = Arrival {
        registration: greeting.registration,
        term,
        lands: greeting.lands,
        draining: greeting.draining,
    };
    if let Err(refused) = shared.registry.connect(arrival, pace.expiry, link) {
        return end(&answers, convert::superseded(refused));
    }
    // The first thing that this stream carries: commands wait in their own channel until then.
    let welcome = pb::Welcome { heartbeat_interval_ms: pace.interval_ms(), expiry_ms: pace.expiry_ms() };
    if answers.try_send(Ok(down(Down::Welcome(welcome)))).is_err() {
        shared.registry.disconnected(&server, link_id);
        return;
    }
    tracing::info!(%server, instance = greeting.instance, "a server is registered");
    let agent = Agent { shared, server, link: link_id };
    match agent.converse(messages, commanded, &answers).await {
        End::Goodbye(reason) => {
            tracing::info!(server = %agent.server, reason, "a server has gone");
            shared.registry.goodbye(&agent.server, link_id);
        }
        End::Broken(reason) => {
            tracing::warn!(server = %agent.server, reason, "a server's stream ended");
            shared.registry.disconnected(&agent.server, link_id);
        }
        End::Replaced => tracing::info!(server = %agent.server, "a server's stream was replaced"),
        End::Invalid(refusal) => {
            tracing::warn!(server = %agent.server, reason = refusal.message, "an agent broke the protocol");
            shared.registry.disconnected(&agent.server, link_id);
            end(&answers, refusal);
        }
    }
}

struct Agent<'a> {
    shared: &'a Shared,
    server: ServerId,
    link: u64,
}

enum End {
    Goodbye(String),
    Broken(&'static str),
    Replaced,
    Invalid(Refusal),
}

impl Agent<'_> {
    async fn converse(
        &self,
        mut messages: impl Messages,
        mut commands: mpsc::Receiver<Command>,
        answers: &Answers,
    ) -> End {
        let stop = &self.shared.agents_stop;
        loop {
            chance::select! {
                message = messages.next() => match message {
                    Some(Ok(message)) => if let Some(end) = self.take(message) { return end },
                    Some(Err(status)) if status.code() == Code::OutOfRange => {
                        return End::Invalid(Refusal::from_status(&status));
                    }
                    Some(Err(_)) => return End::Broken("the connection broke"),
                    None => return End::Broken("the agent closed it without a goodbye"),
                },
                command = commands.recv() => match command {
                    Some(command) => {
                        let last = matches!(command, Command::Superseded { .. });
                        // An agent that doesn't read for as long as it may be silent has gone.
                        let message = Ok(down(convert::command(command)));
                        chance::select! {
                            sent = answers.send_timeout(message, self.shared.agent_pace.expiry) => if sent.is_err() {
                                return End::Broken("the agent doesn't read");
                            },
                            () = stop.cancelled() => return End::Broken("shutting down"),
                        }
                        if last {
                            return End::Replaced;
                        }
                    }
                    // The registry dropped its end: it lost the server, or another stream took over.
                    None => return End::Broken("the server fell silent"),
                },
                () = answers.closed() => return End::Broken("the connection broke"),
                () = stop.cancelled() => return End::Broken("shutting down"),
            }
        }
    }

    /// Handles one message. `Some`: it was the last.
    fn take(&self, message: pb::ConnectRequest) -> Option<End> {
        let registry = &self.shared.registry;
        match message.message {
            Some(Up::Heartbeat(beat)) => match convert::heartbeat(beat) {
                Ok(beat) => {
                    metrics::counter!("control_plane_heartbeats_total").increment(1);
                    let present =
                        registry.heartbeat(&self.server, self.link, beat, self.shared.agent_pace.expiry);
                    (!present).then_some(End::Replaced)
                }
                Err(refusal) => Some(End::Invalid(refusal)),
            },
            Some(Up::LandAnswer(answer)) => {
                let outcome = match answer.outcome {
                    Some(Outcome::Ready(_)) => Answer::Ready,
                    Some(Outcome::Refused(refused)) => Answer::Refused(convert::reason(&refused.reason)),
                    None => Answer::Refused("the agent gave no outcome".to_owned()),
                };
                registry.answer(&self.server, self.link, &answer.command_id, outcome);
                None
            }
            Some(Up::Goodbye(goodbye)) => Some(End::Goodbye(convert::reason(&goodbye.reason))),
            Some(Up::Hello(_)) => Some(End::Invalid(Refusal::invalid(vec![FieldError::new(
                "hello",
                "was sent already; open a new stream to say it again",
            )]))),
            // A newer agent's message that this control plane doesn't know.
            None => None,
        }
    }
}

async fn hello(messages: &mut impl Messages) -> Result<pb::Hello, Refusal> {
    let missing = |message: &str| Refusal::invalid(vec![FieldError::new("hello", message)]);
    match tokio::time::timeout(HELLO_WITHIN, messages.next()).await {
        Ok(Some(Ok(pb::ConnectRequest { message: Some(Up::Hello(hello)) }))) => Ok(hello),
        Ok(Some(Err(status))) => Err(Refusal::from_status(&status)),
        Ok(_) => Err(missing("must be the first message of the stream")),
        Err(_) => Err(missing("must be sent within 5 seconds")),
    }
}

fn down(message: Down) -> pb::ConnectResponse {
    pb::ConnectResponse { message: Some(message) }
}

fn end(answers: &Answers, refusal: Refusal) {
    drop(answers.try_send(Err(refusal.into_status())));
}
