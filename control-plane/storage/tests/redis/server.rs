//! A Redis of a test's own: on a free port, in a directory of its own, gone with the test whatever becomes of it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longer than any server needs to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends when it is dropped, and also when this process dies: its keeper waits for the end of its own input.
pub(crate) struct Server {
    keeper: Child,
    pub(crate) pid: String,
    pub(crate) port: u16,
    dir: PathBuf,
    /// Whether the directory goes with the server.
    last: bool,
}

impl Server {
    /// Persists, as it should in earnest.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--save", ""])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        Self::start_in(&dir, free_port(), options)
    }

    fn start_in(dir: &Path, port: u16, options: &[&str]) -> Self {
        Self::run(dir, port, &[], options)
    }

    fn run(dir: &Path, port: u16, first: &[&str], options: &[&str]) -> Self {
        const KEEP: &str = r#"redis-server "$@" >/dev/null 2>&1 & echo $!; read -r end; kill -9 $!; wait;
            if [ "$end" != keep ]; then rm -rf "$DIR"; fi"#;
        let mut keeper = Command::new("sh")
            .args(["-c", KEEP, "sh"])
            .args(first)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
            .arg(dir)
            .args(options)
            .env("DIR", dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        let dir = dir.to_owned();
        let server = Self { keeper, pid: pid.trim().to_owned(), port, dir, last: true };
        server.wait_until_ready();
        server
    }

    /// One that watches over others; it writes into its configuration.
    pub(crate) fn start_sentinel(config: &Path, port: u16) -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        Self::run(&dir, port, &[config.to_str().unwrap(), "--sentinel"], &[])
    }

    /// Kills it, as a crash would, and leaves its files.
    pub(crate) fn kill(mut self) -> Stopped {
        self.last = false;
        Stopped { dir: self.dir.clone(), port: self.port }
    }

    /// Sends it a signal, such as STOP.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.pid]).status().unwrap();
        assert!(sent.success());
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < PATIENCE, "redis-server doesn't answer on port {}", self.port);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// An answer of any kind, also that a password is needed; but not that it loads.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else { return false };
        let mut answer = [0; 5];
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && answer != *b"-LOAD"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut input) = self.keeper.stdin.take() {
            input.write_all(if self.last { b"remove\n" } else { b"keep\n" }).ok();
        }
        self.keeper.wait().ok();
    }
}

/// What is left of a killed server.
pub(crate) struct Stopped {
    dir: PathBuf,
    port: u16,
}

impl Stopped {
    /// On the same port, with the same files.
    pub(crate) fn restart(self) -> Server {
        Server::start_in(&self.dir, self.port, &["--appendonly", "yes", "--save", ""])
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
