//! What a test wants of a server.

use std::{sync::Arc, time::Duration};

use matching::PlayerId;
use smol_str::SmolStr;
use storage::{LandId, ServerId};

use super::{Latencies, NewLand, Pick, Policy, Selector};

/// How long servers may take to answer.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Like a [`Pick`], with everything that it borrows.
#[derive(Debug, Clone)]
pub(crate) struct Wants {
    pub(crate) land_type: SmolStr,
    pub(crate) roster: Arc<[PlayerId]>,
    pub(crate) seats: usize,
    pub(crate) selectors: Vec<Selector>,
    pub(crate) policy: Policy,
    pub(crate) regions: Latencies,
    pub(crate) prefer: Option<ServerId>,
    pub(crate) except: Vec<ServerId>,
}

impl Wants {
    /// Any server with room for a land of this type and one player.
    pub(crate) fn any(land_type: &str) -> Self {
        Self {
            land_type: land_type.into(),
            roster: Arc::default(),
            seats: 1,
            selectors: Vec::new(),
            policy: Policy::Spread,
            regions: Latencies::default(),
            prefer: None,
            except: Vec::new(),
        }
    }

    /// A land for these players.
    pub(crate) fn seats_for(self, players: &[&str]) -> Self {
        let roster: Arc<[_]> = players.iter().map(PlayerId::new).collect();
        Self { seats: roster.len(), roster, ..self }
    }

    /// For the land with this id.
    pub(crate) fn with<R>(&self, land: &str, take: impl FnOnce(&Pick<'_>) -> R) -> R {
        let id = LandId::new(land);
        let (roster, seats) = (&self.roster, self.seats);
        take(&Pick {
            land_type: &self.land_type,
            land: NewLand { id: &id, roster, seats, answer_within: ANSWER_WITHIN },
            selectors: &self.selectors,
            policy: self.policy,
            regions: &self.regions,
            prefer: self.prefer.as_ref(),
            except: &self.except,
        })
    }
}
