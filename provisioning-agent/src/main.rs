//! The agent as a program.

use std::process::ExitCode;

use provisioning_agent::{Config, ProvisioningAgent};

fn main() -> ExitCode {
    runtime::program::run(async |config: Config, _sections, stop| {
        ProvisioningAgent::bind(config).await?.run(stop).await
    })
}
