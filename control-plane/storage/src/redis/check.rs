//! What the server must be, looked at before anything is trusted to it.
//!
//! Refused: what is older than 7.0 (sharded channels, and `SET` with `NX` and `GET`), what may evict keys, and what keeps nothing on
//! its disk. Warned about: what keeps snapshots only, because a crash loses what came after the last one. Managed services forbid
//! `CONFIG`; where it is, their snapshots can't be seen, and that is said, not refused.

use redis::{
    InfoDict, Value,
    cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo},
};

use super::{connection::Connection, settings::RedisSettings};

/// Why there is no use in going on. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisOpenError {
    /// The settings can't be meant.
    #[error("the Redis settings are wrong: {0}")]
    Settings(String),
    /// It can't be reached, or doesn't let this program in.
    #[error("can't use Redis at {address}: {cause}")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// Why.
        cause: String,
    },
    /// It is too old.
    #[error("Redis is version {found}, and at least 7.0 is needed (any Valkey will do)")]
    TooOld {
        /// Its version.
        found: String,
    },
    /// It may throw tickets away.
    #[error("Redis has maxmemory-policy {found}, which may evict tickets; set it to noeviction")]
    Evicts {
        /// Its policy.
        found: String,
    },
    /// A restart would lose everything.
    #[error("Redis keeps nothing on its disk; set appendonly yes, or say that persistence is not required")]
    Volatile,
}

impl RedisOpenError {
    pub(super) fn unreachable(settings: &RedisSettings, error: &redis::RedisError) -> Self {
        let addresses: Vec<_> =
            settings.addresses.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        Self::Unreachable { address: addresses.join(", "), cause: error.to_string() }
    }
}

/// Looks at every server that holds data.
pub(super) async fn check(
    connection: &mut Connection,
    settings: &RedisSettings,
) -> Result<(), RedisOpenError> {
    let cause = |error: redis::RedisError| RedisOpenError::unreachable(settings, &error);
    for info in everywhere(connection, redis::cmd("INFO")).await.map_err(cause)? {
        let info: InfoDict = redis::from_redis_value(info).map_err(|error| cause(error.into()))?;
        let text = |field: &str| info.get::<String>(field);
        version(&text("redis_version").unwrap_or_default())?;
        eviction(&text("maxmemory_policy").unwrap_or_default())?;
        if text("aof_enabled").as_deref() == Some("1") {
            continue;
        }
        let mut saves = redis::cmd("CONFIG");
        saves.arg("GET").arg("save");
        let snapshots = match everywhere(connection, saves).await {
            Ok(saves) => Snapshots::of(&saves),
            Err(_) => Snapshots::Hidden,
        };
        persistence(snapshots, settings.require_persistence)?;
    }
    Ok(())
}

/// The answers of all servers that hold data.
async fn everywhere(connection: &mut Connection, command: redis::Cmd) -> redis::RedisResult<Vec<Value>> {
    match connection {
        Connection::Server(server) => Ok(vec![command.query_async(server).await?]),
        Connection::Cluster(cluster) => {
            let routing = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
            match cluster.route_command(command, routing).await? {
                Value::Map(answers) => Ok(answers.into_iter().map(|(_, answer)| answer).collect()),
                other => Ok(vec![other]),
            }
        }
    }
}

/// What can be seen of a server's snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Snapshots {
    Taken,
    None,
    Hidden,
}

impl Snapshots {
    /// From the answers to `CONFIG GET save`: on every server, or none.
    fn of(answers: &[Value]) -> Self {
        let taken = |answer: &Value| {
            let pairs = redis::from_redis_value_ref::<std::collections::HashMap<String, String>>(answer);
            pairs.is_ok_and(|pairs| pairs.get("save").is_some_and(|save| !save.is_empty()))
        };
        if answers.iter().all(taken) { Self::Taken } else { Self::None }
    }
}

fn version(found: &str) -> Result<(), RedisOpenError> {
    let major = found.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 7) {
        Ok(())
    } else {
        Err(RedisOpenError::TooOld { found: found.to_owned() })
    }
}

fn eviction(policy: &str) -> Result<(), RedisOpenError> {
    if policy == "noeviction" { Ok(()) } else { Err(RedisOpenError::Evicts { found: policy.to_owned() }) }
}

fn persistence(snapshots: Snapshots, required: bool) -> Result<(), RedisOpenError> {
    match (snapshots, required) {
        (Snapshots::None, true) => return Err(RedisOpenError::Volatile),
        (Snapshots::None, false) => {
            tracing::warn!("Redis keeps nothing on its disk: what keeps its data when it restarts?");
        }
        (Snapshots::Taken, _) => {
            tracing::warn!(
                "Redis takes snapshots only: a crash loses what came after the last; appendonly yes keeps it"
            );
        }
        (Snapshots::Hidden, _) => {
            tracing::warn!("Redis doesn't say whether it keeps its data: see to it that it does");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_refused_with_its_version() {
        for old in ["6.2.14", "5.0", ""] {
            assert_eq!(version(old), Err(RedisOpenError::TooOld { found: old.to_owned() }));
        }
        let text = version("6.2.14").unwrap_err().to_string();
        assert_eq!(text, "Redis is version 6.2.14, and at least 7.0 is needed (any Valkey will do)");
        for new in ["7.0.0", "7.2.4", "8.0.1", "10.0"] {
            assert_eq!(version(new), Ok(()));
        }
    }

    #[test]
    fn a_server_without_a_disk_is_refused_where_that_matters() {
        assert_eq!(persistence(Snapshots::None, true), Err(RedisOpenError::Volatile));
        assert_eq!(persistence(Snapshots::None, false), Ok(()));
        assert_eq!(persistence(Snapshots::Taken, true), Ok(()));
        assert_eq!(persistence(Snapshots::Hidden, true), Ok(()));
    }
}
