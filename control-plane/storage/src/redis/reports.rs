//! What owners report about their queues, and where tickets stand in them.
//!
//! A report is a field of its queue's `meta`, and goes with the lease; who reads it looks whether the lease lasts. Where a
//! ticket stands, Redis counts at the moment of the question: the sorted set of a queue's tickets knows the rank of each.

use std::{collections::BTreeMap, sync::Arc};

use matching::{QueueKey, Time};

use super::{Redis, queues::AT_ONCE, stored::unreadable};
use crate::{Lease, Place, QueueReport, StorageError, TicketRecord};

/// Tickets of one queue in one script: while it counts, nobody else is served.
const COUNTED_AT_ONCE: usize = 128;

impl Redis {
    pub(super) async fn report_queue(
        &self,
        lease: &Lease,
        report: &QueueReport,
    ) -> Result<bool, StorageError> {
        let text = serde_json::to_string(report)
            .map_err(|error| StorageError::Unavailable(format!("the report can't be written: {error}")))?;
        let meta = [self.keys.queue(&lease.queue).meta()];
        self.link.run(&self.scripts.report, &meta, &[&lease.fence.to_string(), &text]).await
    }

    pub(super) async fn reported_queues(
        &self,
        now: Time,
    ) -> Result<Vec<(QueueKey, QueueReport)>, StorageError> {
        let mut reports = Vec::new();
        for some in self.registered().await?.chunks(AT_ONCE) {
            let ask = |(queue, _): &(QueueKey, String)| {
                let mut get = redis::cmd("HMGET");
                get.arg(self.keys.queue(queue).meta()).arg("until").arg("report");
                get
            };
            let answers = self.link.all(some.iter().map(ask).collect()).await?;
            for ((queue, _), answer) in some.iter().zip(answers) {
                let (until, report): (Option<u64>, Option<String>) = read(answer)?;
                if until.is_some_and(|until| until > now.0) {
                    reports.extend(
                        parse(queue, &report.unwrap_or_default()).map(|report| (queue.clone(), report)),
                    );
                }
            }
        }
        reports.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(reports)
    }

    pub(super) async fn places_of(
        &self,
        tickets: &[Arc<TicketRecord>],
        now: Time,
    ) -> Result<Vec<Option<Place>>, StorageError> {
        let mut places = vec![None; tickets.len()];
        let mut by_queue: BTreeMap<&QueueKey, Vec<usize>> = BTreeMap::new();
        for (index, ticket) in tickets.iter().enumerate() {
            by_queue.entry(&ticket.queue).or_default().push(index);
        }
        let scripts: Vec<(&QueueKey, &[usize])> = by_queue
            .iter()
            .flat_map(|(queue, indexes)| indexes.chunks(COUNTED_AT_ONCE).map(|some| (*queue, some)))
            .collect();
        let now = now.0.to_string();
        for some in scripts.chunks(AT_ONCE) {
            let ask = |(queue, indexes): &(&QueueKey, &[usize])| {
                let keys = self.keys.queue(queue);
                let ids = indexes.iter().map(|index| tickets[*index].ticket.id.as_str());
                let args: Vec<_> = std::iter::once(now.as_str()).chain(ids).collect();
                self.scripts.places.by_text(&[keys.meta(), keys.queued()], &args)
            };
            let answers = self.link.all(some.iter().map(ask).collect()).await?;
            for ((queue, indexes), answer) in some.iter().zip(answers) {
                let (report, before): (String, Vec<i64>) = read(answer)?;
                let report = parse(queue, &report);
                for (index, before) in indexes.iter().zip(before) {
                    places[*index] = u32::try_from(before)
                        .ok()
                        .map(|before| Place::new(before.saturating_add(1), report.as_ref()));
                }
            }
        }
        Ok(places)
    }
}

/// A report; nothing where there is none. One that a newer program wrote in another way says nothing, rather than keeping
/// all others from being read.
fn parse(queue: &QueueKey, text: &str) -> Option<QueueReport> {
    if text.is_empty() {
        return None;
    }
    let report = serde_json::from_str(text);
    report.inspect_err(|error| tracing::debug!(%queue, %error, "a queue's report can't be read")).ok()
}

fn read<T: redis::FromRedisValue>(answer: redis::Value) -> Result<T, StorageError> {
    redis::from_redis_value(answer).map_err(|error| unreadable(&error.to_string()))
}
