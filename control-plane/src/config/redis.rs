//! How to reach Redis, with `--state redis`.

use std::{path::PathBuf, time::Duration};

use runtime::config::{Invalid, duration};
use storage::{RedisSettings, RedisTls, RedisTopology};

/// The settings of `--state redis`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Redis")]
pub struct Redis {
    /// With `--state redis`: `redis://[user[:password]@]host[:port][/database]`, or `rediss://…` for TLS. Several, separated by
    /// commas, name nodes of a cluster or Sentinels.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// The short form: the host alone.
    #[arg(long, env = "REDIS_HOST", conflicts_with = "redis_url")]
    pub redis_host: Option<String>,
    /// The port beside `--redis-host`.
    #[arg(long, env = "REDIS_PORT", default_value_t = 6379)]
    pub redis_port: u16,
    /// What stands at the addresses.
    #[arg(long, env = "REDIS_TOPOLOGY", default_value = "single", value_enum)]
    pub redis_topology: Topology,
    /// The name of the master that the Sentinels know.
    #[arg(long, env = "REDIS_MASTER", default_value = "mymaster")]
    pub redis_master: String,
    /// What comes before every key and channel, so that several installations can share a server.
    #[arg(long, env = "REDIS_PREFIX", default_value = "muster:")]
    pub redis_prefix: String,
    /// The authority that signed the server's certificate (PEM), where the system doesn't know it.
    #[arg(long, env = "REDIS_CA")]
    pub redis_ca: Option<PathBuf>,
    /// How long a call waits for an answer before it fails.
    #[arg(long, env = "REDIS_TIMEOUT", default_value = "1s", value_parser = duration)]
    pub redis_timeout: Duration,
}

/// What stands at the addresses of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Topology {
    /// One server.
    Single,
    /// Sentinels that know where the master is.
    Sentinel,
    /// Nodes of a cluster.
    Cluster,
}

impl Redis {
    /// What the storage needs to connect.
    pub(crate) fn settings(&self) -> Result<RedisSettings, Invalid> {
        let mut settings = match (&self.redis_url, &self.redis_host) {
            (Some(url), _) => {
                RedisSettings::from_urls(url).map_err(|error| Invalid::new("redis_url", error.to_string()))?
            }
            (None, Some(host)) => {
                RedisSettings { addresses: vec![(host.clone(), self.redis_port)], ..RedisSettings::default() }
            }
            (None, None) => {
                let message = "is required with state = redis, for example redis://127.0.0.1:6379";
                return Err(Invalid::new("redis_url", message));
            }
        };
        settings.topology = match self.redis_topology {
            Topology::Single => RedisTopology::Single,
            Topology::Sentinel => RedisTopology::Sentinel { master: self.redis_master.clone() },
            Topology::Cluster => RedisTopology::Cluster,
        };
        settings.prefix.clone_from(&self.redis_prefix);
        settings.response_timeout = self.redis_timeout;
        settings.connection_timeout = self.redis_timeout;
        if let Some(path) = &self.redis_ca {
            let root = std::fs::read(path).map_err(|error| {
                Invalid::new("redis_ca", format!("can't read {}: {error}", path.display()))
            })?;
            let tls = settings.tls.get_or_insert_with(RedisTls::default);
            tls.root_certificate = Some(root);
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use storage::RedisPassword;

    use super::*;
    use crate::Config;

    fn redis(change: impl FnOnce(&mut Redis)) -> Result<RedisSettings, String> {
        let mut config: Config = runtime::config::defaults(&[]);
        change(&mut config.redis);
        config.redis.settings().map_err(|error| error.to_string())
    }

    #[test]
    fn the_url_or_its_short_form_says_where() {
        let by_url = redis(|redis| redis.redis_url = Some("redis://me:secret@r:7000/2".to_owned())).unwrap();
        assert_eq!((by_url.addresses[0].clone(), by_url.database), (("r".to_owned(), 7000), 2));
        assert_eq!(by_url.password, Some(RedisPassword::new("secret")));
        let by_host = redis(|redis| redis.redis_host = Some("r".to_owned())).unwrap();
        assert_eq!(by_host.addresses, [("r".to_owned(), 6379)]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_without_its_secret() {
        assert!(redis(|_| ()).unwrap_err().starts_with("redis_url: is required"));
        let bad = redis(|redis| redis.redis_url = Some("http://me:secret@r".to_owned())).unwrap_err();
        assert!(bad.starts_with("redis_url: ") && !bad.contains("secret"), "{bad}");
        let bad = redis(|redis| {
            redis.redis_host = Some("r".to_owned());
            redis.redis_ca = Some("/nowhere.pem".into());
        });
        assert!(bad.unwrap_err().starts_with("redis_ca: can't read /nowhere.pem"));
    }
}
