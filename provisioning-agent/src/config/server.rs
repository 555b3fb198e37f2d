//! The game server that an agent speaks for, after every setting was found usable.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use runtime::config::Invalid;

use super::{Config, Lands, Scheme, sdk};
use crate::{
    exec::Exec,
    ids::{self, LandType, ServerId},
    machine::{MOST_LANDS, MOST_SEATS, Mode, SdkTerms},
};

const MAX_LAND_TYPES: usize = 32;
const MAX_LABELS: usize = 64;
/// The longest DNS name.
const MAX_HOST_BYTES: usize = 253;
const LIFETIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 60 * 60);

const LONGEST_END: Duration = Duration::from_secs(60 * 60);
const LONGEST_DRAIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What the control plane is told about the game server, within the limits of the contract.
#[derive(Debug, Clone)]
pub struct Server {
    pub(crate) server_id: ServerId,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) land_types: Vec<LandType>,
    /// Empty: none. The same for all texts below.
    pub(crate) region: String,
    pub(crate) capacity: u32,
    /// `None`: as many as its lands take.
    pub(crate) player_capacity: Option<u32>,
    pub(crate) connect_host: String,
    /// Zero: the game server's own.
    pub(crate) connect_port: u16,
    pub(crate) connect_scheme: &'static str,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) version: String,
    pub(crate) mode: Mode,
    pub(crate) sdk: SdkTerms,
    /// The game server's own program, where the agent starts it.
    pub(crate) exec: Option<Exec>,
    /// How long lands may go on once the agent is to stop.
    pub(crate) drain_timeout_ms: u64,
    /// The `iss` of match tokens.
    pub(crate) token_issuer: String,
}

impl Server {
    /// Looks at all settings together; the first that can't be used is named.
    pub fn check(config: &Config) -> Result<Self, Invalid> {
        loopback("http_addr", config.local_http_addr())?;
        if let Some(addr) = config.local_grpc_addr() {
            loopback("grpc_addr", addr)?;
        }
        Ok(Self {
            server_id: server_id(config.server_id.as_deref())?,
            host: host("host", &config.host)?,
            port: config
                .port
                .ok_or_else(|| invalid("port", "is missing; give --port, the game server's own"))?,
            land_types: land_types(&config.land_type)?,
            region: text("region", config.region.as_deref())?,
            capacity: within("capacity", config.capacity, MOST_LANDS)?,
            player_capacity: match config.player_capacity {
                Some(players) => Some(within("player_capacity", players, MOST_SEATS)?),
                None => None,
            },
            connect_host: match &config.connect_host {
                Some(name) => host("connect_host", name)?,
                None => String::new(),
            },
            connect_port: config.connect_port.unwrap_or(0),
            connect_scheme: match config.connect_scheme {
                None => "",
                Some(Scheme::Ws) => "ws",
                Some(Scheme::Wss) => "wss",
            },
            labels: labels(&config.label)?,
            version: text("game_version", config.game_version.as_deref())?,
            mode: mode(config)?,
            sdk: sdk::terms(config)?,
            exec: exec(config)?,
            drain_timeout_ms: drain_timeout_ms(config)?,
            token_issuer: text("token_issuer", Some(&config.token_issuer))?,
        })
    }
}

fn server_id(given: Option<&str>) -> Result<ServerId, Invalid> {
    let Some(given) = given else {
        let message = "is missing; give --server-id, or [[server]] tables in the configuration file";
        return Err(invalid("server_id", message));
    };
    ServerId::parse(given).map_err(|error| invalid("server_id", error))
}

/// The command line has checked its own; a table of the file comes by here.
fn within(setting: &str, given: u32, most: u32) -> Result<u32, Invalid> {
    if (1..=most).contains(&given) {
        return Ok(given);
    }
    Err(invalid(setting, format!("is {given}; give 1 to {most}")))
}

fn exec(config: &Config) -> Result<Option<Exec>, Invalid> {
    let Some(given) = &config.exec else { return Ok(None) };
    let command: Vec<_> = given.iter().chain(&config.exec_command).cloned().collect();
    if command.first().is_none_or(String::is_empty) {
        return Err(invalid(
            "exec",
            "names no program; write --exec -- ./game-server, or a list in the file",
        ));
    }
    if config.exec_kill_after > LONGEST_END {
        return Err(invalid("exec_kill_after", "is out of range; give 0s to 1h"));
    }
    Ok(Some(Exec { command, restart: config.exec_restart, kill_after: config.exec_kill_after }))
}

fn loopback(setting: &str, addr: SocketAddr) -> Result<(), Invalid> {
    if addr.ip().is_loopback() {
        return Ok(());
    }
    let port = addr.port();
    Err(invalid(
        setting,
        format!(
            "{addr} is reachable from other machines, and this API trusts whoever reaches it; use a loopback address, for example 127.0.0.1:{port}"
        ),
    ))
}

pub(super) fn invalid(setting: &str, why: impl std::fmt::Display) -> Invalid {
    Invalid::new(setting, why.to_string())
}

fn text(setting: &str, value: Option<&str>) -> Result<String, Invalid> {
    let Some(value) = value else {
        return Ok(String::new());
    };
    ids::check(value).map_err(|error| invalid(setting, error))?;
    Ok(value.to_owned())
}

