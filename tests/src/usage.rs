//! What a process takes of the machine, read from /proc.

use std::time::{Duration, Instant};

/// What the kernel counts a process' time in: `getconf CLK_TCK` of every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// What a process takes from now on.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pid: u32,
    before: f64,
    began: Instant,
}

impl Usage {
    /// Begins to count.
    pub fn of(pid: u32) -> Self {
        Self { pid, before: ticks(pid), began: Instant::now() }
    }

    /// How long it has run on some processor since, in steps of 10 ms.
    pub fn time(&self) -> Duration {
        Duration::from_secs_f64((ticks(self.pid) - self.before) / TICKS_A_SECOND)
    }

    /// How many processors it has taken since, on the average.
    pub fn cores(&self) -> f64 {
        self.time().as_secs_f64() / self.began.elapsed().as_secs_f64()
    }

    /// How much memory it has now, in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

/// The time that a process has run, in user and kernel mode (proc_pid_stat(5), fields 14 and 15).
fn ticks(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Behind the name, which may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()
}
