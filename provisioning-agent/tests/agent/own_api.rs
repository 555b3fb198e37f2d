//! Our own API, by HTTP and by gRPC: each test runs against both, and sees no difference.

mod door;
mod lands;
mod refusals;
mod server;
mod tokens;

use crate::{control_plane::ControlPlane, fixture::Agent};
use door::Door;

/// Runs `$test` through both doors.
macro_rules! through_both_doors {
    ($($test:ident),+ $(,)?) => {
        mod by_http {
            $(#[tokio::test]
            async fn $test() { super::$test(crate::own_api::Kind::Http).await; })+
        }
        mod by_grpc {
            $(#[tokio::test]
            async fn $test() { super::$test(crate::own_api::Kind::Grpc).await; })+
        }
    };
}
use through_both_doors;

/// Which door.
#[derive(Clone, Copy)]
enum Kind {
    Http,
    Grpc,
}

/// An agent whose game server comes through that door.
async fn start(kind: Kind, flags: &[&str]) -> (ControlPlane, Door) {
    let control_plane = ControlPlane::start().await;
    let door = beside(&control_plane, kind, flags).await;
    (control_plane, door)
}

/// The same, for a control plane that is there.
async fn beside(control_plane: &ControlPlane, kind: Kind, flags: &[&str]) -> Door {
    let flags = [&["--grpc-addr", "127.0.0.1:0"], flags].concat();
    let agent = Agent::start(control_plane.addr, &flags).await;
    Door::new(kind, agent)
}

/// The same, ready and registered.
async fn registered(kind: Kind, flags: &[&str]) -> (ControlPlane, Door) {
    let (control_plane, door) = start(kind, flags).await;
    door.ok("ready", serde_json::json!({})).await;
    door.agent.state("registered").await;
    (control_plane, door)
}
