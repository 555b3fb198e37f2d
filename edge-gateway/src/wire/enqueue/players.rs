//! The players of an enqueue: by id, or with what rules can speak about.

use std::collections::BTreeMap;

use proto::matchmaking::v1 as pb;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::{
    schema::{AttributeText, Id, Latency},
    shape::{Faults, Fields, shown},
};

/// One player of a ticket.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct PlayerBody {
    /// Unique within the ticket.
    #[schema(value_type = Id, example = "alice")]
    pub(crate) player_id: String,
    /// At most 64, by name.
    #[schema(value_type = Option<BTreeMap<Id, AttributeBody>>, example = json!({"skill": 1480, "modes": ["ranked"]}))]
    pub(crate) attributes: BTreeMap<String, AttributeBody>,
    /// Round-trip time to each region, at most 64.
    #[schema(value_type = Option<BTreeMap<Id, Latency>>, example = json!({"eu-west": 23}))]
    pub(crate) latencies: BTreeMap<String, u32>,
    /// The team that the player asks for.
    #[schema(value_type = Option<Id>)]
    pub(crate) team: Option<String>,
    /// The role that the player asks for.
    #[schema(value_type = Option<Id>)]
    pub(crate) role: Option<String>,
}

/// A number, a text, a list of at most 100 texts, or an object of at most 100 numbers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum AttributeBody {
    /// A number.
    Number(f64),
    /// A text.
    #[schema(value_type = AttributeText)]
    Text(String),
    /// A list of texts.
    #[schema(value_type = Vec<AttributeText>)]
    Texts(Vec<String>),
    /// Numbers by name.
    #[schema(value_type = BTreeMap<Id, f64>)]
    Numbers(BTreeMap<String, f64>),
}

impl PlayerBody {
    /// The message for it.
    pub(super) fn into_message(self) -> pb::Player {
        pb::Player {
            player_id: self.player_id,
            attributes: self
                .attributes
                .into_iter()
                .map(|(name, value)| (name, value.into_message()))
                .collect(),
            latencies: self.latencies.into_iter().collect(),
            team: self.team.unwrap_or_default(),
            role: self.role.unwrap_or_default(),
        }
    }
}

impl AttributeBody {
    fn into_message(self) -> pb::AttributeValue {
        use pb::attribute_value::Kind;
        let kind = match self {
            Self::Number(number) => Kind::Number(number),
            Self::Text(text) => Kind::String(text),
            Self::Texts(values) => Kind::StringList(pb::StringList { values }),
            Self::Numbers(values) => {
                Kind::StringNumberMap(pb::StringNumberMap { values: values.into_iter().collect() })
            }
        };
        pb::AttributeValue { kind: Some(kind) }
    }
}

/// Reads a list of players' ids.
pub(super) fn members(list: &[Value], faults: &mut Faults) -> Vec<String> {
    let mut members = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        match value {
            Value::String(text) => members.push(text.clone()),
            other => faults.wrong_type(format!("members[{index}]"), "a player's id as text", other),
        }
    }
    members
}

/// Reads a list of players.
pub(super) fn players(list: &[Value], faults: &mut Faults) -> Vec<PlayerBody> {
    let mut players = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let Some(mut fields) = Fields::of(value, format!("players[{index}]"), faults) else {
            continue;
        };
        players.push(PlayerBody {
            player_id: fields.required_text("playerId"),
            attributes: attributes(&mut fields),
            latencies: latencies(&mut fields),
            team: fields.text("team"),
            role: fields.text("role"),
        });
        fields.finish();
    }
    players
}

fn attributes(fields: &mut Fields<'_>) -> BTreeMap<String, AttributeBody> {
    let mut attributes = BTreeMap::new();
    for (name, value) in fields.object("attributes").into_iter().flatten() {
        match attribute(value) {
            Some(read) => {
                attributes.insert(name.clone(), read);
            }
            None => {
                let path = fields.path(&format!("attributes.{}", shown(name)));
                let message = "must be a number, a text, a list of texts or an object of numbers";
                fields.faults().add(path, message);
            }
        }
    }
    attributes
}

fn attribute(value: &Value) -> Option<AttributeBody> {
    Some(match value {
        Value::Number(number) => AttributeBody::Number(number.as_f64()?),
        Value::String(text) => AttributeBody::Text(text.clone()),
        Value::Array(list) => {
            let texts: Option<Vec<_>> = list.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            AttributeBody::Texts(texts?)
        }
        Value::Object(map) => {
            let numbers: Option<BTreeMap<_, _>> =
                map.iter().map(|(name, item)| Some((name.clone(), item.as_f64()?))).collect();
            AttributeBody::Numbers(numbers?)
        }
        Value::Null | Value::Bool(_) => return None,
    })
}

fn latencies(fields: &mut Fields<'_>) -> BTreeMap<String, u32> {
    let mut latencies = BTreeMap::new();
    for (region, value) in fields.object("latencies").into_iter().flatten() {
        match value.as_f64().and_then(whole_milliseconds) {
            Some(milliseconds) => {
                latencies.insert(region.clone(), milliseconds);
            }
            None => {
                let path = fields.path(&format!("latencies.{}", shown(region)));
                let message = "must be a number of milliseconds, zero or more";
                fields.faults().add(path, message);
            }
        }
    }
    latencies
}

/// Clients measure fractions of a millisecond; nobody places a match by them.
fn whole_milliseconds(measured: f64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    (0.0..=f64::from(u32::MAX)).contains(&measured).then(|| measured.round() as u32)
}
