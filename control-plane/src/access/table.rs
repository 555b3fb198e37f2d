//! Which scopes each call needs: the one place that says it.
//!
//! A test calls everything that is served with every kind of credential and holds it against this table; what is served and has
//! no row fails it.

use super::scope::{
    Scope::{Agent, Gateway, Matchmaking, Operator},
    Scopes,
};

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `/<package>.<Service>/<Method>`, as it is on the wire.
    pub method: &'static str,
    /// Any of these is enough. `None`: no credentials are asked for.
    pub scopes: Option<Scopes>,
    /// Whether its answer goes on and on, and so has to end when its credential does.
    pub streams: bool,
}

const fn call(method: &'static str, scopes: &[super::Scope]) -> Row {
    Row { method, scopes: Some(Scopes::of(scopes)), streams: false }
}

const fn stream(method: &'static str, scopes: &[super::Scope]) -> Row {
    Row { streams: true, ..call(method, scopes) }
}

/// For load balancers and probes, which have no credentials. They learn whether the program serves, and nothing else.
const fn anybody(method: &'static str, streams: bool) -> Row {
    Row { method, scopes: None, streams }
}

/// Every call that there is.
pub const TABLE: &[Row] = &[
    // Whoever may read a ticket gets its players' tokens: operators don't need those.
    call("/muster.matchmaking.v1.Matchmaking/Enqueue", &[Matchmaking, Gateway]),
    call("/muster.matchmaking.v1.Matchmaking/Cancel", &[Matchmaking, Gateway, Operator]),
    call("/muster.matchmaking.v1.Matchmaking/GetTicket", &[Matchmaking, Gateway]),
    stream("/muster.matchmaking.v1.Matchmaking/WatchTicket", &[Matchmaking, Gateway]),
    stream("/muster.matchmaking.v1.Matchmaking/Watch", &[Matchmaking, Gateway]),
    call("/muster.matchmaking.v1.Matchmaking/ListQueues", &[Matchmaking, Operator]),
    call("/muster.matchmaking.v1.Matchmaking/ExplainTicket", &[Matchmaking, Gateway, Operator]),
    call("/muster.matchmaking.v1.Matchmaking/ReloadQueues", &[Operator]),
    // The gateway is none of these: it passes on the key of the server that registers through it.
    stream("/muster.provisioning.v1.Provisioning/Connect", &[Agent]),
    call("/muster.provisioning.v1.Provisioning/RegisterServer", &[Agent]),
    call("/muster.provisioning.v1.Provisioning/DeregisterServer", &[Agent, Operator]),
    call("/muster.provisioning.v1.Provisioning/ListServers", &[Matchmaking, Operator]),
    call("/muster.provisioning.v1.Provisioning/Allocate", &[Matchmaking]),
    call("/muster.provisioning.v1.Provisioning/AllocateBatch", &[Matchmaking]),
    call("/muster.provisioning.v1.Provisioning/Release", &[Matchmaking, Operator]),
    call("/muster.provisioning.v1.Provisioning/DrainServer", &[Operator]),
    call("/muster.keys.v1.Keys/GetJwks", &[Matchmaking, Operator, Agent, Gateway]),
    call("/muster.keys.v1.Keys/RotateKeys", &[Operator]),
    call("/muster.keys.v1.Keys/ListKeys", &[Operator]),
    call("/muster.keys.v1.Keys/RedeemToken", &[Agent]),
    call("/muster.keys.v1.Keys/IssueIdentity", &[Gateway]),
    anybody("/grpc.health.v1.Health/Check", false),
    anybody("/grpc.health.v1.Health/Watch", true),
    // The contract is no secret, but strangers need not be told which version of it is served.
    stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        &[Matchmaking, Operator, Agent, Gateway],
    ),
    stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        &[Matchmaking, Operator, Agent, Gateway],
    ),
];

/// The row of a call.
pub(super) fn row(method: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.method == method)
}
