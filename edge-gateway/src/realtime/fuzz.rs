//! Part of the fuzz targets: see [`crate::fuzz`].

use proto::error::Refusal;
use serde_json::Value;
use uuid::Uuid;

use super::protocol::{Action, Outgoing};
use crate::{config::MAX_SOCKET_MESSAGE, fuzz::check_refusal, wire::enqueue::EnqueueBody};

/// A message that a client sends on its socket.
pub fn socket_message(data: &[u8]) {
    // What is no UTF-8, or larger, ends the socket before it is read.
    let Ok(text) = std::str::from_utf8(&data[..data.len().min(MAX_SOCKET_MESSAGE)]) else { return };
    match Action::read(text) {
        Ok(Action::Enqueue(value)) => enqueue_is_as_over_rest(&value),
        Ok(Action::Cancel(ticket_id)) => {
            let value: Value = serde_json::from_str(text).expect("it was read");
            assert_eq!(value.get("ticketId").and_then(Value::as_str), ticket_id.as_deref());
        }
        Ok(Action::Authenticate(token)) => {
            let value: Value = serde_json::from_str(text).expect("it was read");
            assert_eq!(value["token"].as_str(), Some(token.reveal()));
            assert_eq!(format!("{token:?}"), "<secret>");
        }
        Ok(Action::Heartbeat) => {}
        // What is no JSON, or no object, has no fields.
        Err(refusal) if refusal.fields.is_empty() => {
            assert!(refusal.message.len() < 200, "{}", refusal.message);
            assert!(socket_answer(&refusal).len() < 500);
        }
        Err(refusal) => check_refusal(refusal),
    }
}

/// Without its `action`, the message is a REST body that means the same, or is refused for the same.
fn enqueue_is_as_over_rest(value: &Value) {
    let mut body = value.clone();
    body.as_object_mut().expect("an action is a field of an object").remove("action");
    match (EnqueueBody::read_socket(value), EnqueueBody::read(&body)) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.into_request(Uuid::nil()), other.into_request(Uuid::nil()));
        }
        (Err(one), Err(_)) => check_refusal(one),
        (one, other) => panic!("on a socket {:?}, over REST {:?}", one.err(), other.err()),
    }
}

/// The message that a client gets for this, checked for its form.
pub(crate) fn socket_answer(refusal: &Refusal) -> String {
    let answer = Outgoing::error(refusal).text;
    let read: Value = serde_json::from_str(&answer).expect("it is JSON");
    assert!(read["type"] == "error" && read["message"].is_string() && read["code"].is_string(), "{answer}");
    answer
}
