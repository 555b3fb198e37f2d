//! `muster queues`: what an operator does with queues.

use std::fmt::Write as _;

use anyhow::bail;
use proto::matchmaking::v1::{ReloadQueuesRequest, ReloadQueuesResponse};

use crate::operator::{Calls, ControlPlane};

/// Settings of `muster queues`.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Look after a control plane's queues")]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    Reload(Reload),
}

/// Settings of `muster queues reload`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "Have a control plane read its queues' configuration and rule sets again",
    long_about = "Has every replica of a control plane read the queues of its configuration file again, and the rule sets that they \
        name. Tickets keep their place and are matched under the new rules. Where one file can't be taken, nothing changes \
        anywhere, and the exit code is 1."
)]
struct Reload {
    #[command(flatten)]
    control_plane: ControlPlane,
}

/// Does it, and prints what changed.
#[expect(clippy::print_stdout, reason = "what changed is what the command is for")]
pub async fn run(config: Config) -> anyhow::Result<()> {
    let Command::Reload(Reload { control_plane }) = config.command;
    let ask = async |mut calls: Calls| calls.reload_queues(ReloadQueuesRequest {}).await;
    let answer = control_plane.ask(ask).await?;
    if !answer.errors.is_empty() {
        bail!("nothing has changed:\n{}", answer.errors.join("\n"));
    }
    print!("{}", text(&answer));
    if !answer.unanswered.is_empty() {
        bail!("these replicas may go on with the old queues: {}", answer.unanswered.join(", "));
    }
    Ok(())
}

fn text(answer: &ReloadQueuesResponse) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("a string takes all text");
    for warning in &answer.warnings {
        line(format_args!("warning: {warning}"));
    }
    for change in &answer.changes {
        line(format_args!("{}: {}", change.queue_key, change.what));
    }
    if answer.changes.is_empty() {
        line(format_args!("nothing is different"));
    }
    let replicas = if answer.replicas == 1 { "replica has" } else { "replicas have" };
    line(format_args!("{} {replicas} read the queues again", answer.replicas));
    text
}

#[cfg(test)]
mod tests {
    use proto::matchmaking::v1::QueueChange;

    use super::*;

    #[test]
    fn what_changed_is_listed() {
        let mut answer = ReloadQueuesResponse { replicas: 1, ..Default::default() };
        assert_eq!(text(&answer), "nothing is different\n1 replica has read the queues again\n");
        answer.changes.push(QueueChange { queue_key: "a:1".to_owned(), what: "added".to_owned() });
        answer.warnings.push("r.json:1:2: odd".to_owned());
        answer.replicas = 2;
        let expected = "warning: r.json:1:2: odd\na:1: added\n2 replicas have read the queues again\n";
        assert_eq!(text(&answer), expected);
    }
}
