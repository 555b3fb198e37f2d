//! One call of a match function: bounded in time and in what it takes, whatever is at the other end.

use std::{sync::Arc, time::Duration};

use proto::match_function::v1::{self as pb, match_function_client::MatchFunctionClient};
use storage::TicketRecord;
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint},
};

use super::{
    answer::{Answer, Collector},
    wire,
};
use crate::queues::MatchFunction;

/// The largest message of an answer, in bytes.
const LARGEST: usize = 1024 * 1024;
/// How long opening a connection may take: another address of the same name may be better.
const CONNECT: Duration = Duration::from_secs(2);
/// How soon a connection is noticed that leads nowhere.
const KEEPALIVE: Duration = Duration::from_secs(10);

pub(super) type Client = MatchFunctionClient<Channel>;

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The text is for the log alone: there may be anything in it.
    #[error("{}", said(.0))]
    Failed(Box<tonic::Status>),
    #[error("there was no answer within {0:?}")]
    Deadline(Duration),
    #[error("{0}")]
    TooMuch(&'static str),
}

impl CallError {
    /// As metrics name it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Deadline(_) => "deadline",
            Self::TooMuch(_) => "too_much",
        }
    }

    /// All that is known, for the log.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Failed(status) => format!("{:?}: {}", status.code(), status.message()),
            Self::Deadline(_) | Self::TooMuch(_) => self.to_string(),
        }
    }
}

/// Without what the other end wrote: players may read it.
fn said(status: &tonic::Status) -> String {
    match status.code() {
        Code::Unavailable => "it can't be reached".to_owned(),
        Code::OutOfRange => "it sent a message that is too large".to_owned(),
        Code::Unimplemented => "what is there is no match function".to_owned(),
        code => format!("the call failed ({code:?})"),
    }
}

/// A client that connects when it is needed, and again when the connection broke.
pub(super) fn client(function: &MatchFunction) -> Client {
    let endpoint = Endpoint::from_shared(function.url.clone()).expect("the configuration was checked");
    let channel = endpoint
        .connect_timeout(CONNECT.min(function.deadline))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .connect_lazy();
    MatchFunctionClient::new(channel).max_decoding_message_size(LARGEST)
}

/// Sends the tickets and takes the proposals. Dropped, it ends the call at the other end too.
pub(super) async fn call(
    mut client: Client,
    round: pb::Round,
    sent: Arc<[Arc<TicketRecord>]>,
    deadline: Duration,
) -> Result<Answer, CallError> {
    let mut collector = Collector::new(Arc::clone(&sent));
    let mut request = Request::new(tokio_stream::iter(wire::messages(round, sent)));
    request.set_timeout(deadline);
    let answered = async {
        let mut answers = client.propose(request).await.map_err(failed)?.into_inner();
        while let Some(message) = answers.message().await.map_err(failed)? {
            collector.take(message).map_err(CallError::TooMuch)?;
            // Its messages may come faster than they are read: the queue's other work has its turn as well.
            tokio::task::consume_budget().await;
        }
        Ok(())
    };
    match tokio::time::timeout(deadline, answered).await {
        Ok(Ok(())) => Ok(collector.finish()),
        // The other end kept to the deadline itself.
        Ok(Err(CallError::Failed(status))) if status.code() == Code::DeadlineExceeded => {
            Err(CallError::Deadline(deadline))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => Err(CallError::Deadline(deadline)),
    }
}

fn failed(status: tonic::Status) -> CallError {
    CallError::Failed(Box::new(status))
}
