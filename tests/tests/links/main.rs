//! What networks do to the connections between clients, gateway, control plane and agents, and what comes of it: nothing that was
//! acknowledged is lost or done twice, whoever asks is answered in time and in documented words, and everything is well again by
//! itself once the network is.
//!
//! Real programs, with a [`Proxy`] on every connection. Bytes of one stream can't change their order, so what is reordered is what
//! several connections bring: see [`Fault::HoldOpen`].
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

mod installation;
mod player;
mod round;

use std::time::Duration;

use tests::{Proxy, proxy::Fault};

use self::{
    installation::Installation,
    round::{Lasting, Round},
};

/// What breaks connections or makes them slow.
const BREAKS: [(&str, Fault, Lasting); 5] = [
    ("delay", Fault::Delay(Duration::from_millis(250)), A_WHILE),
    ("throttle", Fault::Throttle(8 * 1024), A_WHILE),
    ("cut", Fault::Cut, A_WHILE),
    // In the middle of the first words of HTTP/2, and of a call.
    ("truncate-early", Fault::Truncate(40), A_WHILE),
    ("truncate", Fault::Truncate(900), A_WHILE),
];

/// What leaves them open and silent. Programs wait up to 5 s for a peer that says nothing.
const fn silences(stall: Duration) -> [(&'static str, Fault, Lasting); 2] {
    [("stall", Fault::Stall, Lasting::For(stall)), ("reorder", Fault::HoldOpen, Lasting::UntilAllIsDone)]
}

const A_WHILE: Lasting = Lasting::For(Duration::from_millis(1500));

/// Plays through each of these faults, one after the other, on the ways that `links` chooses.
async fn endure(
    faults: &[(&'static str, Fault, Lasting)],
    links: impl Fn(&Installation) -> Vec<&Proxy>,
    loses_answers: bool,
) {
    let all = Installation::start().await;
    for (name, fault, lasting) in faults {
        Round { name, all: &all, links: links(&all), loses_answers }.play(*fault, *lasting).await;
    }
    all.stop().await;
}

fn to_control_plane(all: &Installation) -> Vec<&Proxy> {
    vec![&all.to_control_plane]
}

fn to_agents(all: &Installation) -> Vec<&Proxy> {
    all.to_agents.iter().collect()
}

fn to_clients(all: &Installation) -> Vec<&Proxy> {
    vec![&all.to_clients]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateways_way_to_the_control_plane_breaks() {
    endure(&BREAKS, to_control_plane, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateways_way_to_the_control_plane_falls_silent() {
    endure(&silences(Duration::from_millis(5500)), to_control_plane, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agents_way_to_the_control_plane_breaks() {
    endure(&BREAKS, to_agents, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agents_way_to_the_control_plane_falls_silent() {
    endure(&silences(Duration::from_millis(5500)), to_agents, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_way_to_the_gateway_breaks() {
    endure(&BREAKS, to_clients, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_way_to_the_gateway_falls_silent() {
    endure(&silences(Duration::from_secs(2)), to_clients, true).await;
}
