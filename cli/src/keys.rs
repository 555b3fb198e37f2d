//! `muster keys`: what an operator does with the keys that sign tokens.

use std::fmt::Write as _;

use proto::keys::v1::{
    Key, KeyState, ListKeysRequest, RotateKeysRequest, RotateKeysResponse, keys_client::KeysClient,
};

use crate::{
    operator::ControlPlane,
    spans::{now_ms, span},
};

/// Settings of `muster keys`.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Look after the keys that sign tokens")]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    Rotate(Rotate),
    List(List),
}

/// Settings of `muster keys rotate`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "Make a new key and have it take over",
    long_about = "Makes a new key. It is published at once, by every replica that shares the key directory within a second, and signs as \
        soon as every cache of the keys has turned over (--jwks-max-age of the control plane). The old key is published until \
        its last token has expired; no token that is out there becomes bad. Asked again meanwhile, it makes no other."
)]
struct Rotate {
    #[command(flatten)]
    control_plane: ControlPlane,
}

/// Settings of `muster keys list`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "List the keys that are published, and what each does",
    long_about = "Lists the keys that a control plane publishes, in the order in which they sign: those that signed before (retiring), \
        the one that signs, and those that will (waiting)."
)]
struct List {
    #[command(flatten)]
    control_plane: ControlPlane,
}

/// Does it, and prints what there is to know.
#[expect(clippy::print_stdout, reason = "what it says is what the command is for")]
pub async fn run(config: Config) -> anyhow::Result<()> {
    match config.command {
        Command::Rotate(Rotate { control_plane }) => {
            let ask = async |calls| KeysClient::new(calls).rotate_keys(RotateKeysRequest {}).await;
            let rotated = control_plane.ask_by(ask).await?;
            print!("{}", takes_over(&rotated, now_ms()));
        }
        Command::List(List { control_plane }) => {
            let ask = async |calls| KeysClient::new(calls).list_keys(ListKeysRequest {}).await;
            let listed = control_plane.ask_by(ask).await?;
            print!("{}", table(&listed.keys, now_ms()));
        }
    }
    Ok(())
}

fn takes_over(rotated: &RotateKeysResponse, now_ms: u64) -> String {
    let when = match rotated.signs_from_unix_ms.saturating_sub(now_ms) {
        0 => "now".to_owned(),
        ms => format!("in {}", span(ms)),
    };
    format!(
        "{} is published, and signs {when}\nthe old key is published until its last token has expired: muster keys list\n",
        rotated.kid
    )
}

fn table(keys: &[Key], now_ms: u64) -> String {
    let mut text = String::new();
    for key in keys {
        let until = |ms: u64| format!("in {}", span(ms.saturating_sub(now_ms)));
        let since = span(now_ms.saturating_sub(key.signs_from_unix_ms));
        let state = match key.state() {
            KeyState::Waiting => format!("waiting   signs {}", until(key.signs_from_unix_ms)),
            KeyState::Retiring => format!("retiring  gone {}", until(key.published_until_unix_ms)),
            KeyState::Signing if key.published_until_unix_ms == 0 => format!("signing   for {since}"),
            KeyState::Signing => format!("signing   gone {}", until(key.published_until_unix_ms)),
            KeyState::Unspecified => "unknown".to_owned(),
        };
        writeln!(text, "{:43}  {:5}  {state}", key.kid, key.algorithm).expect("a string takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000_000;

    #[test]
    fn each_key_is_listed_with_what_comes_next() {
        let key = |kid: &str, algorithm: &str, state: KeyState, from: u64, until: u64| Key {
            kid: kid.to_owned(),
            algorithm: algorithm.to_owned(),
            state: state.into(),
            signs_from_unix_ms: from,
            published_until_unix_ms: until,
        };
        let kid = "k".repeat(43);
        let keys = [
            key(&kid, "RS256", KeyState::Retiring, NOW - 10_000, NOW + 60_000),
            key(&kid, "ES256", KeyState::Signing, NOW - 5_000, NOW + 120_000),
            key(&kid, "EdDSA", KeyState::Waiting, NOW + 30_000, 0),
        ];
        let expected = format!(
            "{kid}  RS256  retiring  gone in 1m\n{kid}  ES256  signing   gone in 2m\n{kid}  EdDSA  waiting   signs in 30s\n"
        );
        assert_eq!(table(&keys, NOW), expected);
        let alone = [key(&kid, "RS256", KeyState::Signing, NOW - 7_200_000, 0)];
        assert_eq!(table(&alone, NOW), format!("{kid}  RS256  signing   for 2h\n"));
    }

    #[test]
    fn a_rotation_says_when_it_takes_effect() {
        let rotated = RotateKeysResponse { kid: "k".to_owned(), signs_from_unix_ms: NOW + 300_000 };
        assert!(takes_over(&rotated, NOW).starts_with("k is published, and signs in 5m\n"));
        assert!(takes_over(&rotated, NOW + 300_000).starts_with("k is published, and signs now\n"));
    }
}
