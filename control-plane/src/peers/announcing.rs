//! Telling the other replicas of this one's servers, and that it lives.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use runtime::Tasks;
use storage::{Announce, Hold};
use tokio::time::{Instant, sleep_until};

use super::{Peers, Post};
use crate::registry::{Held, Notice, Told};

/// News is told together when it comes within so long: a busy server has some with every land.
const TOGETHER: Duration = Duration::from_millis(20);

/// Server ids that are held again at once.
const HELD_AT_ONCE: usize = 64;

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
        hold_again(peers, post).await;
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

/// Holds the ids of this replica's servers again: where the others took it for gone, or Redis lost data, they may be others'
/// now. A server that is another's is that one's.
async fn hold_again(peers: &Peers, post: &Post) {
    let held = peers.registry.held().into_iter().map(async |Held { server, instance, term }| {
        let hold = post.replicas.hold(&server, instance.as_deref()).await;
        match hold {
            Ok(Hold::Held { term: new }) => peers.registry.held_again(&server, term, new),
            Ok(Hold::Superseded { by }) => peers.registry.superseded(&server, term, by),
            Ok(Hold::Elsewhere(_)) => peers.registry.superseded(&server, term, String::new()),
            // The next announcement fails as well, and all begins again.
            Err(error) => tracing::debug!(%server, %error, "a server's id is not held again"),
        }
    });
    futures_util::stream::iter(held).buffer_unordered(HELD_AT_ONCE).collect::<()>().await;
}

fn text(notice: &Notice) -> String {
    serde_json::to_string(notice).expect("a notice has nothing that JSON can't say")
}
