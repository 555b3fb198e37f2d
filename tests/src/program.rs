//! One real program: a process that can be watched, signalled and killed.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{eventually, tools};

/// A running process of one of the workspace's programs. Killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    name: String,
    log: Lines,
    output: Lines,
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
        let log = Lines::of(child.stderr.take().unwrap());
        let output = Lines::of(child.stdout.take().unwrap());
        Self { child, name: name.to_owned(), log, output }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a log line with this field, and returns its value as a text.
    pub async fn logged(&self, field: &str) -> String {
        self.awaited(&format!("log `{field}`"), || {
            let lines = self.log();
            let mut parsed = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            parsed.find_map(|line| line[field].as_str().map(str::to_owned))
        })
        .await
    }

    /// Waits for a line of standard output that `wanted` makes something of.
    pub async fn printed<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        self.awaited(&format!("print {what}"), || self.output().lines().find_map(&wanted)).await
    }

    async fn awaited<T>(&self, what: &str, there: impl Fn() -> Option<T>) -> T {
        eventually(&format!("{} to {what}", self.name), async || {
            // Looked at first: what it said at the very end is there then.
            let ended = self.log.is_complete() && self.output.is_complete();
            let found = there();
            assert!(found.is_some() || !ended, "{} ended and did not {what}", self.name);
            found
        })
        .await
    }

    /// What it has written to standard error so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    /// What it has written to standard output so far.
    pub fn output(&self) -> String {
        self.output.lines.lock().unwrap().join("\n")
    }

    /// Sends a signal: `TERM`, `INT`, `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) {
        assert!(tools::signal(self.id(), signal), "{} could not be sent SIG{signal}", self.name);
    }

    /// Waits for its end, and for the last of what it had to say.
    pub async fn ended(&mut self) -> ExitStatus {
        let name = self.name.clone();
        let ended = eventually(&format!("{name} to end"), async || self.child.try_wait().unwrap()).await;
        let complete = async || (self.log.is_complete() && self.output.is_complete()).then_some(());
        eventually(&format!("the last words of {name}"), complete).await;
        ended
    }

    /// Asks it to end (`TERM`), which it must do well.
    pub async fn stop(mut self) {
        self.signal("TERM");
        let ended = self.ended().await;
        assert_eq!(ended.code(), Some(0), "{} after SIGTERM", self.name);
    }

    /// Waits until it refuses to run; its exit code, and what it said on standard error.
    pub async fn refuses(mut self) -> (Option<i32>, String) {
        let ended = self.ended().await;
        (ended.code(), self.log().join("\n"))
    }

    /// Asks it to end and gives it a moment, for a program that has children to look after; then it is killed as usual.
    pub fn end_with_children(&mut self) {
        let patience = Instant::now() + Duration::from_secs(5);
        if matches!(self.child.try_wait(), Ok(None)) && tools::signal(self.id(), "TERM") {
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

impl Drop for Program {
    #[expect(clippy::print_stdout, reason = "it belongs to the report of a test that failed")]
    fn drop(&mut self) {
        // Already gone is fine; a process that was left behind is not.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let (name, output, log) = (&self.name, self.output(), self.log().join("\n"));
            println!("---- {name} said ----\n{output}\n{log}\n----");
        }
    }
}

/// The lines of a stream, collected by a thread.
#[derive(Debug)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Lines {
    fn of(stream: impl std::io::Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Self { lines, reader }
    }

    /// Whether the stream was closed and all of it is here.
    fn is_complete(&self) -> bool {
        self.reader.is_finished()
    }
}

/// The program's file, beside the test's own: `cargo test --workspace` builds it. `MUSTER_TEST_PROGRAMS` names another
/// directory, for programs of another build.
pub fn binary(name: &str) -> PathBuf {
    let profile = std::env::var_os("MUSTER_TEST_PROGRAMS").map_or_else(profile, PathBuf::from);
    let binary = profile.join(name);
    assert!(binary.exists(), "{} is missing; run: cargo build --workspace --bins", binary.display());
    binary
}

/// The directory that cargo puts programs into; tests are one below it, in `deps`.
fn profile() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let dir = this.parent().unwrap();
    if dir.ends_with("deps") { dir.parent().unwrap().to_owned() } else { dir.to_owned() }
}
