//! Who a socket is for, until when, and what it holds in that player's name.

use std::{sync::Arc, time::Duration};

use proto::error::{Reason, Refusal};
use tokio::time::Instant;

use crate::{
    app::App,
    door::Place,
    identity::{Caller, KnownPlayer, PlayerId},
    upstream::hub::OnlySession,
};

/// A socket's client.
pub(super) struct Standing {
    caller: Caller,
    /// When the proof of who it is has run out, and no new one was sent.
    ends_at: Option<Instant>,
    /// Where a player may have one socket.
    only: Option<OnlySession>,
    /// Counts this socket as a player's: the known one, or where client player ids are trusted the one who enqueued last.
    seat: Option<Place<u64>>,
}

impl Standing {
    /// Of who has just been found out.
    pub(super) fn new(caller: Caller) -> Self {
        Self { caller, ends_at: None, only: None, seat: None }
    }

    /// Who it is.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// When it is over where nothing happens.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.ends_at
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.ends_at.is_some_and(|at| at <= Instant::now())
    }

    /// Takes what a known player's socket takes. Refused where they have too many.
    pub(super) fn settle(&mut self, app: &App) -> Result<(), Refusal> {
        let Caller::Player(player) = &self.caller else { return Ok(()) };
        let player = Arc::clone(player);
        if !app.config.identity.one_session_per_player {
            self.take_seat(app, player.id.as_str())?;
        } else if self.only.is_none() {
            self.only = Some(app.sessions.open(&player.id));
        }
        self.ends_at = Some(Instant::now() + player.good_for() + app.config.identity.authenticate_within);
        Ok(())
    }

    /// A token proved this player: the one whose socket it is, with more time; or the first that is known of.
    pub(super) fn prove(&mut self, app: &App, player: Arc<KnownPlayer>) -> Result<(), Refusal> {
        if self.caller.player().is_some_and(|own| *own != player.id) {
            let message = "this socket is another player's; open one of your own";
            return Err(Refusal::new(Reason::Forbidden, message));
        }
        self.caller = Caller::Player(player);
        self.settle(app)
    }

    /// Makes this socket one of those of the player who enqueues.
    pub(super) fn enqueues(&mut self, app: &App, named: Option<&str>) -> Result<(), Refusal> {
        if self.only.is_some() {
            return Ok(());
        }
        let known = self.caller.player().cloned();
        known.as_ref().map(PlayerId::as_str).or(named).map_or(Ok(()), |player| self.take_seat(app, player))
    }

    /// Waits until a newer socket of the same player has taken its place; for ever where players may have several.
    pub(super) async fn replaced(&self) {
        match &self.only {
            Some(only) => only.replaced().cancelled().await,
            None => std::future::pending().await,
        }
    }

    fn take_seat(&mut self, app: &App, player: &str) -> Result<(), Refusal> {
        let key = app.door.rates.player_key(player);
        if self.seat.as_ref().is_some_and(|seat| seat.is_for(&key)) {
            return Ok(());
        }
        let seat = app.door.players.take(Some(key)).map_err(|_| {
            let message = "this player has as many sockets open as they may; close one";
            Refusal::new(Reason::RateLimited, message).retry_after(Duration::from_secs(1))
        })?;
        self.seat = Some(seat);
        Ok(())
    }
}
