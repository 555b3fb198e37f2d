//! Posts: to one, to all, to nobody.

use storage::{Mail, RedisSettings, ReplicaId};

use super::{LASTING, Replica};
use crate::{
    eventually,
    ground::{cluster_settings, settings},
};

async fn posts_reach_whom_they_are_for(settings: &RedisSettings) {
    let mut all = Vec::new();
    for _ in 0..3 {
        let mut replica = Replica::start(settings, LASTING, None).await;
        replica.read().await;
        all.push(replica);
    }
    let from = all[0].id();
    let text = "first line\nsecond \u{0} line \u{1f3ae}";
    assert!(all[0].replicas.send(&all[1].id(), text).await.unwrap());
    assert!(!all[0].replicas.send(&ReplicaId::new("nobody"), text).await.unwrap());
    all[0].replicas.send_all("to all").await.unwrap();
    assert!(all[0].replicas.send(&from, "to itself").await.unwrap());

    let post = |text: &str| Mail::Post { from: from.clone(), text: text.to_owned() };
    assert_eq!(all[1].mail().await, post(text));
    assert_eq!(all[1].mail().await, post("to all"));
    assert_eq!(all[2].mail().await, post("to all"));
    assert_eq!(all[0].mail().await, post("to itself"), "and not what was for the others");
}

#[tokio::test]
async fn posts_reach_whom_they_are_for_on_a_server() {
    posts_reach_whom_they_are_for(&settings()).await;
}

#[tokio::test]
async fn posts_reach_whom_they_are_for_on_a_cluster() {
    posts_reach_whom_they_are_for(&cluster_settings()).await;
}

#[tokio::test]
async fn whoever_takes_no_mail_any_more_is_not_there() {
    let settings = settings();
    let [one, other] =
        [Replica::start(&settings, LASTING, None).await, Replica::start(&settings, LASTING, None).await];
    let gone = other.id();
    let Replica { mailbox, _upkeep, .. } = other;
    drop(mailbox);
    eventually("nobody hears it", async || (!one.replicas.send(&gone, "?").await.unwrap()).then_some(()))
        .await;
    // Everybody's channel is heard by the one alone.
    let behind = crate::raw(&settings).await;
    let channel = format!("{}{{replicas}}:all", settings.prefix);
    eventually("its channels end", async || {
        let mut count = redis::cmd("PUBSUB");
        count.arg("SHARDNUMSUB").arg(&channel);
        let count: (String, u64) = count.query_async(&mut behind.clone()).await.unwrap();
        (count.1 == 1).then_some(())
    })
    .await;
}
