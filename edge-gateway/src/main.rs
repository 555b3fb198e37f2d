//! The program `edge-gateway`: reads its settings, opens its ports, and serves until it is told to stop.

use std::process::ExitCode;

use edge_gateway::{Config, EdgeGateway};
use runtime::endpoints::system_resolver;

fn main() -> ExitCode {
    runtime::program::run::<Config>(async |config, sections, stop| {
        EdgeGateway::bind_with(config, sections, system_resolver()).await?.run(stop).await
    })
}
