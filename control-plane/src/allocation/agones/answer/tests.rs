//! Answers of all kinds, one by one.

use std::collections::HashMap;

use proto::agones::allocation::allocation_response::{GameServerMetadata, GameServerStatusPort};

use super::*;
use crate::allocation::{
    agones::request::tests::{settings, settings_with},
    tests::match_of,
};

fn land() -> LandId {
    LandId::new("hero:1")
}

fn good() -> AllocationResponse {
    AllocationResponse {
        game_server_name: "arena-1".to_owned(),
        address: "203.0.113.7".to_owned(),
        ports: ports(&[("default", 7_001)]),
        ..AllocationResponse::default()
    }
}

fn ports(ports: &[(&str, i32)]) -> Vec<GameServerStatusPort> {
    ports.iter().map(|(name, port)| GameServerStatusPort { name: (*name).to_owned(), port: *port }).collect()
}

fn read_with(flags: &str, change: impl FnOnce(&mut AllocationResponse)) -> Result<String, String> {
    let mut answer = good();
    change(&mut answer);
    let read = read(&settings_with(flags), &match_of("hero", "m-1"), &land(), &answer);
    read.map(|land| land.connect_url).map_err(|failure| {
        assert!(failure.may_have_made && failure.then == Then::Wait, "{failure:?}");
        failure.said
    })
}

#[test]
fn a_game_server_is_where_its_address_and_port_say() {
    let read = read(&settings(), &match_of("hero", "m-1"), &land(), &good()).unwrap();
    let expected = Allocated {
        server: ServerId::new("arena-1"),
        land: land(),
        connect_url: "ws://203.0.113.7:7001/game/hero?landId=hero:1".to_owned(),
        expires_at: None,
        hints: None,
    };
    assert_eq!(read, expected);
    let two = |answer: &mut AllocationResponse| answer.ports = ports(&[("a", 1), ("game", 443)]);
    let url = read_with("--agones-port-name game", two).unwrap();
    assert_eq!(url, "wss://203.0.113.7/game/hero?landId=hero:1");
    let url = read_with("--agones-port-name game --agones-scheme ws", two).unwrap();
    assert_eq!(url, "ws://203.0.113.7:443/game/hero?landId=hero:1");
    let url = read_with("", |answer| answer.address = "2001:db8::1".to_owned()).unwrap();
    assert_eq!(url, "ws://[2001:db8::1]:7001/game/hero?landId=hero:1");
}

#[test]
fn what_can_not_be_used_is_named() {
    let refused = |change: fn(&mut AllocationResponse)| read_with("", change).unwrap_err();
    assert!(refused(|answer| answer.game_server_name.clear()).contains("gameServerName"));
    assert!(refused(|answer| answer.game_server_name = "x".repeat(129)).contains("gameServerName"));
    assert!(refused(|answer| answer.address.clear()).contains("no host"));
    assert!(refused(|answer| answer.address = "evil.example/x".to_owned()).contains("no host"));
    assert!(refused(|answer| answer.address = "a@b".to_owned()).contains("no host"));
    assert!(refused(|answer| answer.ports.clear()).contains("has not one port"));
    assert!(refused(|answer| answer.ports = ports(&[("a", 1), ("b", 2)])).contains("agones_port_name"));
    for port in [0, -1, 65_536] {
        let said = read_with("", |answer| answer.ports = ports(&[("a", port)])).unwrap_err();
        assert!(said.contains("has not one port"), "{said}");
    }
    let said = read_with("--agones-port-name game", |_| ()).unwrap_err();
    assert!(said.contains("no port `game`"), "{said}");
    let of_another = |answer: &mut AllocationResponse| {
        let annotations = HashMap::from([(LAND_ID.to_owned(), "hero:2".to_owned())]);
        answer.metadata = Some(GameServerMetadata { annotations, ..GameServerMetadata::default() });
    };
    assert!(read_with("", of_another).unwrap_err().contains("another land"));
}

#[test]
fn a_status_says_whether_it_passes() {
    for (code, kind, then, may_have_made) in [
        (Code::ResourceExhausted, Kind::NoServer, Then::Wait, false),
        (Code::Aborted, Kind::Overloaded, Then::Again, false),
        (Code::Unavailable, Kind::Unreachable, Then::Again, true),
        (Code::DeadlineExceeded, Kind::Late, Then::Again, true),
        (Code::Unknown, Kind::Failed, Then::Again, true),
        (Code::Internal, Kind::Failed, Then::Again, true),
        (Code::OutOfRange, Kind::BadAnswer, Then::Wait, true),
        (Code::InvalidArgument, Kind::Refused, Then::Wait, false),
        (Code::PermissionDenied, Kind::Refused, Then::Wait, false),
        (Code::Unauthenticated, Kind::Refused, Then::Wait, false),
        (Code::Unimplemented, Kind::Refused, Then::Wait, false),
    ] {
        let failure = refused(&Status::new(code, "secret"), &match_of("hero", "m"));
        assert_eq!(
            (failure.kind, failure.then, failure.may_have_made),
            (kind, then, may_have_made),
            "{code:?}"
        );
        assert!(!failure.said.contains("secret") && failure.detail == "secret");
    }
}
