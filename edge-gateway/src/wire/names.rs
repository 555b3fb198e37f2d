//! Turns the field names of the `.proto` files back into those that the client wrote.

use proto::error::{FieldError, Reason, Refusal};

/// In which field of its enqueue a client named its players.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlayersField {
    /// As ids.
    Members,
    /// As objects.
    Players,
}

/// What the `.proto` files call differently than the client's JSON.
const NAMES: [(&str, &str); 12] = [
    ("ticket_id", "ticketId"),
    ("queue_key", "queueKey"),
    ("group_id", "groupId"),
    ("group_size", "groupSize"),
    ("player_id", "playerId"),
    ("constraints_json", "constraints"),
    ("wait_ms", "wait"),
    ("server_id", "serverId"),
    ("land_type", "landType"),
    ("connect_host", "connectHost"),
    ("connect_port", "connectPort"),
    ("connect_scheme", "connectScheme"),
];

/// Below these, names are the client's own.
const MAPS: [&str; 3] = ["attributes", "latencies", "labels"];

/// `refusal` with the client's names in its fields, and in its message where that names a field.
pub(crate) fn in_clients_words(refusal: Refusal, players: PlayersField) -> Refusal {
    if refusal.reason != Reason::InvalidRequest || refusal.fields.is_empty() {
        return refusal;
    }
    let fields = refusal
        .fields
        .into_iter()
        .map(|error| FieldError::new(clients_path(&error.field, players), error.message))
        .collect();
    Refusal { metadata: refusal.metadata, retry_after: refusal.retry_after, ..Refusal::invalid(fields) }
}

/// `players[3].player_id` is the client's `players[3].playerId`, or its `members[3]`.
fn clients_path(path: &str, players: PlayersField) -> String {
    let mut segments = Vec::new();
    let mut rest = Some(path);
    while let Some(text) = rest {
        let (segment, after) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
        let (name, index) = segment.find('[').map_or((segment, ""), |at| segment.split_at(at));
        let known = NAMES.iter().find(|(theirs, _)| *theirs == name);
        segments.push(format!("{}{index}", known.map_or(name, |(_, ours)| ours)));
        rest = after;
        if MAPS.contains(&name) {
            segments.extend(rest.take().map(str::to_owned));
        }
    }
    let path = segments.join(".");
    match path.strip_prefix("players") {
        Some(rest) if players == PlayersField::Members => {
            format!("members{}", rest.strip_suffix(".playerId").unwrap_or(rest))
        }
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_clients() {
        use PlayersField::{Members, Players};
        for (theirs, players, ours) in [
            ("queue_key", Players, "queueKey"),
            ("players[3].player_id", Players, "players[3].playerId"),
            ("players[3].player_id", Members, "members[3]"),
            ("players", Members, "members"),
            ("players[0].attributes.group_id.x", Players, "players[0].attributes.group_id.x"),
            ("constraints_json", Members, "constraints"),
            ("labels[server_id]", Players, "labels[server_id]"),
        ] {
            assert_eq!(clients_path(theirs, players), ours);
        }
    }

    #[test]
    fn the_message_names_the_clients_field() {
        let refusal = Refusal::invalid(vec![FieldError::new("players[1].player_id", "is empty")]);
        let refusal = in_clients_words(refusal, PlayersField::Members);
        assert_eq!(refusal.message, "members[1]: is empty");
    }
}
