//! One picture of the game server, in the wire's words: what the machine knows, and what the agent was told at its start.

use std::net::IpAddr;

use proto::agones::sdk::{
    GameServer,
    game_server::{
        ObjectMeta, Spec, Status,
        spec::Health,
        status::{Address, CounterStatus, ListStatus, Port},
    },
};

use crate::{config::Server, ids::InstanceId, machine::SdkView};

/// There are no namespaces, and who shows one wants to see something.
const NAMESPACE: &str = "muster";

pub(super) fn picture(
    server: &Server,
    instance_id: &InstanceId,
    started_s: i64,
    view: SdkView,
) -> GameServer {
    GameServer {
        object_meta: Some(ObjectMeta {
            name: server.server_id.as_str().to_owned(),
            namespace: NAMESPACE.to_owned(),
            uid: instance_id.as_str().to_owned(),
            resource_version: view.revision.to_string(),
            generation: i64::try_from(view.revision).unwrap_or(i64::MAX),
            creation_timestamp: started_s,
            deletion_timestamp: 0,
            annotations: view.annotations.into_iter().collect(),
            // What the game server sets has a prefix, so neither hides the other.
            labels: server.labels.clone().into_iter().chain(view.labels).collect(),
        }),
        spec: Some(Spec {
            health: Some(Health {
                disabled: view.health.period_ms == 0,
                period_seconds: i32::try_from(view.health.period_ms.div_ceil(1000)).unwrap_or(i32::MAX),
                failure_threshold: i32::try_from(view.health.failures).unwrap_or(i32::MAX),
                initial_delay_seconds: 0,
            }),
        }),
        status: Some(status(server, view.state, view.counters, view.lists)),
    }
}

fn status(
    server: &Server,
    state: &str,
    counters: impl IntoIterator<Item = (String, crate::machine::Counter)>,
    lists: impl IntoIterator<Item = (String, crate::machine::List)>,
) -> Status {
    let host = if server.connect_host.is_empty() { &server.host } else { &server.connect_host };
    let port = if server.connect_port == 0 { server.port } else { server.connect_port };
    let kind = if host.parse::<IpAddr>().is_ok() { "ExternalIP" } else { "ExternalDNS" };
    let counter =
        |counter: crate::machine::Counter| CounterStatus { count: counter.count, capacity: counter.capacity };
    let list = |list: crate::machine::List| ListStatus { capacity: list.capacity, values: list.values };
    Status {
        state: state.to_owned(),
        address: host.clone(),
        addresses: vec![Address { r#type: kind.to_owned(), address: host.clone() }],
        ports: vec![Port { name: "default".to_owned(), port: port.into() }],
        players: None,
        counters: counters.into_iter().map(|(name, value)| (name, counter(value))).collect(),
        lists: lists.into_iter().map(|(name, value)| (name, list(value))).collect(),
    }
}
