//! The game server's life: ready, allocated, reserved, shut down, and its health in between.

use uuid::Uuid;

use super::{
    super::{
        Machine,
        lands::{Origin, State},
        link::{FAREWELL_MS, LinkState},
        messages::{Note, Output, Up},
    },
    Phase, SdkError,
};
use crate::ids::LandId;

/// What a game server that speaks nothing but the SDK sets to answer for one land: the value is the land's id.
const LAND_READY: &str = "muster-land-ready";
const LAND_REFUSED: &str = "muster-land-refused";
const LAND_ENDED: &str = "muster-land-ended";

impl Machine {
    /// It can host lands. Said again, all lands that live on it have ended: this is how a game server that is done asks for
    /// more. After a shutdown it is another life, of which nothing is known yet.
    pub fn sdk_ready(&mut self, now_ms: u64) {
        if self.link.is_stopping() {
            return;
        }
        if self.sdk.phase == Phase::Shutdown {
            self.sdk.begin_anew();
        }
        if self.sdk.phase != Phase::Scheduled {
            self.end_all(now_ms);
        }
        self.heard(now_ms);
        self.sdk.enter(Phase::Ready);
        self.open(now_ms);
    }

    /// It gives itself something to do. Where it has lands, those are it, and the ones that wait for an answer are ready;
    /// where it has none, one land of its own (`own` in its id) takes a place until it is ready again.
    pub fn sdk_allocate(&mut self, now_ms: u64, own: Uuid) -> Result<(), SdkError> {
        if self.link.is_stopping() || self.sdk.phase == Phase::Shutdown {
            return Ok(());
        }
        self.heard(now_ms);
        if self.lands.len() == 0 {
            self.give_itself_a_land(now_ms, own)?;
        }
        for command in self.lands.undecided() {
            self.lands.make_ready(&command.land_id);
            self.send(Up::LandReady { command_id: command.command_id.clone() });
        }
        self.sdk.enter(Phase::Ready);
        self.open(now_ms);
        Ok(())
    }

    /// It wants no lands for `ms`, or until it says something else; then it is ready. Lands that live on it go on.
    pub fn sdk_reserve(&mut self, now_ms: u64, ms: Option<u64>) {
        if self.link.is_stopping() || self.sdk.phase == Phase::Shutdown {
            return;
        }
        self.heard(now_ms);
        self.sdk.enter(Phase::Reserved { until_ms: ms.map(|ms| now_ms.saturating_add(ms)) });
        self.link.hurry(now_ms);
    }

    /// It is about to end: goodbye to the control plane, and to every land. The agent stays, for the next life.
    pub fn sdk_shutdown(&mut self, now_ms: u64) {
        if self.link.is_stopping() || self.sdk.phase == Phase::Shutdown {
            return;
        }
        self.end_all(now_ms);
        self.sdk.enter(Phase::Shutdown);
        self.sdk.spoken = false;
        self.sdk.health.forget();
        self.ready = false;
        if self.link.is_open() {
            self.send(Up::Goodbye { reason: "the game server is shutting down" });
            self.link.state = LinkState::Parting { give_up_ms: now_ms + FAREWELL_MS };
        } else {
            self.outputs.push_back(Output::Disconnect);
            self.link.state = LinkState::Idle;
        }
    }

    /// It is well.
    pub fn sdk_health(&mut self, now_ms: u64) {
        if !self.link.is_stopping() && self.sdk.phase != Phase::Shutdown {
            self.heard(now_ms);
        }
    }

    /// It names itself in its own words, for whoever watches.
    pub fn sdk_set_label(&mut self, key: &str, value: &str) -> Result<(), SdkError> {
        let changed = self.sdk.labels.set(key, value)?;
        self.sdk.revision += u64::from(changed);
        Ok(())
    }

    /// The same as an annotation. Three of them are answers for one land, whose id is the value.
    pub fn sdk_set_annotation(&mut self, now_ms: u64, key: &str, value: &str) -> Result<(), SdkError> {
        if matches!(key, LAND_READY | LAND_REFUSED | LAND_ENDED) {
            self.answer_for(now_ms, key, value)?;
        }
        let changed = self.sdk.annotations.set(key, value)?;
        self.sdk.revision += u64::from(changed);
        Ok(())
    }

    fn answer_for(&mut self, now_ms: u64, key: &str, land: &str) -> Result<(), SdkError> {
        let id = LandId::parse(land).map_err(|error| SdkError::Invalid(format!("the land's id {error}")))?;
        let done = match key {
            LAND_READY => self.land_ready(&id),
            LAND_REFUSED => self.land_refused(&id, "the game server refused the land"),
            // That it is gone already is what was wanted.
            _ => {
                self.land_ended(now_ms, &id);
                Ok(())
            }
        };
        done.map_err(|error| match error {
            super::super::LandError::NotFound => SdkError::NotFound(error.to_string()),
            _ => SdkError::Precondition(error.to_string()),
        })
    }

    /// Does what is due. Called with every time that passes.
    pub(in super::super) fn sdk_time_passed(&mut self, now_ms: u64) {
        if let Phase::Reserved { until_ms: Some(until_ms) } = self.sdk.phase
            && until_ms <= now_ms
        {
            self.sdk.enter(Phase::Ready);
            self.open(now_ms);
        }
        if let Some(standing) = self.sdk.health.time_passed(now_ms) {
            self.sdk.revision += 1;
            self.note(Note::GameServer { standing });
            self.link.hurry(now_ms);
        }
    }

    /// Something was heard of it.
    fn heard(&mut self, now_ms: u64) {
        let was_healthy = self.healthy(now_ms);
        self.sdk.spoken = true;
        if let Some(before) = self.sdk.health.heard(now_ms) {
            self.sdk.revision += 1;
            if before.is_silent() {
                self.note(Note::GameServer { standing: self.sdk.standing() });
            }
        }
        if !was_healthy {
            self.link.hurry(now_ms);
        }
    }

    /// A land that the control plane learns of with the next heartbeat.
    pub(super) fn give_itself_a_land(&mut self, now_ms: u64, own: Uuid) -> Result<(), SdkError> {
        let land_type = self.terms.land_types.first().cloned();
        let land_type = land_type.ok_or_else(|| SdkError::Precondition("it hosts no lands".to_owned()))?;
        let id = LandId::parse(&format!("{land_type}:{own}"))
            .map_err(|error| SdkError::Precondition(format!("the land's id {error}")))?;
        let made = self.lands.insert(id.clone(), land_type, State::Ready, None);
        made.map_err(|error| SdkError::Exhausted(error.to_string()))?;
        self.lands.set_origin(&id, Origin::Own);
        self.link.hurry(now_ms);
        Ok(())
    }

    fn end_all(&mut self, now_ms: u64) {
        let ids: Vec<_> = self.lands.iter().map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.land_ended(now_ms, &id);
        }
        self.untold.clear();
        self.forget_loose_players();
    }
}
