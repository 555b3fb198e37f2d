//! Short ways to say what a test is about.

use std::{sync::Arc, time::Duration};

use matching::{GroupId, Player, PlayerId, QueueKey, TicketId, Time};
use storage::{
    Assignment, AssignmentId, Durability, Enqueued, LandId, Lease, Local, MatchId, NewMatch, NewTicket,
    ServerId, Status, Storage, WorkerId,
};

pub(crate) const NOW: Time = Time(1_000_000);
pub(crate) const LEASE: Duration = Duration::from_secs(10);
pub(crate) const LIFETIME: Duration = Duration::from_secs(60);

pub(crate) type Subject = Arc<dyn Storage>;

pub(crate) fn queue() -> QueueKey {
    QueueKey::new("hero-defense:3v3")
}

/// A ticket `id` of the group `g-<id>` with these players.
pub(crate) fn ticket(id: &str, players: &[&str]) -> NewTicket {
    NewTicket {
        id: TicketId::new(id),
        queue: queue(),
        group: GroupId::new(format!("g-{id}")),
        players: players.iter().map(|player| Player::new(PlayerId::new(player))).collect(),
        region: None,
        constraints: None,
        lifetime: LIFETIME,
        queue_limit: 1_000,
        queues_limit: 1_000,
    }
}

pub(crate) fn id(text: &str) -> TicketId {
    TicketId::new(text)
}

pub(crate) async fn enqueue(storage: &Subject, id: &str, players: &[&str]) {
    let enqueued = storage.enqueue(ticket(id, players), NOW).await.unwrap();
    assert!(matches!(enqueued, Enqueued::New(_)), "{enqueued:?}");
}

pub(crate) async fn claim(storage: &Subject) -> Lease {
    storage.claim(&queue(), &WorkerId::new("w-1"), LEASE, NOW).await.unwrap().unwrap()
}

pub(crate) async fn status(storage: &Subject, ticket: &str) -> Option<Status> {
    let mut read = storage.read(&[id(ticket)]).await.unwrap();
    read.remove(0).map(|state| state.status)
}

/// How long an assignment of [`a_match`] can be used.
pub(crate) const LASTING: Duration = Duration::from_secs(90);

/// A match of these tickets.
pub(crate) fn a_match(tickets: &[&str]) -> NewMatch {
    let assignment = |ticket: &&str| {
        let assignment = Assignment {
            id: AssignmentId::new(format!("a-{ticket}")),
            match_id: MatchId::new("m-1"),
            server: ServerId::new("s-1"),
            land: LandId::new("hero-defense:1"),
            connect_url: "ws://localhost/game/hero-defense?landId=hero-defense:1".to_owned(),
            // The wall clock's: it was set back a good while ago.
            expires_at: Time(5),
            teams: Arc::from([]),
        };
        (id(ticket), Arc::new(assignment))
    };
    NewMatch { assignments: tickets.iter().map(assignment).collect(), lasting: LASTING }
}

/// A store in memory.
pub(crate) fn memory() -> (Subject, ()) {
    (Arc::new(Local::in_memory()), ())
}

/// A store in a directory of its own.
pub(crate) fn embedded() -> (Subject, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Arc::new(Local::open(dir.path(), Durability::Flush).unwrap()), dir)
}
