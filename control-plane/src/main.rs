//! The control plane as a program.

use std::process::ExitCode;

use control_plane::{Config, ControlPlane};

fn main() -> ExitCode {
    runtime::program::run(async |config: Config, sections, stop| {
        ControlPlane::bind(config, sections).await?.run(stop).await
    })
}
