//! Telling the other replicas of this one's servers, and that it lives.

use std::{sync::Arc, time::Duration};

use runtime::Tasks;
use storage::Announce;
use tokio::time::{Instant, sleep_until};

use super::Peers;
use crate::registry::{Notice, Told};

/// News is told together when it comes within so long: a busy server has some with every land.
const TOGETHER: Duration = Duration::from_millis(20);

/// Announces until the tasks stop, and then that this replica leaves.
pub(super) async fn run(peers: Arc<Peers>, tasks: Tasks) {
    let Some(post) = &peers.post else { return };
    // What is not known to have been told.
    let mut untold = Untold::All;
    loop {
        let begun = Instant::now();
        untold = tell(&peers, untold).await;
        let again = begun
            + if untold == Untold::News { post.pace.interval } else { TOGETHER.max(post.pace.interval / 4) };
        let news = async {
            peers.registry.news().await;
            sleep_until(begun + TOGETHER).await;
        };
        tokio::select! {
            () = news, if untold == Untold::News => {}
            () = sleep_until(again) => {}
            () = tasks.stopping().cancelled() => break,
        }
    }
    if let Err(error) = post.replicas.leave().await {
        tracing::debug!(%error, "the other replicas find out by themselves that this one is gone");
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Untold {
    /// What the registry says is new.
    News,
    /// The others may not know anything.
    All,
}

/// Tells what is untold and what is new. Returns what is still untold.
async fn tell(peers: &Peers, untold: Untold) -> Untold {
    let Some(post) = &peers.post else { return untold };
    let mut news = Vec::new();
    for (server, told) in peers.registry.take_news() {
        let notice = match told {
            Told::Is(notice) => Some(text(&notice)),
            Told::Gone { term } => {
                peers.let_go(&server, term).await;
                None
            }
        };
        news.push((server.to_string(), notice));
    }
    let all = matches!(untold, Untold::All);
    if all {
        let servers = peers.registry.all_news().into_iter();
        news = servers.map(|(server, notice)| (server.to_string(), Some(text(&notice)))).collect();
    }
    // Whatever comes of it: a call that fails may have happened, and then the next is answered with `SayAll`.
    match post.replicas.announce(news, all).await {
        Ok(Announce::Done) => Untold::News,
        Ok(Announce::SayAll) => Untold::All,
        Err(error) => {
            tracing::debug!(%error, "the other replicas can't be told of this one's servers");
            Untold::All
        }
    }
}

fn text(notice: &Notice) -> String {
    serde_json::to_string(notice).expect("a notice has nothing that JSON can't say")
}
