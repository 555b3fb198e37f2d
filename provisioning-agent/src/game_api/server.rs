//! The server as a whole: ready, drain, capacity, status.

use serde::Serialize;

use super::{FieldError, GameApi, Refused, checks};
use crate::{
    ids::{InstanceId, LandType, ServerId},
    machine::{Draining, LandReport, LandStatus, MOST_LANDS, MOST_SEATS, Phase, Standing},
};

/// What there is to know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerStatus {
    pub(crate) server_id: ServerId,
    pub(crate) instance_id: InstanceId,
    pub(crate) state: Phase,
    pub(crate) health: Standing,
    pub(crate) land_types: Vec<LandType>,
    pub(crate) capacity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) player_capacity: Option<u32>,
    pub(crate) lands: Vec<LandStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) draining: Option<Draining>,
}

/// A land of a game server that has outlived its agent.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct LiveLand {
    pub(crate) land_id: String,
    #[serde(default)]
    pub(crate) players: Vec<String>,
}

impl GameApi {
    pub(crate) async fn status(&self) -> Result<ServerStatus, Refused> {
        let known = self.agent.ask(|machine, now_ms| machine.status(now_ms)).await?;
        Ok(ServerStatus {
            server_id: self.server.server_id.clone(),
            instance_id: self.instance_id.clone(),
            state: known.phase,
            health: known.health,
            land_types: self.server.land_types.clone(),
            capacity: known.capacity,
            player_capacity: known.player_capacity,
            lands: known.lands,
            draining: known.draining,
        })
    }

    pub(crate) async fn ready(&self, lands: &[LiveLand]) -> Result<ServerStatus, Refused> {
        let lands = lands.iter().enumerate().map(|(place, land)| live_land(place, land));
        let lands = lands.collect::<Result<Vec<_>, _>>()?;
        let taken = self.agent.ask(move |machine, now_ms| machine.game_server_ready(now_ms, &lands)).await?;
        taken.map_err(|(place, error)| Refused::field(format!("lands[{place}].land_id"), error))?;
        self.status().await
    }

    pub(crate) async fn drain(&self) -> Result<ServerStatus, Refused> {
        let reason = "the game server asked for it".to_owned();
        self.agent.ask(move |machine, now_ms| machine.drain(now_ms, reason, None)).await?;
        self.status().await
    }

    /// `None` leaves it as it is.
    pub(crate) async fn set_capacity(
        &self,
        lands: Option<u32>,
        players: Option<u32>,
    ) -> Result<ServerStatus, Refused> {
        let too_many = [("lands", lands, MOST_LANDS), ("players", players, MOST_SEATS)];
        let too_many =
            too_many.into_iter().filter(|(_, given, most)| given.is_some_and(|given| given > *most));
        let errors: Vec<_> = too_many
            .map(|(field, _, most)| FieldError::new(field, format!("is out of range; give 0 to {most}")))
            .collect();
        if !errors.is_empty() {
            return Err(Refused::invalid(errors));
        }
        if lands.is_none() && players.is_none() {
            return Err(Refused::field("lands", "is missing, as is players; give one of them at least"));
        }
        self.agent.ask(move |machine, now_ms| machine.set_capacity(now_ms, lands, players)).await?;
        self.status().await
    }
}

fn live_land(place: usize, land: &LiveLand) -> Result<LandReport, Refused> {
    let land_id = checks::land_id(&format!("lands[{place}].land_id"), &land.land_id)?;
    let players = checks::players(&format!("lands[{place}].players"), &land.players)?;
    Ok(LandReport { land_id, players: players.into(), awaited: Vec::new() })
}
