//! The players of a fleet, and how they fare.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use runtime::Tasks;

use super::Config;
use crate::{
    gateway::Gateway,
    load::{self, Outcome, Transport},
};

/// Who came, and what became of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Players(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    assigned: u64,
    /// By the code of what went wrong.
    failed: BTreeMap<String, u64>,
    /// How long those waited who were assigned since the last report.
    waits: Vec<Duration>,
}

/// What there is to say about them, once a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    assigned: u64,
    failed: BTreeMap<String, u64>,
    /// The middle of the waits since the last report.
    wait: Option<Duration>,
}

impl Players {
    /// Has them come, until there are no more or `tasks` stop.
    pub(super) fn start(config: &Config, gateways: &[String], tasks: &Tasks) -> anyhow::Result<Self> {
        let players = Self::default();
        let gateways = gateways.iter().map(|url| Gateway::new(url)).collect::<Result<Vec<_>, _>>()?;
        let mut settings: load::Config = runtime::config::defaults(&[]);
        settings.rate = config.rate;
        settings.players = config.players.unwrap_or(u32::MAX);
        settings.queue.clone_from(&config.queue);
        settings.transport = Transport::Both;
        let mut outcomes = load::start(&settings, gateways, tasks);
        let counts = players.clone();
        tasks.spawn("players' outcomes", async move {
            while let Some(outcome) = outcomes.recv().await {
                counts.0.lock().add(&outcome);
            }
        });
        Ok(players)
    }

    /// How they fare, and since the last report how long they waited.
    pub(super) fn report(&self) -> Report {
        let mut counts = self.0.lock();
        let mut waits = std::mem::take(&mut counts.waits);
        waits.sort_unstable();
        let wait = waits.get(waits.len() / 2).copied();
        Report { assigned: counts.assigned, failed: counts.failed.clone(), wait }
    }
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        let players = u64::from(outcome.players);
        if let Some(wait) = outcome.assigned {
            self.assigned += players;
            self.waits.push(wait);
        }
        if let Some(code) = &outcome.error {
            *self.failed.entry(code.clone()).or_default() += players;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "players: {} assigned", self.assigned)?;
        if let Some(wait) = self.wait {
            write!(f, ", half within {} ms", wait.as_millis())?;
        }
        let failed: u64 = self.failed.values().sum();
        if failed > 0 {
            let codes: Vec<_> = self.failed.iter().map(|(code, count)| format!("{code} {count}")).collect();
            write!(f, ", {failed} not ({})", codes.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_went_wrong_and_forgets_old_waits() {
        let players = Players::default();
        {
            let mut counts = players.0.lock();
            counts.assigned = 7;
            counts.failed.insert("CONNECT".to_owned(), 2);
            counts.waits = [30, 10, 20].map(Duration::from_millis).to_vec();
        }
        assert_eq!(players.report().to_string(), "players: 7 assigned, half within 20 ms, 2 not (CONNECT 2)");
        assert_eq!(players.report().to_string(), "players: 7 assigned, 2 not (CONNECT 2)");
    }
}
