//! What replicas keep announced: every change is heard once, in order, after what was read.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use storage::{Announce, Mail, ReplicaId};
use tokio::task::JoinSet;

use super::{LASTING, Replica, owned, pairs};
use crate::{
    eventually,
    ground::{cluster_settings, settings},
};

#[tokio::test]
async fn changes_follow_what_was_read() {
    for settings in [settings(), cluster_settings()] {
        let [speaker, mut reader] =
            [Replica::start(&settings, LASTING, None).await, Replica::start(&settings, LASTING, None).await];
        assert_eq!(reader.read().await, []);
        assert_eq!(speaker.announce(&[("a", Some("1"))], false).await, Announce::SayAll, "the first");
        let all = [("a", Some("1")), ("number", Some("\u{0}\"\n=")), ("b", Some(""))];
        assert_eq!(speaker.announce(&all, true).await, Announce::Done);
        let heard = |all, entries: &[_]| Mail::Announced { from: speaker.id(), all, entries: owned(entries) };
        assert_eq!(reader.mail().await, heard(true, &all));

        let change = [("b", None), ("a", Some("2"))];
        assert_eq!(speaker.announce(&change, false).await, Announce::Done);
        let now = [(speaker.id(), pairs(&[("a", "2"), ("number", "\u{0}\"\n=")]))];
        assert_eq!(reader.read().await, now);
        assert_eq!(speaker.announce(&[], false).await, Announce::Done);
        // The change was read, and isn't told again.
        assert_eq!(reader.mail().await, heard(false, &[]));
        assert_eq!(speaker.announce(&[("c", Some("3"))], true).await, Announce::Done);
        assert_eq!(reader.mail().await, heard(true, &[("c", Some("3"))]));
        assert_eq!(reader.read().await, [(speaker.id(), pairs(&[("c", "3")]))]);
    }
}

#[tokio::test]
async fn who_leaves_is_gone_and_may_come_back() {
    let settings = settings();
    let speaker = Replica::start(&settings, LASTING, Some("speaker")).await;
    let mut reader = Replica::start(&settings, LASTING, None).await;
    assert_eq!(reader.read().await.len(), 1);
    speaker.replicas.leave().await.unwrap();
    assert_eq!(reader.mail().await, Mail::Left { from: speaker.id() });
    assert_eq!(reader.read().await, []);
    assert_eq!(speaker.announce(&[], false).await, Announce::SayAll);
    assert_eq!(speaker.announce(&[], true).await, Announce::Done);
    let back = Mail::Announced { from: speaker.id(), all: true, entries: Vec::new() };
    assert_eq!(reader.mail().await, back);
}

#[tokio::test]
async fn who_is_silent_for_too_long_is_gone_and_is_told_so() {
    let settings = settings();
    let lasting = Duration::from_millis(1_500);
    let mut reader = Replica::start(&settings, LASTING, None).await;
    let silent = Replica::start(&settings, lasting, Some("silent")).await;
    assert_eq!(reader.read().await.len(), 1);
    eventually("it is gone", async || {
        assert_eq!(reader.mail().await, Mail::Missed);
        reader.read().await.is_empty().then_some(())
    })
    .await;
    // It was only paused.
    assert_eq!(silent.announce(&[], false).await, Announce::SayAll);
    assert_eq!(silent.announce(&[("name", Some("silent"))], true).await, Announce::Done);
    assert!(matches!(reader.mail().await, Mail::Announced { all: true, .. }));
    assert_eq!(silent.announce(&[], false).await, Announce::Done);
}

#[tokio::test]
async fn who_speaks_is_not_gone() {
    let settings = settings();
    let lasting = Duration::from_millis(1_500);
    let mut reader = Replica::start(&settings, LASTING, None).await;
    let speaker = Replica::start(&settings, lasting, Some("speaker")).await;
    assert_eq!(reader.read().await.len(), 1);
    let began = tokio::time::Instant::now();
    while began.elapsed() < lasting * 2 {
        assert_eq!(speaker.announce(&[], false).await, Announce::Done);
        assert!(matches!(reader.mail().await, Mail::Announced { all: false, .. }));
    }
    assert_eq!(reader.read().await.len(), 1);
}

/// Every number of a replica's announcement grows: a value that comes twice, or late, shows.
#[derive(Default)]
struct Seen(HashMap<ReplicaId, BTreeMap<String, u64>>);

impl Seen {
    fn change(&mut self, from: &ReplicaId, all: bool, entries: Vec<(String, Option<String>)>) {
        let mine = self.0.entry(from.clone()).or_default();
        let before = std::mem::take(mine);
        if !all {
            mine.clone_from(&before);
        }
        for (name, value) in entries {
            let Some(value) = value else {
                mine.remove(&name);
                continue;
            };
            let value = value.parse().unwrap();
            assert!(before.get(&name).is_none_or(|before| *before < value), "{name} went back to {value}");
            mine.insert(name, value);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_while_others_announce_ends_up_with_the_truth() {
    const SPEAKERS: u64 = 4;
    /// The others go on until so much was heard, so that it was heard while they spoke.
    const MAILS: usize = 1_000;
    let settings = settings();
    let heard = Arc::new(AtomicUsize::new(0));
    let mut speakers = JoinSet::new();
    let mut reader = Replica::start(&settings, LASTING, None).await;
    for speaker in 0..SPEAKERS {
        let speaking = Replica::start(&settings, LASTING, Some("0")).await;
        let heard = Arc::clone(&heard);
        speakers.spawn(async move {
            let mut truth = BTreeMap::from([("name".to_owned(), 0)]);
            let mut round = 0;
            while heard.load(Ordering::Relaxed) < MAILS {
                round += 1;
                let name = format!("key-{}", (round * 7 + speaker) % 11);
                let all = round % 50 == speaker;
                let value = (round % 5 > 0).then(|| round.to_string());
                if all {
                    truth.clear();
                }
                match value {
                    Some(_) => truth.insert(name.clone(), round),
                    None => truth.remove(&name),
                };
                let done = speaking.replicas.announce(vec![(name, value)], all).await.unwrap();
                assert_eq!(done, Announce::Done);
            }
            truth.insert("end".to_owned(), 1);
            assert_eq!(speaking.announce(&[("end", Some("1"))], false).await, Announce::Done);
            (speaking, truth)
        });
    }
    let mut seen = Seen::default();
    while seen.0.values().filter(|of| of.contains_key("end")).count() < usize::try_from(SPEAKERS).unwrap() {
        // Read now and then for no reason at all.
        let mails = heard.fetch_add(1, Ordering::Relaxed);
        let mail = if mails.is_multiple_of(10) { Mail::Missed } else { reader.mail().await };
        match mail {
            Mail::Missed => {
                let before = std::mem::take(&mut seen);
                for (from, entries) in reader.mailbox.announced().await.unwrap() {
                    let entries: BTreeMap<_, u64> =
                        entries.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
                    for (name, value) in &entries {
                        let older = before.0.get(&from).and_then(|of| of.get(name));
                        assert!(older.is_none_or(|older| older <= value), "{name} was read as {value}");
                    }
                    seen.0.insert(from, entries);
                }
            }
            Mail::Announced { from, all, entries } => seen.change(&from, all, entries),
            other => panic!("{other:?}"),
        }
    }
    for (speaker, truth) in speakers.join_all().await {
        assert_eq!(seen.0[&speaker.id()], truth);
    }
}
