//! Which implementation allocates, as it is configured.

use std::sync::Arc;

use runtime::{Tasks, config::Invalid};

use super::{
    Allocation, OwnServers,
    agones::{self, Agones},
    http::{self, HttpService},
    outside::{Credentials, Dial, Pace},
};
use crate::{
    config::{AllocationSettings, Allocator},
    room::RoomNews,
};

/// A service outside, whose files were read.
#[derive(Debug)]
pub(crate) struct Opening {
    dial: Dial,
    credentials: Credentials,
    pace: Pace,
    most: usize,
    /// `None`: our own protocol by HTTP.
    agones: Option<agones::Settings>,
}

/// Who allocates.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) allocation: Arc<dyn Allocation>,
    /// Tells when queues that wait for a server needn't any more.
    pub(crate) room: RoomNews,
}

impl Opening {
    /// `None` where the control plane allocates on its own servers. `tries`: the most calls for one match.
    ///
    /// # Errors
    /// Names the setting that can't be taken.
    pub(crate) fn of(settings: &AllocationSettings, tries: usize) -> Result<Option<Self>, Invalid> {
        let (protocol, agones) = match settings.allocator {
            Allocator::Own => return Ok(None),
            Allocator::Http => (http::PROTOCOL, None),
            Allocator::Agones => (agones::PROTOCOL, Some(agones::Settings::of(settings)?)),
        };
        let credentials = Credentials::open(settings, protocol)?;
        let dial = credentials.dial(settings)?;
        let pace = Pace { call: settings.allocation_timeout, budget: settings.allocation_budget, tries };
        Ok(Some(Self { dial, credentials, pace, most: settings.allocation_concurrency, agones }))
    }

    /// The service, whose files are read again until the tasks stop.
    ///
    /// # Errors
    /// Where its address can't be used.
    pub(crate) fn open(self, tasks: &Tasks) -> Result<Chosen, Invalid> {
        let Self { dial, credentials, pace, most, agones } = self;
        let address = Arc::clone(&dial.address);
        if credentials.key().is_some() && !address.is_private() {
            tracing::warn!(%address, "the key for the allocation service travels unencrypted; use https:// or encrypt it on the way");
        }
        tracing::info!(%address, "matches get their lands from the allocation service there; servers that register here are shown, and get none");
        tasks.spawn("files for allocation", credentials.clone().keep_fresh(tasks.stopping().clone()));
        Ok(match agones {
            None => {
                let service = HttpService::new(dial, credentials, most, pace, tasks.clone());
                Chosen { room: service.room(), allocation: Arc::new(service) }
            }
            Some(settings) => {
                let service = Agones::new(&dial, settings, most, pace, tasks.clone())?;
                Chosen { room: service.room(), allocation: Arc::new(service) }
            }
        })
    }
}

impl Chosen {
    /// The control plane's own servers, of which `room` tells when they have room.
    pub(crate) fn own(servers: OwnServers, room: RoomNews) -> Self {
        Self { allocation: Arc::new(servers), room }
    }
}
