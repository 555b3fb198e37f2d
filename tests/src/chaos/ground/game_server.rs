//! What a game server holds, from its own log: the one witness that the control plane can't talk round.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    process::ChildStderr,
    sync::Arc,
    thread::JoinHandle,
};

use serde_json::Value;

use crate::chaos::history::{Event, History, ServerId};

/// Makes a game server's log into events.
#[derive(Debug, Clone)]
pub(super) struct LandLog {
    pub(super) server: ServerId,
    pub(super) capacity: usize,
}

impl LandLog {
    /// Follows the log of a server that has just been started, and copies it to a file.
    pub(super) fn follow(
        &self,
        stderr: ChildStderr,
        mut copy: File,
        history: &Arc<History>,
    ) -> JoinHandle<()> {
        let (server, history) = (self.server.clone(), Arc::clone(history));
        history.record(Event::ServerUp { server: server.clone(), capacity: self.capacity });
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // The file is for people; the history goes on without it.
                drop(writeln!(copy, "{line}"));
                if let Some(event) = read(&server, &line) {
                    history.record(event);
                }
            }
        })
    }
}

/// What a line of the log says about a land.
fn read(server: &ServerId, line: &str) -> Option<Event> {
    let line: Value = serde_json::from_str(line).ok()?;
    let land = || line["land_id"].as_str().map(Into::into);
    let server = server.clone();
    match line["message"].as_str()? {
        "land opened" => {
            let players = line["players"].as_str()?.split(' ').map(Into::into).collect();
            Some(Event::LandOpened { server, land: land()?, players })
        }
        // Each is said before the land's place can be known to be free.
        "land over" | "land released" | "the land is not needed any more" => {
            Some(Event::LandOver { server, land: land()? })
        }
        _ => None,
    }
}
