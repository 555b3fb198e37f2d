//! Draining a server, for operators: it takes no new lands, and who asks again learns how far that is.

use std::time::Duration;

use proto::{
    error::{Reason, Refusal},
    provisioning::v1 as pb,
};
use storage::ServerId;

use super::{Shared, convert};
use crate::{access::Caller, grpc::fields::Fields, peers::NotReached};

/// The longest deadline.
const MAX_DEADLINE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The longest reason, in bytes.
const MAX_REASON: usize = 512;

pub(super) async fn drain(
    shared: &Shared,
    caller: &Caller,
    request: pb::DrainServerRequest,
) -> Result<pb::DrainServerResponse, Refusal> {
    let mut fields = Fields::default();
    fields.id("server_id", &request.server_id);
    fields.text("reason", &request.reason, MAX_REASON);
    let deadline = Duration::from_millis(request.deadline_ms);
    if deadline > MAX_DEADLINE {
        fields.wrong("deadline_ms", format!("must be at most {} (seven days)", MAX_DEADLINE.as_millis()));
    }
    fields.check()?;
    let reason = if request.reason.is_empty() { "an operator drains it" } else { &request.reason };
    let server = ServerId::new(&request.server_id);
    let deadline = (!deadline.is_zero()).then_some(deadline);
    match shared.peers.drain(&server, reason, deadline).await {
        Ok(view) => {
            let (by, lands) = (&caller.name, view.lands.len());
            tracing::info!(%server, %by, reason, lands, "a server drains");
            Ok(pb::DrainServerResponse { server: Some(convert::server(view)) })
        }
        Err(NotReached::NoSuchServer) => {
            let message = format!("there is no server `{server}`; ListServers has those that there are");
            Err(Refusal::new(Reason::ServerNotFound, message).with("serverId", server.as_str()))
        }
        Err(NotReached::Silent) => {
            let message = "the replica that has the server doesn't answer; try again shortly";
            Err(Refusal::new(Reason::Unavailable, message).retry_after(Duration::from_secs(1)))
        }
    }
}