/// A host name or an IP address. What holds a scheme, a port or a path would end up in every connect URL.
fn host(setting: &str, value: &str) -> Result<String, Invalid> {
    let named = !value.is_empty()
        && value.len() <= MAX_HOST_BYTES
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if named || value.parse::<IpAddr>().is_ok() {
        return Ok(value.to_owned());
    }
    Err(invalid(
        setting,
        format!(
            "`{value}` is neither a host name nor an IP address; give it without scheme, port and path, for example play.example.com"
        ),
    ))
}

fn land_types(given: &[String]) -> Result<Vec<LandType>, Invalid> {
    let setting = "land_type";
    let mut types: Vec<LandType> = Vec::new();
    for name in given {
        let land_type =
            LandType::parse(name).map_err(|error| invalid(setting, format!("`{name}` {error}")))?;
        if !types.contains(&land_type) {
            types.push(land_type);
        }
    }
    match types.len() {
        0 => Err(invalid(
            setting,
            "names no land type; give at least one, for example --land-type hero-defense",
        )),
        1..=MAX_LAND_TYPES => Ok(types),
        many => Err(invalid(setting, format!("names {many} land types; give at most {MAX_LAND_TYPES}"))),
    }
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>, Invalid> {
    let wrong = |message: String| invalid("label", message);
    let mut labels = BTreeMap::new();
    for label in given {
        let Some((name, value)) = label.split_once('=') else {
            return Err(wrong(format!("`{label}` has no value; write name=value, for example tier=gold")));
        };
        ids::check(name).map_err(|error| wrong(format!("the name of `{label}` {error}")))?;
        if !value.is_empty() {
            ids::check(value).map_err(|error| wrong(format!("the value of `{name}` {error}")))?;
        }
        if labels.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(wrong(format!("`{name}` is given twice; give each label once")));
        }
    }
    if labels.len() > MAX_LABELS {
        return Err(wrong(format!("there are {} labels; give at most {MAX_LABELS}", labels.len())));
    }
    Ok(labels)
}

fn drain_timeout_ms(config: &Config) -> Result<u64, Invalid> {
    if config.drain_timeout > LONGEST_DRAIN {
        return Err(invalid("drain_timeout", "is out of range; give 0s to 7d"));
    }
    Ok(u64::try_from(config.drain_timeout.as_millis()).unwrap_or(u64::MAX))
}

fn mode(config: &Config) -> Result<Mode, Invalid> {
    let lifetime = config.auto_land_lifetime;
    if !LIFETIMES.contains(&lifetime) {
        return Err(invalid("auto_land_lifetime", "is out of range; give 1s to 30d"));
    }
    Ok(match config.lands {
        Lands::Report => Mode::Report,
        Lands::Auto => Mode::Auto { lifetime_ms: u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flags: &[&str]) -> Result<Server, String> {
        let required = ["--server-id", "game-1", "--port", "7001", "--land-type", "arena,duel"];
        let config: Config = runtime::config::defaults(&[&required[..], flags].concat());
        Server::check(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn usable_settings_are_taken_as_they_are() {
        let flags =
            ["--label", "tier=gold", "--label", "beta=", "--connect-host", "::1", "--land-type", "arena"];
        let server = check(&flags).unwrap();
        assert_eq!(server.land_types.len(), 2, "a land type given twice is one land type");
        assert_eq!(server.labels["tier"], "gold");
        assert_eq!((server.connect_host.as_str(), server.capacity), ("::1", 100));
        assert_eq!(server.mode, Mode::Report);
        let auto = check(&["--lands", "auto", "--auto-land-lifetime", "5m"]).unwrap();
        assert_eq!(auto.mode, Mode::Auto { lifetime_ms: 300_000 });
    }

    #[test]
    fn a_game_server_may_be_given_with_its_own_flags() {
        let server = check(&["--exec", "--", "./game", "--port", "7001", "--", "x"]).unwrap();
        assert_eq!(server.exec.unwrap().command, ["./game", "--port", "7001", "--", "x"]);
        assert!(check(&[]).unwrap().exec.is_none());
    }

    #[test]
    fn an_unusable_setting_is_named() {
        let long = "x".repeat(129);
        let too_many: String = (0..40).map(|n| format!("t{n},")).collect();
        let cases: &[(&[&str], &str)] = &[
            (&["--http-addr", "0.0.0.0:9358"], "http_addr: 0.0.0.0:9358 is reachable"),
            (&["--host", "http://a"], "host: `http://a` is neither"),
            (&["--connect-host", "a/b"], "connect_host: `a/b` is neither"),
            (&["--connect-host", ""], "connect_host: `` is neither"),
            (&["--region", &long], "region: has 129 bytes"),
            (&["--game-version", "a\u{7}"], "game_version: holds a control character"),
            (&["--land-type", &long], "land_type: "),
            (&["--land-type", too_many.trim_end_matches(',')], "land_type: names 42"),
            (&["--label", "tier"], "label: `tier` has no value"),
            (&["--label", "=x"], "label: the name of `=x` is empty"),
            (&["--label", "a=1", "--label", "a=2"], "label: `a` is given twice"),
            (&["--auto-land-lifetime", "10ms"], "auto_land_lifetime: is out of range"),
            (&["--exec"], "exec: names no program"),
            (&["--exec-kill-after", "2h", "--exec", "--", "game"], "exec_kill_after: is out of range"),
            (&["--drain-timeout", "8d"], "drain_timeout: is out of range"),
            (&["--token-issuer", ""], "token_issuer: is empty"),
        ];
        for (flags, expected) in cases {
            let error = check(flags).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
