//! What a person sees of a fleet: the table at the start, what happens, and how it goes, once a second.
//!
//! On a terminal the state is a table that stays at the bottom; elsewhere (a file, a pipe) it is a line a second.

use std::{fmt::Write as _, io::IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::{
    child::Child,
    look::{State, View},
    plan::Kind,
    players::Report,
};

/// Where it is shown.
pub(super) struct Screen {
    started: Instant,
    /// `None` where it is no terminal.
    table: Option<ProgressBar>,
}

impl Screen {
    pub(super) fn new() -> Self {
        let table = std::io::stdout().is_terminal().then(|| {
            let table = ProgressBar::new_spinner();
            table.set_style(ProgressStyle::with_template("{msg}").expect("the template is well formed"));
            table
        });
        Self { started: Instant::now(), table }
    }

    /// Something happened.
    pub(super) fn event(&self, what: &str) {
        self.line(&format!("{:>5} s  {what}", self.started.elapsed().as_secs()));
    }

    /// Text that stays.
    #[expect(clippy::print_stdout, reason = "this is where a fleet speaks to people")]
    pub(super) fn line(&self, text: &str) {
        match &self.table {
            Some(table) => table.suspend(|| println!("{text}")),
            None => println!("{text}"),
        }
    }

    /// How it goes.
    pub(super) fn state(&self, children: &[Child], view: &View, players: Option<&Report>) {
        let summary = summary(children, view, players);
        match &self.table {
            Some(table) => table.set_message(format!("\n{}\n{summary}", rows(children, view))),
            None => self.event(&summary),
        }
    }

    /// The table goes; what was said stays.
    pub(super) fn finish(&self) {
        if let Some(table) = &self.table {
            table.finish_and_clear();
        }
    }
}

/// What runs where.
pub(super) fn overview(children: &[Child]) -> String {
    let mut text = format!("\n  {:<10} {:<28} {:>8}  {:<30} metrics\n", "name", "role", "pid", "address");
    for child in children {
        let spec = &child.spec;
        let addr = match spec.kind {
            Kind::Redis => format!("redis://{}", spec.addr),
            Kind::Server => format!("ws://{}", spec.addr),
            _ => format!("http://{}", spec.addr),
        };
        let metrics =
            spec.metrics.map_or_else(|| "–".to_owned(), |metrics| format!("http://{metrics}/metrics"));
        let (name, role, pid) = (&spec.name, spec.kind.role(), pid(child));
        line(&mut text, format_args!("  {name:<10} {role:<28} {pid:>8}  {addr:<30} {metrics}"));
    }
    text
}

/// What to try, with the process ids of now.
pub(super) fn suggestions(children: &[Child], restarts: bool) -> String {
    let of = |kind| children.iter().find(|child| child.spec.kind == kind).map_or_else(String::new, pid);
    let (worker, api, gateway) = (of(Kind::Worker), of(Kind::Api), of(Kind::Gateway));
    let agent = of(Kind::Agent);
    let mut text = "Try, in another terminal:\n".to_owned();
    let mut tried = vec![
        (
            format!("kill -9 {worker}"),
            "a worker dies: after the lease the other has its queues, and no ticket lost its age",
        ),
        (
            format!("kill -STOP {worker}; sleep 8; kill -CONT {worker}"),
            "a worker that slept too long can't commit anything",
        ),
        (format!("kill -9 {api}"), "gateways and agents go on with the other api"),
        (format!("kill -9 {gateway}"), "its sockets close; players connect again, to the other one"),
        (format!("kill -9 {agent}"), "its server gets no new lands; its games go on"),
    ];
    let redis = of(Kind::Redis);
    if !redis.is_empty() {
        tried.push((
            format!("kill -9 {redis}"),
            "calls fail fast with UNAVAILABLE until it is back; nothing acknowledged is lost",
        ));
    }
    for (command, meaning) in tried {
        line(&mut text, format_args!("  {command:<44} {meaning}"));
    }
    let again = if restarts { "What died is started again after a few seconds. " } else { "" };
    text + "\n" + again + "Ctrl-C stops everything.\n"
}

fn rows(children: &[Child], view: &View) -> String {
    let mut text = String::new();
    for (child, row) in children.iter().zip(&view.rows) {
        let state = match row.state {
            State::Up => "up",
            State::Silent => "silent",
            State::Down => "down",
        };
        let (name, pid, doing) = (&child.spec.name, pid(child), &row.doing);
        line(&mut text, format_args!("  {name:<10} {pid:>8}  {state:<7} {doing}"));
    }
    text
}

fn summary(children: &[Child], view: &View, players: Option<&Report>) -> String {
    let up = view.rows.iter().filter(|row| row.state == State::Up).count();
    let queued = view.queued.map_or_else(|| "?".to_owned(), |queued| queued.to_string());
    let mut text = format!(
        "{up} of {} up, {queued} queued, {:.1} matches/s ({}), {} servers, {} lands",
        view.rows.len(),
        view.matches_per_second,
        view.matches,
        view.servers,
        view.lands
    );
    if let Some(players) = players {
        write!(text, "; {players}").expect("a string takes all text");
    }
    let mut away = children.iter().zip(&view.rows).filter(|(_, row)| row.state != State::Up).peekable();
    if away.peek().is_some() {
        let away = away.map(|(child, row)| match row.state {
            State::Down => format!("{} is down", child.spec.name),
            _ => format!("{} is silent", child.spec.name),
        });
        write!(text, "; {}", away.collect::<Vec<_>>().join(", ")).expect("a string takes all text");
    }
    text
}

fn pid(child: &Child) -> String {
    child.pid().map_or_else(|| "–".to_owned(), |pid| pid.to_string())
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all text");
}
