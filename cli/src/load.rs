//! `muster load`: players at a steady rate, and how long they waited.
//!
//! The load is open: each ticket has a time at which it is sent, and slow answers delay none of the others. Every latency is
//! counted from that time, not from when the client got round to sending, because a stalled service would otherwise be
//! measured less the more it stalls ("coordinated omission").

mod plan;
mod player;
mod progress;
mod report;

use std::time::Duration;

use anyhow::ensure;
use runtime::{Tasks, config::duration, telemetry};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

pub(crate) use player::Outcome;
pub use report::Report;

use self::{plan::Plan, player::Client, progress::Progress};
use crate::gateway::{Gateway, check_loopback};

/// How long before its time a ticket's socket is opened: a player opens the game before they press the button.
const LEAD: Duration = Duration::from_secs(1);

/// Settings of `muster load`.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "load",
    about = "Put a gateway under load and print how long players waited",
    long_about = "Puts a gateway under load: players arrive at a steady rate, enqueue, and wait for their assignment.\n\n\
        The load is open: slow answers delay no other player. Every latency is counted from the moment at which a ticket was \
        scheduled to be sent, not from when it was sent, so that a service that stalls can't hide it (coordinated omission).\n\n\
        Ends with a table, or with one JSON object (--json). The exit code is 1 when any player got no assignment.\n\
        The gateway must trust the player ids that clients send (ALLOW_CLIENT_PLAYER_ID), as it does in `muster dev`."
)]
pub struct Config {
    /// How many players come.
    #[arg(long, env = "MUSTER_LOAD_PLAYERS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub players: u32,
    /// How many players come in a second.
    #[arg(long, env = "MUSTER_LOAD_RATE", default_value_t = 50.0, value_parser = rate)]
    pub rate: f64,
    /// The queue that they enqueue in. Where its matches need several tickets, the last ones wait in vain unless the numbers fit.
    #[arg(long, env = "MUSTER_LOAD_QUEUE", default_value = "demo")]
    pub queue: String,
    /// The sizes of parties, used in turn: `1,1,2` is two solos and a party of two, again and again.
    #[arg(long, env = "MUSTER_LOAD_PARTY", default_value = "1", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=100))]
    pub party: Vec<u32>,
    /// How players enqueue and wait: over a socket each, or by requests that are held until there is an assignment.
    #[arg(long, env = "MUSTER_LOAD_TRANSPORT", default_value = "websocket", value_enum)]
    pub transport: Transport,
    /// The gateway's URL.
    #[arg(long, env = "MUSTER_GATEWAY_URL", default_value = "http://127.0.0.1:3000")]
    pub gateway: String,
    /// How long a player waits for their assignment.
    #[arg(long, env = "MUSTER_LOAD_TIMEOUT", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Allow a gateway on another machine.
    #[arg(long)]
    pub yes_remote: bool,
    /// The log.
    #[command(flatten)]
    pub telemetry: telemetry::Settings,
}

/// How players enqueue and wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// Over `/realtime`.
    Websocket,
    /// By `POST enqueue` and `GET status?wait=20`.
    Rest,
    /// Every other ticket.
    Both,
}

/// Runs the load, prints the report, and fails where a player got no assignment. A cancelled `stop` ends it early.
#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let report = measure(&config, stop).await?;
    if config.json {
        println!("{}", report.to_json());
    } else {
        println!("{report}");
    }
    let missing = report.players_without_assignment();
    ensure!(missing == 0, "{missing} of {} players got no assignment", config.players);
    Ok(())
}

/// Runs the load and returns what was measured.
pub async fn measure(config: &Config, stop: CancellationToken) -> anyhow::Result<Report> {
    let gateway = Gateway::new(&config.gateway)?;
    if !config.yes_remote {
        check_loopback(gateway.base(), "--yes-remote").await?;
    }
    let tasks = Tasks::new(stop.child_token());
    let mut arriving = start(config, vec![gateway], &tasks);
    let progress = Progress::start(config.players);
    let mut report = Report::new(config, config.players);
    // Ends when every ticket has dropped its sender, because it is done or because of a stop.
    while let Some(outcome) = arriving.recv().await {
        progress.add(&outcome);
        report.add(&outcome);
    }
    progress.finish();
    tasks.join(Duration::from_secs(5)).await?;
    Ok(report)
}

/// Starts the load, whose tickets take the gateways in turn. What became of each comes out; the end of that is the end of the load.
pub(crate) fn start(config: &Config, gateways: Vec<Gateway>, tasks: &Tasks) -> mpsc::Receiver<Outcome> {
    let plan = Plan::new(config.players, config.rate, &config.party, config.transport);
    let (outcomes, arriving) = mpsc::channel(1024);
    let start = Instant::now() + LEAD;
    let arrivals = arrive(config.clone(), gateways, plan, start, outcomes, tasks.clone());
    let stop = tasks.stopping().clone();
    tasks.spawn("arrivals", async move { stop.run_until_cancelled(arrivals).await.unwrap_or_default() });
    arriving
}

/// Starts every ticket a moment before its time.
async fn arrive(
    config: Config,
    gateways: Vec<Gateway>,
    plan: Plan,
    start: Instant,
    outcomes: mpsc::Sender<Outcome>,
    tasks: Tasks,
) {
    let run = uuid::Uuid::new_v4().simple().to_string();
    let mut first_player = 0;
    for (ticket, gateway) in plan.tickets().zip(gateways.iter().cycle()) {
        sleep_until(start + ticket.at - LEAD).await;
        let players = first_player..first_player + ticket.players;
        first_player = players.end;
        let members: Vec<_> = players.map(|number| format!("load-{run}-{number}")).collect();
        let client = Client {
            gateway: gateway.clone(),
            body: json!({ "queueKey": config.queue, "members": members }),
            scheduled: start + ticket.at,
            timeout: config.timeout,
            ticket,
        };
        let outcomes = outcomes.clone();
        let stop = tasks.stopping().clone();
        tasks.spawn("ticket", async move {
            let outcome = client.run(&stop).await;
            // The report is gone only when the whole command ends.
            outcomes.send(outcome).await.ok();
        });
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "write a number, for example 50".to_owned())?;
    let sensible = rate.is_finite() && (0.001..=1_000_000.0).contains(&rate);
    sensible.then_some(rate).ok_or_else(|| "must be from 0.001 to 1000000 players a second".to_owned())
}
