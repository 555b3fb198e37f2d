//! One land: ready, refused, broken; its players; its end.

use super::{GameApi, Refused, checks};
use crate::{ids::PlayerId, machine::Machine};

/// What became of a land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Ready,
    /// It was not ready, and won't be.
    Refused,
    /// It was ready, and has ended.
    Failed,
}

/// What is done with the players that a call names, at that time.
type Change =
    fn(&mut Machine, u64, &crate::ids::LandId, &[PlayerId]) -> Result<usize, crate::machine::LandError>;

impl GameApi {
    pub(crate) async fn land_ready(&self, land_id: &str) -> Result<Outcome, Refused> {
        let land = checks::land_id("land_id", land_id)?;
        self.agent.ask(move |machine, _| machine.land_ready(&land)).await??;
        Ok(Outcome::Ready)
    }

    pub(crate) async fn refuse_land(&self, land_id: &str, reason: String) -> Result<Outcome, Refused> {
        let land = checks::land_id("land_id", land_id)?;
        checks::reason(&reason)?;
        self.agent.ask(move |machine, _| machine.land_refused(&land, &reason)).await??;
        Ok(Outcome::Refused)
    }

    pub(crate) async fn fail_land(&self, land_id: &str, reason: String) -> Result<Outcome, Refused> {
        let land = checks::land_id("land_id", land_id)?;
        checks::reason(&reason)?;
        let failed = self.agent.ask(move |machine, now_ms| machine.land_failed(now_ms, &land, &reason));
        let was_ready = failed.await??;
        Ok(if was_ready { Outcome::Failed } else { Outcome::Refused })
    }

    /// Returns whether there was one.
    pub(crate) async fn end_land(&self, land_id: &str) -> Result<bool, Refused> {
        let land = checks::land_id("land_id", land_id)?;
        Ok(self.agent.ask(move |machine, now_ms| machine.land_ended(now_ms, &land)).await?)
    }

    /// Returns how many are in the land now, as do the next two.
    pub(crate) async fn set_players(&self, land_id: &str, players: &[String]) -> Result<usize, Refused> {
        self.change_players(land_id, players, |machine, now_ms, land, players| {
            machine.players_are(now_ms, land, players.into()).map(|()| players.len())
        })
        .await
    }

    pub(crate) async fn players_joined(&self, land_id: &str, players: &[String]) -> Result<usize, Refused> {
        self.change_players(land_id, players, Machine::players_joined).await
    }

    pub(crate) async fn players_left(&self, land_id: &str, players: &[String]) -> Result<usize, Refused> {
        self.change_players(land_id, players, Machine::players_left).await
    }

    async fn change_players(
        &self,
        land_id: &str,
        players: &[String],
        change: Change,
    ) -> Result<usize, Refused> {
        let land = checks::land_id("land_id", land_id)?;
        let players = checks::players("players", players)?;
        Ok(self.agent.ask(move |machine, now_ms| change(machine, now_ms, &land, &players)).await??)
    }
}
