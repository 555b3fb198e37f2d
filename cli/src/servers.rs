//! `muster servers`: what an operator does with game servers.

mod drain;
mod view;

use anyhow::bail;
use proto::provisioning::v1::{ListServersRequest, Server, provisioning_client::ProvisioningClient};
use tokio_util::sync::CancellationToken;

use crate::{operator::ControlPlane, spans::now_ms};

/// Settings of `muster servers`.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Look at a control plane's game servers, and drain them")]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    List(List),
    Show(Show),
    Drain(drain::Drain),
}

/// Settings of `muster servers list`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "List the game servers, with what lives on them",
    long_about = "Lists every game server that a control plane knows, whichever of its replicas it speaks to: whether it takes lands, how \
        many lands and players it has, and how many fit."
)]
struct List {
    /// Only servers that host this land type.
    #[arg(long, value_name = "TYPE")]
    land_type: Option<String>,
    /// Print one JSON document, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    control_plane: ControlPlane,
}

/// Settings of `muster servers show`.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Show all that is known of one game server, with its lands and their players")]
struct Show {
    /// The server's id.
    #[arg(value_name = "ID")]
    server: String,
    /// Print one JSON document, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    control_plane: ControlPlane,
}

/// Does it, and prints what there is to know.
#[expect(clippy::print_stdout, reason = "what it says is what the command is for")]
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    match config.command {
        Command::List(List { land_type, json, control_plane }) => {
            let servers = list(&control_plane, land_type.unwrap_or_default()).await?;
            if json {
                println!("{:#}", view::json(&servers));
            } else {
                print!("{}", view::table(&servers));
            }
        }
        Command::Show(Show { server, json, control_plane }) => {
            let mut servers = list(&control_plane, String::new()).await?;
            servers.retain(|known| known.server_id == server);
            let Some(server) = servers.first() else {
                bail!("there is no server `{server}`; `muster servers list` has those that there are");
            };
            if json {
                println!("{:#}", view::one(server));
            } else {
                print!("{}", view::page(server, now_ms()));
            }
        }
        Command::Drain(config) => drain::run(config, stop).await?,
    }
    Ok(())
}

async fn list(control_plane: &ControlPlane, land_type: String) -> anyhow::Result<Vec<Server>> {
    let request = ListServersRequest { land_type };
    let ask = async |calls| ProvisioningClient::new(calls).list_servers(request).await;
    Ok(control_plane.ask_by(ask).await?.servers)
}
