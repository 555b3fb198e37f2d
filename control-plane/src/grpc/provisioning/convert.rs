//! Between the contract's messages and the registry's types: what servers say. What is said to them and about them is in
//! `convert/answers.rs`.

mod address;
mod answers;

use std::collections::{BTreeMap, HashMap};

use matching::PlayerId;
use proto::{error::Refusal, provisioning::v1 as pb};
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use self::address::Address;
pub(super) use self::answers::{command, not_held, server, superseded};
use crate::{
    grpc::fields::{Fields, shortened, shown},
    registry::{Heartbeat, Land, Registration},
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
    for (index, land_type) in hello.land_types.iter().enumerate() {
        fields.land_type(&format!("hello.land_types[{index}]"), land_type);
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
            player_capacity: player_capacity(hello.player_capacity),
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
    fields.land_type("land_type", &request.land_type);
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
        player_capacity: player_capacity(request.player_capacity),
        labels: request.labels.into_iter().collect(),
        version: request.version,
    })
}

pub(super) fn heartbeat(beat: pb::Heartbeat) -> Result<Heartbeat, Refusal> {
    let mut fields = Fields::default();
    let healthy = beat.health() == pb::Health::Healthy;
    let lands = lands(&mut fields, "heartbeat.lands", beat.lands);
    if beat.capacity.is_some_and(|lands| lands > MAX_CAPACITY) {
        fields.wrong("heartbeat.capacity", format!("must be 0 to {MAX_CAPACITY}, or absent"));
    }
    fields.check()?;
    Ok(Heartbeat {
        sequence: beat.sequence,
        healthy,
        draining: beat.draining,
        lands,
        capacity: beat.capacity.map(capacity),
        player_capacity: beat.player_capacity.map(player_capacity),
    })
}

/// An agent's reason as it may stand in a log line and in an operator's answer.
pub(super) fn reason(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    shortened(text, MAX_REASON).chars().map(plain).collect()
}

fn labels(fields: &mut Fields, path: &str, labels: &HashMap<String, String>) {
    fields.names(path, labels.keys(), MAX_LABELS);
    let sorted: BTreeMap<_, _> = labels.iter().collect();
    for (name, value) in sorted {
        fields.optional_id(&format!("{path}.{}", shown(name)), value);
    }
}

fn lands(fields: &mut Fields, path: &str, lands: Vec<pb::Land>) -> Vec<Land> {
    if lands.len() > capacity(MAX_CAPACITY) {
        fields.wrong(path, format!("has {} lands; at most {MAX_CAPACITY} are allowed", lands.len()));
        return Vec::new();
    }
    // Made once: a server may have a hundred thousand, in every heartbeat.
    let (land_path, players_path) = (format!("{path}.land_id"), format!("{path}.player_ids"));
    let awaited_path = format!("{path}.awaited_player_ids");
    let land = |land: pb::Land| {
        fields.id(&land_path, &land.land_id);
        for player in &land.player_ids {
            fields.id(&players_path, player);
        }
        for player in &land.awaited_player_ids {
            fields.id(&awaited_path, player);
        }
        Land {
            id: LandId::new(land.land_id),
            players: land.player_ids.into_iter().map(PlayerId::new).collect(),
            awaited: land.awaited_player_ids.into_iter().map(PlayerId::new).collect(),
        }
    };
    lands.into_iter().map(land).collect()
}

fn capacity(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Zero is no limit but that of its lands.
fn player_capacity(count: u32) -> Option<usize> {
    (count > 0).then(|| capacity(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(reason("no\nroom\u{1b}[31m"), "no room [31m");
        assert_eq!(reason(&"\u{e9}".repeat(1_000)).len(), MAX_REASON);
    }
}
