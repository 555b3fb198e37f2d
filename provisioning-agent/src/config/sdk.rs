//! What a game server that speaks the Agones SDK is promised, and where it finds it, after every setting was found usable.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use runtime::config::Invalid;

use super::{Config, GRPC_ADDR, HTTP_ADDR, server::invalid};
use crate::{
    ids,
    machine::{HealthTerms, MOST_VALUES, ROOMS, SdkTerms},
};

/// The most counters, and the most lists.
const MOST: usize = 64;
const PERIODS: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60 * 60);

impl Config {
    /// Where the local API listens.
    pub fn local_http_addr(&self) -> SocketAddr {
        with_port(self.http_addr, self.agones_sdk_http_port)
    }

    /// Where the Agones SDK is served by gRPC, where it is. An agent whose other port was moved away from the known place
    /// shares its machine with others, and only one of them can have this one.
    pub fn local_grpc_addr(&self) -> Option<SocketAddr> {
        let unmoved = self.http_addr == HTTP_ADDR || self.agones_sdk_grpc_port.is_some();
        let addr = self.grpc_addr.or(unmoved.then_some(GRPC_ADDR))?;
        Some(with_port(addr, self.agones_sdk_grpc_port))
    }
}

fn with_port(mut addr: SocketAddr, port: Option<u16>) -> SocketAddr {
    if let Some(port) = port {
        addr.set_port(port);
    }
    addr
}

pub(super) fn terms(config: &Config) -> Result<SdkTerms, Invalid> {
    let period = config.health_period;
    if !period.is_zero() && !PERIODS.contains(&period) {
        return Err(invalid("health_period", "is out of range; give 100ms to 1h, or 0s for none"));
    }
    let counters = named("sdk_counter", &config.sdk_counter, i64::MAX)?;
    if counters.contains_key(ROOMS) {
        return Err(invalid("sdk_counter", "`rooms` is the lands; its capacity is --capacity"));
    }
    Ok(SdkTerms {
        lands: config.sdk_lands,
        health: HealthTerms {
            period_ms: u64::try_from(period.as_millis()).unwrap_or(u64::MAX),
            failures: config.health_failures,
        },
        counters,
        lists: named("sdk_list", &config.sdk_list, MOST_VALUES)?,
    })
}

/// `name=capacity`, each name once.
fn named(setting: &str, given: &[String], most: i64) -> Result<BTreeMap<String, i64>, Invalid> {
    let mut all = BTreeMap::new();
    for text in given {
        let Some((name, capacity)) = text.split_once('=') else {
            let message = format!("`{text}` has no capacity; write name=capacity, for example rounds=10");
            return Err(invalid(setting, message));
        };
        ids::check(name).map_err(|error| invalid(setting, format!("the name of `{text}` {error}")))?;
        let capacity = capacity.parse().ok().filter(|capacity| (0..=most).contains(capacity));
        let Some(capacity) = capacity else {
            return Err(invalid(setting, format!("the capacity of `{text}` is no number from 0 to {most}")));
        };
        if all.insert(name.to_owned(), capacity).is_some() {
            return Err(invalid(setting, format!("`{name}` is given twice; give each once")));
        }
    }
    if all.len() > MOST {
        return Err(invalid(setting, format!("there are {}; give at most {MOST}", all.len())));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Server;

    fn config(flags: &[&str]) -> Config {
        let required = ["--server-id", "game-1", "--port", "7001", "--land-type", "arena"];
        runtime::config::defaults(&[&required[..], flags].concat())
    }

    #[test]
    fn the_known_places_and_how_to_move_them() {
        let places = |flags: &[&str]| {
            let config = config(flags);
            (config.local_http_addr().to_string(), config.local_grpc_addr().map(|addr| addr.to_string()))
        };
        let at = |http: &str, grpc: Option<&str>| (http.to_owned(), grpc.map(str::to_owned));
        assert_eq!(places(&[]), at("127.0.0.1:9358", Some("127.0.0.1:9357")));
        assert_eq!(places(&["--http-addr", "127.0.0.1:0"]), at("127.0.0.1:0", None));
        let both = ["--http-addr", "127.0.0.1:0", "--grpc-addr", "[::1]:0"];
        assert_eq!(places(&both), at("127.0.0.1:0", Some("[::1]:0")));
        let agones = ["--agones-sdk-http-port", "19358", "--agones-sdk-grpc-port", "19357"];
        assert_eq!(places(&agones), at("127.0.0.1:19358", Some("127.0.0.1:19357")));
    }

    #[test]
    fn an_unusable_setting_is_named() {
        let cases: &[(&[&str], &str)] = &[
            (&["--grpc-addr", "0.0.0.0:9357"], "grpc_addr: 0.0.0.0:9357 is reachable"),
            (&["--health-period", "99ms"], "health_period: is out of range"),
            (&["--sdk-counter", "rooms=3"], "sdk_counter: `rooms` is the lands"),
            (&["--sdk-counter", "rounds"], "sdk_counter: `rounds` has no capacity"),
            (&["--sdk-counter", "rounds=-1"], "sdk_counter: the capacity of `rounds=-1` is no number"),
            (&["--sdk-list", "maps=1001"], "sdk_list: the capacity of `maps=1001` is no number"),
            (&["--sdk-list", "maps=1,maps=2"], "sdk_list: `maps` is given twice"),
        ];
        for (flags, expected) in cases {
            let error = Server::check(&config(flags)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let terms = terms(&config(&["--sdk-list", "players=8", "--health-period", "0s"])).unwrap();
        assert_eq!((terms.lists["players"], terms.health.period_ms), (8, 0));
    }
}
