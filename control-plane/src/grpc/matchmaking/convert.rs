//! Between the contract's messages and the engine's types.

use matching::{Attribute, Player, PlayerId, QueueKey};
use proto::matchmaking::v1 as pb;
use smol_str::SmolStr;
use storage::QueueReport;

/// A checked player.
pub(super) fn player(player: pb::Player) -> Player {
    let attributes = player.attributes.into_iter();
    Player {
        id: PlayerId::new(player.player_id),
        attributes: attributes.filter_map(|(name, value)| Some((name, attribute(value)?))).collect(),
        latencies: player.latencies.into_iter().collect(),
        team: (!player.team.is_empty()).then(|| SmolStr::new(player.team)),
        role: (!player.role.is_empty()).then(|| SmolStr::new(player.role)),
    }
}

fn attribute(value: pb::AttributeValue) -> Option<Attribute> {
    use pb::attribute_value::Kind;
    Some(match value.kind? {
        Kind::Number(number) => Attribute::Number(number),
        Kind::String(text) => Attribute::String(SmolStr::new(text)),
        Kind::StringList(list) => Attribute::StringList(list.values.into_iter().map(SmolStr::new).collect()),
        Kind::StringNumberMap(map) => Attribute::StringNumberMap(map.values.into_iter().collect()),
    })
}

/// A queue as operators see it.
pub(super) fn queue(key: &QueueKey, report: QueueReport) -> pb::Queue {
    pb::Queue {
        queue_key: key.to_string(),
        land_type: report.land_type,
        rules: report.rules,
        queued_tickets: report.queued_tickets,
        queued_players: report.queued_players,
        oldest_enqueued_at_unix_ms: report.oldest.map_or(0, |time| time.0),
        matches_made: report.matches_made,
        held_up_by: report.held_up_by,
    }
}
