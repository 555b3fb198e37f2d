//! Part of the fuzz targets: see [`crate::fuzz`].

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, OnceLock},
};

use matching::{Attribute, Player, Ticket, Time};
use prost::Message as _;
use proto::{error::Reason, matchmaking::v1 as pb};
use storage::{NewTicket, TicketRecord};

use super::enqueue::{Limits, check};
use crate::{
    config::{Config, QueueEntry, Sections},
    fuzz::{check_refusal, is_id},
    queues::Queues,
};

/// `Matchmaking.Enqueue`'s request, as protobuf.
pub fn enqueue_request(data: &[u8]) {
    static QUEUES: OnceLock<Queues> = OnceLock::new();
    let queues = QUEUES.get_or_init(queues);
    let Ok(request) = pb::EnqueueRequest::decode(data) else { return };
    match check(request.clone(), queues, Limits { tickets: 10, queues: 10 }) {
        Ok(ticket) => {
            within_limits(&ticket);
            comes_back(&ticket);
            let again = check(request, queues, Limits { tickets: 10, queues: 10 }).expect("it was accepted");
            // What nobody named is made anew.
            assert_eq!(
                (&again.players, &again.queue, &again.region),
                (&ticket.players, &ticket.queue, &ticket.region)
            );
        }
        Err(refusal) if refusal.reason == Reason::QueueNotFound => {
            panic!("any queue may be made up: {refusal:?}")
        }
        Err(refusal) => check_refusal(&refusal),
    }
}

/// Any queue by its key, and one with a rule set.
fn queues() -> Queues {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("matching/tests/rule_files/compound.json");
    let entry = QueueEntry { rule_set: Some(rules), ..QueueEntry::default() };
    let sections = Sections { queues: [("demo:ranked".to_owned(), entry)].into() };
    let config: Config = runtime::config::defaults(&[]);
    Queues::new(&config, &sections).expect("the queue can be configured so")
}

fn within_limits(ticket: &NewTicket) {
    assert!(
        is_id(ticket.id.as_str()) && is_id(ticket.group.as_str()) && is_id(ticket.queue.as_str()),
        "{ticket:?}"
    );
    assert!(ticket.region.as_deref().is_none_or(is_id));
    assert!((1..=100).contains(&ticket.players.len()));
    let ids: HashSet<&str> = ticket.players.iter().map(|player| player.id.as_str()).collect();
    assert_eq!(ids.len(), ticket.players.len(), "a player stands there twice");
    for player in ticket.players.iter() {
        assert!(is_id(player.id.as_str()));
        assert!(player.team.as_deref().is_none_or(is_id) && player.role.as_deref().is_none_or(is_id));
        assert!(player.attributes.len() <= 64 && player.latencies.len() <= 64);
        assert!(player.latencies.iter().all(|(region, latency)| is_id(region) && *latency <= 60_000));
        for (name, value) in player.attributes.iter() {
            assert!(is_id(name));
            match value {
                Attribute::Number(number) => assert!(number.is_finite()),
                Attribute::String(text) => assert!(text.len() <= 256),
                Attribute::StringList(list) => {
                    assert!(list.len() <= 100 && list.iter().all(|text| text.len() <= 256));
                }
                Attribute::StringNumberMap(map) => {
                    assert!(
                        map.len() <= 100
                            && map.iter().all(|(name, number)| is_id(name) && number.is_finite())
                    );
                }
            }
        }
    }
    if let Some(json) = &ticket.constraints {
        assert!(json.len() <= 16 * 1024);
        assert!(serde_json::from_str::<serde_json::Value>(json).is_ok_and(|json| json.is_object()));
    }
}

/// What is stored is read as it was: else the same request, sent again, would be another one.
fn comes_back(new: &NewTicket) {
    let players: Arc<[Player]> = Arc::clone(&new.players);
    let (id, group, at) = (new.id.clone(), new.group.clone(), Time(1));
    let ticket = Ticket { id, group, players, order: 1, enqueued_at: at, expires_at: at + new.lifetime };
    let record = TicketRecord {
        ticket,
        queue: new.queue.clone(),
        region: new.region.clone(),
        constraints: new.constraints.clone(),
    };
    let text = serde_json::to_string(&record).expect("it is JSON");
    let read: TicketRecord = serde_json::from_str(&text).expect("it is read again");
    assert_eq!(read, record, "of {text}");
    assert!(read.same_content(new));
}
