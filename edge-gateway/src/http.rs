//! What both listeners share: connections with an owner, request ids, reading a body, metrics of each request.
//!
//! What a path means is the business of `rest`, `realtime` and `internal`.

mod body;
pub(crate) mod certificates;
mod connections;
mod observe;
mod patience;
mod request_id;

pub(crate) use body::{BodyLimits, json_body, parse};
pub(crate) use certificates::Certificates;
pub(crate) use connections::{Connections, Counted, serve};
pub(crate) use observe::observe;
pub(crate) use patience::Timeouts;
pub(crate) use request_id::RequestId;
