//! What was measured: counts, and how long players waited.

mod latency;

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Config, plan::Way, player::Outcome};

use self::latency::Latency;

/// The result of a load.
#[derive(Debug)]
pub struct Report {
    gateway: String,
    queue: String,
    scheduled_rate: f64,
    planned: u32,
    tickets: u64,
    assigned: u64,
    errors: BTreeMap<String, u64>,
    sent: Span,
    answered: Span,
    ways: BTreeMap<Way, Latencies>,
}

/// All counted from the scheduled moment.
#[derive(Debug, Default)]
struct Latencies {
    sent: Latency,
    enqueued: Latency,
    assigned: Latency,
}

/// Players between a first and a last moment.
#[derive(Debug, Default)]
struct Span {
    players: u64,
    /// Those of the last moment: a rate counts intervals, and one that begins at the last moment is none.
    last_players: u64,
    from: Option<Instant>,
    to: Option<Instant>,
}

impl Report {
    pub(super) fn new(config: &Config, planned: u32) -> Self {
        Self {
            gateway: config.gateway.clone(),
            queue: config.queue.clone(),
            scheduled_rate: config.rate,
            planned,
            tickets: 0,
            assigned: 0,
            errors: BTreeMap::new(),
            sent: Span::default(),
            answered: Span::default(),
            ways: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.tickets += 1;
        let latencies = self.ways.entry(outcome.way).or_default();
        for (latency, measured) in [
            (&mut latencies.sent, outcome.sent),
            (&mut latencies.enqueued, outcome.enqueued),
            (&mut latencies.assigned, outcome.assigned),
        ] {
            latency.add(measured);
        }
        if let Some(sent) = outcome.sent {
            self.sent.add(outcome.scheduled + sent, outcome.players);
        }
        if let Some(assigned) = outcome.assigned {
            self.assigned += u64::from(outcome.players);
            self.answered.add(outcome.scheduled + assigned, outcome.players);
        }
        if let Some(code) = &outcome.error {
            *self.errors.entry(code.clone()).or_default() += 1;
        }
    }

    /// How many players got no assignment, those of tickets that were never sent included.
    pub fn players_without_assignment(&self) -> u64 {
        u64::from(self.planned).saturating_sub(self.assigned)
    }

    /// One JSON object; rates in players per second, latencies in milliseconds.
    pub fn to_json(&self) -> Value {
        let latencies: BTreeMap<_, _> = self
            .ways
            .iter()
            .map(|(way, latencies)| {
                let by_step = json!({
                    "sendDelay": latencies.sent.to_json(),
                    "enqueueAnswer": latencies.enqueued.to_json(),
                    "enqueueToAssigned": latencies.assigned.to_json(),
                });
                (way.name(), by_step)
            })
            .collect();
        json!({
            "gateway": self.gateway,
            "queueKey": self.queue,
            "players": self.planned,
            "tickets": self.tickets,
            "assignedPlayers": self.assigned,
            "playersWithoutAssignment": self.players_without_assignment(),
            "scheduledPerSecond": self.scheduled_rate,
            "offeredPerSecond": self.sent.rate(),
            "achievedPerSecond": self.answered.rate(),
            "errors": self.errors,
            "latencyMs": latencies,
        })
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} players in {} tickets, queue {}, {}",
            self.planned, self.tickets, self.queue, self.gateway
        )?;
        writeln!(
            f,
            "offered {:.1} players/s (scheduled {:.1}), assigned {:.1} players/s; {} assigned, {} not\n",
            self.sent.rate(),
            self.scheduled_rate,
            self.answered.rate(),
            self.assigned,
            self.players_without_assignment(),
        )?;
        writeln!(
            f,
            "{:<32} {:>8} {:>10} {:>10} {:>10} {:>10}",
            "milliseconds from schedule", "tickets", "p50", "p90", "p99", "max"
        )?;
        for (way, latencies) in &self.ways {
            for (step, latency) in [
                ("sent late by", &latencies.sent),
                ("enqueue answered", &latencies.enqueued),
                ("enqueue → assigned", &latencies.assigned),
            ] {
                writeln!(f, "{:<32} {latency}", format!("{} {step}", way.name()))?;
            }
        }
        match self.errors.is_empty() {
            true => write!(f, "\nno errors"),
            false => {
                write!(f, "\nerrors, in tickets")?;
                self.errors.iter().try_for_each(|(code, count)| write!(f, "\n  {code:<30} {count:>8}"))
            }
        }
    }
}

impl Span {
    fn add(&mut self, at: Instant, players: u32) {
        self.players += u64::from(players);
        self.from = Some(self.from.map_or(at, |from| from.min(at)));
        if self.to.is_none_or(|to| at >= to) {
            (self.to, self.last_players) = (Some(at), players.into());
        }
    }

    /// Players per second; zero where there was only one moment.
    #[expect(clippy::cast_precision_loss, reason = "a count of players is far below 2^52")]
    fn rate(&self) -> f64 {
        let length = match (self.from, self.to) {
            (Some(from), Some(to)) => to - from,
            _ => Duration::ZERO,
        };
        if length.is_zero() {
            return 0.0;
        }
        (self.players - self.last_players) as f64 / length.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(at: Instant, way: Way, assigned_ms: Option<u64>) -> Outcome {
        Outcome {
            players: 2,
            way,
            scheduled: at,
            sent: Some(Duration::from_millis(1)),
            enqueued: Some(Duration::from_millis(2)),
            assigned: assigned_ms.map(Duration::from_millis),
            error: assigned_ms.is_none().then(|| "TIMEOUT".to_owned()),
        }
    }

    fn report() -> Report {
        let config: Config = runtime::config::defaults(&["--players", "12", "--rate", "20"]);
        let mut report = Report::new(&config, 12);
        let start = Instant::now();
        // Out of order, as tickets end.
        for (number, assigned_ms) in [(4, Some(50)), (0, Some(10)), (1, Some(20)), (3, None), (2, Some(30))] {
            let at = start + Duration::from_millis(100) * number;
            report.add(&outcome(at, Way::Websocket, assigned_ms));
        }
        report
    }

    #[test]
    fn counts_rates_and_latencies() {
        let report = report();
        assert_eq!(report.players_without_assignment(), 4, "two timed out, two never came");
        let json = report.to_json();
        // Ten players in five tickets: eight in the 400 ms before the last was sent.
        assert_eq!(json["offeredPerSecond"], 20.0);
        // Eight players assigned: six in the 440 ms before the last.
        assert!((json["achievedPerSecond"].as_f64().unwrap() - 6.0 / 0.44).abs() < 1e-9);
        assert_eq!(json["errors"], json!({"TIMEOUT": 1}));
        let assigned = &json["latencyMs"]["websocket"]["enqueueToAssigned"];
        assert_eq!(assigned["count"], 4);
        assert!((assigned["p50"].as_f64().unwrap() - 20.0).abs() < 0.1, "{assigned}");
        assert!((assigned["max"].as_f64().unwrap() - 50.0).abs() < 0.1, "{assigned}");
    }

    #[test]
    fn the_table_says_what_the_json_says() {
        let table = report().to_string();
        assert!(table.contains("8 assigned, 4 not"), "{table}");
        assert!(table.contains("TIMEOUT"), "{table}");
        assert!(table.contains("websocket enqueue → assigned"), "{table}");
    }

    #[test]
    fn one_moment_has_no_rate() {
        let mut span = Span::default();
        assert!(span.rate().abs() < f64::EPSILON);
        span.add(Instant::now(), 5);
        assert!(span.rate().abs() < f64::EPSILON);
    }
}
