//! The store in a file: what comes back, and what is refused.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(dead_code, reason = "the fixture is shared with the conformance suite")]

#[path = "embedded/allocations.rs"]
mod allocations;
#[path = "conformance/fixture.rs"]
mod fixture;

use std::{
    fs,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use matching::GroupId;
use storage::{Durability, EnqueueError, Fenced, Local, OpenError, RedemptionId, Status, TokenId};

use fixture::{LIFETIME, NOW, Subject, a_match, claim, enqueue, id, queue, status, ticket};

fn open(dir: &Path) -> Subject {
    Arc::new(Local::open(dir, Durability::Flush).unwrap())
}

fn file(dir: &Path) -> PathBuf {
    dir.join("state.redb")
}

/// Some of everything: two queued tickets, one of each end, a redeemed token.
async fn fill(storage: &Subject) {
    for name in ["old", "young", "assigned", "cancelled", "expired", "absent"] {
        enqueue(storage, name, &[name]).await;
    }
    let lease = claim(storage).await;
    assert_eq!(storage.assign(&lease, a_match(&["assigned"]), NOW).await.unwrap(), Fenced::Done);
    storage.cancel(&id("cancelled"), NOW).await.unwrap();
    storage.expire(&lease, &[id("expired")], NOW + LIFETIME).await.unwrap();
    storage.presence().note_seen(&queue(), &[id("old"), id("absent")], NOW).await.unwrap();
    storage.presence().drop_absent(&lease, &[id("absent")], NOW, NOW).await.unwrap();
    storage.redeem(&TokenId::new("used"), &RedemptionId::new("ours"), NOW + LIFETIME, NOW).await.unwrap();
    allocations::fill(storage).await;
}

#[tokio::test]
async fn everything_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    fill(&storage).await;
    let before = storage.read(&[id("old"), id("young"), id("assigned")]).await.unwrap();
    drop(storage);

    let storage = open(dir.path());
    assert_eq!(storage.read(&[id("old"), id("young"), id("assigned")]).await.unwrap(), before);
    assert_eq!(status(&storage, "cancelled").await, Some(Status::Cancelled));
    assert_eq!(status(&storage, "expired").await, Some(Status::Expired));
    assert_eq!(status(&storage, "absent").await, Some(Status::Absent));
    let absent = storage.presence().absent(&queue(), NOW + LIFETIME, 10).await.unwrap();
    assert!(absent.is_empty(), "who was there before is not absent: {absent:?}");
    assert!(
        !storage
            .redeem(&TokenId::new("used"), &RedemptionId::new("theirs"), NOW + LIFETIME, NOW)
            .await
            .unwrap()
    );
    assert!(
        storage.redeem(&TokenId::new("used"), &RedemptionId::new("ours"), NOW + LIFETIME, NOW).await.unwrap()
    );
    // Groups and players are known again, and free where their tickets are over.
    let mut again = ticket("other", &["p"]);
    again.group = GroupId::new("g-old");
    assert_eq!(storage.enqueue(again, NOW).await, Err(EnqueueError::GroupQueued(id("old"))));
    let busy = storage.enqueue(ticket("other", &["young"]), NOW).await;
    assert!(matches!(busy, Err(EnqueueError::PlayerQueued(_))), "{busy:?}");
    enqueue(&storage, "new", &["assigned"]).await;

    allocations::came_back(&storage).await;

    // The queue is found, and read in its order.
    let waiting = storage.read(&[id("new"), id("old"), id("young"), id("assigned")]).await.unwrap();
    let waiting: Vec<_> = waiting.into_iter().flatten().map(|state| state.record).collect();
    let places = storage.places(&waiting, NOW).await.unwrap();
    let positions: Vec<_> = places.into_iter().map(|place| place.map(|place| place.position)).collect();
    assert_eq!(positions, [Some(3), Some(1), Some(2), None]);
    assert_eq!(storage.unowned_queues(NOW).await.unwrap(), [queue()]);
    let lease = claim(&storage).await;
    let feed = storage.follow(&lease).await.unwrap().unwrap();
    let names: Vec<_> = feed.queued.iter().map(|record| record.ticket.id.to_string()).collect();
    assert_eq!(names, ["old", "young", "new"]);
}

#[tokio::test]
async fn what_was_forgotten_stays_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    fill(&storage).await;
    storage.sweep(NOW + Duration::from_secs(3600), 100).await.unwrap();
    drop(storage);
    let storage = open(dir.path());
    assert_eq!(status(&storage, "assigned").await, None);
    assert_eq!(status(&storage, "old").await, Some(Status::Queued));
    assert!(
        storage.redeem(&TokenId::new("used"), &RedemptionId::new("ours"), NOW + LIFETIME, NOW).await.unwrap()
    );
    allocations::are_forgotten(&storage).await;
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path());
    let second = Local::open(dir.path(), Durability::Flush);
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
}

#[tokio::test]
async fn an_interrupted_first_start_leaves_nothing_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".unfinished-1"), b"half a file").unwrap();
    enqueue(&open(dir.path()), "t", &["p"]).await;
}

