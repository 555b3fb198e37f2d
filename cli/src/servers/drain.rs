//! `muster servers drain`: a server takes no new lands, and this shows what becomes of those that it has.

use std::time::Duration;

use anyhow::{Context as _, bail};
use proto::{
    error::Reason,
    provisioning::v1::{DrainServerRequest, Server, ServerState, provisioning_client::ProvisioningClient},
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::view;
use crate::{
    operator::{ControlPlane, Refused},
    spans::span,
};

/// How often is asked how far it is.
const EVERY: Duration = Duration::from_secs(1);
/// How long a control plane may be away meanwhile.
const AWAY: Duration = Duration::from_secs(60);
/// How long a server may be unknown before it has gone. A control plane that was started anew knows no server before its agent has
/// come back: after its longest wait between two tries (10 s), and a try before that which hung (5 s).
const UNKNOWN: Duration = Duration::from_secs(20);
/// The same for a server without an agent, which registers every 30 s.
const UNKNOWN_ALONE: Duration = Duration::from_secs(40);
/// How long lands may take to end when their deadline is over.
const OVERDUE: Duration = Duration::from_secs(15);

/// Settings of `muster servers drain`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "Have a game server take no new lands, and wait until it has none",
    long_about = "Has a game server take no new lands, and shows what is left on it until nothing is: then it can be stopped. Its matches \
        go on to their end, or to the deadline: what is left then is ended. Stopping this command doesn't stop the drain; \
        started again, it shows how far that is, and the first deadline holds unless the new one is earlier.\n\n\
        Exit codes: 0 when nothing is left (with --no-wait: when the server was told), 1 when that isn't so or can't be told."
)]
pub(super) struct Drain {
    /// The server's id.
    #[arg(value_name = "ID")]
    server: String,
    /// After how long the lands that are left are ended. Without it they end in their own time.
    #[arg(long, value_name = "DURATION", value_parser = deadline)]
    deadline: Option<Duration>,
    /// Why, for the server's log and the control plane's.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Tell the server, and don't wait.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    control_plane: ControlPlane,
}

/// At least a second: less would be none for who reads milliseconds as zero.
fn deadline(text: &str) -> Result<Duration, String> {
    let deadline = runtime::config::duration(text)?;
    if deadline < Duration::from_secs(1) { Err("must be at least 1s".to_owned()) } else { Ok(deadline) }
}

/// Tells the server, and says what happens until nothing is left on it.
#[expect(clippy::print_stdout, reason = "how far it is is what the command is for")]
pub(super) async fn run(config: Drain, stop: CancellationToken) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut server = config.ask(begun).await?;
    let mut heard = Instant::now();
    let mut said = None;
    let mut unknown_since = None;
    loop {
        if unknown_since.is_none() {
            let now = (server.state(), server.lands_used, server.players);
            if said.replace(now) != Some(now) {
                println!("{}", progress(&server, config.left(begun)));
            }
            if config.is_done(&server, begun)? {
                return Ok(());
            }
        }
        if stop.run_until_cancelled(sleep(EVERY)).await.is_none() {
            bail!("{} goes on draining; the same command shows how far it is", config.server);
        }
        match config.ask(begun).await {
            Ok(now) => (server, heard, unknown_since) = (now, Instant::now(), None),
            Err(error) if is_unknown(&error) => {
                let patience = patience(&server);
                if unknown_since.is_none() {
                    println!("{}", unknown(&server, patience));
                    said = None;
                }
                if unknown_since.get_or_insert_with(Instant::now).elapsed() >= patience {
                    return config.has_gone(&server);
                }
            }
            // A control plane that restarts learns from the server's agent how it is.
            Err(error) if heard.elapsed() > AWAY => {
                return Err(error).context(format!("{} was told, and goes on draining", config.server));
            }
            // Who says next that it is unknown may have just been started.
            Err(_) => unknown_since = None,
        }
    }
}

impl Drain {
    /// Tells the server again each time: then a control plane that was started anew knows of it, too.
    async fn ask(&self, begun: Instant) -> anyhow::Result<Server> {
        let left = self.left(begun).map_or(0, |left| left.as_millis().max(1));
        let request = DrainServerRequest {
            server_id: self.server.clone(),
            reason: self.reason.clone(),
            deadline_ms: u64::try_from(left).unwrap_or(u64::MAX),
        };
        let ask = async |calls| ProvisioningClient::new(calls).drain_server(request).await;
        self.control_plane.ask_by(ask).await?.server.context("the control plane's answer names no server")
    }

