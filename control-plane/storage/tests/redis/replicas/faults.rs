//! What is missed is noticed, and Redis may go away, come back, and come back empty.

use std::time::Duration;

use storage::{Announce, Mail, StorageError};
use tokio::time::Instant;

use super::{LASTING, Replica, back, owned, pairs};
use crate::{
    eventually,
    ground::{at, settings},
    server::Server,
};

#[tokio::test]
async fn a_gap_is_noticed_once() {
    const GAPS: usize = 50;
    let settings = settings();
    let speaker = Replica::start(&settings, LASTING, Some("speaker")).await;
    let mut reader = Replica::start(&settings, LASTING, None).await;
    reader.read().await;
    let mut behind = crate::raw(&settings).await;
    // As if a message had been lost before each of these.
    for gap in 1..=GAPS {
        let number = 99_000_000_000_000 + gap * 2;
        let message = format!("announced {} {number} 0 60000\n[]", speaker.id());
        let mut publish = redis::cmd("SPUBLISH");
        publish.arg(format!("{}{{replicas}}:all", settings.prefix)).arg(message);
        assert_eq!(publish.query_async::<u64>(&mut behind).await.unwrap(), 2);
    }
    speaker.replicas.send(&reader.id(), "after them").await.unwrap();
    let mut missed = 0;
    while reader.mail().await == Mail::Missed {
        missed += 1;
    }
    // Whoever doesn't read is reminded now and then.
    assert!((1..10).contains(&missed), "{missed} times");
    assert_eq!(reader.read().await, [(speaker.id(), pairs(&[("name", "speaker")]))]);
    assert_eq!(speaker.announce(&[], false).await, Announce::Done);
    assert!(matches!(reader.mail().await, Mail::Announced { .. }));
}

#[tokio::test]
async fn whoever_could_not_read_is_reminded() {
    let settings = settings();
    let mut reader = Replica::start(&settings, LASTING, None).await;
    // The first mail said so, and nothing was read since.
    assert_eq!(reader.mail().await, Mail::Missed);
    let mut behind = crate::raw(&settings).await;
    let live = format!("{}{{replicas}}:live", settings.prefix);
    redis::cmd("SET").arg(&live).arg("of another kind").exec_async(&mut behind).await.unwrap();
    assert!(reader.mailbox.announced().await.is_err());
    redis::cmd("DEL").arg(&live).exec_async(&mut behind).await.unwrap();
    assert_eq!(reader.mail().await, Mail::Missed);
    assert_eq!(reader.read().await, []);
}

#[tokio::test]
async fn a_connection_that_was_cut_costs_a_look() {
    let server = Server::start();
    let settings = at(server.port);
    let speaker = Replica::start(&settings, LASTING, Some("speaker")).await;
    let mut reader = Replica::start(&settings, LASTING, None).await;
    reader.read().await;
    let mut behind = crate::raw(&settings).await;
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL").arg("TYPE").arg("pubsub");
    assert_eq!(kill.query_async::<u64>(&mut behind).await.unwrap(), 2);
    assert_eq!(speaker.announce(&[("unheard", Some("1"))], false).await, Announce::Done);
    assert_eq!(reader.mail().await, Mail::Missed);
    let now = pairs(&[("name", "speaker"), ("unheard", "1")]);
    assert_eq!(reader.read().await, [(speaker.id(), now)]);
    assert_eq!(speaker.announce(&[("heard", Some("1"))], false).await, Announce::Done);
    let entries = owned(&[("heard", Some("1"))]);
    assert_eq!(reader.mail().await, Mail::Announced { from: speaker.id(), all: false, entries });
    eventually("posts are heard", async || {
        speaker.replicas.send(&reader.id(), "post").await.unwrap().then_some(())
    })
    .await;
}

#[tokio::test]
async fn calls_fail_fast_while_redis_is_away_and_all_goes_on_when_it_is_back() {
    let server = Server::start_with(&["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
    let settings = at(server.port);
    let speaker = Replica::start(&settings, LASTING, Some("speaker")).await;
    let quiet = Replica::start(&settings, LASTING, Some("quiet")).await;
    let mut reader = Replica::start(&settings, LASTING, None).await;
    assert_eq!(reader.read().await.len(), 2);
    let stopped = server.kill();
    let begun = Instant::now();
    for _ in 0..10 {
        let [one, other] = [speaker.replicas.as_ref(), quiet.replicas.as_ref()];
        assert!(matches!(one.send(other.me(), "").await, Err(StorageError::Unavailable(_))));
        assert!(matches!(one.send_all("").await, Err(StorageError::Unavailable(_))));
        assert!(one.hold(&storage::ServerId::new("s"), None).await.is_err());
        assert!(reader.mailbox.announced().await.is_err());
    }
    assert!(speaker.replicas.announce(Vec::new(), true).await.is_err());
    assert_eq!(speaker.announce(&[], false).await, Announce::SayAll, "nobody knows what became of it");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());

    let _server = stopped.restart();
    assert_eq!(reader.mail().await, Mail::Missed);
    let read = back(async || reader.replicas.holder(&storage::ServerId::new("s")).await).await;
    assert_eq!(read, None);
    assert_eq!(reader.read().await.len(), 2, "it kept what was announced");
    assert_eq!(back(async || quiet.replicas.announce(Vec::new(), false).await).await, Announce::Done);
    let done = back(async || speaker.replicas.announce(owned(&[("name", Some("again"))]), true).await).await;
    assert_eq!(done, Announce::Done);
    let mut heard = [reader.mail().await, reader.mail().await];
    heard.sort_by_key(|mail| matches!(mail, Mail::Announced { all: true, .. }));
    assert!(matches!(&heard[0], Mail::Announced { from, all: false, .. } if *from == quiet.id()));
    assert!(matches!(&heard[1], Mail::Announced { from, all: true, .. } if *from == speaker.id()));
}

#[tokio::test]
async fn a_redis_that_lost_the_last_change_is_told_everything_again() {
    let settings = settings();
    let speaker = Replica::start(&settings, LASTING, Some("speaker")).await;
    let kept = format!("{}{{replicas}}:of:{}", settings.prefix, speaker.id());
    let mut behind = crate::raw(&settings).await;
    // What a failover leaves, or a crash: everything up to some moment.
    let before: Vec<u8> = redis::cmd("DUMP").arg(&kept).query_async(&mut behind).await.unwrap();
    assert_eq!(speaker.announce(&[("lost", Some("1"))], false).await, Announce::Done);
    let mut restore = redis::cmd("RESTORE");
    restore.arg(&kept).arg(0).arg(before).arg("REPLACE").exec_async(&mut behind).await.unwrap();
    assert_eq!(speaker.announce(&[], false).await, Announce::SayAll);
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_is_told_everything_again() {
    let server = Server::start();
    let settings = at(server.port);
    let speaker = Replica::start(&settings, LASTING, Some("speaker")).await;
    let mut reader = Replica::start(&settings, LASTING, None).await;
    assert_eq!(reader.read().await.len(), 1);
    let mut behind = crate::raw(&settings).await;
    redis::cmd("FLUSHALL").exec_async(&mut behind).await.unwrap();
    let _server = server.kill().restart();
    assert_eq!(back(async || speaker.replicas.announce(Vec::new(), false).await).await, Announce::SayAll);
    assert_eq!(reader.mail().await, Mail::Missed);
    back(async || speaker.replicas.announce(owned(&[("name", Some("again"))]), true).await).await;
    let again = [(speaker.id(), pairs(&[("name", "again")]))];
    eventually("the other one knows", async || (reader.read().await == again).then_some(())).await;
}