#[tokio::test]
async fn a_file_that_lost_its_end_or_everything_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    fill(&storage).await;
    drop(storage);
    let length = fs::metadata(file(dir.path())).unwrap().len();
    for kept in [length - 4096, length / 2, 4096, 100, 0] {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(file(dir.path()), file(copy.path())).unwrap();
        fs::OpenOptions::new().write(true).open(file(copy.path())).unwrap().set_len(kept).unwrap();
        whole_or_refused(copy.path(), &format!("cut to {kept} of {length} bytes")).await;
    }
    fs::write(file(dir.path()), b"this is no store").unwrap();
    let refused = Local::open(dir.path(), Durability::Flush);
    assert!(matches!(refused, Err(OpenError::Damaged { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_flipped_bit_is_found_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    fill(&storage).await;
    drop(storage);
    let length = fs::metadata(file(dir.path())).unwrap().len();
    let mut refused = 0;
    // Every part of the file, and the places where something is written.
    let steps = (0..40).map(|step| step * length / 40);
    let written = fs::read(file(dir.path())).unwrap();
    let content = (0..length).filter(|at| written[usize::try_from(*at).unwrap()] != 0).step_by(311);
    for at in steps.chain(content) {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(file(dir.path()), file(copy.path())).unwrap();
        let damaged = fs::OpenOptions::new().read(true).write(true).open(file(copy.path())).unwrap();
        let mut byte = [0];
        damaged.read_exact_at(&mut byte, at).unwrap();
        damaged.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
        drop(damaged);
        refused += u32::from(whole_or_refused(copy.path(), &format!("a bit at {at}")).await);
    }
    assert!(refused > 0, "some of these bits matter");
}

/// Opens a damaged store: it is refused (true), or all that was acknowledged is there.
async fn whole_or_refused(dir: &Path, damage: &str) -> bool {
    let storage: Subject = match Local::open(dir, Durability::Os) {
        Err(OpenError::Damaged { .. } | OpenError::Newer { .. }) => return true,
        Err(other) => panic!("{damage}: {other}"),
        Ok(storage) => Arc::new(storage),
    };
    for (name, expected) in
        [("old", "Queued"), ("young", "Queued"), ("cancelled", "Cancelled"), ("assigned", "Assigned")]
    {
        let status = status(&storage, name).await;
        let found = format!("{status:?}");
        assert!(found.contains(expected), "{damage}: silently lost {name}: {found}");
    }
    assert!(
        !storage
            .redeem(&TokenId::new("used"), &RedemptionId::new("theirs"), NOW + LIFETIME, NOW)
            .await
            .unwrap(),
        "{damage}"
    );
    allocations::came_back(&storage).await;
    false
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("taken"), b"").unwrap();
    let error = Local::open(&dir.path().join("taken"), Durability::Flush).unwrap_err().to_string();
    assert!(error.contains("taken") && error.contains("directory"), "{error}");

    // Nobody makes anything there, root neither.
    for path in [Path::new("/proc/state"), Path::new("/proc/self")] {
        let error = Local::open(path, Durability::Flush).unwrap_err();
        assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_read_only_directory_or_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let seal = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    seal(dir.path(), 0o555);
    // Root may write everywhere: there the store opens.
    let sealed = fs::write(dir.path().join("probe"), b"").is_err();
    let opened = Local::open(dir.path(), Durability::Flush);
    assert_eq!(matches!(opened, Err(OpenError::Unusable { .. })), sealed, "{opened:?}");
    drop(opened);

    seal(dir.path(), 0o755);
    enqueue(&open(dir.path()), "t", &["p"]).await;
    seal(&file(dir.path()), 0o444);
    let opened = Local::open(dir.path(), Durability::Flush);
    assert_eq!(matches!(opened, Err(OpenError::Unusable { .. })), sealed, "{opened:?}");
    drop(opened);
    seal(&file(dir.path()), 0o644);
    assert_eq!(status(&open(dir.path()), "t").await, Some(Status::Queued), "it was left as it is");
}

#[tokio::test]
async fn both_kinds_of_durability_keep_what_they_acknowledge_over_a_restart() {
    for durability in [Durability::Flush, Durability::Os] {
        let dir = tempfile::tempdir().unwrap();
        let storage: Subject = Arc::new(Local::open(dir.path(), durability).unwrap());
        enqueue(&storage, "t", &["p"]).await;
        drop(storage);
        assert_eq!(status(&open(dir.path()), "t").await, Some(Status::Queued));
    }
}

#[tokio::test]
async fn a_closed_store_takes_nothing_and_can_be_opened_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    enqueue(&storage, "t", &["p"]).await;
    storage.close().await;
    let late = storage.enqueue(ticket("late", &["q"]), NOW).await;
    assert!(matches!(late, Err(EnqueueError::Storage(_))), "{late:?}");
    let next = open(dir.path());
    assert_eq!((status(&next, "t").await, status(&next, "late").await), (Some(Status::Queued), None));
}
