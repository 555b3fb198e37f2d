//! Part of the fuzz targets: see [`crate::fuzz`].

use std::{collections::BTreeSet, time::Duration};

use prost::Message as _;
use proto::provisioning::v1::{self as pb, connect_request::Message as Up, land_answer::Outcome};
use runtime::Clock;
use storage::{LandId, ServerId};
use tokio::sync::mpsc;
use tonic::codegen::http::Uri;

use super::convert;
use crate::{
    connect_url,
    fuzz::{check_refusal, is_id},
    registry::{Answer, Arrival, Land, Link, Registration, Registry, ServerView},
};

/// How many messages are looked at.
const MESSAGES: usize = 200;
/// Longer than any input takes.
const EXPIRY: Duration = Duration::from_secs(3_600);

/// The messages of agents, each with its length before it: a hello opens another stream, and ends the one before it without a
/// goodbye.
pub fn agent_stream(mut data: &[u8]) {
    let registry = Registry::with(Clock::start(), Some(EXPIRY));
    let mut stream: Option<(ServerId, u64)> = None;
    for number in 1..=MESSAGES as u64 {
        let Ok(message) = pb::ConnectRequest::decode_length_delimited(&mut data) else { return };
        match (message.message, &stream) {
            (Some(Up::Hello(hello)), _) => stream = welcomed(&registry, hello, number),
            (Some(Up::Heartbeat(beat)), Some((server, link))) => heard(&registry, server, *link, beat),
            (Some(Up::LandAnswer(answer)), Some((server, link))) => {
                let outcome = match answer.outcome {
                    Some(Outcome::Refused(refused)) => {
                        Answer::Refused(short(convert::reason(&refused.reason)))
                    }
                    _ => Answer::Ready,
                };
                let before = shown(&registry, server);
                registry.answer(server, *link, &answer.command_id, outcome);
                // Nothing was asked of it.
                assert_eq!(lands(&shown(&registry, server)), lands(&before));
            }
            (Some(Up::Goodbye(goodbye)), Some((server, link))) => {
                short(convert::reason(&goodbye.reason));
                registry.goodbye(server, *link);
                assert!(shown(&registry, server).is_none());
                stream = None;
            }
            // Before its hello an agent says nothing that is heard.
            _ => {}
        }
        let all = registry.list(None);
        assert!(all.len() as u64 <= number);
        assert!(all.windows(2).all(|two| two[0].registration.server < two[1].registration.server));
    }
}

fn welcomed(registry: &Registry, hello: pb::Hello, link: u64) -> Option<(ServerId, u64)> {
    let greeting = match convert::hello(hello) {
        Ok(greeting) => greeting,
        Err(refusal) => {
            check_refusal(&refusal);
            return None;
        }
    };
    within_limits(&greeting.registration);
    assert!(is_id(&greeting.instance));
    let server = greeting.registration.server.clone();
    let (commands, _commanded) = mpsc::channel(4);
    let reported = reported(&greeting.lands);
    let arrival = Arrival {
        registration: greeting.registration,
        term: link,
        lands: greeting.lands,
        draining: greeting.draining,
    };
    if let Err(refused) = registry.connect(arrival.clone(), EXPIRY, Link { id: link, commands }) {
        check_superseded(&refused, &greeting.instance);
        return None;
    }
    let view = shown(registry, &server).expect("it is registered");
    assert_eq!((&*view.registration, lands(&Some(view.clone()))), (&arrival.registration, reported));
    Some((server, link))
}

/// Only who is older is turned away.
fn check_superseded(refused: &crate::registry::HelloRefused, instance: &str) {
    let crate::registry::HelloRefused::Superseded { by } = refused;
    assert!(instance < by.as_str(), "{instance} is not older than {by}");
}

fn heard(registry: &Registry, server: &ServerId, link: u64, beat: pb::Heartbeat) {
    let sequence = beat.sequence;
    let beat = match convert::heartbeat(beat) {
        Ok(beat) => beat,
        Err(refusal) => return check_refusal(&refusal),
    };
    let (before, said) = (shown(registry, server), reported(&beat.lands));
    assert!(registry.heartbeat(server, link, beat.clone(), EXPIRY), "its stream is the newest");
    let after = shown(registry, server).expect("it is registered");
    let unchanged = lands(&before) == lands(&Some(after.clone()));
    assert!(unchanged || lands(&Some(after)) == said, "it has what it said");
    // The same again is old.
    assert!(registry.heartbeat(server, link, beat, EXPIRY) || sequence == 0);
    assert!(!registry.heartbeat(
        server,
        link + 1_000,
        convert::heartbeat(pb::Heartbeat::default()).expect("it is empty"),
        EXPIRY
    ));
}

/// `Provisioning.RegisterServer`'s request, as protobuf.
pub fn register_request(data: &[u8]) {
    let Ok(request) = pb::RegisterServerRequest::decode(data) else { return };
    let registration = match convert::plain_server(request) {
        Ok(registration) => registration,
        Err(refusal) => return check_refusal(&refusal),
    };
    within_limits(&registration);
    assert_eq!((registration.instance.as_deref(), registration.land_types.len()), (None, 1));
    let registry = Registry::with(Clock::start(), Some(EXPIRY));
    for _ in 0..2 {
        assert!(registry.register(registration.clone(), 1, EXPIRY).is_ok(), "repeating it changes nothing");
        let view = shown(&registry, &registration.server).expect("it is registered");
        assert_eq!(*view.registration, registration);
    }
    assert_eq!(registry.deregister(&registration.server).ok(), Some(true));
}

fn within_limits(registration: &Registration) {
    assert!(is_id(registration.server.as_str()));
    assert!((1..=100_000).contains(&registration.capacity));
    assert!((1..=32).contains(&registration.land_types.len()));
    assert!(registration.region.as_deref().is_none_or(is_id) && registration.version.len() <= 128);
    assert!(registration.labels.len() <= 64 && registration.labels.keys().all(|name| is_id(name)));
    for land_type in &registration.land_types {
        assert!(is_id(land_type));
        // The longest id that a land of this type gets.
        let land = LandId::new(format!("{land_type}:{}", uuid::Uuid::nil()));
        assert!(is_id(land.as_str()));
        let url = connect_url::of_land(&registration.connect_base, land_type, &land);
        let uri: Uri = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert!(matches!(uri.scheme_str(), Some("ws" | "wss")), "{url}");
        assert!(uri.host().is_some_and(|host| !host.is_empty()), "{url}");
        assert!(uri.authority().is_some_and(|authority| !authority.as_str().contains('@')), "{url}");
        assert!(uri.path().starts_with("/game/") && uri.path().matches('/').count() == 2, "{url}");
        assert!(
            uri.query().is_some_and(|query| query.starts_with("landId=") && !query.contains('&')),
            "{url}"
        );
    }
}

fn short(reason: String) -> String {
    assert!(reason.len() <= 512 && !reason.contains(char::is_control), "{reason}");
    reason
}

fn shown(registry: &Registry, server: &ServerId) -> Option<ServerView> {
    registry.list(None).into_iter().find(|view| view.registration.server == *server)
}

fn lands(view: &Option<ServerView>) -> BTreeSet<LandId> {
    view.iter().flat_map(|view| view.lands.iter().map(|land| land.id.clone())).collect()
}

fn reported(lands: &[Land]) -> BTreeSet<LandId> {
    assert!(lands.iter().all(|land| is_id(land.id.as_str())));
    assert!(lands.iter().flat_map(|land| &land.players).all(|player| is_id(player.as_str())));
    lands.iter().map(|land| land.id.clone()).collect()
}
