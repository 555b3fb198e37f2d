//! A Redis Cluster of three masters.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::server::{Server, free_port};

const PATIENCE: Duration = Duration::from_secs(20);

/// Three nodes that share the slots.
pub(crate) struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let node = |_| {
            // The nodes' own port is the other one plus 10,000 otherwise, which may be no port at all.
            let bus = free_port().to_string();
            Server::start_with(&[
                "--appendonly",
                "yes",
                "--save",
                "",
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus,
            ])
        };
        let cluster = Self { nodes: (0..3).map(node).collect() };
        let addresses = cluster.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let made = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(addresses)
            .arg("--cluster-yes")
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let begun = Instant::now();
        while !cluster.nodes.iter().all(is_ready) {
            assert!(begun.elapsed() < PATIENCE, "the cluster isn't ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        cluster
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(|node| node.port).collect()
    }
}

fn is_ready(node: &Server) -> bool {
    let port = node.port.to_string();
    let info = Command::new("redis-cli").args(["-p", &port, "cluster", "info"]).output().unwrap();
    String::from_utf8_lossy(&info.stdout).contains("cluster_state:ok")
}
