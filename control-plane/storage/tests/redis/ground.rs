//! What a test of the Redis storage stands on: one server for all tests of a program, and a prefix for each.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use storage::{Redis, RedisOpenError, RedisSettings, RedisTopology, Storage};
use tokio::{runtime::Runtime, task::AbortHandle};

use super::{cluster::Cluster, server::Server};

/// Runs the storages' upkeep, apart from the tests' own runtimes.
static UPKEEP: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
});
static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

/// The upkeep of one storage; it ends with this.
#[derive(Debug)]
pub(crate) struct Upkeep(AbortHandle);

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The shared server, with a prefix that no other test has.
pub(crate) fn settings() -> RedisSettings {
    at(SERVER.port)
}

pub(crate) fn at(port: u16) -> RedisSettings {
    static PREFIX: AtomicUsize = AtomicUsize::new(0);
    let prefix = format!("test-{}:", PREFIX.fetch_add(1, Ordering::Relaxed));
    RedisSettings { addresses: vec![("127.0.0.1".to_owned(), port)], prefix, ..Default::default() }
}

/// A storage on the shared server, as the conformance suite takes it.
pub(crate) fn subject() -> (Arc<dyn Storage>, Upkeep) {
    let (redis, upkeep) = open(&settings());
    (redis, upkeep)
}

/// The shared cluster, with a prefix that no other test has.
pub(crate) fn cluster_settings() -> RedisSettings {
    let addresses = CLUSTER.ports().into_iter().map(|port| ("127.0.0.1".to_owned(), port)).collect();
    RedisSettings { addresses, topology: RedisTopology::Cluster, ..at(0) }
}

/// A storage on the shared cluster.
pub(crate) fn cluster_subject() -> (Arc<dyn Storage>, Upkeep) {
    let (redis, upkeep) = open(&cluster_settings());
    (redis, upkeep)
}

pub(crate) fn open(settings: &RedisSettings) -> (Arc<Redis>, Upkeep) {
    try_open(settings).unwrap()
}

/// Connects on the runtime of the upkeep, from wherever this is called.
pub(crate) fn try_open(settings: &RedisSettings) -> Result<(Arc<Redis>, Upkeep), RedisOpenError> {
    let connect = || {
        UPKEEP.block_on(async {
            let (redis, upkeep) = Redis::connect(settings.clone()).await?;
            Ok((Arc::new(redis), Upkeep(tokio::spawn(upkeep).abort_handle())))
        })
    };
    thread::scope(|scope| scope.spawn(connect).join().unwrap())
}
