//! Several game servers behind one agent: a `[[server]]` table of the configuration file for each.
//!
//! A table is what differs from the other settings, by the same names. So one agent speaks for all processes of a machine, and
//! what they share (the control plane, the log) is said once.

use std::{collections::HashSet, net::SocketAddr};

use runtime::config::{FileSections, Invalid};
use serde::Deserialize;

use super::{Config, Lands, Scheme, Server, server::invalid};
use crate::exec::Restart;

/// The `[[server]]` tables of a configuration file.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Servers {
    /// In the order of the file.
    #[serde(default)]
    pub server: Vec<ServerTable>,
}

impl FileSections for Servers {
    const NAMES: &'static [&'static str] = &["server"];
}

/// One of them. What is absent is as in the settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerTable {
    server_id: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    land_type: Option<Vec<String>>,
    region: Option<String>,
    capacity: Option<u32>,
    player_capacity: Option<u32>,
    connect_host: Option<String>,
    connect_port: Option<u16>,
    connect_scheme: Option<Scheme>,
    label: Option<Vec<String>>,
    game_version: Option<String>,
    lands: Option<Lands>,
    http_addr: Option<SocketAddr>,
    grpc_addr: Option<SocketAddr>,
    exec: Option<Vec<String>>,
    exec_restart: Option<Restart>,
}

impl Config {
    /// The settings of each server: one for each table, or these themselves where there are none.
    ///
    /// # Errors
    /// Names the table and its setting.
    pub fn each(self, servers: Servers) -> Result<Vec<Self>, Invalid> {
        if servers.server.is_empty() {
            return Ok(vec![self]);
        }
        if self.server_id.is_some() {
            return Err(invalid("server_id", "is given beside [[server]] tables, which name their own"));
        }
        let (mut names, mut addrs) = (HashSet::new(), HashSet::new());
        let mut all = Vec::with_capacity(servers.server.len());
        for (place, table) in servers.server.into_iter().enumerate() {
            let at = |field: &str| format!("server[{place}].{field}");
            let config = self.clone().with(table, &at)?;
            Server::check(&config).map_err(|error| invalid(&at(&error.setting), error.message))?;
            if !names.insert(config.server_id.clone()) {
                return Err(invalid(&at("server_id"), "is that of another table; give each its own"));
            }
            for (field, addr) in
                [("http_addr", Some(config.local_http_addr())), ("grpc_addr", config.local_grpc_addr())]
            {
                if addr.is_some_and(|addr| addr.port() != 0 && !addrs.insert(addr)) {
                    return Err(invalid(&at(field), "is given twice; give each listener its own port"));
                }
            }
            all.push(config);
        }
        Ok(all)
    }

    fn with(mut self, table: ServerTable, at: &impl Fn(&str) -> String) -> Result<Self, Invalid> {
        let Some(http_addr) = table.http_addr else {
            return Err(invalid(&at("http_addr"), "is missing; each server needs a listener of its own"));
        };
        // The words of Agones move the one port that there is without tables.
        (self.agones_sdk_http_port, self.agones_sdk_grpc_port) = (None, None);
        (self.http_addr, self.grpc_addr) = (http_addr, table.grpc_addr);
        self.server_id = table.server_id;
        self.port = table.port;
        self.host = table.host.unwrap_or(self.host);
        self.land_type = table.land_type.unwrap_or(self.land_type);
        self.capacity = table.capacity.unwrap_or(self.capacity);
        self.label = table.label.unwrap_or(self.label);
        self.lands = table.lands.unwrap_or(self.lands);
        self.exec_restart = table.exec_restart.unwrap_or(self.exec_restart);
        self.region = table.region.or(self.region);
        self.player_capacity = table.player_capacity.or(self.player_capacity);
        self.connect_host = table.connect_host.or(self.connect_host);
        self.connect_port = table.connect_port.or(self.connect_port);
        self.connect_scheme = table.connect_scheme.or(self.connect_scheme);
        self.game_version = table.game_version.or(self.game_version);
        self.exec = table.exec.or(self.exec);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(flags: &[&str], file: &[&str]) -> Result<Vec<Config>, String> {
        let table = |text: &&str| toml(text);
        let servers = Servers { server: file.iter().map(table).collect() };
        let config: Config = runtime::config::defaults(flags);
        config.each(servers).map_err(|error| error.to_string())
    }

    /// `name = value` pairs as JSON has them: what reads a table doesn't care.
    fn toml(json: &str) -> ServerTable {
        serde_json::from_str(json).unwrap()
    }

    const ONE: &str = r#"{"server_id":"a","port":1,"land_type":["arena"],"http_addr":"127.0.0.1:9401"}"#;

    #[test]
    fn a_table_is_what_differs_from_the_settings() {
        let two = r#"{"server_id":"b","port":2,"capacity":3,"http_addr":"127.0.0.1:9402","grpc_addr":"127.0.0.1:9403","exec":["x"],"exec_restart":"on-failure"}"#;
        let all = each(&["--land-type", "duel", "--region", "eu", "--capacity", "9"], &[ONE, two]).unwrap();
        let of = |n: usize| Server::check(&all[n]).unwrap();
        assert_eq!((of(0).land_types[0].as_str(), of(1).land_types[0].as_str()), ("arena", "duel"));
        assert_eq!((of(0).capacity, of(1).capacity, of(1).region.as_str()), (9, 3, "eu"));
        assert_eq!((of(0).exec.is_some(), of(1).exec.unwrap().restart), (false, Restart::OnFailure));
        assert_eq!(all[0].local_grpc_addr(), None);
        let alone = each(&["--server-id", "a", "--port", "1", "--land-type", "arena"], &[]).unwrap();
        assert_eq!(alone.len(), 1);
    }

    #[test]
    fn an_unusable_table_is_named_with_its_setting() {
        let same_port = r#"{"server_id":"b","port":2,"land_type":["x"],"http_addr":"127.0.0.1:9401"}"#;
        let cases: &[(&[&str], &[&str], &str)] = &[
            (&["--server-id", "a"], &[ONE], "server_id: is given beside"),
            (&[], &[ONE, ONE], "server[1].server_id: is that of another"),
            (&[], &[ONE, same_port], "server[1].http_addr: is given twice"),
            (&[], &[r#"{"server_id":"a","port":1}"#], "server[0].http_addr: is missing"),
            (&[], &[r#"{"server_id":"a","http_addr":"127.0.0.1:1"}"#], "server[0].port: is missing"),
            (&[], &[r#"{"port":1,"http_addr":"127.0.0.1:1"}"#], "server[0].server_id: is missing"),
            (
                &[],
                &[r#"{"server_id":"a","port":1,"land_type":["x"],"http_addr":"0.0.0.0:1"}"#],
                "server[0].http_addr: 0.0.0.0:1 is reachable",
            ),
            (
                &[],
                &[r#"{"server_id":"a","port":1,"land_type":["x"],"capacity":0,"http_addr":"127.0.0.1:1"}"#],
                "server[0].capacity: ",
            ),
        ];
        for (flags, file, expected) in cases {
            let error = each(flags, file).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(serde_json::from_str::<ServerTable>(r#"{"porrt":1}"#).is_err());
    }
}
