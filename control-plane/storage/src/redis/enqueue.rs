//! Putting a ticket into its queue: claims in one round trip, the queue's script in a second.

use std::time::Duration;

use matching::{Ticket, Time};
use tokio::time::Instant;

use super::{
    Redis,
    claims::{Claims, STALE},
    stored::{Holder, Stored, unreadable},
};
use crate::{EnqueueError, Enqueued, NewTicket, Status, StorageError, TicketRecord, TicketState};

/// How long to wait for another attempt that is on its way, one time after the other. After that it is over.
const PATIENCE: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
];
/// Attempts before a call gives up. More than a few mean that many fight for the same players.
const ATTEMPTS: usize = 24;

/// What one attempt came to.
enum Attempt {
    Over(Result<Enqueued, EnqueueError>),
    /// Another attempt was in the way, or ended this one; nothing is held.
    Again,
}

/// What stands between an attempt and a claim.
enum InTheWay {
    /// Nothing: the claim is this attempt's now.
    Nothing,
    /// The request is answered.
    Answer(Result<Enqueued, EnqueueError>),
    /// Something that will be different soon.
    Moment,
}

impl Redis {
    pub(super) async fn enqueue_ticket(&self, new: NewTicket, now: Time) -> Result<Enqueued, EnqueueError> {
        let record = TicketRecord {
            ticket: Ticket {
                id: new.id.clone(),
                group: new.group.clone(),
                players: new.players.clone(),
                // Redis says.
                order: 0,
                enqueued_at: now,
                expires_at: now + new.lifetime,
            },
            queue: new.queue.clone(),
            region: new.region.clone(),
            constraints: new.constraints.clone(),
        };
        let text = serde_json::to_string(&record)
            .map_err(|error| StorageError::Unavailable(format!("the ticket can't be written: {error}")))?;
        for round in 0..ATTEMPTS {
            match self.attempt(&new, &record, &text, now, round >= PATIENCE.len()).await? {
                Attempt::Over(outcome) => return outcome,
                Attempt::Again => {
                    let pause = PATIENCE[round % PATIENCE.len()];
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                }
            }
        }
        Err(StorageError::Unavailable("too many enqueue the same players at once".to_owned()).into())
    }

    /// One attempt. `impatient`: others had their time.
    async fn attempt(
        &self,
        new: &NewTicket,
        record: &TicketRecord,
        text: &str,
        now: Time,
        impatient: bool,
    ) -> Result<Attempt, StorageError> {
        let claims = self.claims_of(new);
        let begun = Instant::now();
        let held = self.take(&claims).await?;
        for (place, other) in held.iter().enumerate() {
            let Some(other) = other else { continue };
            match self.in_the_way(new, &claims, place, other, impatient).await? {
                InTheWay::Nothing => {}
                InTheWay::Answer(answer) => {
                    self.give_back(&claims).await?;
                    return Ok(Attempt::Over(answer));
                }
                InTheWay::Moment => {
                    self.give_back(&claims).await?;
                    return Ok(Attempt::Again);
                }
            }
        }
        if begun.elapsed() >= STALE {
            self.give_back(&claims).await?;
            return Ok(Attempt::Again);
        }
        self.put(new, record, text, &claims, now).await
    }

    /// Looks who holds a claim that this attempt needs: the ticket id's is the first, the group's the second.
    async fn in_the_way(
        &self,
        new: &NewTicket,
        claims: &Claims,
        place: usize,
        other: &str,
        impatient: bool,
    ) -> Result<InTheWay, StorageError> {
        let holder = Holder::parse(other)?;
        let mut found = self.look(&holder).await?;
        if found.is_none() {
            if !impatient {
                return Ok(InTheWay::Moment);
            }
            found = self.void(&holder).await?;
        }
        let answer = match (found, place) {
            (Some(known), 0) if known.is(new) => Ok(Enqueued::Known(known.state)),
            (Some(_), 0) => Err(EnqueueError::TicketIdTaken),
            (Some(known), 1) if known.state.status == Status::Queued => {
                if known.is(new) {
                    Ok(Enqueued::Known(known.state))
                } else {
                    Err(EnqueueError::GroupQueued(holder.ticket))
                }
            }
            (Some(known), _) if known.state.status == Status::Queued => {
                Err(EnqueueError::PlayerQueued(new.players[place - 2].id.clone()))
            }
            _ => {
                let taken = self.take_over(claims, &claims.keys[place], other).await?;
                return Ok(if taken { InTheWay::Nothing } else { InTheWay::Moment });
            }
        };
        Ok(InTheWay::Answer(answer))
    }

    /// Runs the queue's script, with all claims held.
    async fn put(
        &self,
        new: &NewTicket,
        record: &TicketRecord,
        text: &str,
        claims: &Claims,
        now: Time,
    ) -> Result<Attempt, StorageError> {
        let queue = self.keys.queue(&new.queue);
        let keys = [queue.meta(), queue.queued(), queue.ticket(&new.id)];
        let (expires_at, now, limit) =
            (record.ticket.expires_at.0.to_string(), now.0.to_string(), new.queue_limit.to_string());
        let (news, unowned) = (queue.news(), self.keys.unowned());
        let mut generation = String::new();
        loop {
            let args = [
                new.id.as_str(),
                &claims.holder.nonce,
                text,
                &expires_at,
                &now,
                &limit,
                &generation,
                &news,
                &unowned,
                new.queue.as_str(),
            ];
            let answer: Vec<String> = self.link.run(&self.scripts.enqueue, &keys, &args).await?;
            let refused = match answer.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["new", order, owned] => {
                    let order = order.parse().map_err(|_| unreadable(order))?;
                    if *owned == "0" {
                        self.see_to_registration(&new.queue).await;
                    }
                    return Ok(Attempt::Over(Ok(Enqueued::New(queued(record, order)))));
                }
                // Sent again by the connection after its answer was lost.
                ["known", value] => match Stored::parse(Some(value))? {
                    Some(known) if known.nonce == claims.holder.nonce => {
                        return Ok(Attempt::Over(Ok(Enqueued::New(known.state))));
                    }
                    Some(known) if known.is(new) => Ok(Enqueued::Known(known.state)),
                    _ => Err(EnqueueError::TicketIdTaken),
                },
                ["void"] => {
                    self.give_back(claims).await?;
                    return Ok(Attempt::Again);
                }
                ["full"] => Err(EnqueueError::QueueFull),
                ["unregistered", dead] => {
                    match self.register(&new.queue, dead, Some(new.queues_limit)).await? {
                        Some(registered) => {
                            generation = registered;
                            continue;
                        }
                        None => Err(EnqueueError::TooManyQueues),
                    }
                }
                other => return Err(unreadable(other.first().copied().unwrap_or_default())),
            };
            self.give_back(claims).await?;
            return Ok(Attempt::Over(refused));
        }
    }
}

fn queued(record: &TicketRecord, order: u64) -> TicketState {
    let mut record = record.clone();
    record.ticket.order = order;
    TicketState { record: record.into(), status: Status::Queued }
}
