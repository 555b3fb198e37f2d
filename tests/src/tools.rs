//! What is around a test: the repository, the machine's tools, ports.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// The ports that tests choose from: below those that the system itself gives to outgoing connections, so that nobody takes
/// one between its choice and its use, and none is lost while a program is restarted on it.
const PORTS: std::ops::Range<u32> = 20_000..32_000;

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A port for a program that can't be told to take any, or that has to come back on the same one. Given out once.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in PORTS {
        // Each process begins elsewhere, so that two of them rarely meet.
        let turn = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id().wrapping_mul(131));
        let port = u16::try_from(PORTS.start + turn % (PORTS.end - PORTS.start)).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {} to {} is free", PORTS.start, PORTS.end);
}

/// The Python that Debian's packages install their modules for, which may not be the first on the path.
pub fn debian_python() -> PathBuf {
    let python = PathBuf::from("/usr/bin/python3");
    assert!(python.exists(), "python3 is missing; tests/run installs it");
    python
}

/// Sends a signal to a process: `TERM`, `INT`, `KILL`, `STOP`, `CONT`. False where there is no such process.
pub(crate) fn signal(process: u32, signal: &str) -> bool {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {process} 2>/dev/null")]).status();
    sent.unwrap().success()
}
