//! `muster access`: keys for callers of the control plane.

use std::fmt::Write as _;

use control_plane::access::{NewKey, Scope};
use runtime::config::Invalid;

/// Settings of `muster access`.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Make keys for gateways, agents, services and operators")]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    New(New),
}

/// Settings of `muster access new`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "Make a key, and the line of the access file that lets it in",
    long_about = "Makes a key of 256 random bits, and prints it and the line of the control plane's access file that lets it in. The \
        key is shown this once: the line holds its hash, from which nobody gets it back. Give the key to the caller (CONTROL_PLANE_KEY \
        or CONTROL_PLANE_KEY_FILE), add the line to the file; a running control plane reads it within a second. To replace a key, \
        add the new line under the same name, change the caller, and take the old line away.\n\n  \
        muster access new edge-1 --scope gateway\n  \
        muster access new arena-eu --scope agent --servers 'arena-1,eu-*'"
)]
struct New {
    /// Who it is for: a word that logs and refusals name.
    name: String,
    /// What it may do. Repeat it, or separate by commas.
    #[arg(long, value_enum, required = true, value_delimiter = ',')]
    scope: Vec<Scope>,
    /// With the scope `agent`: the server ids that it may speak for, exact ones or `eu-*` for all that begin so.
    #[arg(long, value_name = "IDS")]
    servers: Option<String>,
}

/// Makes the key and prints it.
///
/// # Errors
/// [`Invalid`] for what can't stand in an access file.
#[expect(clippy::print_stdout, reason = "the key is what the command is for")]
pub fn run(config: Config) -> anyhow::Result<()> {
    let Command::New(new) = config.command;
    let key = NewKey::make();
    print!("{}", text(&new, &key)?);
    Ok(())
}

fn text(new: &New, key: &NewKey) -> Result<String, Invalid> {
    let scopes: Vec<_> = new.scope.iter().map(|scope| scope.name()).collect();
    let mut line = format!("{} {} {}", new.name, scopes.join(","), key.hash());
    if let Some(servers) = &new.servers {
        write!(line, " servers={servers}").expect("a string takes all text");
    }
    // What the control plane would refuse is refused here, in its own words.
    control_plane::access::check(&line).map_err(|why| Invalid::new("access", why))?;
    Ok(format!(
        "The key, for {} alone; it is not shown again:\n{}\n\nThe line for the access file:\n{line}\n",
        new.name,
        key.secret()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, scope: Scope, servers: Option<&str>) -> New {
        New { name: name.to_owned(), scope: vec![scope], servers: servers.map(str::to_owned) }
    }

    #[test]
    fn the_line_is_one_that_the_control_plane_takes_and_holds_no_key() {
        let key = NewKey::make();
        let printed = text(&new("arena", Scope::Agent, Some("a-1,b-*")), &key).unwrap();
        let line = printed.lines().last().unwrap();
        assert_eq!(line, format!("arena agent {} servers=a-1,b-*", key.hash()));
        assert!(printed.contains(key.secret()) && !line.contains(key.secret()));
    }

    #[test]
    fn what_the_file_could_not_hold_is_refused() {
        let key = NewKey::make();
        for (bad, expected) in [
            (new("two words", Scope::Gateway, None), "`words` is no scope"),
            (new("#", Scope::Gateway, None), "needs a name"),
            (new("arena", Scope::Agent, None), "needs the server ids"),
            (new("edge", Scope::Gateway, Some("a")), "`servers=` is for the scope `agent`"),
            (new("a\ngateway b", Scope::Gateway, None), "line 1"),
        ] {
            let error = text(&bad, &key).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
