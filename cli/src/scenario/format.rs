//! The steps of a scenario, as they are written. docs/scenarios.md explains them to those who write them.

mod fields;

use std::{fmt, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value};

pub(super) use fields::Names;

/// A story of players, read from a file by [`Scenario::read`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// One line that says what must hold.
    pub name: String,
    /// Why, and what has to run for it.
    #[serde(default)]
    pub about: String,
    pub(super) steps: Vec<Step>,
}

/// One step: an object with one field that names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Step {
    Enqueue(Enqueue),
    Wait(Wait),
    Connect(Connect),
    Action(Action),
    Assert(Assert),
    Log(String),
}

/// Puts players into a queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Enqueue {
    /// What later steps call this ticket.
    #[serde(rename = "as")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) via: Via,
    pub(super) queue_key: String,
    pub(super) members: Option<Vec<String>>,
    pub(super) players: Option<Vec<Value>>,
    pub(super) group_id: Option<String>,
    pub(super) group_size: Option<u64>,
    pub(super) region: Option<String>,
    pub(super) constraints: Option<Value>,
    /// By JSON pointer into the answer. With `/code` in it, the answer has to be an error.
    #[serde(default)]
    pub(super) expect: Map<String, Value>,
}

/// How a ticket is enqueued and followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Via {
    #[default]
    Websocket,
    Rest,
}

/// Waits until something has happened to all that are named.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Wait {
    #[serde(rename = "for")]
    pub(super) what: Awaited,
    pub(super) of: Names,
    #[serde(default = "ten_seconds", deserialize_with = "fields::duration")]
    pub(super) within: Duration,
    #[serde(default)]
    pub(super) at: String,
    #[serde(default, deserialize_with = "fields::present")]
    pub(super) equals: Option<Value>,
    pub(super) matches: Option<String>,
    pub(super) length: Option<usize>,
    pub(super) code: Option<u16>,
}

/// What a wait waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Awaited {
    /// Of tickets.
    Queued,
    Matched,
    Assigned,
    Cancelled,
    Expired,
    /// Of connections to a land: a state that fits.
    State,
    /// An error message.
    Error,
    /// The end, by the server.
    Closed,
}

/// Connects a player to a land.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Connect {
    /// What later steps call this connection.
    #[serde(rename = "as")]
    pub(super) name: String,
    /// The ticket whose assignment says where.
    pub(super) ticket: Option<String>,
    /// Which of the ticket's players; the first where it isn't said.
    pub(super) player: Option<String>,
    /// Another token than the assignment's; empty for none.
    pub(super) token: Option<String>,
    /// Instead of a ticket: where to, as it stands.
    pub(super) url: Option<String>,
    /// The code with which the server has to close at once.
    pub(super) expect_close: Option<u16>,
}

/// Does something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Action {
    /// Connections that send.
    pub(super) by: Option<Names>,
    /// What they send.
    pub(super) send: Option<Value>,
    /// How often; once where it isn't said.
    pub(super) times: Option<u32>,
    /// A ticket to cancel.
    pub(super) cancel: Option<String>,
    /// By JSON pointer into the answer to the cancel.
    #[serde(default)]
    pub(super) expect: Map<String, Value>,
}

/// Looks at what is known and compares.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Assert {
    pub(super) on: Subject,
    pub(super) of: Names,
    /// JSON pointer; the whole where it isn't said.
    #[serde(default)]
    pub(super) at: String,
    #[serde(default, deserialize_with = "fields::present")]
    pub(super) equals: Option<Value>,
    pub(super) matches: Option<String>,
    pub(super) length: Option<usize>,
    #[serde(default)]
    pub(super) same: bool,
    #[serde(default)]
    pub(super) different: bool,
}

/// What an assertion looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Subject {
    /// A ticket, as last heard.
    Ticket,
    /// Its assignment.
    Assignment,
    /// The land's state, as a connection last heard it.
    Land,
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enqueue(step) => write!(f, "enqueue {} in {}", step.name, step.queue_key),
            Self::Wait(step) => write!(f, "wait for {} of {}", lower(step.what), step.of),
            Self::Connect(step) => write!(f, "connect {}", step.name),
            Self::Action(step) => match (&step.by, &step.send, &step.cancel) {
                (Some(by), Some(send), _) => write!(f, "action by {by}: {send}"),
                (.., Some(ticket)) => write!(f, "action: cancel {ticket}"),
                _ => f.write_str("action"),
            },
            Self::Assert(step) => write!(f, "assert {} {} of {}", lower(step.on), step.at, step.of),
            Self::Log(text) => write!(f, "log: {text}"),
        }
    }
}

/// A name as the file writes it.
fn lower(name: impl fmt::Debug) -> String {
    format!("{name:?}").to_lowercase()
}
