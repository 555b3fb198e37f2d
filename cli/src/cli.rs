//! The command line: which subcommands there are, and how one is run.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use runtime::{program::block_on, telemetry};

use crate::{
    access, demo_server, dev, fleet, keys, load, queues, reference, rules, scenario, servers, tickets,
};

/// `muster` and everything it can do.
#[derive(Debug, Parser)]
#[command(
    name = "muster",
    version,
    about = "Matchmaking for multiplayer games: run it, try it, put it under load",
    long_about = "Muster is a matchmaking control plane for multiplayer games. Players ask for a match; Muster queues them, finds \
        others, picks a game server, and gives everyone a token to play there.\n\n\
        Start with `muster dev`: all of it in one process, with a page to play on. `muster fleet` runs several of everything, to \
        see what happens when one dies.",
    after_help = "The programs that run in production are control-plane, edge-gateway and provisioning-agent; each has --help."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Config),
    Fleet(fleet::Config),
    Load(load::Config),
    Scenario(scenario::Config),
    Rules(rules::Config),
    Tickets(tickets::Config),
    Queues(queues::Config),
    Servers(servers::Config),
    Access(access::Config),
    Keys(keys::Config),
    DemoServer(DemoServer),
    /// Print the page of all settings of all programs, docs/configuration.md.
    Reference,
}

#[derive(Debug, clap::Args)]
#[command(
    about = "Run the demo game server, the example to read for integrators",
    long_about = "Runs the demo game server: lands with a score that everybody in them raises.\n\n\
        With --mode control-plane (the default) it needs a provisioning agent beside it, and players need a token. With \
        --mode direct it stands alone: no token, and a land is created when somebody joins it:\n  \
        ws://127.0.0.1:7001/game/hero-defense?landId=den&player=ann"
)]
struct DemoServer {
    #[command(flatten)]
    config: demo_server::Config,
    /// The log.
    #[command(flatten)]
    telemetry: telemetry::Settings,
}

/// Runs `muster` with these arguments, the first of which is the program's name.
///
/// Exit codes: 0 where all went well, 1 where something failed, 2 for arguments or files that can't be taken.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    if let Some(code) = fleet::enter(&args) {
        return code;
    }
    let parsed = command().try_get_matches_from(args);
    let cli = parsed.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    match cli.unwrap_or_else(|error| error.exit()).command {
        None => print_help(),
        Some(Command::Reference) => print_reference(),
        Some(Command::Rules(config)) => rules::run(&config),
        Some(Command::Dev(config)) => {
            telemetry::start(&config.telemetry);
            block_on(async |stop| dev::run(config, stop).await)
        }
        Some(Command::Fleet(config)) => {
            telemetry::start(&config.telemetry);
            block_on(async |stop| fleet::run(config, stop).await)
        }
        Some(Command::Load(config)) => {
            telemetry::start(&config.telemetry);
            block_on(async |stop| load::run(config, stop).await)
        }
        Some(Command::Scenario(config)) => {
            telemetry::start(&config.telemetry);
            block_on(async |stop| scenario::run(config, stop).await)
        }
        Some(Command::Tickets(config)) => block_on(async |_| tickets::run(config).await),
        Some(Command::Access(config)) => block_on(async |_| access::run(config)),
        Some(Command::Queues(config)) => block_on(async |_| queues::run(config).await),
        Some(Command::Servers(config)) => block_on(async |stop| servers::run(config, stop).await),
        Some(Command::Keys(config)) => block_on(async |_| keys::run(config).await),
        Some(Command::DemoServer(DemoServer { config, telemetry })) => {
            telemetry::start(&telemetry);
            block_on(async |stop| {
                let server = demo_server::DemoServer::bind(config).await?;
                tracing::info!(addr = %server.addr()?, "the demo game server is up");
                server.run(stop).await
            })
        }
    }
}

/// The whole command. The tools talk to people on standard output, so their log is quiet unless it is asked for.
pub(crate) fn command() -> clap::Command {
    let quiet =
        |log: &'static str| move |tool: clap::Command| tool.mut_arg("log", |arg| arg.default_value(log));
    Cli::command()
        // What `dev` prints when it is ready says already whom its gateway trusts.
        .mut_subcommand("dev", quiet("warn,edge_gateway::app=error"))
        .mut_subcommand("fleet", quiet("warn"))
        .mut_subcommand("load", quiet("warn"))
        .mut_subcommand("scenario", quiet("warn"))
}

fn print_help() -> ExitCode {
    written(command().print_help())
}

fn print_reference() -> ExitCode {
    written(io::stdout().write_all(reference::page().as_bytes()))
}

/// A reader that has seen enough (`| head`) is no failure.
fn written(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_well_formed_and_every_subcommand_explains_itself() {
        command().debug_assert();
        for tool in command().get_subcommands() {
            assert!(tool.get_about().is_some(), "{}", tool.get_name());
            for arg in tool.get_arguments() {
                assert!(arg.get_help().is_some(), "{} {}", tool.get_name(), arg.get_id());
            }
        }
    }

    #[test]
    fn tools_are_quiet_unless_asked() {
        for (args, log) in [
            (vec!["muster", "load"], "warn"),
            (vec!["muster", "load", "--log", "debug"], "debug"),
            (vec!["muster", "demo-server"], "info"),
        ] {
            let matches =
                command().mut_subcommand(args[1], |tool| tool.mut_arg("log", |arg| arg.env(None::<&str>)));
            let matches = matches.try_get_matches_from(&args).unwrap();
            let (_, tool) = matches.subcommand().unwrap();
            assert_eq!(tool.get_one::<String>("log").unwrap(), log, "{args:?}");
        }
    }
}
