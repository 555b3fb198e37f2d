//! A queue whose matches are proposed by a match function outside: when it is called, and what is made of its answers.
//!
//! The function decides nothing by itself. Each proposal is checked ([`check`]) at the time at which it is taken, and what passes
//! is placed like our own matches. So a function that is slow, broken or hostile costs its queue matches, and nothing else: the worker
//! never waits for it, and tickets come, are cancelled and expire meanwhile.
//!
//! One call at a time is under way. The next is made when something changed since the last began: a ticket came or came back, waiting
//! loosened the rules, or, where not all were sent, some went. And it is made after a while though nothing changed, as the
//! function may know ages of its own.

mod answer;
mod call;
mod check;
mod refusals;
mod wire;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use matching::{QueueKey, Time};

use self::{
    answer::Answer,
    call::{CallError, Client},
    refusals::proposals,
};
use super::{
    place::Match,
    waiting::{Moves, Waiting},
};
use crate::queues::{MatchFunction, QueueSettings};

/// When it is called again though nothing has changed, unless it says otherwise.
const AGAIN: Duration = Duration::from_secs(10);
/// The pause after the first failed call is as long as the interval, at least so long; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After how many failed calls our own engine stands in, where it may.
const STAND_IN_AFTER: u32 = 3;

/// The function of one queue.
#[derive(Debug)]
pub(super) struct Outside {
    queue: QueueKey,
    function: Arc<MatchFunction>,
    client: Client,
    /// One at most.
    call: FuturesUnordered<BoxFuture<'static, Outcome>>,
    answer: Option<Answer>,
    /// What had moved when the last call began; `None` before the first.
    seen: Option<Moves>,
    /// Whether there were more tickets than were sent.
    was_partial: bool,
    /// Whether waiting may have loosened the rules since.
    has_turned: bool,
    not_before: Time,
    /// When it is called though nothing has changed.
    again_at: Time,
    /// When to look at the rest of the answer.
    go_on_at: Option<Time>,
    /// Failed calls since one that did not.
    failures: u32,
    trouble: String,
}

/// What became of a call.
#[derive(Debug)]
pub(super) struct Outcome(Result<Answer, CallError>);

impl Outside {
    pub(super) fn new(queue: QueueKey, function: &Arc<MatchFunction>) -> Self {
        Self {
            queue,
            client: call::client(function),
            function: Arc::clone(function),
            call: FuturesUnordered::new(),
            answer: None,
            seen: None,
            was_partial: false,
            has_turned: false,
            not_before: Time(0),
            again_at: Time(0),
            go_on_at: None,
            failures: 0,
            trouble: String::new(),
        }
    }

    /// The matches that can be made now, at most `limit`. Calls the function where it is time to.
    pub(super) fn matches(
        &mut self,
        waiting: &mut Waiting,
        settings: &QueueSettings,
        now: Time,
        limit: usize,
    ) -> Vec<Match> {
        let turned = waiting.pass_over(now);
        self.has_turned |= turned;
        let mut matches = self.proposed(waiting, settings, now, limit);
        if self.wants_call(waiting.moves(), now) {
            self.begin(waiting, settings, now);
        }
        // After the call began: where everything is matched without it, it would never be found out that it answers again.
        if self.stands_in() {
            matches.extend(waiting.matches(now, limit - matches.len()));
        }
        matches
    }

    /// What became of the call that is under way; `None` where none is. Can be dropped while it waits without losing it.
    pub(super) async fn next(&mut self) -> Option<Outcome> {
        self.call.next().await
    }

    /// Takes in what became of a call.
    pub(super) fn heard(&mut self, Outcome(outcome): Outcome, now: Time) {
        let name = outcome.as_ref().map_or_else(CallError::name, |_| "ok");
        metrics::counter!("control_plane_match_function_calls_total", "outcome" => name).increment(1);
        match outcome {
            Ok(mut answer) => {
                if self.failures > 0 {
                    tracing::info!(queue = %self.queue, "the queue's match function answers again");
                }
                self.failures = 0;
                self.trouble.clear();
                self.again_at = now + answer.again_in.unwrap_or(AGAIN);
                std::mem::take(&mut answer.refusals).tell(&self.queue);
                self.answer = Some(answer);
            }
            Err(error) => {
                let detail = error.detail();
                if self.failures == 0 {
                    tracing::warn!(queue = %self.queue, detail, "the queue's match function doesn't answer; trying again");
                } else {
                    tracing::debug!(queue = %self.queue, detail, "the queue's match function doesn't answer");
                }
                let pause =
                    self.function.interval.max(FIRST_PAUSE) * 2u32.saturating_pow(self.failures.min(10));
                self.failures = self.failures.saturating_add(1);
                self.trouble = format!("its match function doesn't answer: {error}");
                self.not_before = now + pause.min(LONGEST_PAUSE);
                self.again_at = self.not_before;
            }
        }
    }

    /// When to look again if nothing happens; what has come already waits for something else.
    pub(super) fn deadline(&self, moves: Moves) -> Option<Time> {
        let next_call =
            || if self.has_changed(moves) { self.not_before } else { self.again_at.max(self.not_before) };
        let call = self.call.is_empty().then(next_call);
        call.into_iter().chain(self.go_on_at).min()
    }

    /// What is wrong with the function, for people; empty where nothing is.
    pub(super) fn trouble(&self) -> &str {
        &self.trouble
    }

    fn stands_in(&self) -> bool {
        self.function.fallback && self.failures >= STAND_IN_AFTER
    }

    fn proposed(
        &mut self,
        waiting: &mut Waiting,
        settings: &QueueSettings,
        now: Time,
        limit: usize,
    ) -> Vec<Match> {
        self.go_on_at = None;
        let Some(answer) = &mut self.answer else { return Vec::new() };
        let looked = answer.matches(&settings.rules, waiting, now, limit);
        if answer.is_empty() {
            self.answer = None;
        }
        self.go_on_at = looked.goes_on.then_some(now + Duration::from_millis(1));
        looked.refusals.tell(&self.queue);
        proposals("accepted", looked.matches.len() as u64);
        looked.matches
    }

    fn wants_call(&self, moves: Moves, now: Time) -> bool {
        self.call.is_empty() && self.not_before <= now && (self.again_at <= now || self.has_changed(moves))
    }

    fn has_changed(&self, moves: Moves) -> bool {
        self.has_turned
            || self
                .seen
                .is_none_or(|seen| seen.came != moves.came || (self.was_partial && seen.went != moves.went))
    }

    fn begin(&mut self, waiting: &Waiting, settings: &QueueSettings, now: Time) {
        let (sent, count) = waiting.oldest(self.function.tickets);
        if sent.is_empty() {
            return;
        }
        self.seen = Some(waiting.moves());
        self.was_partial = sent.len() < count;
        self.has_turned = false;
        self.not_before = now + self.function.interval;
        let round = wire::round(&self.queue, settings, sent.len(), count, now);
        let (client, deadline) = (self.client.clone(), self.function.deadline);
        self.call.push(Box::pin(async move {
            let began = tokio::time::Instant::now();
            let outcome = call::call(client, round, sent.into(), deadline).await;
            metrics::histogram!("control_plane_match_function_seconds").record(began.elapsed().as_secs_f64());
            Outcome(outcome)
        }));
    }
}

#[cfg(test)]
mod tests;
