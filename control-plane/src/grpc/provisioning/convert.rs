//! Between the contract's messages and the registry's types.

use std::collections::{BTreeMap, HashMap};

use matching::PlayerId;
use proto::{
    error::{Reason, Refusal},
    provisioning::v1::{self as pb, connect_response::Message as Down},
};
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use crate::{
    grpc::fields::Fields,
    registry::{Command, Heartbeat, HelloRefused, Land, LandState, Registration, ServerState, ServerView},
};

const MAX_CAPACITY: u32 = 100_000;
const DEFAULT_CAPACITY: u32 = 100;
const MAX_LAND_TYPES: usize = 32;
const MAX_LABELS: usize = 64;
/// The longest reason that is kept, in bytes.
const MAX_REASON: usize = 512;

/// A checked hello.
pub(super) struct Greeting {
    pub(super) registration: Registration,
    pub(super) instance: String,
    pub(super) lands: Vec<Land>,
    pub(super) draining: bool,
}

/// Where players connect, as a server says it.
struct Address<'a> {
    host: &'a str,
    port: u32,
    connect_host: &'a str,
    connect_port: u32,
    connect_scheme: &'a str,
}

pub(super) fn hello(hello: pb::Hello) -> Result<Greeting, Refusal> {
    let mut fields = Fields::default();
    fields.id("hello.server_id", &hello.server_id);
    fields.id("hello.instance_id", &hello.instance_id);
    let address = Address {
        host: &hello.host,
        port: hello.port,
        connect_host: &hello.connect_host,
        connect_port: hello.connect_port,
        connect_scheme: &hello.connect_scheme,
    };
    let connect_base = address.check(&mut fields, "hello.");
    if hello.land_types.is_empty() || hello.land_types.len() > MAX_LAND_TYPES {
        fields.wrong("hello.land_types", format!("must name 1 to {MAX_LAND_TYPES} land types"));
    }
    for land_type in &hello.land_types {
        fields.id("hello.land_types", land_type);
    }
    if !(1..=MAX_CAPACITY).contains(&hello.capacity) {
        fields.wrong("hello.capacity", format!("must be 1 to {MAX_CAPACITY}"));
    }
    fields.optional_id("hello.region", &hello.region);
    fields.optional_id("hello.version", &hello.version);
    labels(&mut fields, "hello.labels", &hello.labels);
    let lands = lands(&mut fields, "hello.lands", hello.lands);
    fields.check()?;
    Ok(Greeting {
        registration: Registration {
            server: ServerId::new(hello.server_id),
            instance: Some(hello.instance_id.clone()),
            connect_base,
            land_types: hello.land_types.into_iter().map(SmolStr::new).collect(),
            region: (!hello.region.is_empty()).then(|| SmolStr::new(hello.region)),
            capacity: capacity(hello.capacity),
            labels: hello.labels.into_iter().collect(),
            version: hello.version,
        },
        instance: hello.instance_id,
        lands,
        draining: hello.draining,
    })
}

pub(super) fn plain_server(request: pb::RegisterServerRequest) -> Result<Registration, Refusal> {
    let mut fields = Fields::default();
    fields.id("server_id", &request.server_id);
    fields.id("land_type", &request.land_type);
    let address = Address {
        host: &request.host,
        port: request.port,
        connect_host: &request.connect_host,
        connect_port: request.connect_port,
        connect_scheme: &request.connect_scheme,
    };
    let connect_base = address.check(&mut fields, "");
    if request.capacity > MAX_CAPACITY {
        fields.wrong("capacity", format!("must be 1 to {MAX_CAPACITY}, or absent for {DEFAULT_CAPACITY}"));
    }
    fields.optional_id("region", &request.region);
    fields.optional_id("version", &request.version);
    labels(&mut fields, "labels", &request.labels);
    fields.check()?;
    Ok(Registration {
        server: ServerId::new(request.server_id),
        instance: None,
        connect_base,
        land_types: vec![SmolStr::new(request.land_type)],
        region: (!request.region.is_empty()).then(|| SmolStr::new(request.region)),
        capacity: capacity(if request.capacity == 0 { DEFAULT_CAPACITY } else { request.capacity }),
        labels: request.labels.into_iter().collect(),
        version: request.version,
    })
}

