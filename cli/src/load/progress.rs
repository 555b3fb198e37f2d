//! The progress bar, on standard error; nothing where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

use super::player::Outcome;

/// How far the load is.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn start(players: u32) -> Self {
        let bar = ProgressBar::new(players.into());
        let style = ProgressStyle::with_template(
            "{elapsed_precise} {bar:40} {pos}/{len} players done ({per_sec}), {msg} without assignment",
        );
        bar.set_style(style.expect("the template is well formed"));
        bar.set_message("0");
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self { bar }
    }

    pub(super) fn add(&self, outcome: &Outcome) {
        self.bar.inc(outcome.players.into());
        if outcome.assigned.is_none() {
            let missing: u64 = self.bar.message().parse().unwrap_or_default();
            self.bar.set_message((missing + u64::from(outcome.players)).to_string());
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
