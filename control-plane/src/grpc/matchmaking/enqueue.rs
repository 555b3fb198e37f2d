//! An enqueue request, checked: the one authority on what a ticket may look like.

use std::{collections::HashSet, sync::Arc};

use matching::{GroupId, Player, QueueKey, Ticket, TicketId, Time};
use proto::{
    error::{Reason, Refusal},
    matchmaking::v1 as pb,
};
use smol_str::SmolStr;
use storage::NewTicket;
use uuid::Uuid;

use super::convert;
use crate::{
    grpc::fields::{Fields, shown},
    queues::{QueueSettings, Queues},
};

const MAX_PLAYERS: usize = 100;
/// Attributes of a player, regions of their latencies, entries of a list or map.
const MAX_ATTRIBUTES: usize = 64;
const MAX_ENTRIES: usize = 100;
/// The longest text in an attribute, in bytes.
const MAX_TEXT: usize = 256;
/// The longest latency, in milliseconds.
const MAX_LATENCY: u32 = 60_000;

/// What callers could make without end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Tickets of one queue.
    pub(crate) tickets: usize,
    /// Queues. Those that are configured count, but are never refused: who makes up queues keeps nobody out of them.
    pub(crate) queues: usize,
}

/// The ticket that the request asks for, or all that is wrong with it.
pub(super) fn check(
    request: pb::EnqueueRequest,
    queues: &Queues,
    limits: Limits,
) -> Result<NewTicket, Refusal> {
    let mut fields = Fields::default();
    if !request.ticket_id.is_empty() && Uuid::try_parse(&request.ticket_id).is_err() {
        fields.wrong("ticket_id", "must be a UUID, or absent");
    }
    fields.id("queue_key", &request.queue_key);
    fields.optional_id("group_id", &request.group_id);
    fields.optional_id("region", &request.region);
    fields.json_object("constraints_json", &request.constraints_json);
    players(&mut fields, &request);
    fields.check()?;

    let queue = QueueKey::new(&request.queue_key);
    if !queues.admits(&queue) {
        let message = format!("there is no queue `{queue}`; ask the operator which queues there are");
        return Err(Refusal::new(Reason::QueueNotFound, message));
    }
    let settings = queues.of(&queue);
    can_be_played(&settings, &queue, request.players.len())?;
    let players: Arc<[Player]> = request.players.into_iter().map(convert::player).collect();
    can_be_matched(&settings, &players)?;

    let or = |text: String, other: &dyn Fn() -> String| if text.is_empty() { other() } else { text };
    let id = or(request.ticket_id, &|| Uuid::now_v7().to_string());
    Ok(NewTicket {
        // The ticket names a group that nobody named: the same request sent again is then the same in all of it.
        group: GroupId::new(or(request.group_id, &|| id.clone())),
        id: TicketId::new(id),
        players,
        region: (!request.region.is_empty()).then(|| SmolStr::new(request.region)),
        constraints: (!request.constraints_json.is_empty()).then(|| Arc::from(request.constraints_json)),
        lifetime: settings.ticket_lifetime,
        queue_limit: limits.tickets,
        queues_limit: if queues.is_configured(&queue) { usize::MAX } else { limits.queues },
        queue,
    })
}

fn players(fields: &mut Fields, request: &pb::EnqueueRequest) {
    let count = request.players.len();
    if count == 0 {
        fields.wrong("players", "is required: at least one player");
    } else if count > MAX_PLAYERS {
        fields.wrong("players", format!("has {count} players; at most {MAX_PLAYERS} are allowed"));
        return;
    }
    if let Some(size) = request.group_size
        && usize::try_from(size) != Ok(count)
    {
        fields.wrong(
            "group_size",
            format!("is {size}, but there are {count} players; leave it out or make them equal"),
        );
    }
    let mut seen = HashSet::new();
    for (index, player) in request.players.iter().enumerate() {
        let path = format!("players[{index}]");
        let id_path = format!("{path}.player_id");
        fields.id(&id_path, &player.player_id);
        if !seen.insert(&player.player_id) {
            fields.wrong(id_path, "stands there twice; name every player once");
        }
        details(fields, &path, player);
    }
}

fn details(fields: &mut Fields, path: &str, player: &pb::Player) {
    fields.optional_id(&format!("{path}.team"), &player.team);
    fields.optional_id(&format!("{path}.role"), &player.role);
    fields.names(&format!("{path}.latencies"), player.latencies.keys(), MAX_ATTRIBUTES);
    for (region, latency) in &player.latencies {
        if *latency > MAX_LATENCY {
            fields.wrong(
                format!("{path}.latencies.{}", shown(region)),
                format!("must be 0 to {MAX_LATENCY} milliseconds"),
            );
        }
    }
    fields.names(&format!("{path}.attributes"), player.attributes.keys(), MAX_ATTRIBUTES);
    for (name, value) in &player.attributes {
        attribute(fields, &format!("{path}.attributes.{}", shown(name)), value);
    }
}

fn attribute(fields: &mut Fields, path: &str, value: &pb::AttributeValue) {
    use pb::attribute_value::Kind;
    match &value.kind {
        None => {
            fields.wrong(path, "has no value; give a number, a text, a list of texts or a map of numbers");
        }
        Some(Kind::Number(number)) if !number.is_finite() => fields.wrong(path, "must be a finite number"),
        Some(Kind::Number(_)) => {}
        Some(Kind::String(text)) => fields.text(path, text, MAX_TEXT),
        Some(Kind::StringList(list)) if list.values.len() > MAX_ENTRIES => {
            fields
                .wrong(path, format!("has {} entries; at most {MAX_ENTRIES} are allowed", list.values.len()));
        }
        Some(Kind::StringList(list)) => {
            for text in &list.values {
                fields.text(path, text, MAX_TEXT);
            }
        }
        Some(Kind::StringNumberMap(map)) => {
            fields.names(path, map.values.keys(), MAX_ENTRIES);
            if map.values.values().any(|number| !number.is_finite()) {
                fields.wrong(path, "must hold finite numbers");
            }
        }
    }
}

/// What would wait for ever is refused instead: a party larger than a match, or than a team; a land type that no server can
/// have.
fn can_be_played(settings: &QueueSettings, queue: &QueueKey, players: usize) -> Result<(), Refusal> {
    let mut fields = Fields::default();
    if settings.land_type.is_empty() {
        fields.wrong("queue_key", "names no land type; begin with one, for example `hero-defense:3v3`");
    } else {
        fields.land_type("queue_key", &settings.land_type);
    }
    let most = settings.rules.max_party();
    if !u32::try_from(players).is_ok_and(|players| players <= most) {
        fields.wrong(
            "players",
            format!(
                "has {players} players, but `{queue}` ({}) takes parties of at most {most}",
                settings.rules
            ),
        );
    }
    fields.check()
}

/// A ticket that no match can ever take under the queue's rule set is told so, rather than waiting for its expiry.
fn can_be_matched(settings: &QueueSettings, players: &Arc<[Player]>) -> Result<(), Refusal> {
    let Some(judge) = &settings.judge else { return Ok(()) };
    // The rules look at its players; what it is called and when it came makes no difference.
    let ticket = Ticket {
        id: TicketId::new(""),
        group: GroupId::new(""),
        players: Arc::clone(players),
        order: 0,
        enqueued_at: Time::default(),
        expires_at: Time::default(),
    };
    let mut fields = Fields::default();
    if let Err(unfit) = judge.facts(&ticket) {
        fields.wrong("players", unfit.to_string());
    }
    fields.check()
}
