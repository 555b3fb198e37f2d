//! Game servers, for people and for programs.

use std::fmt::Write as _;

use proto::provisioning::v1::{LandState, Server, ServerState};
use serde_json::{Value, json};

use crate::spans::span;

/// A line for each server, under a line that says what is where.
pub(super) fn table(servers: &[Server]) -> String {
    const HEAD: [&str; 7] = ["SERVER", "STATE", "LANDS", "PLAYERS", "REGION", "VERSION", "LAND TYPES"];
    let rows = servers.iter().map(|server| {
        [
            server.server_id.clone(),
            state(server.state()).to_owned(),
            format!("{}/{}", server.lands_used, server.capacity),
            players(server),
            or_dash(&server.region),
            or_dash(&server.version),
            server.land_types.join(","),
        ]
    });
    let rows: Vec<_> = std::iter::once(HEAD.map(ToOwned::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(text, "{}", line.trim_end()).expect("a string takes all text");
    }
    text
}

/// All of one server.
pub(super) fn page(server: &Server, now_ms: u64) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            writeln!(text, "{name:12}{value}").expect("a string takes all text");
        }
    };
    let ago = |at: u64| format!("{} ago", span(now_ms.saturating_sub(at)));
    let ahead =
        |at: u64| if at == 0 { String::new() } else { format!("in {}", span(at.saturating_sub(now_ms))) };
    line("server", &server.server_id);
    line("state", state(server.state()));
    line("lands end", &ahead(server.drain_deadline_unix_ms));
    line("asked last", &ahead(server.avoided_until_unix_ms));
    line("address", &server.connect_base);
    line("agent", if server.instance_id.is_empty() { "none" } else { &server.instance_id });
    line("land types", &server.land_types.join(", "));
    line("region", &server.region);
    line("version", &server.version);
    let mut labels: Vec<_> = server.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    labels.sort_unstable();
    line("labels", &labels.join(" "));
    line("registered", &ago(server.registered_at_unix_ms));
    line("heard of", &ago(server.last_heartbeat_unix_ms));
    line("lands", &format!("{} of {}", server.lands_used, server.capacity));
    line("players", &players(server));
    for land in &server.lands {
        let waits = if land.state() == LandState::Reserved { "  (its server is asked)" } else { "" };
        line("", &format!("{}  {}{waits}", land.land_id, land.player_ids.join(", ")));
    }
    text
}

/// One document.
pub(super) fn json(servers: &[Server]) -> Value {
    json!({ "servers": servers.iter().map(one).collect::<Vec<_>>() })
}

/// One server of it. What isn't set is left out.
pub(super) fn one(server: &Server) -> Value {
    let mut document = json!({
        "serverId": server.server_id,
        "state": state(server.state()),
        "connectBase": server.connect_base,
        "landTypes": server.land_types,
        "capacity": server.capacity,
        "landsUsed": server.lands_used,
        "players": server.players,
        "seatsReserved": server.seats_reserved,
        "labels": server.labels.iter().collect::<std::collections::BTreeMap<_, _>>(),
        "registeredAtUnixMs": server.registered_at_unix_ms,
        "lastHeartbeatUnixMs": server.last_heartbeat_unix_ms,
        "lands": server.lands.iter().map(|land| json!({
            "landId": land.land_id,
            "state": if land.state() == LandState::Reserved { "reserved" } else { "ready" },
            "playerIds": land.player_ids,
        })).collect::<Vec<_>>(),
    });
    let fields = document.as_object_mut().expect("it was made as an object");
    for (name, text) in
        [("instanceId", &server.instance_id), ("region", &server.region), ("version", &server.version)]
    {
        if !text.is_empty() {
            fields.insert(name.to_owned(), json!(text));
        }
    }
    for (name, number) in [
        ("playerCapacity", u64::from(server.player_capacity)),
        ("drainDeadlineUnixMs", server.drain_deadline_unix_ms),
        ("avoidedUntilUnixMs", server.avoided_until_unix_ms),
    ] {
        if number > 0 {
            fields.insert(name.to_owned(), json!(number));
        }
    }
    document
}

/// A server's state in a word.
pub(super) fn state(state: ServerState) -> &'static str {
    match state {
        ServerState::Ready => "ready",
        ServerState::Unhealthy => "unhealthy",
        ServerState::Draining => "draining",
        ServerState::Lost => "lost",
        ServerState::Unspecified => "unknown",
    }
}

/// Those who are there, of how many, and those who are expected.
fn players(server: &Server) -> String {
    let mut text = server.players.to_string();
    if server.player_capacity > 0 {
        text += &format!("/{}", server.player_capacity);
    }
    if server.seats_reserved > 0 {
        text += &format!(" (+{})", server.seats_reserved);
    }
    text
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use proto::provisioning::v1::ServerLand;

    use super::*;

    const NOW: u64 = 1_000_000_000;

    fn server() -> Server {
        Server {
            server_id: "arena-1".to_owned(),
            instance_id: "i".to_owned(),
            state: ServerState::Draining.into(),
            connect_base: "ws://10.0.0.5:7001".to_owned(),
            land_types: vec!["demo".to_owned(), "chess".to_owned()],
            region: "eu".to_owned(),
            capacity: 10,
            lands_used: 1,
            players: 2,
            player_capacity: 40,
            seats_reserved: 1,
            labels: [("b", "2"), ("a", "1")].map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            registered_at_unix_ms: NOW - 3_600_000,
            last_heartbeat_unix_ms: NOW - 1_000,
            drain_deadline_unix_ms: NOW + 600_000,
            lands: vec![ServerLand {
                land_id: "demo:1".to_owned(),
                state: LandState::Ready.into(),
                player_ids: vec!["ann".to_owned(), "bob".to_owned()],
            }],
            ..Server::default()
        }
    }

    #[test]
    fn servers_are_listed_in_columns() {
        let plain = Server { server_id: "b".to_owned(), capacity: 100, ..Server::default() };
        let expected = "\
SERVER   STATE     LANDS  PLAYERS    REGION  VERSION  LAND TYPES
arena-1  draining  1/10   2/40 (+1)  eu      -        demo,chess
b        unknown   0/100  0          -       -
";
        assert_eq!(table(&[server(), plain]), expected);
    }

    #[test]
    fn a_page_has_all_of_a_server_and_nothing_that_is_not_set() {
        let expected = "\
server      arena-1
state       draining
lands end   in 10m
address     ws://10.0.0.5:7001
agent       i
land types  demo, chess
region      eu
labels      a=1 b=2
registered  1h ago
heard of    1s ago
lands       1 of 10
players     2/40 (+1)
            demo:1  ann, bob
";
        assert_eq!(page(&server(), NOW), expected);
    }

    #[test]
    fn programs_read_a_document() {
        let document = json(&[server()]);
        let one = &document["servers"][0];
        assert_eq!((&one["serverId"], &one["state"]), (&json!("arena-1"), &json!("draining")));
        assert_eq!(
            one["lands"][0],
            json!({"landId": "demo:1", "state": "ready", "playerIds": ["ann", "bob"]})
        );
        assert_eq!((&one["playerCapacity"], one.get("version")), (&json!(40), None));
    }
}
