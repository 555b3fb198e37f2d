//! The body of an enqueue, over REST and over a socket.

mod players;

use std::collections::BTreeMap;

use proto::{error::Refusal, matchmaking::v1 as pb};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    names::PlayersField,
    schema::Id,
    shape::{Faults, Fields, shown},
};
use crate::identity::{Party, Secret};

pub(crate) use players::PlayerBody;
use players::{members, players};

/// The largest `constraints`, in bytes of JSON.
const MAX_CONSTRAINTS: usize = 16 * 1024;

/// A request for a match. Exactly one of `members` and `players` names who it is for.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct EnqueueBody {
    /// The queue. `x:3v3` is two teams of three, `x:4` any four, where the queue has no configuration of its own.
    #[schema(value_type = Id, example = "hero-defense:3v3")]
    pub(crate) queue_key: String,
    /// The players' ids.
    #[schema(value_type = Option<BTreeSet<Id>>, example = json!(["alice", "bob"]), min_items = 1, max_items = 100)]
    pub(crate) members: Option<Vec<String>>,
    /// The players, with what rules can speak about.
    #[schema(min_items = 1, max_items = 100)]
    pub(crate) players: Option<Vec<PlayerBody>>,
    /// Names the party. Made by the server where it is absent. The same id again, with the same content, is the same ticket.
    #[schema(value_type = Option<Id>, example = "party-7")]
    pub(crate) group_id: Option<String>,
    /// By player: the identity token of each member other than the caller, who thereby agrees. Not needed where the caller is trusted.
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"bob": "eyJhbGciOiJSUzI1NiIs…"}))]
    pub(crate) member_tokens: BTreeMap<String, Secret>,
    /// Where given, must equal the number of players.
    #[schema(example = 2, minimum = 1, maximum = 100)]
    pub(crate) group_size: Option<u32>,
    /// Servers there are preferred.
    #[schema(value_type = Option<Id>, example = "eu-west")]
    pub(crate) region: Option<String>,
    /// Passed on to allocation unread; at most 16 KiB.
    #[schema(value_type = Option<Object>, example = json!({"map": "harbour"}))]
    pub(crate) constraints: Option<Map<String, Value>>,
}

impl EnqueueBody {
    /// Reads a REST body.
    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        Self::read_with(value, &[])
    }

    /// Reads a socket's message, `{"action":"enqueue", …}`.
    pub(crate) fn read_socket(value: &Value) -> Result<Self, Refusal> {
        Self::read_with(value, &["action"])
    }

    fn read_with(value: &Value, ignored: &[&'static str]) -> Result<Self, Refusal> {
        let mut faults = Faults::default();
        let Some(mut fields) = Fields::of_body(value, &mut faults) else {
            return Err(faults.into_result(()).expect_err("it was just found to be no object"));
        };
        for name in ignored {
            fields.ignore(name);
        }
        let body = Self {
            queue_key: fields.required_text("queueKey"),
            members: fields.list("members").map(|list| members(list, fields.faults())),
            players: fields.list("players").map(|list| players(list, fields.faults())),
            group_id: fields.text("groupId"),
            member_tokens: member_tokens(&mut fields),
            group_size: fields.integer("groupSize", 0),
            region: fields.text("region"),
            constraints: fields.object("constraints").cloned(),
        };
        let has = |name| value.get(name).is_some_and(|value: &Value| !value.is_null());
        match (has("members"), has("players")) {
            (false, false) => fields.faults().add(
                "members",
                "is missing; name the players in `members`, or in `players` with their attributes",
            ),
            (true, true) => {
                fields.faults().add("players", "can't be given beside `members`; use one of the two");
            }
            _ => {}
        }
        if body.constraints_json().len() > MAX_CONSTRAINTS {
            fields.faults().add("constraints", "is larger than 16 KiB of JSON");
        }
        fields.finish();
        faults.into_result(body)
    }

    /// The player who speaks for the group.
    pub(crate) fn first_player(&self) -> Option<&str> {
        self.player_ids().next()
    }

    /// Whom it is for, and what proves that they agree.
    pub(crate) fn party(&self) -> Party<'_> {
        let members_field = if self.members.is_some() { "members" } else { "players" };
        Party { members: self.player_ids().collect(), members_field, tokens: &self.member_tokens }
    }

    fn player_ids(&self) -> impl Iterator<Item = &str> {
        let members = self.members.iter().flatten().map(String::as_str);
        members.chain(self.players.iter().flatten().map(|player| player.player_id.as_str()))
    }

    /// Which of the two fields names the players.
    pub(crate) fn players_field(&self) -> PlayersField {
        if self.members.is_some() { PlayersField::Members } else { PlayersField::Players }
    }

    /// The call for it. The id is chosen here, so that a call that broke can be repeated without making two tickets.
    pub(crate) fn into_request(self, ticket_id: Uuid) -> pb::EnqueueRequest {
        let constraints_json = self.constraints_json();
        let members = self
            .members
            .into_iter()
            .flatten()
            .map(|player_id| pb::Player { player_id, ..pb::Player::default() });
        let players = self.players.into_iter().flatten().map(PlayerBody::into_message);
        pb::EnqueueRequest {
            ticket_id: ticket_id.to_string(),
            queue_key: self.queue_key,
            group_id: self.group_id.unwrap_or_default(),
            players: members.chain(players).collect(),
            group_size: self.group_size,
            region: self.region.unwrap_or_default(),
            constraints_json,
        }
    }

    /// Written anew, so that spaces don't make the same content another one.
    fn constraints_json(&self) -> String {
        let written = self.constraints.as_ref().map(serde_json::to_string);
        written.map_or_else(String::new, |json| json.expect("what was JSON is JSON again"))
    }
}

