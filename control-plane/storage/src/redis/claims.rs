//! Ticket ids, groups and players: each is held by one attempt to enqueue at a time.
//!
//! # Why no player can be in two queued tickets
//!
//! A queue's scripts see one queue; a player may try several at once. So an attempt to enqueue a ticket first takes a claim
//! on the ticket id, on the group and on each player: one key each, set where there is none, holding the ticket, its queue and
//! the attempt's nonce. Only when all are its own does it run the script that puts the ticket into the queue.
//!
//! A claim that somebody else holds is taken over only where that one can't need it any more:
//!
//! 1. its ticket has ended, which is final; or
//! 2. its ticket isn't there, and a mark was put in its place that names the attempt. The mark and the script that enqueues are
//!    both atomic in that queue: after the mark, that attempt's script refuses. (Before marking, the taker waits a few times,
//!    for the attempt may be alive and its script on its way.)
//!
//! A claim is given back only by an attempt whose script did not and will not put the ticket into its queue; after an unclear
//! answer it stays, and falls under 1 or 2. So from before a ticket is queued until it has ended, its players' claims name it,
//! and another ticket's attempt doesn't get them all. The cleaning after a ticket's end (compare and delete) only saves the next
//! attempt the second look; nothing depends on it.
//!
//! This needs that marks outlive attempts, and claims outlive tickets. An attempt that was paused for [`STALE`] between its
//! claims and its script begins anew, and a mark lives for [`MARK`]. A claim lives for [`OUTLIVES`] longer than its ticket may
//! wait: long enough for a worker to come and expire the ticket, even where none ran for a day.

use std::time::Duration;

use redis::{Cmd, Value};

use super::{
    Redis,
    stored::{Holder, Stored},
};
use crate::{NewTicket, StorageError};

/// An attempt that was away for so long between its claims and its script doesn't run the script.
pub(super) const STALE: Duration = Duration::from_secs(10);
/// How long an attempt stays marked as over.
pub(super) const MARK: Duration = Duration::from_secs(10 * 60);
/// How much longer a claim lives than its ticket may wait.
pub(super) const OUTLIVES: Duration = Duration::from_secs(24 * 60 * 60);

/// What an attempt to enqueue needs for itself.
#[derive(Debug)]
pub(super) struct Claims {
    /// The ticket id's, the group's, then each player's.
    pub(super) keys: Vec<String>,
    pub(super) holder: Holder,
    text: String,
    px: String,
}

/// Milliseconds as Redis takes them; a time beyond all purposes is some years.
pub(super) fn millis(span: Duration) -> String {
    const LONGEST: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;
    u64::try_from(span.as_millis()).unwrap_or(LONGEST).clamp(1, LONGEST).to_string()
}

impl Redis {
    /// What an attempt to enqueue `new` needs. Each call is an attempt of its own.
    pub(super) fn claims_of(&self, new: &NewTicket) -> Claims {
        let holder = Holder {
            ticket: new.id.clone(),
            queue: new.queue.clone(),
            nonce: format!("{:032x}", rand::random::<u128>()),
        };
        let mut keys = Vec::with_capacity(2 + new.players.len());
        keys.push(self.keys.ticket_claim(&new.id));
        keys.push(self.keys.group_claim(&new.group));
        keys.extend(new.players.iter().map(|player| self.keys.player_claim(&player.id)));
        let text = holder.to_text();
        Claims { keys, holder, text, px: millis(new.lifetime.saturating_add(OUTLIVES)) }
    }

    /// Takes all claims that are free. Returns who holds each of the others, as it stands there.
    pub(super) async fn take(&self, claims: &Claims) -> Result<Vec<Option<String>>, StorageError> {
        let take = |key: &String| {
            let mut set = redis::cmd("SET");
            set.arg(key).arg(&claims.text).arg("NX").arg("GET").arg("PX").arg(&claims.px);
            set
        };
        let answers = self.link.all(claims.keys.iter().map(take).collect()).await?;
        // Its own: the command was sent again after its answer was lost.
        let other = |held: Option<String>| held.filter(|held| *held != claims.text);
        answers.into_iter().map(|held| text_of(held).map(other)).collect()
    }

    /// Takes a claim over from `other`. False: that one doesn't hold it any more.
    pub(super) async fn take_over(
        &self,
        claims: &Claims,
        key: &str,
        other: &str,
    ) -> Result<bool, StorageError> {
        let args = [other, claims.text.as_str(), claims.px.as_str()];
        self.link.run(&self.scripts.replace, &[key.to_owned()], &args).await
    }

    /// Gives back what an attempt holds that will not use it.
    pub(super) async fn give_back(&self, claims: &Claims) -> Result<(), StorageError> {
        let commands = claims.keys.iter().map(|key| self.give_back_one(key, &claims.text)).collect();
        self.link.all(commands).await.map(drop)
    }

    fn give_back_one(&self, key: &str, text: &str) -> Cmd {
        self.scripts.give_back.by_text(&[key.to_owned()], &[text])
    }

    /// What frees the group and the players of a ticket that has ended.
    pub(super) fn free(&self, ended: &Stored) -> Vec<Cmd> {
        let record = &ended.state.record;
        let text = ended.holder().to_text();
        let mut commands = vec![self.give_back_one(&self.keys.group_claim(&record.ticket.group), &text)];
        for player in record.ticket.players.iter() {
            commands.push(self.give_back_one(&self.keys.player_claim(&player.id), &text));
        }
        commands
    }

    /// What frees the id of a ticket that is forgotten.
    pub(super) fn free_id(&self, forgotten: &Holder) -> Cmd {
        self.give_back_one(&self.keys.ticket_claim(&forgotten.ticket), &forgotten.to_text())
    }

    /// The ticket that a holder stands for.
    pub(super) async fn look(&self, holder: &Holder) -> Result<Option<Stored>, StorageError> {
        let mut get = redis::cmd("GET");
        get.arg(self.keys.queue(&holder.queue).ticket(&holder.ticket));
        Stored::parse(self.link.call::<Option<String>>(get).await?.as_deref())
    }

    /// Ends an attempt whose ticket isn't there. Returns the ticket where it is there now.
    pub(super) async fn void(&self, holder: &Holder) -> Result<Option<Stored>, StorageError> {
        let ticket = self.keys.queue(&holder.queue).ticket(&holder.ticket);
        let args = [holder.nonce.as_str(), &millis(MARK)];
        let value: Option<String> = self.link.run(&self.scripts.void, &[ticket], &args).await?;
        Stored::parse(value.as_deref())
    }
}

/// A text, or nothing.
pub(super) fn text_of(value: Value) -> Result<Option<String>, StorageError> {
    redis::from_redis_value(value).map_err(|error| StorageError::Unavailable(format!("Redis: {error}")))
}