    /// Whether there is nothing to wait for. Fails where lands outlive their deadline.
    #[expect(clippy::print_stdout, reason = "how it ended is what the command is for")]
    fn is_done(&self, server: &Server, begun: Instant) -> anyhow::Result<bool> {
        if server.lands_used == 0 {
            println!("{} has no lands left: it can be stopped", self.server);
            return Ok(true);
        }
        let overdue = self.deadline.is_some_and(|deadline| begun.elapsed() > deadline + OVERDUE);
        if overdue && !self.no_wait {
            bail!("{} lands are left on {} although their deadline is over", server.lands_used, self.server);
        }
        Ok(self.no_wait)
    }

    /// It was unknown for so long that it won't come back by itself. Fails where that says nothing of its lands.
    #[expect(clippy::print_stdout, reason = "how it ended is what the command is for")]
    fn has_gone(&self, server: &Server) -> anyhow::Result<()> {
        if server.state() == ServerState::Lost {
            bail!(
                "{} was lost before it was forgotten: whether its {} lands go on can't be told from here",
                self.server,
                server.lands_used
            );
        }
        println!("{} has gone, and its lands with it", self.server);
        Ok(())
    }

    /// `None`: there is no deadline.
    fn left(&self, begun: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(begun.elapsed()))
    }
}

fn is_unknown(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.0.reason == Reason::ServerNotFound)
}

/// How long a server that was seen like this may be unknown.
fn patience(server: &Server) -> Duration {
    if server.instance_id.is_empty() { UNKNOWN_ALONE } else { UNKNOWN }
}

fn unknown(server: &Server, patience: Duration) -> String {
    let (id, patience) = (&server.server_id, patience.as_secs());
    format!("{id} is not known to the control plane: it said goodbye, or comes back within {patience}s")
}

fn progress(server: &Server, left: Option<Duration>) -> String {
    let count = |count: u32, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let mut line = format!(
        "{}: {}, {}, {}",
        server.server_id,
        view::state(server.state()),
        count(server.lands_used, "land"),
        count(server.players, "player")
    );
    if let Some(left) = left.filter(|_| server.lands_used > 0) {
        line += &format!("; ended in {}", span(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)));
    }
    if server.state() == ServerState::Lost {
        line += "; waiting until its agent is heard of again";
    }
    line
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Parsed {
        #[command(flatten)]
        drain: Drain,
    }

    #[test]
    fn who_is_unknown_may_come_back_within_its_own_time() {
        let mut server =
            Server { server_id: "s-1".to_owned(), instance_id: "i-1".to_owned(), ..Server::default() };
        assert_eq!(patience(&server), Duration::from_secs(20), "its agent's back-off, and a try that hangs");
        assert!(unknown(&server, patience(&server)).ends_with("comes back within 20s"));
        server.instance_id.clear();
        assert_eq!(patience(&server), Duration::from_secs(40), "the time between two registrations");
    }

    #[test]
    fn of_a_lost_server_nobody_says_that_its_lands_ended() {
        let args = ["drain", "s-1"];
        let config = Parsed::try_parse_from(args).unwrap().drain;
        let mut server = Server { lands_used: 2, state: ServerState::Draining.into(), ..Server::default() };
        config.has_gone(&server).unwrap();
        server.state = ServerState::Lost.into();
        assert!(config.has_gone(&server).unwrap_err().to_string().contains("its 2 lands"));
    }

    #[test]
    fn progress_is_a_line_for_people() {
        let mut server = Server {
            server_id: "s-1".to_owned(),
            state: ServerState::Draining.into(),
            lands_used: 2,
            players: 1,
            ..Server::default()
        };
        assert_eq!(progress(&server, None), "s-1: draining, 2 lands, 1 player");
        let left = Some(Duration::from_secs(90));
        assert_eq!(progress(&server, left), "s-1: draining, 2 lands, 1 player; ended in 1m 30s");
        server.state = ServerState::Lost.into();
        server.lands_used = 0;
        let expected = "s-1: lost, 0 lands, 1 player; waiting until its agent is heard of again";
        assert_eq!(progress(&server, left), expected);
    }
}