pub(super) fn heartbeat(beat: pb::Heartbeat) -> Result<Heartbeat, Refusal> {
    let mut fields = Fields::default();
    let healthy = beat.health() == pb::Health::Healthy;
    let lands = lands(&mut fields, "heartbeat.lands", beat.lands);
    fields.check()?;
    Ok(Heartbeat { sequence: beat.sequence, healthy, draining: beat.draining, lands })
}

pub(super) fn command(command: Command) -> Down {
    match command {
        Command::Allocate { id, land, order } => Down::AllocateLand(pb::AllocateLand {
            command_id: id,
            land_id: land.to_string(),
            land_type: order.land_type.to_string(),
            match_id: order.match_id.to_string(),
            queue_key: order.queue.to_string(),
            player_ids: order.players.iter().map(ToString::to_string).collect(),
            teams: order
                .teams
                .iter()
                .map(|team| pb::RosterTeam {
                    name: team.name.clone(),
                    player_ids: team.players.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            constraints_json: order.constraints.clone(),
            answer_within_ms: u32::try_from(order.answer_within.as_millis()).unwrap_or(u32::MAX),
        }),
        Command::Release { land, reason } => {
            Down::ReleaseLand(pb::ReleaseLand { land_id: land.to_string(), reason })
        }
        Command::Superseded { by } => Down::Superseded(pb::Superseded { by_instance_id: by }),
    }
}

pub(super) fn server(view: ServerView) -> pb::Server {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let state = match view.state {
        ServerState::Ready => pb::ServerState::Ready,
        ServerState::Unhealthy => pb::ServerState::Unhealthy,
        ServerState::Draining => pb::ServerState::Draining,
        ServerState::Lost => pb::ServerState::Lost,
    };
    let registration = view.registration;
    let lands: Vec<_> = view
        .lands
        .into_iter()
        .map(|land| pb::ServerLand {
            land_id: land.id.to_string(),
            state: match land.state {
                LandState::Reserved => pb::LandState::Reserved.into(),
                LandState::Ready => pb::LandState::Ready.into(),
            },
            player_ids: land.players.iter().map(ToString::to_string).collect(),
        })
        .collect();
    pb::Server {
        server_id: registration.server.to_string(),
        instance_id: registration.instance.unwrap_or_default(),
        state: state.into(),
        connect_base: registration.connect_base,
        land_types: registration.land_types.iter().map(ToString::to_string).collect(),
        region: registration.region.map(|region| region.to_string()).unwrap_or_default(),
        capacity: count(registration.capacity),
        lands_used: count(lands.len()),
        players: count(lands.iter().map(|land| land.player_ids.len()).sum()),
        labels: registration.labels.into_iter().collect::<HashMap<_, _>>(),
        version: registration.version,
        registered_at_unix_ms: view.registered_at.0,
        last_heartbeat_unix_ms: view.last_heard.0,
        lands,
    }
}

pub(super) fn superseded(refused: HelloRefused) -> Refusal {
    let HelloRefused::Superseded { by } = refused;
    let message = "a newer instance holds this server id; stop this one, or give it another server id";
    Refusal::new(Reason::ServerSuperseded, message).with("byInstanceId", by)
}

/// A stranger's text, short enough for a log line.
pub(super) fn shortened(mut text: String) -> String {
    if text.len() > MAX_REASON {
        let end = (0..=MAX_REASON).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

impl Address<'_> {
    /// The part of a connect URL before `/game/`: the scheme's own port is left out.
    fn check(&self, fields: &mut Fields, path: &str) -> String {
        fields.id(&format!("{path}host"), self.host);
        fields.optional_id(&format!("{path}connect_host"), self.connect_host);
        for (name, host) in [("host", self.host), ("connect_host", self.connect_host)] {
            if host.contains(['/', '?', '#', '@', ' ', '\\']) {
                fields.wrong(
                    format!("{path}{name}"),
                    "must be a host name or an IP address, without scheme or path",
                );
            }
        }
        if !(1..=65_535).contains(&self.port) {
            fields.wrong(format!("{path}port"), "must be 1 to 65535");
        }
        if self.connect_port > 65_535 {
            fields.wrong(format!("{path}connect_port"), "must be 1 to 65535, or absent");
        }
        if !matches!(self.connect_scheme, "" | "ws" | "wss") {
            fields.wrong(format!("{path}connect_scheme"), "must be `ws` or `wss`, or absent");
        }
        let port = if self.connect_port == 0 { self.port } else { self.connect_port };
        let scheme = match (self.connect_scheme, port) {
            ("", 443) => "wss",
            ("", _) => "ws",
            (scheme, _) => scheme,
        };
        let host = if self.connect_host.is_empty() { self.host } else { self.connect_host };
        // An IPv6 address stands in brackets in a URL.
        let host =
            if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        match (scheme, port) {
            ("ws", 80) | ("wss", 443) => format!("{scheme}://{host}"),
            _ => format!("{scheme}://{host}:{port}"),
        }
    }
}

fn labels(fields: &mut Fields, path: &str, labels: &HashMap<String, String>) {
    fields.names(path, labels.keys(), MAX_LABELS);
    let sorted: BTreeMap<_, _> = labels.iter().collect();
    for (name, value) in sorted {
        fields.optional_id(&format!("{path}.{name}"), value);
    }
}

fn lands(fields: &mut Fields, path: &str, lands: Vec<pb::Land>) -> Vec<Land> {
    if lands.len() > capacity(MAX_CAPACITY) {
        fields.wrong(path, format!("has {} lands; at most {MAX_CAPACITY} are allowed", lands.len()));
        return Vec::new();
    }
    let land = |land: pb::Land| {
        fields.id(&format!("{path}.land_id"), &land.land_id);
        for player in &land.player_ids {
            fields.id(&format!("{path}.player_ids"), player);
        }
        Land {
            id: LandId::new(land.land_id),
            players: land.player_ids.into_iter().map(PlayerId::new).collect(),
        }
    };
    lands.into_iter().map(land).collect()
}

fn capacity(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_bases() {
        let base = |host, port, connect_host, connect_port, connect_scheme| {
            let mut fields = Fields::default();
            let address = Address { host, port, connect_host, connect_port, connect_scheme };
            let base = address.check(&mut fields, "");
            fields.check().map(|()| base)
        };
        let good = [
            (base("10.0.0.1", 7001, "", 0, ""), "ws://10.0.0.1:7001"),
            (base("10.0.0.1", 7001, "play.example", 443, ""), "wss://play.example"),
            (base("10.0.0.1", 7001, "play.example", 80, ""), "ws://play.example"),
            (base("10.0.0.1", 7001, "play.example", 0, "wss"), "wss://play.example:7001"),
            (base("10.0.0.1", 443, "", 0, "ws"), "ws://10.0.0.1:443"),
            (base("::1", 7001, "", 0, ""), "ws://[::1]:7001"),
        ];
        for (made, expected) in good {
            assert_eq!(made.as_deref(), Ok(expected));
        }
        for bad in [
            base("", 1, "", 0, ""),
            base("a/b", 1, "", 0, ""),
            base("a", 0, "", 0, ""),
            base("a", 1, "", 0, "http"),
        ] {
            assert_eq!(bad.unwrap_err().reason, Reason::InvalidRequest);
        }
    }
}
