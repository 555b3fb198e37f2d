//! One program and what starts it again, as an operator's machine would.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Kind, game_server::LandLog};
use crate::{
    chaos::history::{Event, History},
    tools,
};

/// How often a keeper looks after its program.
const LOOK: Duration = Duration::from_millis(50);
/// How long it waits before it starts one again that ended by itself.
const PAUSE: Duration = Duration::from_millis(300);
/// The number of the signal, as Linux counts.
const SIGTERM: i32 = 15;
/// How long a program may take to end that was asked to.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// Keeps a program running, except while a fault wants it gone.
#[derive(Debug)]
pub struct Keeper {
    /// The program's name, for people.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Held for as long as a fault is done to the program, so that it suffers one at a time.
    pub suffering: tokio::sync::Mutex<()>,
    binary: PathBuf,
    args: Vec<String>,
    log: PathBuf,
    /// What a game server's log is made into.
    lands: Option<LandLog>,
    history: Arc<History>,
    // Held to start, look at or end the process, never over an await.
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Where its part of the log begins.
    log_from: u64,
    reader: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself a moment ago.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a keeper keeps.
pub(super) struct Spec {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) binary: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) log: PathBuf,
    pub(super) lands: Option<LandLog>,
}

impl Keeper {
    /// Starts the program.
    pub(super) fn start(spec: Spec, history: &Arc<History>) -> Self {
        let Spec { name, kind, binary, args, log, lands } = spec;
        let history = Arc::clone(history);
        let (suffering, running) = (tokio::sync::Mutex::default(), Mutex::default());
        let keeper = Self { name, kind, suffering, binary, args, log, lands, history, running };
        keeper.begin();
        keeper
    }

    /// Starts the program where it doesn't run.
    pub fn begin(&self) {
        let mut running = self.running.lock().unwrap();
        if running.is_none() {
            *running =
                Some(self.spawn().unwrap_or_else(|error| panic!("{} can't be started: {error}", self.name)));
        }
    }

    fn spawn(&self) -> io::Result<Running> {
        let mut log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let log_from = log.seek(io::SeekFrom::End(0))?;
        // It dies with the thread that starts it, and so with this process, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.binary).args(&self.args).stdin(Stdio::null());
        let Some(lands) = &self.lands else {
            let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
            return Ok(Running { child, log_from, reader: None });
        };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().expect("it was asked for");
        let reader = lands.follow(stderr, log, &self.history);
        Ok(Running { child, log_from, reader: Some(reader) })
    }

    /// Kills the program, and waits until it is gone.
    pub fn kill(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some(running) = running {
            self.ended(running);
        }
    }

    /// Asks the program to end, and waits until it is gone. That it takes too long, or ends badly, is a crash.
    pub async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        let Some(mut running) = running else { return };
        tools::signal(running.child.id(), "TERM");
        let deadline = Instant::now() + ENDS_WITHIN;
        let how = loop {
            match running.child.try_wait().ok().flatten() {
                Some(how) => break words(how),
                None if Instant::now() > deadline => break format!("not {ENDS_WITHIN:?} after SIGTERM"),
                None => sleep(LOOK).await,
            }
        };
        let said = self.said(running.log_from);
        self.ended(running);
        // Before it runs there is nothing to end well.
        let too_early = how == words(ExitStatus::from_raw(SIGTERM)) && !was_up(&said);
        if how != "exit code 0" && !too_early {
            self.note_end(&how, &said, true);
        }
    }

    /// Sends `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        if let Some(running) = &*self.running.lock().unwrap() {
            tools::signal(running.child.id(), signal);
        }
    }

    fn ended(&self, mut running: Running) {
        let reader = running.reader.take();
        // Where it still runs, it is killed here.
        drop(running);
        if let Some(reader) = reader {
            // What it said at the very end belongs to the history, before its end.
            reader.join().expect("the reader of a log doesn't panic");
        }
        if let Some(lands) = &self.lands {
            self.history.record(Event::ServerDown { server: lands.server.clone() });
        }
    }

    /// Starts the program again whenever it has ended by itself, until `stop`.
    pub(super) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(LOOK)).await.is_some() {
            if self.look() && stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
                self.begin();
            }
        }
    }

    /// Whether it ended by itself.
    fn look(&self) -> bool {
        let mut running = self.running.lock().unwrap();
        let ended = running.as_mut().and_then(|running| running.child.try_wait().ok().flatten());
        let (Some(how), Some(was)) = (ended, running.take_if(|_| ended.is_some())) else { return false };
        drop(running);
        let said = self.said(was.log_from);
        self.ended(was);
        // One that finds no Redis says so and ends before it is ready; that is no crash.
        let crash = how.code() != Some(1) || was_up(&said);
        self.note_end(&words(how), &said, crash);
        true
    }

    fn note_end(&self, how: &str, said: &str, crash: bool) {
        let how = format!("{how}; the last it said: {}", said.lines().last().unwrap_or_default());
        self.history.record(Event::Ended { program: self.name.clone(), how, crash });
    }

    /// The log from this place on.
    fn said(&self, from: u64) -> String {
        let read = || -> io::Result<String> {
            let mut log = File::open(&self.log)?;
            log.seek(io::SeekFrom::Start(from))?;
            let mut text = Vec::new();
            log.read_to_end(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        read().unwrap_or_default()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a program has come so far that it serves somebody: by what each of them says then.
fn was_up(said: &str) -> bool {
    ["serves gRPC", "gateway is up", "agent runs", "game server is up", "Ready to accept connections"]
        .iter()
        .any(|up| said.contains(up))
}

fn words(how: ExitStatus) -> String {
    match (how.code(), how.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "nobody knows how".to_owned(),
    }
}
