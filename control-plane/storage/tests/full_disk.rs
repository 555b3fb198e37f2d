//! A disk that takes no more: what the store in a file refuses meanwhile, what it keeps, and that it goes on by itself.
//!
//! Each test runs a second time as a process of its own whose files may not grow, which needs no disk and no rights: the
//! system refuses its writes as it does on a full disk, and the limit can be lifted. It would end the process with a signal as
//! well, which the shell that starts the process has it ignore.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(dead_code, reason = "the fixture is shared with the conformance suite")]

#[path = "conformance/fixture.rs"]
mod fixture;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use rlimit::Resource;
use storage::{
    Durability, EnqueueError, Enqueued, Fenced, Local, NewTicket, OpenError, Status, StorageError,
};
use tokio::time::{Instant, sleep, timeout};

use fixture::{LEASE, NOW, Subject, a_match, claim, id, queue, status, ticket};

/// Tells the second process that it is the second, and where it works.
const DIR: &str = "TEST_FULL_DISK_DIR";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// A refusal must have come within this.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Within this a failed write is tried again more than once.
const RETRIES: Duration = Duration::from_millis(1_500);

/// Runs this test again where files can be kept from growing.
fn again(test: &str, dir: &Path) -> Output {
    Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; exec "$@""#, "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DIR, dir)
        .output()
        .unwrap()
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(test);
}

fn second_process() -> Option<PathBuf> {
    env::var_os(DIR).map(PathBuf::from)
}

/// No file of this process grows beyond so many bytes; without end where there is no number.
fn limit_files(bytes: Option<u64>) {
    let (_, most) = rlimit::getrlimit(Resource::FSIZE).unwrap();
    rlimit::setrlimit(Resource::FSIZE, bytes.unwrap_or(most), most).unwrap();
}

fn open(dir: &Path) -> Subject {
    Arc::new(Local::open(dir, Durability::Flush).unwrap())
}

/// Enqueues a ticket that takes some room.
async fn put(storage: &Subject, name: &str) -> Result<Enqueued, EnqueueError> {
    let constraints = Some(Arc::from(format!(r#"{{"note":"{}"}}"#, "x".repeat(20_000))));
    let new = NewTicket { constraints, queue_limit: 10_000, ..ticket(name, &[name]) };
    let begun = Instant::now();
    let put = timeout(PATIENCE, storage.enqueue(new, NOW)).await.expect("it waits for the disk");
    assert!(put.is_ok() || begun.elapsed() < AT_ONCE, "refused after {:?}", begun.elapsed());
    put
}

/// Enqueues `t-0` and so on until the disk takes no more; returns how many it took.
async fn fill(storage: &Subject, dir: &Path) -> usize {
    limit_files(Some(fs::metadata(dir.join("state.redb")).unwrap().len()));
    for n in 0..10_000 {
        if !is_taken(storage, &format!("t-{n}")).await {
            assert!(n > 0, "the disk was full before");
            return n;
        }
    }
    panic!("the disk doesn't fill up");
}

/// Whether the disk takes a ticket, if not now, then soon: opened anew, the file may turn out to have room.
async fn is_taken(storage: &Subject, name: &str) -> bool {
    let begun = Instant::now();
    while let Err(error) = put(storage, name).await {
        assert!(matches!(error, EnqueueError::Storage(StorageError::Unavailable(_))), "{error}");
        if begun.elapsed() > RETRIES {
            return false;
        }
        sleep(Duration::from_millis(20)).await;
    }
    true
}

async fn all_are_queued(storage: &Subject, count: usize) {
    for n in 0..count {
        assert_eq!(status(storage, &format!("t-{n}")).await, Some(Status::Queued), "t-{n} of {count}");
    }
}

#[test]
fn a_full_disk_refuses_what_comes_and_goes_on_by_itself() {
    if let Some(dir) = second_process() {
        return run(fill_up_and_go_on(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let second = again("a_full_disk_refuses_what_comes_and_goes_on_by_itself", dir.path());
    assert!(
        second.status.success() && String::from_utf8_lossy(&second.stdout).contains("1 passed"),
        "{second:?}"
    );
}

async fn fill_up_and_go_on(dir: &Path) {
    let storage = open(dir);
    let lease = claim(&storage).await;
    let count = fill(&storage, dir).await;
    let (refused, first) = (format!("t-{count}"), id("t-0"));

    // Everything that would change something is refused, at once.
    for n in 0..20 {
        let more = put(&storage, &format!("more-{n}")).await;
        assert!(matches!(more, Err(EnqueueError::Storage(_))), "{more:?}");
        let begun = Instant::now();
        assert!(storage.cancel(&first, NOW).await.is_err());
        assert!(storage.assign(&lease, a_match(&["t-0"]), NOW).await.is_err());
        assert!(begun.elapsed() < AT_ONCE, "refused after {:?}", begun.elapsed());
    }
    // What is on the disk can be read, and its queue is still somebody's.
    all_are_queued(&storage, count).await;
    assert_eq!(status(&storage, "more-0").await, None);
    assert!(storage.renew(&lease, LEASE, NOW).await.unwrap());
    // Whether this one will be kept nobody can tell yet, so it isn't shown.
    assert!(storage.read(&[id(&refused)]).await.is_err());

    limit_files(None);
    let begun = Instant::now();
    while put(&storage, &refused).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "it doesn't go on where there is room");
        sleep(Duration::from_millis(20)).await;
    }
    all_are_queued(&storage, count + 1).await;
    put(&storage, "after").await.unwrap();
    assert_eq!(storage.assign(&lease, a_match(&["after"]), NOW).await.unwrap(), Fenced::Done);
    drop(storage);

    let storage = open(dir);
    all_are_queued(&storage, count + 1).await;
    assert!(matches!(status(&storage, "after").await, Some(Status::Assigned(_))));
    assert_eq!(storage.unowned_queues(NOW).await.unwrap(), [queue()]);
}

#[test]
fn a_crash_on_a_full_disk_loses_nothing() {
    if let Some(dir) = second_process() {
        return run(async {
            let storage = open(&dir.join("state"));
            let count = fill(&storage, &dir.join("state")).await;
            fs::write(dir.join("count"), count.to_string()).unwrap();
            // Nothing is closed, and nothing is written any more.
            std::process::exit(0);
        });
    }
    let dir = tempfile::tempdir().unwrap();
    let second = again("a_crash_on_a_full_disk_loses_nothing", dir.path());
    let count = fs::read_to_string(dir.path().join("count")).unwrap_or_else(|_| panic!("{second:?}"));
    run(async {
        let storage = open(&dir.path().join("state"));
        all_are_queued(&storage, count.parse().unwrap()).await;
        put(&storage, "after").await.unwrap();
    });
}

#[test]
fn a_store_that_finds_no_room_says_so_and_opens_when_there_is() {
    if let Some(dir) = second_process() {
        limit_files(Some(10_000));
        let error = Local::open(&dir, Durability::Flush).unwrap_err();
        assert!(matches!(error, OpenError::Unusable { .. }), "full is not damaged: {error}");
        limit_files(None);
        return drop(open(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let second = again("a_store_that_finds_no_room_says_so_and_opens_when_there_is", dir.path());
    assert!(
        second.status.success() && String::from_utf8_lossy(&second.stdout).contains("1 passed"),
        "{second:?}"
    );
}
