//! `muster tickets`: what an operator asks about a ticket.

mod explanation;

use std::time::SystemTime;

use proto::matchmaking::v1::ExplainTicketRequest;

use crate::operator::{Calls, ControlPlane};

/// Settings of `muster tickets`.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Ask a control plane about tickets")]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    Explain(Explain),
}

/// Settings of `muster tickets explain`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "Say why a ticket waits",
    long_about = "Says why a ticket waits: how many others wait, which rule keeps how many of them from it, by how much the nearest \
        misses, when the rules loosen next, its place in the queue and how long others waited. Gives no token away."
)]
struct Explain {
    /// The ticket's id.
    #[arg(value_name = "ID")]
    ticket: String,
    #[command(flatten)]
    control_plane: ControlPlane,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Lines and a table, for people.
    Text,
    /// One JSON document, for programs.
    Json,
}

/// Asks, and prints the answer.
#[expect(clippy::print_stdout, reason = "the answer is what the command is for")]
pub async fn run(config: Config) -> anyhow::Result<()> {
    let Command::Explain(Explain { ticket, control_plane, format }) = config.command;
    let ask = async |mut calls: Calls| calls.explain_ticket(ExplainTicketRequest { ticket_id: ticket }).await;
    let answer = control_plane.ask(ask).await?;
    match format {
        Format::Text => print!("{}", explanation::text(&answer, SystemTime::now())),
        Format::Json => println!("{:#}", explanation::json(&answer)),
    }
    Ok(())
}
