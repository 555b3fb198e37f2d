//! What a service is told of its land, as it is written down for whoever asks again.

use matching::Time;
use proto::{error::Refusal, provisioning::v1 as pb};
use serde::{Deserialize, Serialize};
use storage::{LandId, MadeAllocation, ServerId};

use crate::allocation::Allocated;

/// See the file's header. Written by one program and read by the next: new fields have a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) server: ServerId,
    pub(super) land: LandId,
    connect_url: String,
    /// Until when the land is kept for players who have not come, by the wall's clock.
    pub(super) expires_at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hints: Option<String>,
}

impl Answer {
    /// `expires_at` counts where the land's maker named no time.
    pub(super) fn of(allocated: &Allocated, expires_at: Time) -> Self {
        let Allocated { server, land, connect_url, expires_at: theirs, hints } = allocated.clone();
        Self { server, land, connect_url, expires_at: theirs.unwrap_or(expires_at), hints }
    }

    pub(super) fn read(made: &MadeAllocation) -> Result<Self, Refusal> {
        serde_json::from_str(&made.answer).map_err(|error| {
            tracing::error!(%error, land = %made.land, "the answer of an allocation can't be read");
            Refusal::internal()
        })
    }

    pub(super) fn write(&self) -> MadeAllocation {
        let answer = serde_json::to_string(self).expect("an answer has nothing that JSON can't say");
        MadeAllocation { land: self.land.clone(), answer }
    }
}

impl From<Answer> for Allocated {
    fn from(answer: Answer) -> Self {
        let Answer { server, land, connect_url, expires_at, hints } = answer;
        Self { server, land, connect_url, expires_at: Some(expires_at), hints }
    }
}

impl From<Answer> for pb::AllocateResponse {
    fn from(answer: Answer) -> Self {
        Self {
            server_id: answer.server.to_string(),
            land_id: answer.land.to_string(),
            connect_url: answer.connect_url,
            expires_at_unix_ms: answer.expires_at.0,
            assignment_hints_json: answer.hints.unwrap_or_default(),
        }
    }
}
