//! One stream to the control plane, from connecting to its end. What happens on it is reported; nothing is decided.

use std::time::Duration;

use proto::{
    error::{Reason, Refusal},
    provisioning::v1::{ConnectRequest, provisioning_client::ProvisioningClient, provisioning_server},
};
use runtime::{
    control_plane::{Calls, Way},
    endpoints::Endpoint,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::wire;
use crate::machine::{Down, Loss};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// A connection over which nothing comes back for this long is dead. Half of what the control plane waits for a heartbeat.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(2);
/// The largest order of a land, in bytes: a match of a thousand groups, each with 16 KiB of constraints.
const MAX_ORDER: usize = 32 * 1024 * 1024;

/// What happened on a stream.
pub(super) enum Event {
    /// The connection is there; what is put into this goes up.
    Opened(mpsc::Sender<ConnectRequest>),
    /// The control plane has spoken.
    Received(Down),
    /// It is over.
    Lost(Loss),
}

/// Where the events of one stream go.
pub(super) struct Events {
    number: u64,
    to: mpsc::Sender<(u64, Event)>,
}

impl Events {
    pub(super) fn new(number: u64, to: mpsc::Sender<(u64, Event)>) -> Self {
        Self { number, to }
    }

    /// Fails only where nobody listens any more, and then nobody misses it.
    async fn happened(&self, event: Event) {
        drop(self.to.send((self.number, event)).await);
    }
}

/// Opens a stream to `endpoint`, where one is known, and reports what happens on it until it ends, with [`Event::Lost`] last.
/// `room` messages may wait to be sent.
pub(super) async fn run(way: Way, endpoint: Option<Endpoint>, room: usize, events: Events) {
    let loss = match &endpoint {
        Some(endpoint) => converse(&way, endpoint, room, &events).await,
        None => Loss::Broken("no address of the control plane is known".to_owned()),
    };
    events.happened(Event::Lost(loss)).await;
}

async fn converse(way: &Way, endpoint: &Endpoint, room: usize, events: &Events) -> Loss {
    let channel = match connect(way, endpoint).await {
        Ok(channel) => channel,
        Err(error) => return Loss::Broken(format!("{error:#}")),
    };
    match takes_agents(channel.clone()).await {
        Ok(true) => {}
        Ok(false) => return Loss::PassedOver("this control plane takes no agents now".to_owned()),
        Err(status) => return loss(&status),
    }
    let (outbound, sent) = mpsc::channel(room);
    // The control plane may answer only after our hello, so the hello must not wait for its answer.
    events.happened(Event::Opened(outbound)).await;
    let mut client = ProvisioningClient::new(channel).max_decoding_message_size(MAX_ORDER);
    let mut inbound = match client.connect(ReceiverStream::new(sent)).await {
        Ok(response) => response.into_inner(),
        Err(status) => return loss(&status),
    };
    loop {
        match inbound.message().await {
            Ok(Some(message)) => match wire::response(message) {
                Ok(message) => events.happened(Event::Received(message)).await,
                Err(why) => {
                    tracing::warn!(%why, "the control plane sent something that can't be understood; it is left out");
                }
            },
            Ok(None) => return Loss::Broken("the control plane closed the stream".to_owned()),
            Err(status) => return loss(&status),
        }
    }
}

/// Whether this replica is for agents: one that only forms matches, behind the same name, is well and isn't, and one that shuts
/// down isn't any more. One that says nothing about its health is taken at its word when the stream is opened.
async fn takes_agents(channel: Calls) -> Result<bool, Status> {
    let service = provisioning_server::SERVICE_NAME.to_owned();
    match HealthClient::new(channel).check(HealthCheckRequest { service }).await {
        Ok(answer) => Ok(answer.get_ref().status() == ServingStatus::Serving),
        Err(status) if matches!(status.code(), Code::NotFound | Code::Unimplemented) => Ok(true),
        Err(status) => Err(status),
    }
}

async fn connect(way: &Way, endpoint: &Endpoint) -> anyhow::Result<Calls> {
    way.connect(endpoint, CONNECT, |transport| {
        transport.http2_keep_alive_interval(KEEPALIVE_EVERY).keep_alive_timeout(KEEPALIVE_ANSWER)
    })
    .await
}

fn loss(status: &Status) -> Loss {
    let refusal = Refusal::from_status(status);
    match refusal.reason {
        Reason::ServerSuperseded => Loss::Superseded,
        Reason::InvalidRequest => {
            let fields = refusal.fields.iter();
            let fields: Vec<_> = fields.map(|field| format!("{}: {}", field.field, field.message)).collect();
            Loss::Refused(if fields.is_empty() { refusal.message } else { fields.join("; ") })
        }
        // The key or the certificate isn't known there, or not for this server: its own words say what to do.
        Reason::Unauthenticated | Reason::Forbidden => Loss::Refused(refusal.message),
        // Ours to read: this text goes to the log of the machine's owner and no further.
        _ => Loss::Broken(format!("{:?}: {}", status.code(), status.message())),
    }
}
