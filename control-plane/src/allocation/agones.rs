//! Allocation by Agones' allocation service: gRPC, known to each other by TLS certificates.
//!
//! A land's id is ours, and goes with the allocation to the game server as an annotation. The same land is also a label, by which
//! a game server is found again that was taken when the reply was lost: a second try asks for it first.
//!
//! Agones takes nothing back: a game server that was taken for a match that doesn't happen ends itself when nobody comes, at
//! `muster.dev/expires-at`.

mod answer;
mod request;
mod settings;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use proto::agones::allocation::allocation_service_client::AllocationServiceClient;
use runtime::{Tasks, config::Invalid};
use storage::LandId;
use tonic::{
    Request,
    transport::{Channel, Endpoint, Uri},
};

use uuid::Uuid;

pub(super) use self::settings::Settings;
use super::{
    Allocated, Allocation, AllocationError, AllocationRequest,
    outside::{Call, Dial, Failure, Gate, Kind, Pace, Then, persist},
};
use crate::room::RoomNews;

/// What is agreed on by ALPN.
pub(super) const PROTOCOL: &str = "h2";
/// The largest answer, in bytes: all of a game server's labels and annotations are in it.
const LARGEST: usize = 512 * 1_024;
/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How soon a connection is noticed that leads nowhere.
const KEEPALIVE: Duration = Duration::from_secs(10);

type Client = AllocationServiceClient<Channel>;

/// The service, as allocation.
#[derive(Debug)]
pub(super) struct Agones {
    client: Client,
    settings: Settings,
    gate: Gate,
    pace: Pace,
    tasks: Tasks,
    /// Whether it was said that nothing is taken back.
    said: AtomicBool,
}

impl Agones {
    /// # Errors
    /// Where the service's name is none that can be told to it.
    pub(super) fn new(
        dial: &Dial,
        settings: Settings,
        most: usize,
        pace: Pace,
        tasks: Tasks,
    ) -> Result<Self, Invalid> {
        let client = Client::new(channel(dial, pace)?).max_decoding_message_size(LARGEST);
        Ok(Self {
            client,
            settings,
            gate: Gate::new("agones", most),
            pace,
            tasks,
            said: AtomicBool::new(false),
        })
    }

    /// Counts the times at which a service that was in trouble gives lands again.
    pub(super) fn room(&self) -> RoomNews {
        self.gate.room()
    }
}

/// Connects when a call needs it, and again when it broke. tonic is to open nothing by itself, so the scheme that it goes by stays
/// `http`; what calls say of theirs is another matter.
fn channel(dial: &Dial, pace: Pace) -> Result<Channel, Invalid> {
    let address = &dial.address;
    let scheme = if address.is_https() { "https" } else { "http" };
    let uri = |scheme| format!("{scheme}://{}", address.authority());
    let invalid = |error: &dyn std::fmt::Display| Invalid::new("allocation_url", error.to_string());
    let origin = uri(scheme).parse().map_err(|error| invalid(&error))?;
    let endpoint = Endpoint::from_shared(uri("http")).map_err(|error| invalid(&error))?;
    let endpoint = endpoint
        .origin(origin)
        .connect_timeout(CONNECT.min(pace.call))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE);
    let dial = dial.clone();
    Ok(endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
        let dial = dial.clone();
        async move { dial.dial().await }
    })))
}

#[async_trait]
impl Allocation for Agones {
    async fn allocate(&self, request: &AllocationRequest) -> Result<Allocated, AllocationError> {
        let land = request
            .land
            .clone()
            .unwrap_or_else(|| LandId::new(format!("{}:{}", request.land_type, Uuid::now_v7())));
        let may_be_taken = request.may_be_there;
        let mut calls = Calls { agones: self, request, land, may_be_taken };
        let made = persist(&self.gate, self.pace, self.tasks.stopping(), &mut calls).await;
        if let Err(gave_up) = &made
            && gave_up.may_have_made
        {
            tracing::warn!(land = %calls.land, match_id = %request.match_id, "a game server may have been taken for a match that doesn't have it; it has to end itself");
            not_taken_back();
        }
        Ok(made?)
    }

    fn places(&self, _land_type: &str) -> usize {
        self.gate.places()
    }

    async fn release(&self, allocated: &Allocated, reason: &str) {
        let Allocated { server, land, .. } = allocated;
        if self.said.swap(true, Ordering::Relaxed) {
            tracing::debug!(%server, %land, reason, "Agones takes nothing back: the game server has to end itself");
        } else {
            tracing::warn!(%server, %land, reason, "Agones takes nothing back: game servers that nobody comes to have to end themselves");
        }
        not_taken_back();
    }
}

fn not_taken_back() {
    metrics::counter!("control_plane_allocation_releases_total", "outcome" => "missing").increment(1);
}

/// The calls for one match.
struct Calls<'a> {
    agones: &'a Agones,
    request: &'a AllocationRequest,
    land: LandId,
    /// Whether a call before this one may have taken a game server.
    may_be_taken: bool,
}

impl Call for Calls<'_> {
    type Made = Allocated;

    async fn call(&mut self, _nth: usize, within: Duration) -> Result<Allocated, Failure> {
        let Agones { client, settings, .. } = self.agones;
        let now = jiff::Timestamp::now();
        let wire = request::request(settings, self.request, &self.land, self.may_be_taken, now)
            .map_err(|said| Failure::nothing(Kind::Refused, Then::Wait, said))?;
        let mut call = Request::new(wire);
        call.set_timeout(within);
        // Also where this is dropped before the answer.
        self.may_be_taken = true;
        let mut client = client.clone();
        let answer = client.allocate(call).await.map_err(|status| answer::refused(&status, self.request))?;
        answer::read(settings, self.request, &self.land, answer.get_ref())
    }
}