fn member_tokens(fields: &mut Fields<'_>) -> BTreeMap<String, Secret> {
    let mut tokens = BTreeMap::new();
    for (member, value) in fields.object("memberTokens").into_iter().flatten() {
        match value {
            Value::String(token) => {
                tokens.insert(member.clone(), Secret::new(token.as_str()));
            }
            other => {
                let path = fields.path(&format!("memberTokens.{}", shown(member)));
                fields.faults().wrong_type(path, "an identity token as text", other);
            }
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(value: &Value) -> String {
        let refusal = EnqueueBody::read(value).unwrap_err();
        let lines: Vec<String> =
            refusal.fields.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        lines.join("\n")
    }

    #[test]
    fn everything_arrives_upstream() {
        let body = json!({
            "queueKey": "q:2",
            "players": [
                {"playerId": "a", "attributes": {"n": 1.5, "t": "x", "l": ["y"], "m": {"k": 2}},
                 "latencies": {"eu": 20.6}, "team": "red", "role": "healer"},
                {"playerId": "b"}
            ],
            "groupId": "g", "groupSize": 2, "region": "eu", "constraints": {"b": 1, "a": [true, null]}
        });
        let id = Uuid::nil();
        let request = EnqueueBody::read(&body).unwrap().into_request(id);
        assert_eq!(request.ticket_id, id.to_string());
        assert_eq!((request.queue_key.as_str(), request.group_id.as_str()), ("q:2", "g"));
        assert_eq!((request.group_size, request.region.as_str()), (Some(2), "eu"));
        let constraints: Value = serde_json::from_str(&request.constraints_json).unwrap();
        assert_eq!(constraints, body["constraints"]);
        let first = &request.players[0];
        assert_eq!((first.team.as_str(), first.role.as_str()), ("red", "healer"));
        assert_eq!(first.latencies["eu"], 21);
        assert_eq!(first.attributes.len(), 4);
        assert!(request.players[1].attributes.is_empty());
    }

    #[test]
    fn members_are_players_without_attributes() {
        let body =
            EnqueueBody::read(&json!({"queueKey": "q", "members": ["a", "b"], "groupId": null})).unwrap();
        assert_eq!(body.players_field(), PlayersField::Members);
        let request = body.into_request(Uuid::nil());
        assert_eq!(request.players.len(), 2);
        assert!(request.group_id.is_empty() && request.constraints_json.is_empty());
    }

    #[test]
    fn wrong_fields_are_named_together() {
        insta::assert_snapshot!(faults(&json!({
            "queue_key": "q", "groupId": "", "groupSize": 1.5, "region": 7, "constraints": [],
            "players": [
                "a",
                {"attributes": {"x": true, "y": [1], "z": {"k": "v"}}, "latencies": {"eu": -1, "us": "fast"}},
                {"playerId": 5, "attributes": 1, "skill": 3}
            ]
        })));
    }

    #[test]
    fn players_are_named_in_exactly_one_way() {
        let none = faults(&json!({"queueKey": "q"}));
        assert!(none.starts_with("members: is missing"), "{none}");
        let both = faults(&json!({"queueKey": "q", "members": ["a"], "players": []}));
        assert!(both.starts_with("players: can't be given beside"), "{both}");
        let wrong = faults(&json!({"queueKey": "q", "members": "a"}));
        assert_eq!(wrong, "members: must be a list, not a text");
    }

    #[test]
    fn names_that_a_client_made_up_are_shown_shortly() {
        let long = "x".repeat(30_000);
        let text = faults(&json!({
            "queueKey": "q", "": 1, "memberTokens": {(long.as_str()): 1},
            "players": [{"playerId": "a", "attributes": {(long.as_str()): true}, "latencies": {(long.as_str()): ""}}]
        }));
        assert!(text.len() < 1_000, "{} bytes", text.len());
        assert!(text.ends_with("\"\": is unknown; known are queueKey, members, players, groupId, memberTokens, groupSize, region, constraints"), "{text}");
    }

    #[test]
    fn large_constraints_are_refused() {
        let large = "x".repeat(MAX_CONSTRAINTS);
        let text = faults(&json!({"queueKey": "q", "members": ["a"], "constraints": {"x": large}}));
        assert_eq!(text, "constraints: is larger than 16 KiB of JSON");
    }
}
