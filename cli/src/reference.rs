//! The page of all settings, made from the programs themselves.

use std::fmt::Write as _;

use clap::CommandFactory as _;
use runtime::config::reference;

const INTRO: &str = "\
# Configuration

<!-- Made by `muster reference`, and compared with it by a test. Change the programs' settings, not this page. -->

A flag wins over an environment variable, that over the configuration file, that over the default. The file is TOML, named by
`--config` or `MUSTER_CONFIG`; it sets the same names without the dashes in front, written `grpc_addr` or `grpc-addr`. The
tools of `muster` have flags and environment variables only.

Durations are a number and a unit: `500ms`, `2s`, `5m`, `1h 30m`. What can't be taken is refused before a port opens, with its
file, line and name, and exit code 2.

";

const QUEUES: &str = "\
### Queues

A queue needs no configuration: it then follows its key. `x:3v3` is two teams of three, `x:4` any four players, anything else
starts as soon as one ticket is there; the land type is what comes before the colon. A table in the configuration file changes
that, field by field:

```toml
[queues.\"hero-defense:coop\"]
land_type = \"hero-defense\"
min_players = 2
max_players = 4
relax_after = \"20s\"
```

| field | meaning |
|---|---|
| `land_type` | the kind of land that its matches are played on |
| `min_players` | fewest players of a match, from `relax_after` on |
| `max_players` | most players of a match, and what it waits for until `relax_after` |
| `teams` | players per team, one entry a team: `[3, 3]`; not together with `min_players` and `max_players` |
| `rule_set` | the file of its [rule set](rule-sets.md), relative to this one; not together with the sizes and waits here |
| `min_wait` | how long the oldest ticket of a match has waited at least |
| `relax_after` | after how long the oldest ticket takes a match of `min_players` |
| `ticket_lifetime` | how long a ticket may wait; `--ticket-lifetime` where it isn't said |
| `drop_absent_after` | after how long without its [players](#players-who-are-gone) a ticket is dropped, 1s or more; where it isn't said, it waits for its lifetime |
| `match_function` | the URL of a [match function](match-function.md), which proposes the queue's matches; beside the sizes or the rule set |
| `match_function_deadline`, `_tickets`, `_interval`, `_fallback` | [how it is called](match-function.md#start-one) |
| `allocation` | on [which servers](#where-matches-are-placed) its matches are placed |

Queues can be changed while everything runs: at SIGHUP a control plane reads the queues of its file again, and their rule sets; `muster
queues reload` has every replica do it. All of it is taken or nothing: what is wrong is named, and nothing changes. Tickets keep
their place and are matched under the new rules; the settings above the queues are read at the start only.

### Where matches are placed

Every server that hosts the queue's land type and has room will do, and the one with the most room is taken. A queue may say otherwise:

```toml
[queues.\"hero-defense:ranked\".allocation]
policy = \"packed\"

[[queues.\"hero-defense:ranked\".allocation.selectors]]
labels = { pool = \"ranked\" }
version = \"2.1\"

[[queues.\"hero-defense:ranked\".allocation.selectors]]
labels = { pool = \"ranked\" }
```

| field | meaning |
|---|---|
| `policy` | `spread`: the server with the most room; `packed`: with the least, so that others become empty. Of equals, the one whose id comes first |
| `selectors` | which servers will do, at most 16: the first that a server with room fits decides. What one leaves out, any server is |
| `selectors.labels`, `.region`, `.version` | the server has all of these labels, is in this region, has this version |
| `selectors.use` | `empty`: no land lives on the server; `occupied`: one does |

### Players who are gone

With `drop_absent_after = \"1m\"`, a queue drops tickets whose players have been gone for a minute: they are `cancelled` with the reason `absent`. A ticket's players
are there as long as one of them has a socket that follows it, holds a poll of it (`?wait=`), or a backend follows it, at any gateway and replica; and whenever
one asks for its status. Who is back within the time keeps the ticket's place.

A ticket is dropped some seconds after its time: not more than 20, and not more than as long again. Choose the time longer than the pauses between your clients' polls, than they need
to connect again, and than a restart of your gateways takes. A socket whose client vanished without a word is noticed after the gateway's `--ping-timeout`;
the time begins then. After a restart of the queue's owner, and when the setting has changed, everybody has the whole time again.

";

const PROVIDERS: &str = "\
### Identity providers

Whose tokens players may bring, beside our own. A table for each in the configuration file:

```toml
[[identity_providers]]
issuer = \"https://id.example\"
audience = \"hero-defense\"
player_prefix = \"id:\"
```

| field | meaning |
|---|---|
| `issuer` | the `iss` of its tokens, to the letter |
| `audience` | the `aud` that a token must have; a list: one of them |
| `jwks_url` | where its keys are; without it, where `<issuer>/.well-known/openid-configuration` says |
| `player_claim` | the claim that names the player, a text or a whole number; `sub` where it isn't said |
| `player_prefix` | what comes before that in a player's id. With several providers each needs one of its own, so that no player of one is taken for one of another |
| `ca` | who signs its server's certificate (PEM), where the machine doesn't know it |
| `allow_keys_over_plain_http_though_anybody_on_the_way_can_change_them` | read keys over `http://` from another machine, too |

Keys are RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA). They are fetched when the first token comes, again every ten minutes, and for a key that isn't
known at most every ten seconds; redirects are not followed.

";

/// The text of docs/configuration.md.
pub fn page() -> String {
    let programs = [
        ("control-plane", control_plane::Config::command(), QUEUES),
        ("edge-gateway", edge_gateway::Config::command(), PROVIDERS),
        ("provisioning-agent", provisioning_agent::Config::command(), ""),
    ];
    let muster = crate::cli::command();
    let tools = [
        "dev",
        "fleet",
        "demo-server",
        "load",
        "scenario",
        "tickets explain",
        "queues reload",
        "servers list",
        "servers show",
        "servers drain",
        "access new",
        "keys rotate",
        "keys list",
    ]
    .map(|name| {
        let tool = name
            .split(' ')
            .fold(&muster, |tool, part| tool.find_subcommand(part).expect("the tool is one of muster's"));
        (format!("muster {name}"), tool.clone(), "")
    });
    let programs = programs.map(|(name, command, more)| (name.to_owned(), command, more));
    let mut page = INTRO.to_owned();
    for (name, command, more) in programs.into_iter().chain(tools) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let about = about.trim_end_matches('.');
        let table = reference(&command);
        write!(page, "## {name}\n\n{about}.\n\n{table}\n{more}").expect("a string takes all text");
    }
    let end = page.trim_end().len();
    page.truncate(end);
    page.push('\n');
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_and_tool_has_its_table() {
        let page = page();
        for part in [
            "## control-plane\n",
            "| `--grpc-addr` |",
            "| `relax_after` |",
            "## edge-gateway\n",
            "`ALLOW_CLIENT_PLAYER_ID`",
            "## provisioning-agent\n",
            "## muster demo-server\n",
            "`MATCHMAKING_MODE`",
            "## muster load\n",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }
}
