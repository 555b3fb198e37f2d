//! Reading the queues' configuration again, on all replicas or on none.

use proto::matchmaking::v1 as pb;

use super::Shared;
use crate::queues::Reload;

impl Shared {
    /// Everybody looks first; then, where nothing is wrong, everybody takes it.
    pub(super) async fn reload_queues(&self) -> pb::ReloadQueuesResponse {
        let refused = |errors| pb::ReloadQueuesResponse { errors, ..Default::default() };
        if let Err(errors) = self.queues.reload(Reload::Check).await {
            return refused(errors);
        }
        let mut errors = Vec::new();
        for (replica, said) in self.peers.reload_queues(Reload::Check).await {
            if let Some(Err(theirs)) = said {
                errors.extend(theirs.into_iter().map(|error| format!("replica {replica}: {error}")));
            }
        }
        if !errors.is_empty() {
            return refused(errors);
        }
        let reloaded = match self.queues.reload(Reload::Apply).await {
            Ok(reloaded) => reloaded,
            // Written to in this moment.
            Err(errors) => return refused(errors),
        };
        reloaded.tell();
        let mut response = pb::ReloadQueuesResponse {
            changes: reloaded
                .changes
                .into_iter()
                .map(|change| pb::QueueChange { queue_key: change.queue.to_string(), what: change.what })
                .collect(),
            warnings: reloaded.warnings,
            replicas: 1,
            ..Default::default()
        };
        for (replica, said) in self.peers.reload_queues(Reload::Apply).await {
            match said {
                Some(Ok(())) => response.replicas += 1,
                Some(Err(errors)) => {
                    let late = |error| format!("replica {replica} goes on with the old queues: {error}");
                    response.warnings.extend(errors.into_iter().map(late));
                    response.unanswered.push(replica.to_string());
                }
                None => response.unanswered.push(replica.to_string()),
            }
        }
        response
    }
}
