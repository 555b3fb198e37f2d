//! The bodies of REST calls.

use proto::{matchmaking::v1 as matchmaking, provisioning::v1 as provisioning};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::check_refusal;
use crate::{
    http::parse,
    wire::{CancelBody, ExchangeBody, enqueue::EnqueueBody, server},
};

/// What is taken of a body.
const MAX_BODY: usize = 64 * 1024;

/// `POST /v1/matchmaking/enqueue`.
pub fn enqueue_body(data: &[u8]) {
    let Some(value) = body(data) else { return };
    match EnqueueBody::read(&value) {
        Ok(body) => enqueue_means_the_same(&value, body),
        Err(refusal) => check_refusal(refusal),
    }
}

/// What was accepted, written and read again, is the same request, for the same players.
fn enqueue_means_the_same(sent: &Value, body: EnqueueBody) {
    let fields = sent.as_object().expect("only objects are accepted");
    let party = body.party();
    let listed = [fields.get("members"), fields.get("players")];
    let listed = listed.into_iter().flatten().find_map(Value::as_array).expect("somebody is listed");
    assert_eq!(party.members.len(), listed.len(), "everybody is a member");
    assert_eq!(party.tokens.len(), fields.get("memberTokens").and_then(Value::as_object).map_or(0, Map::len));
    assert_eq!(body.first_player(), party.members.first().copied());

    let request = body.into_request(Uuid::nil());
    assert!(request.constraints_json.len() <= 16 * 1024);
    let again = EnqueueBody::read(&enqueue(&request)).expect("what was accepted is accepted again");
    assert_eq!(again.into_request(Uuid::nil()), request);
}

/// The body that asks for this.
fn enqueue(request: &matchmaking::EnqueueRequest) -> Value {
    use matchmaking::attribute_value::Kind;
    let attribute = |value: &matchmaking::AttributeValue| match &value.kind {
        None => panic!("an attribute has no value"),
        Some(Kind::Number(number)) => json!(number),
        Some(Kind::String(text)) => json!(text),
        Some(Kind::StringList(list)) => json!(list.values),
        Some(Kind::StringNumberMap(map)) => json!(map.values),
    };
    let player = |player: &matchmaking::Player| {
        let attributes = player.attributes.iter().map(|(name, value)| (name.clone(), attribute(value)));
        json!({
            "playerId": player.player_id,
            "attributes": attributes.collect::<Map<_, _>>(),
            "latencies": player.latencies,
            "team": given(&player.team),
            "role": given(&player.role),
        })
    };
    let constraints = Some(&request.constraints_json).filter(|json| !json.is_empty());
    json!({
        "queueKey": request.queue_key,
        "groupId": given(&request.group_id),
        "groupSize": request.group_size,
        "region": given(&request.region),
        "players": request.players.iter().map(player).collect::<Vec<_>>(),
        "constraints": constraints.map(|json| parse(json.as_bytes()).expect("an object stays one")),
    })
}

/// `POST /v1/matchmaking/cancel`.
pub fn cancel_body(data: &[u8]) {
    let Some(value) = body(data) else { return };
    match CancelBody::read(&value) {
        Ok(body) => {
            assert_eq!(json!({ "ticketId": body.ticket_id }), without_nulls(&value));
        }
        Err(refusal) => check_refusal(refusal),
    }
}

/// `POST /v1/identity/exchange`.
pub fn exchange_body(data: &[u8]) {
    let Some(value) = body(data) else { return };
    match ExchangeBody::read(&value) {
        Ok(body) => {
            assert_eq!(json!({ "token": body.token.reveal() }), without_nulls(&value));
            assert_eq!(format!("{body:?}"), "ExchangeBody { token: <secret> }");
        }
        Err(refusal) => check_refusal(refusal),
    }
}

/// `POST /v1/provisioning/servers/register`, on the internal listener.
pub fn register_body(data: &[u8]) {
    let Some(value) = body(data) else { return };
    match server::read(&value) {
        Ok(request) => {
            let again = server::read(&registration(&request)).expect("what was accepted is accepted again");
            assert_eq!(again, request);
            assert!(request.port > 0, "a port is a port");
        }
        Err(refusal) => check_refusal(refusal),
    }
}

/// The body that asks for this.
fn registration(request: &provisioning::RegisterServerRequest) -> Value {
    let number = |number: u32| if number == 0 { Value::Null } else { json!(number) };
    json!({
        "serverId": request.server_id,
        "host": request.host,
        "port": request.port,
        "landType": request.land_type,
        "connectHost": given(&request.connect_host),
        "connectPort": number(request.connect_port),
        "connectScheme": given(&request.connect_scheme),
        "region": given(&request.region),
        "capacity": number(request.capacity),
        "playerCapacity": number(request.player_capacity),
        "labels": request.labels,
        "version": given(&request.version),
    })
}

/// To the control plane, what is empty isn't there; a client leaves it out.
fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A body as JSON. What is none is refused in one short sentence.
fn body(data: &[u8]) -> Option<Value> {
    let data = &data[..data.len().min(MAX_BODY)];
    match parse(data) {
        Ok(value) => Some(value),
        Err(refusal) => {
            assert!(refusal.message.len() < 200, "{}", refusal.message);
            None
        }
    }
}

/// A field that is `null` is one that isn't there.
fn without_nulls(value: &Value) -> Value {
    let fields = value.as_object().expect("only objects are accepted");
    fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
