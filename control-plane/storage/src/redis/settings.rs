//! How to reach Redis.

use std::{fmt, time::Duration};

use redis::{ConnectionAddr, IntoConnectionInfo as _};

use super::RedisOpenError;

/// How to reach Redis, Valkey, a Sentinel's master or a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Host and port of the server; of some nodes of a cluster; of the Sentinels. At least one.
    pub addresses: Vec<(String, u16)>,
    /// Which of these it is.
    pub topology: RedisTopology,
    /// For a server with users (ACL).
    pub username: Option<String>,
    /// Not for the Sentinels.
    pub password: Option<RedisPassword>,
    /// Not 0 only where it isn't a cluster.
    pub database: i64,
    /// Before every key and channel; so that several programs, or several of this, share a server. Has no braces.
    pub prefix: String,
    /// `None`: unencrypted.
    pub tls: Option<RedisTls>,
    /// How long a call waits for an answer before it fails.
    pub response_timeout: Duration,
    /// How long one attempt to connect may take.
    pub connection_timeout: Duration,
    /// Refuse a server that keeps nothing on its disk. Off only where something else keeps what is acknowledged.
    pub require_persistence: bool,
}

/// What stands at the addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisTopology {
    /// One server.
    Single,
    /// The Sentinels that know where this master is.
    Sentinel {
        /// The master's name.
        master: String,
    },
    /// Nodes of a Redis Cluster.
    Cluster,
}

/// What to trust, and what to prove who this is with. Empty: the system's certificates, and nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedisTls {
    /// The authority that signed the server's certificate, as PEM.
    pub root_certificate: Option<Vec<u8>>,
    /// This program's certificate, and its key, as PEM.
    pub client: Option<(Vec<u8>, RedisPassword)>,
}

/// A secret: it doesn't show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisPassword(String);

impl RedisPassword {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RedisPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            addresses: vec![("127.0.0.1".to_owned(), 6379)],
            topology: RedisTopology::Single,
            username: None,
            password: None,
            database: 0,
            prefix: "muster:".to_owned(),
            tls: None,
            response_timeout: Duration::from_secs(1),
            connection_timeout: Duration::from_secs(1),
            require_persistence: true,
        }
    }
}

impl RedisSettings {
    /// Takes `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS; several, comma-separated, name
    /// several nodes or Sentinels, and the first says the rest.
    ///
    /// # Errors
    /// Text that is no such URL; the error doesn't repeat it, for it may hold a password.
    pub fn from_urls(urls: &str) -> Result<Self, RedisOpenError> {
        let mut settings = Self { addresses: Vec::new(), ..Self::default() };
        for (index, url) in urls.split(',').map(str::trim).enumerate() {
            let refused = |why: &str| RedisOpenError::Settings(format!("URL {} {why}", index + 1));
            let known = ["redis://", "rediss://", "valkey://", "valkeys://"];
            if !known.iter().any(|scheme| url.starts_with(scheme)) || url.contains('#') {
                return Err(refused(
                    "must be redis://[user[:password]@]host[:port][/database], or rediss://…",
                ));
            }
            let info = url
                .into_connection_info()
                .map_err(|_| refused("has no host, or a wrong port or database"))?;
            let (address, tls) = match info.addr() {
                ConnectionAddr::Tcp(host, port) => ((host.clone(), *port), false),
                ConnectionAddr::TcpTls { host, port, .. } => ((host.clone(), *port), true),
                _ => return Err(refused("names no host")),
            };
            settings.addresses.push(address);
            if index == 0 {
                let redis = info.redis_settings();
                settings.username = redis.username().map(str::to_owned);
                settings.password = redis.password().map(RedisPassword::new);
                settings.database = redis.db();
                settings.tls = tls.then(RedisTls::default);
            } else if tls != settings.tls.is_some() {
                return Err(refused("must be encrypted where the first one is, and only there"));
            }
        }
        Ok(settings)
    }

    pub(super) fn check(&self) -> Result<(), RedisOpenError> {
        let refused = |why: &str| Err(RedisOpenError::Settings(why.to_owned()));
        match () {
            () if self.addresses.is_empty() => refused("there is no address"),
            () if self.prefix.contains(['{', '}']) => refused("the key prefix must not contain braces"),
            () if self.topology == RedisTopology::Cluster && self.database != 0 => {
                refused("a cluster has database 0 only")
            }
            () if self.response_timeout.is_zero() || self.connection_timeout.is_zero() => {
                refused("a timeout must be longer than nothing")
            }
            () => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_as_whom() {
        let settings = RedisSettings::from_urls("rediss://me:se%2Fcret@r1:7000/3, rediss://r2").unwrap();
        assert_eq!(settings.addresses, [("r1".to_owned(), 7000), ("r2".to_owned(), 6379)]);
        assert_eq!(settings.username.as_deref(), Some("me"));
        assert_eq!(settings.password, Some(RedisPassword::new("se/cret")));
        assert_eq!(settings.database, 3);
        assert!(settings.tls.is_some());
        assert!(!format!("{settings:?}").contains("cret"), "{settings:?}");
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_repeated() {
        for bad in [
            "",
            "secret",
            "redis+unix:///s",
            "redis://h:secret",
            "redis://h/x",
            "redis://h,rediss://h",
            "rediss://h/#insecure",
        ] {
            let error = RedisSettings::from_urls(bad).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let cluster = RedisSettings { topology: RedisTopology::Cluster, database: 1, ..Default::default() };
        let braces = RedisSettings { prefix: "{a}".to_owned(), ..Default::default() };
        let nowhere = RedisSettings { addresses: Vec::new(), ..Default::default() };
        for settings in [cluster, braces, nowhere] {
            assert!(settings.check().is_err(), "{settings:?}");
        }
        assert_eq!(RedisSettings::default().check(), Ok(()));
    }
}
