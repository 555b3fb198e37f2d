//! `muster fleet`: several of everything as real processes, which lose one of them and go on.

use std::{collections::HashMap, path::PathBuf, process::Command};

use tests::{Client, Program, eventually};

/// A running fleet that has said that it is ready.
struct Fleet {
    program: Program,
    /// Each program's process id and address, by its name.
    rows: HashMap<String, (u32, String)>,
    _dir: tempfile::TempDir,
}

impl Fleet {
    async fn start() -> Self {
        // One that is killed can't take its own directory away.
        let dir = tempfile::tempdir().unwrap();
        #[rustfmt::skip]
        let program = Program::start("muster", &[
            "fleet", "--rate", "0", "--queue-lease", "1s", "--restart-after", "1s", "--dir", dir.path().to_str().unwrap(),
        ]);
        program.printed("how to stop it", |line| line.contains("Ctrl-C stops").then_some(())).await;
        // name, role in words, pid, address, metrics
        let row = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let at = words.iter().position(|word| word.contains("://"))?;
            let pid = words.get(at.checked_sub(1)?)?.parse().ok()?;
            Some((words[0].to_owned(), (pid, words[at].to_owned())))
        };
        let rows = program.output().lines().filter_map(row).collect();
        Self { program, rows, _dir: dir }
    }

    fn client(&self, gateway: &str) -> Client {
        Client::new(&self.rows[gateway].1)
    }

    /// Two players come to a queue by this gateway and get a match.
    async fn matches(&self, gateway: &str, run: &str) {
        let client = self.client(gateway);
        let mut tickets = Vec::new();
        for player in ["ann", "bob"] {
            tickets.push(client.enqueue("demo:2", &[&format!("{player}-{gateway}-{run}")]).await);
        }
        let assignments = [client.assignment(&tickets[0]).await, client.assignment(&tickets[1]).await];
        assert_eq!(assignments[0]["landId"], assignments[1]["landId"]);
    }

    async fn all_gone(&self) {
        eventually("all programs to be gone", async || {
            self.rows.values().all(|(pid, _)| is_gone(*pid)).then_some(())
        })
        .await;
    }
}

/// Whether there is no such process, or only what is left of one until somebody looks.
fn is_gone(pid: u32) -> bool {
    let status = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status"))).unwrap_or_default();
    status.lines().find(|line| line.starts_with("State:")).is_none_or(|state| state.contains("zombie"))
}

fn kill(pid: u32) {
    assert!(Command::new("sh").args(["-c", &format!("kill -KILL {pid}")]).status().unwrap().success());
}

#[tokio::test]
async fn matches_go_on_without_a_worker_and_nothing_is_left_at_the_end() {
    let mut fleet = Fleet::start().await;
    assert_eq!(fleet.rows.len(), 15, "{:?}", fleet.rows);
    for gateway in ["gateway-1", "gateway-2"] {
        fleet.matches(gateway, "before").await;
    }
    // One of the two owns the queue.
    for worker in ["worker-1", "worker-2"] {
        kill(fleet.rows[worker].0);
        fleet.matches("gateway-1", worker).await;
        let back = format!("{worker} is started again");
        fleet.program.printed(&back, |line| line.contains(&back).then_some(())).await;
    }
    fleet.program.signal("INT");
    assert_eq!(fleet.program.ended().await.code(), Some(0), "{:?}", fleet.program.log());
    let output = fleet.program.output();
    assert!(output.ends_with("stopped") && !output.contains("had to be killed"), "{output}");
    fleet.all_gone().await;
}

#[tokio::test]
async fn a_fleet_that_is_killed_leaves_nobody_behind() {
    let fleet = Fleet::start().await;
    fleet.program.signal("KILL");
    fleet.all_gone().await;
}
