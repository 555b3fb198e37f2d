//! The connection that calls go through: one, shared, replaced when it is lost.
//!
//! A call never waits for a connection. While there is none it fails at once, and so the whole program keeps its pace while
//! Redis is away; a call that is under way fails with its connection or its timeout. Nothing is sent again by itself: whoever
//! calls knows whether that is wanted.

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use redis::{
    Cmd, ErrorKind, FromRedisValue, PushInfo, PushKind, RedisError, RedisResult, ServerErrorKind, Value,
};
use tokio::sync::Notify;

use super::{
    connection::{Connection, connect},
    scripts::Script,
    settings::RedisSettings,
};
use crate::StorageError;

/// How long to wait before connecting again, at first and at most.
pub(super) const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// See the file's header.
pub(super) struct Link {
    settings: RedisSettings,
    // Held to copy or replace a handle, never over an await.
    current: RwLock<Current>,
    /// The connection is lost, or doubtful.
    trouble: Notify,
}

#[derive(Default)]
struct Current {
    connection: Option<Connection>,
    /// Which one it is, so that news of an old one's end doesn't end the next.
    id: u64,
    /// There will be none any more.
    closed: bool,
}

impl Link {
    /// Connects once.
    pub(super) async fn open(settings: RedisSettings) -> RedisResult<Arc<Self>> {
        let link = Arc::new(Self { settings, current: RwLock::default(), trouble: Notify::new() });
        link.connect().await?;
        Ok(link)
    }

    /// Connects again whenever that is needed. Never ends.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            if self.connection().is_err() {
                self.reconnect().await;
            }
            self.trouble.notified().await;
            // A server that is silent may be busy, and a connection to one that is cut off says nothing by itself.
            if let Ok((_, id)) = self.connection()
                && let Err(error) = self.call::<Value>(redis::cmd("PING")).await
            {
                tracing::debug!(%error, "the connection to Redis doesn't answer");
                self.lost(id);
            }
        }
    }

    async fn reconnect(self: &Arc<Self>) {
        tracing::warn!("the connection to Redis is lost");
        let mut pause = PAUSES.0;
        while let Err(error) = self.connect().await {
            tracing::debug!(%error, "Redis can't be reached");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
        tracing::info!("connected to Redis again");
    }

    async fn connect(self: &Arc<Self>) -> RedisResult<()> {
        let id = self.current.read().id + 1;
        let link = Arc::downgrade(self);
        let listener = move |push: PushInfo| -> Result<(), redis::aio::SendError> {
            if push.kind == PushKind::Disconnection {
                link.upgrade().as_deref().inspect(|link| link.ended(id));
            }
            Ok(())
        };
        let mut connection = connect(&self.settings, Arc::new(listener)).await?;
        // A server that still loads its data answers with an error.
        redis::cmd("PING").query_async::<Value>(&mut connection).await?;
        let mut current = self.current.write();
        if !current.closed {
            *current = Current { connection: Some(connection), id, closed: false };
        }
        Ok(())
    }

    /// Lets go of the connection, for good.
    pub(super) fn close(&self) {
        let mut current = self.current.write();
        (current.connection, current.closed) = (None, true);
    }

    /// One command.
    pub(super) async fn call<T: FromRedisValue>(&self, command: Cmd) -> Result<T, StorageError> {
        let (mut connection, id) = self.connection()?;
        command.query_async(&mut connection).await.map_err(|error| self.failed(id, &error))
    }

    /// Several commands in one round trip; each is its own transition.
    pub(super) async fn all(&self, commands: Vec<Cmd>) -> Result<Vec<Value>, StorageError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let (mut connection, id) = self.connection()?;
        connection.all(commands).await.map_err(|error| self.failed(id, &error))
    }

    /// One script, by its name where the server knows it.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[&str],
    ) -> Result<T, StorageError> {
        let (mut connection, id) = self.connection()?;
        let mut ran: RedisResult<T> = script.by_name(keys, args).query_async(&mut connection).await;
        if ran.as_ref().is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)) {
            ran = script.by_text(keys, args).query_async(&mut connection).await;
        }
        ran.map_err(|error| self.failed(id, &error))
    }

    /// A copy of the connection, for what the link doesn't offer.
    pub(super) fn connection(&self) -> Result<(Connection, u64), StorageError> {
        let current = self.current.read();
        let connection = current.connection.clone();
        connection
            .map(|connection| (connection, current.id))
            .ok_or_else(|| StorageError::Unavailable("there is no connection to Redis".to_owned()))
    }

    fn failed(&self, id: u64, error: &RedisError) -> StorageError {
        // A server that became a replica refuses writes: the master is elsewhere now.
        let demoted = matches!(
            error.kind(),
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
        );
        if error.is_unrecoverable_error() || demoted {
            self.ended(id);
        } else if error.is_timeout() {
            self.trouble.notify_one();
        }
        StorageError::Unavailable(format!("Redis: {error}"))
    }

    /// A cluster's connection finds its nodes again by itself; a server's is over.
    fn ended(&self, id: u64) {
        if !matches!(self.current.read().connection, Some(Connection::Cluster(_))) {
            self.lost(id);
        }
    }

    fn lost(&self, id: u64) {
        let mut current = self.current.write();
        if current.id == id {
            current.connection = None;
            self.trouble.notify_one();
        }
    }

    pub(super) fn settings(&self) -> &RedisSettings {
        &self.settings
    }
}
