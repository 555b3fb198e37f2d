//! One connection, to a server or a cluster, and how one is made.

use std::sync::Arc;

use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo,
    IntoConnectionInfo as _, Pipeline, ProtocolVersion, RedisConnectionInfo, RedisFuture, RedisResult,
    TlsCertificates, TlsMode, Value,
    aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    sentinel::{SentinelClientBuilder, SentinelServerType},
};

use super::settings::{RedisSettings, RedisTopology};

/// Calls that wait in a connection before it takes no more at once.
const CALLS_AHEAD: usize = 4_096;

/// A connection that many callers share; a clone is the same one.
#[derive(Clone)]
pub(super) enum Connection {
    /// To one server.
    Server(MultiplexedConnection),
    /// To every node of a cluster; it finds its nodes again by itself.
    Cluster(ClusterConnection),
}

/// Who hears what the server sends unasked, and that the connection has ended. Called where the connection is read: it must
/// not block.
pub(super) type Listener = Arc<dyn AsyncPushSender>;

/// Connects, to the master that the Sentinels name where there are some.
pub(super) async fn connect(settings: &RedisSettings, listener: Listener) -> RedisResult<Connection> {
    let addresses = || settings.addresses.iter().map(|address| address_of(settings, address));
    match &settings.topology {
        RedisTopology::Single => {
            let mut addresses = addresses();
            let first = addresses.next().ok_or_else(no_address)?.into_connection_info()?;
            let info = first.set_redis_settings(login(settings));
            open(client(settings, info)?, settings, listener).await
        }
        RedisTopology::Sentinel { master } => {
            let mut builder = SentinelClientBuilder::new(addresses(), master, SentinelServerType::Master)?
                .set_client_to_redis_protocol(ProtocolVersion::RESP3)
                .set_client_to_redis_db(settings.database);
            if let Some(username) = &settings.username {
                builder = builder.set_client_to_redis_username(username);
            }
            if let Some(password) = &settings.password {
                builder = builder.set_client_to_redis_password(password.reveal());
            }
            if let Some(certificates) = certificates(settings) {
                builder = builder
                    .set_client_to_redis_tls_mode(TlsMode::Secure)
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                    .set_client_to_sentinel_certificates(certificates);
            }
            open(builder.build()?.async_get_client().await?, settings, listener).await
        }
        RedisTopology::Cluster => {
            let nodes = addresses()
                .map(|address| Ok(address.into_connection_info()?.set_redis_settings(login(settings))));
            let mut builder = ClusterClientBuilder::new(nodes.collect::<RedisResult<Vec<ConnectionInfo>>>()?)
                .use_protocol(ProtocolVersion::RESP3)
                .connection_timeout(settings.connection_timeout)
                .response_timeout(settings.response_timeout)
                .overall_response_timeout(Some(settings.response_timeout))
                .push_sender(listener);
            if let Some(certificates) = certificates(settings) {
                builder = builder.tls(TlsMode::Secure).certs(certificates);
            }
            Ok(Connection::Cluster(builder.build()?.get_async_connection().await?))
        }
    }
}

async fn open(client: Client, settings: &RedisSettings, listener: Listener) -> RedisResult<Connection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connection_timeout))
        .set_response_timeout(Some(settings.response_timeout))
        .set_pipeline_buffer_size(CALLS_AHEAD)
        .set_push_sender(listener);
    Ok(Connection::Server(client.get_multiplexed_async_connection_with_config(&config).await?))
}

fn client(settings: &RedisSettings, info: ConnectionInfo) -> RedisResult<Client> {
    match certificates(settings) {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}

fn address_of(settings: &RedisSettings, (host, port): &(String, u16)) -> ConnectionAddr {
    match settings.tls {
        Some(_) => {
            ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None }
        }
        None => ConnectionAddr::Tcp(host.clone(), *port),
    }
}

fn login(settings: &RedisSettings) -> RedisConnectionInfo {
    let mut login =
        RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3).set_db(settings.database);
    if let Some(username) = &settings.username {
        login = login.set_username(username);
    }
    if let Some(password) = &settings.password {
        login = login.set_password(password.reveal());
    }
    login
}

fn certificates(settings: &RedisSettings) -> Option<TlsCertificates> {
    let tls = settings.tls.as_ref()?;
    let client_tls = tls.client.as_ref().map(|(certificate, key)| ClientTlsConfig {
        client_cert: certificate.clone(),
        client_key: key.reveal().as_bytes().to_vec(),
    });
    Some(TlsCertificates { client_tls, root_cert: tls.root_certificate.clone() })
}

fn no_address() -> redis::RedisError {
    (redis::ErrorKind::InvalidClientConfig, "there is no address").into()
}

impl Connection {
    /// Answers to commands that needn't be of one slot, in their order. One round trip.
    pub(super) async fn all(&mut self, commands: Vec<Cmd>) -> RedisResult<Vec<Value>> {
        match self {
            Self::Server(server) => {
                let mut pipeline = Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(command);
                }
                pipeline.query_async(server).await
            }
            Self::Cluster(cluster) => {
                let calls = commands.into_iter().map(|command| {
                    let mut cluster = cluster.clone();
                    async move { command.query_async(&mut cluster).await }
                });
                futures_util::future::try_join_all(calls).await
            }
        }
    }

    /// From the answer on, the channel's messages come to the listener.
    pub(super) async fn subscribe(&mut self, channel: &str, sharded: bool) -> RedisResult<()> {
        match (self, sharded) {
            (Self::Cluster(cluster), true) => cluster.ssubscribe(channel).await,
            (Self::Cluster(cluster), false) => cluster.subscribe(channel).await,
            (Self::Server(server), _) => {
                let name = if sharded { "SSUBSCRIBE" } else { "SUBSCRIBE" };
                redis::cmd(name).arg(channel).query_async::<Value>(server).await.map(drop)
            }
        }
    }

    /// Ends a sharded subscription.
    pub(super) async fn unsubscribe(&mut self, channel: &str) -> RedisResult<()> {
        match self {
            Self::Cluster(cluster) => cluster.sunsubscribe(channel).await,
            Self::Server(server) => {
                redis::cmd("SUNSUBSCRIBE").arg(channel).query_async::<Value>(server).await.map(drop)
            }
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}
