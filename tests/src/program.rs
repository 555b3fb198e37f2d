//! One real program: a process that can be watched, signalled and killed.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::eventually;

/// A running process of one of the workspace's programs. Killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    name: String,
    lines: Arc<Mutex<Vec<String>>>,
    output: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Starts a program of the workspace with these arguments; its log is JSON and kept.
    pub fn start<S: AsRef<str>>(name: &str, args: &[S]) -> Self {
        let mut command = Command::new(binary(name));
        command.args(args.iter().map(AsRef::as_ref));
        Self::spawn(name, command)
    }

    /// Starts any command.
    pub fn spawn(name: &str, mut command: Command) -> Self {
        let mut child = command
            .env("MUSTER_LOG_FORMAT", "json")
            .env("MUSTER_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} can't be started: {error}"));
        let lines = collect(child.stderr.take().unwrap());
        let output = collect(child.stdout.take().unwrap());
        Self { child, name: name.to_owned(), lines, output }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a log line with this field, and returns its value as a text.
    pub async fn logged(&self, field: &str) -> String {
        eventually(&format!("{} to log `{field}`; it said {:#?}", self.name, self.log()), async || {
            let lines = self.lines.lock().unwrap();
            let parsed = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            parsed.filter_map(|line| line[field].as_str().map(str::to_owned)).next()
        })
        .await
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// What it has written to standard output so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().join("\n")
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) {
        let sent =
            Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.id())]).status().unwrap();
        assert!(sent.success(), "{} could not be sent SIG{signal}", self.name);
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let name = self.name.clone();
        eventually(&format!("{name} to end"), async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone is fine; a process that was left behind is not.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let (name, log) = (&self.name, self.log().join("\n"));
            println!("---- {name} said ----\n{log}\n----");
        }
    }
}

fn collect(from: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            kept.lock().unwrap().push(line);
        }
    });
    lines
}

/// The program's file, beside the test's own: `cargo test --workspace` builds it.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let binary = profile.join(name);
    assert!(binary.exists(), "{} is missing; run: cargo build --workspace --bins", binary.display());
    binary
}
