//! Allocation by a service of the studio's own: `POST /v1/provisioning/allocate` on a configured URL, with the fields of the
//! contract.
//!
//! A match is one key for all its tries, so a reply that was lost is said again. Where it ends without one, the service is told to
//! give back whatever it made under that key: what is not known is not forgotten.

mod answer;
mod connection;
mod lands;
mod releases;
mod wire;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use runtime::Tasks;

use self::{
    answer::Unusable,
    connection::{Answer, Connections},
    lands::Lands,
    releases::{Releases, release},
    wire::Release,
};
use super::{
    Allocated, Allocation, AllocationError, AllocationRequest,
    outside::{Call, Credentials, Dial, Failure, Gate, Kind, Pace, Then, persist},
};
use crate::room::RoomNews;

const ALLOCATE: &str = "/v1/provisioning/allocate";
const RELEASE: &str = "/v1/provisioning/release";

/// What is agreed on by ALPN.
pub(super) const PROTOCOL: &str = "http/1.1";

/// The service, as allocation.
#[derive(Debug)]
pub(super) struct HttpService(Arc<Service>);

#[derive(Debug)]
struct Service {
    connections: Connections,
    credentials: Credentials,
    gate: Gate,
    pace: Pace,
    /// A lock for one transition.
    lands: Mutex<Lands>,
    releases: Releases,
    tasks: Tasks,
}

impl HttpService {
    pub(super) fn new(dial: Dial, credentials: Credentials, most: usize, pace: Pace, tasks: Tasks) -> Self {
        Self(Arc::new(Service {
            connections: Connections::new(dial),
            credentials,
            gate: Gate::new("http", most),
            pace,
            lands: Mutex::default(),
            releases: Releases::new(tasks.clone()),
            tasks,
        }))
    }

    /// Counts the times at which a service that was in trouble gives lands again.
    pub(super) fn room(&self) -> RoomNews {
        self.0.gate.room()
    }
}

#[async_trait]
impl Allocation for HttpService {
    async fn allocate(&self, request: &AllocationRequest) -> Result<Allocated, AllocationError> {
        let service = &self.0;
        let mut calls = Calls {
            service,
            request,
            key: wire::key(request),
            body: wire::allocate(request),
            hold: Hold { service, may_exist: None },
        };
        let stop = service.tasks.stopping();
        let made = persist(&service.gate, service.pace, stop, &mut calls).await;
        match made {
            Ok(land) => {
                calls.hold.may_exist = None;
                Ok(land)
            }
            Err(gave_up) => {
                if !gave_up.may_have_made {
                    calls.hold.may_exist = None;
                }
                Err(gave_up.into())
            }
        }
    }

    fn places(&self, _land_type: &str) -> usize {
        self.0.gate.places()
    }

    async fn release(&self, allocated: &Allocated, reason: &str) {
        self.0.lands.lock().forget(&allocated.land);
        let back = Release {
            land_id: Some(allocated.land.clone()),
            server_id: Some(allocated.server.clone()),
            idempotency_key: None,
            reason: reason.to_owned(),
        };
        release(&self.0, back);
    }
}

impl Service {
    async fn post(
        &self,
        path: &str,
        key: Option<&str>,
        within: Duration,
        body: String,
    ) -> Result<Answer, Failure> {
        let address = &self.connections.dial().address;
        let request = wire::request(address, path, self.credentials.key(), key, within, body);
        self.connections.exchange(request).await
    }
}

/// The calls for one match.
struct Calls<'a> {
    service: &'a Arc<Service>,
    request: &'a AllocationRequest,
    key: String,
    body: String,
    hold: Hold<'a>,
}

impl Call for Calls<'_> {
    type Made = Allocated;

    async fn call(&mut self, _nth: usize, within: Duration) -> Result<Allocated, Failure> {
        // From here on there may be a land. One that several calls go on with is asked for again under the same key, and mustn't be
        // taken away then.
        self.hold.may_exist.get_or_insert_with(|| Release {
            idempotency_key: (!self.request.may_be_there).then(|| self.key.clone()),
            reason: "nobody waits for it any more".to_owned(),
            ..Release::default()
        });
        let answer = self.service.post(ALLOCATE, Some(&self.key), within, self.body.clone()).await?;
        let land = answer::read(&answer, self.request, jiff::Timestamp::now()).map_err(
            |Unusable { failure, land }| {
                if let Some(release) = &mut self.hold.may_exist {
                    (release.land_id, release.server_id) = (land.land_id, land.server_id);
                }
                failure
            },
        )?;
        if !self.service.lands.lock().take(&land.land, &self.key, self.request.lasting) {
            tracing::error!(land = %land.land, server = %land.server, match_id = %self.request.match_id, "the allocation service gave one land to two matches; the second doesn't get it");
            // It is the other match's: it isn't given back.
            return Err(Failure::nothing(Kind::BadAnswer, Then::Wait, "gave a land that another match has"));
        }
        Ok(land)
    }
}

/// Gives back what may have been made and nobody waits for: where the tries came to nothing, and where they are dropped.
struct Hold<'a> {
    service: &'a Arc<Service>,
    may_exist: Option<Release>,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let named = |release: &Release| release.idempotency_key.is_some() || release.land_id.is_some();
        if let Some(may_exist) = self.may_exist.take().filter(named) {
            release(self.service, may_exist);
        }
    }
}
