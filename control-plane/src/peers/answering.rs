//! Answering another replica.

use std::{sync::Arc, time::Duration};

use runtime::Tasks;
use storage::{Hold, LandId, ReplicaId, ServerId};

use super::{
    Peers,
    letter::{Answer, Letter, Question},
};
use crate::{
    allocation::here,
    registry::{HelloRefused, LandOrder, Registration},
};

/// Takes a question in. What must happen in the order of the letters happens at once; what takes time, in a task.
pub(super) fn question(peers: &Arc<Peers>, from: ReplicaId, number: u64, question: Question, tasks: &Tasks) {
    let Some(post) = &peers.post else { return };
    // Beyond the limit nobody answers, and nothing is reserved: who asked takes this replica for silent, and asks others for a
    // while.
    let Ok(permit) = Arc::clone(&post.answering).try_acquire_owned() else { return };
    let answer: BoxedAnswer = match question {
        Question::Make { server, land, order, lasting_ms } => make(peers, &server, &land, order, lasting_ms),
        Question::Register { registration, expiry_ms } => {
            let peers = Arc::clone(peers);
            Box::pin(async move { register(&peers, registration, Duration::from_millis(expiry_ms)).await })
        }
        Question::Deregister { server } => ready(match peers.registry.deregister(&server) {
            Ok(removed) => Answer::Done(removed),
            Err(HelloRefused::Superseded { by }) => Answer::Superseded { by },
        }),
        Question::End { land } => {
            let ended = peers.registry.release(&land, "released by its service").is_some();
            ready(Answer::Done(ended))
        }
        Question::Land { land, server } => {
            ready(Answer::Land(peers.registry.whereabouts(&land, server.as_ref())))
        }
        Question::Drain { server, reason, deadline_ms } => {
            let deadline = deadline_ms.map(Duration::from_millis);
            ready(Answer::Drains(peers.registry.drain(&server, &reason, deadline).map(Box::new)))
        }
        Question::Servers { land_type } => ready(Answer::Servers(peers.registry.list(land_type.as_deref()))),
        Question::Outlook { queue, ticket } => {
            let desks = Arc::clone(&peers.own.desks);
            Box::pin(async move { Answer::Outlook(desks.outlook(&queue, ticket).await) })
        }
        Question::ReloadQueues { how } => {
            let queues = Arc::clone(&peers.own.queues);
            Box::pin(async move {
                let errors = queues.reload(how).await.err().unwrap_or_default();
                Answer::Reloaded { errors }
            })
        }
    };
    let peers = Arc::clone(peers);
    tasks.spawn("answer to a replica", async move {
        let answer = answer.await;
        if let Some(post) = &peers.post {
            post.send(&from, &Letter::Answer { number, answer }).await;
        }
        drop(permit);
    });
}

type BoxedAnswer = futures_util::future::BoxFuture<'static, Answer>;

fn ready(answer: Answer) -> BoxedAnswer {
    Box::pin(std::future::ready(answer))
}

/// Reserved before this returns, so that a letter that releases it again finds it.
fn make(
    peers: &Arc<Peers>,
    server: &ServerId,
    land: &LandId,
    order: LandOrder,
    lasting_ms: u64,
) -> BoxedAnswer {
    let registry = Arc::clone(&peers.registry);
    let Some(reserved) = registry.reserve_on(server, &order.land(land)) else {
        let now = registry.notice(server);
        return ready(Answer::NotMade { reason: "it has no room any more".to_owned(), full: true, now });
    };
    let lasting = Duration::from_millis(lasting_ms);
    Box::pin(async move {
        let made = here::make(&registry, &reserved, &Arc::new(order), lasting).await;
        let now = registry.notice(&reserved.server);
        match made {
            Ok(()) => Answer::Made { now },
            Err(reason) => Answer::NotMade { reason, full: false, now },
        }
    })
}

/// The server is this replica's, or was when somebody looked.
async fn register(peers: &Peers, registration: Registration, expiry: Duration) -> Answer {
    let Some(post) = &peers.post else { return Answer::Done(false) };
    match post.replicas.hold(&registration.server, None).await {
        Ok(Hold::Held { term }) => match peers.registry.register(registration, term, expiry) {
            Ok(()) => Answer::Done(true),
            Err(HelloRefused::Superseded { by }) => Answer::Superseded { by },
        },
        Ok(Hold::Superseded { by }) => Answer::Superseded { by },
        Ok(Hold::Elsewhere(_)) | Err(_) => Answer::Done(false),
    }
}
