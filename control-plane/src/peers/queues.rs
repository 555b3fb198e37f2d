//! Asking the other replicas about queues: which of them owns one is known to nobody but the owner, so all are asked.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use matching::{QueueKey, TicketId};
use storage::ReplicaId;

use super::{
    Peers,
    asking::{Unanswered, WAY},
    letter::{Answer, Question},
};
use crate::{matchmaker::Outlook, queues::Reload};

/// How long another replica may take to read its files.
const READING: Duration = Duration::from_secs(5);

/// What another replica said of its queues' configuration; `None` where it said nothing.
pub(crate) type Reloading = (ReplicaId, Option<Result<(), Vec<String>>>);

impl Peers {
    /// How a ticket stands, from whoever owns its queue. `None`: nobody said so in time.
    pub(crate) async fn outlook(&self, queue: &QueueKey, ticket: &TicketId) -> Option<Outlook> {
        if let Some(here) = self.own.desks.outlook(queue, ticket.clone()).await {
            return Some(here);
        }
        let post = self.post.as_ref()?;
        let question = || Question::Outlook { queue: queue.clone(), ticket: ticket.clone() };
        let mut answers = self.ask_live(question, post.pace.interval + WAY);
        while let Some((_, answer)) = answers.next().await {
            // Who owns it answers; the others don't have to be waited for.
            if let Ok(Answer::Outlook(Some(outlook))) = answer {
                return Some(outlook);
            }
        }
        None
    }

    /// Has the other replicas read their configuration again, and says what came of it.
    pub(crate) async fn reload_queues(&self, how: Reload) -> Vec<Reloading> {
        let answers = self.ask_live(|| Question::ReloadQueues { how }, READING + WAY);
        let said = answers.map(|(replica, answer)| match answer {
            Ok(Answer::Reloaded { errors }) if errors.is_empty() => (replica, Some(Ok(()))),
            Ok(Answer::Reloaded { errors }) => (replica, Some(Err(errors))),
            Ok(_) | Err(_) => (replica, None),
        });
        let mut said: Vec<Reloading> = said.collect().await;
        said.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        said
    }

    /// Asks every replica that lives, whether it has servers or not.
    fn ask_live(
        &self,
        question: impl Fn() -> Question,
        within: Duration,
    ) -> FuturesUnordered<impl Future<Output = (ReplicaId, Result<Answer, Unanswered>)>> {
        let live =
            self.post.iter().flat_map(|post| post.others().into_iter().map(move |replica| (post, replica)));
        live.map(|(post, replica)| {
            let question = question();
            async move {
                let answer = post.ask(&replica, question, within).await;
                (replica, answer)
            }
        })
        .collect()
    }
}
