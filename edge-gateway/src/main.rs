//! The program `edge-gateway`: reads its settings, opens its ports, and serves until it is told to stop.

use std::process::ExitCode;

use edge_gateway::{Config, EdgeGateway};

fn main() -> ExitCode {
    runtime::program::run::<Config>(async |config, _sections, stop| {
        EdgeGateway::bind(config).await?.run(stop).await
    })
}
