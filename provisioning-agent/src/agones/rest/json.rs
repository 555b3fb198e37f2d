//! JSON as protobuf has it: fields by their names in the .proto files, all of them, and 64-bit numbers as texts.
//!
//! Read is more than is written: numbers as numbers too, names in either spelling, and what nobody knows is left out. That
//! is what Agones' gateway does, and what hand-written clients have come to rely on.

use std::time::Duration as Time;

use axum::body::Body;
use proto::agones::{
    beta::{Counter, CounterUpdateRequest, List},
    sdk::{Duration, GameServer, KeyValue, game_server::Status as ServerStatus},
};
use serde_json::{Map, Value, json};
use tonic::Status;

/// The largest body, in bytes: a list of a thousand long values.
const LARGEST: usize = 2 * 1024 * 1024;
/// How long a body may take to arrive.
const PATIENCE: Time = Time::from_secs(5);

/// The fields of a request. A body without any has none.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) async fn read(body: Body) -> Result<Self, Status> {
        let read = tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, LARGEST)).await;
        let bytes = read
            .map_err(|_| Status::deadline_exceeded("the body did not arrive within 5 s"))?
            .map_err(|error| Status::invalid_argument(format!("the body can't be read: {error}")))?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        let fields = serde_json::from_slice(&bytes);
        fields
            .map(Self)
            .map_err(|error| Status::invalid_argument(format!("the body is no JSON object: {error}")))
    }

    pub(super) fn duration(self) -> Result<Duration, Status> {
        Ok(Duration { seconds: self.number("seconds")?.unwrap_or(0) })
    }

    pub(super) fn key_value(self) -> Result<KeyValue, Status> {
        Ok(KeyValue { key: self.text("key")?, value: self.text("value")? })
    }

    pub(super) fn counter_update(self, name: String) -> Result<CounterUpdateRequest, Status> {
        let diff = self.number("countDiff")?;
        let diff = if diff.is_none() { self.number("count_diff")? } else { diff };
        Ok(CounterUpdateRequest {
            name,
            count: self.number("count")?,
            capacity: self.number("capacity")?,
            count_diff: diff.unwrap_or(0),
        })
    }

    /// And which of its fields are there.
    pub(super) fn list(self, name: String) -> Result<(List, Vec<String>), Status> {
        let present = ["capacity", "values"].into_iter().filter(|field| self.0.contains_key(*field));
        let present = present.map(str::to_owned).collect();
        let values = match self.0.get("values") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(values)) => {
                let values = values.iter().map(|value| value.as_str().map(str::to_owned));
                values.collect::<Option<_>>().ok_or_else(|| Status::invalid_argument("values: give texts"))?
            }
            Some(_) => return Err(Status::invalid_argument("values: give a list of texts")),
        };
        Ok((List { name, capacity: self.number("capacity")?.unwrap_or(0), values }, present))
    }

    /// Empty where it isn't there, as protobuf has it.
    pub(super) fn text(&self, field: &str) -> Result<String, Status> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(Status::invalid_argument(format!("{field}: give a text"))),
        }
    }

    fn number(&self, field: &str) -> Result<Option<i64>, Status> {
        let number = match self.0.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_i64(),
        };
        let wrong = || Status::invalid_argument(format!("{field}: give a whole number of 64 bits"));
        number.map(Some).ok_or_else(wrong)
    }
}

pub(super) fn counter(counter: &Counter) -> Value {
    json!({ "name": counter.name, "count": counter.count.to_string(), "capacity": counter.capacity.to_string() })
}

pub(super) fn list(list: &List) -> Value {
    json!({ "name": list.name, "capacity": list.capacity.to_string(), "values": list.values })
}

pub(super) fn game_server(picture: GameServer) -> Value {
    let meta = picture.object_meta.unwrap_or_default();
    let health = picture.spec.unwrap_or_default().health.unwrap_or_default();
    json!({
        "object_meta": {
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
            "resource_version": meta.resource_version,
            "generation": meta.generation.to_string(),
            "creation_timestamp": meta.creation_timestamp.to_string(),
            "deletion_timestamp": meta.deletion_timestamp.to_string(),
            "annotations": meta.annotations,
            "labels": meta.labels,
        },
        "spec": { "health": {
            "disabled": health.disabled,
            "period_seconds": health.period_seconds,
            "failure_threshold": health.failure_threshold,
            "initial_delay_seconds": health.initial_delay_seconds,
        } },
        "status": status(picture.status.unwrap_or_default()),
    })
}

fn status(status: ServerStatus) -> Value {
    let ports = status.ports.into_iter().map(|port| json!({ "name": port.name, "port": port.port }));
    let addresses = status.addresses.into_iter();
    let addresses = addresses.map(|address| json!({ "type": address.r#type, "address": address.address }));
    let counters = status.counters.into_iter().map(|(name, counter)| {
        (name, json!({ "count": counter.count.to_string(), "capacity": counter.capacity.to_string() }))
    });
    let lists = status
        .lists
        .into_iter()
        .map(|(name, list)| (name, json!({ "capacity": list.capacity.to_string(), "values": list.values })));
    json!({
        "state": status.state,
        "address": status.address,
        "addresses": addresses.collect::<Vec<_>>(),
        "ports": ports.collect::<Vec<_>>(),
        "players": null,
        "counters": counters.collect::<Map<_, _>>(),
        "lists": lists.collect::<Map<_, _>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: Value) -> Fields {
        let Value::Object(fields) = json else { panic!("an object") };
        Fields(fields)
    }

    #[test]
    fn numbers_may_be_texts_and_unknown_fields_are_left_out() {
        for seconds in [json!(5), json!("5")] {
            let read = fields(json!({ "seconds": seconds, "more": [1] })).duration().unwrap();
            assert_eq!(read.seconds, 5);
        }
        assert_eq!(fields(json!({})).duration().unwrap().seconds, 0);
        for wrong in [json!("x"), json!(1.5), json!([]), json!("9223372036854775808")] {
            assert!(fields(json!({ "seconds": wrong })).duration().is_err());
        }
        let update =
            fields(json!({ "count": "0", "countDiff": "-3" })).counter_update("a".to_owned()).unwrap();
        assert_eq!((update.count, update.capacity, update.count_diff), (Some(0), None, -3));
    }

    #[test]
    fn a_list_says_which_of_its_fields_are_there() {
        let read = |json| fields(json).list("maps".to_owned());
        let (list, present) = read(json!({ "values": [] })).unwrap();
        assert_eq!((list.values.len(), present), (0, vec!["values".to_owned()]));
        assert!(read(json!({ "values": [1] })).is_err());
        assert!(read(json!({ "values": "a" })).is_err());
    }
}
