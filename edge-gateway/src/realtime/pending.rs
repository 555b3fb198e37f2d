//! An action under way: the calls that it makes, and what became of them.
//!
//! It knows nothing of the socket, so the socket can go on pushing meanwhile.

use std::{future::Future, pin::Pin, sync::Arc};

use futures_util::future::join_all;
use proto::error::Refusal;

use crate::{
    app::App,
    http::RequestId,
    identity::{Caller, KnownPlayer, Secret},
    rest::{
        cancel::{Cancelled, cancel_for},
        enqueue::enqueue_for,
    },
    upstream::Origin,
    wire::{enqueue::EnqueueBody, ticket::Enqueued},
};

/// What became of an action.
pub(super) enum Outcome {
    Enqueued(Result<Enqueued, Refusal>),
    Cancelled(Vec<Attempt>),
    Authenticated(Result<Arc<KnownPlayer>, Refusal>),
}

/// One ticket's cancel.
pub(super) struct Attempt {
    pub(super) ticket_id: String,
    /// By this socket, when the cancel began.
    pub(super) was_followed: bool,
    pub(super) result: Result<Cancelled, Refusal>,
}

/// An action under way, boxed: an idle socket should not hold room for a call.
pub(super) type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Begins an enqueue.
pub(super) fn enqueue(app: Arc<App>, id: RequestId, caller: Caller, body: EnqueueBody) -> Pending {
    Box::pin(async move { Outcome::Enqueued(enqueue_for(&app, &id, &caller, body).await) })
}

/// Begins to find out whom a token proves.
pub(super) fn authenticate(app: Arc<App>, token: Secret) -> Pending {
    Box::pin(async move { Outcome::Authenticated(app.identity.player(&token).await) })
}

/// Begins to cancel these tickets, of which the socket follows some.
pub(super) fn cancel(app: &Arc<App>, origin: &Origin, tickets: Vec<(String, bool)>) -> Pending {
    let attempts = tickets.into_iter().map(|(ticket_id, was_followed)| {
        let (app, origin) = (Arc::clone(app), origin.clone());
        async move {
            let result = cancel_for(&app, &origin, ticket_id.clone()).await;
            Attempt { ticket_id, was_followed, result }
        }
    });
    let attempts = join_all(attempts);
    Box::pin(async move { Outcome::Cancelled(attempts.await) })
}

/// The outcome of the action under way; never where there is none.
pub(super) async fn ended(pending: &mut Option<Pending>) -> Outcome {
    match pending {
        Some(pending) => pending.await,
        None => std::future::pending().await,
    }
}
