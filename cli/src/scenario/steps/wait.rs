//! `wait`: until something has happened to all that are named.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::Stage;
use crate::scenario::{
    check::{self, Check},
    format::{Awaited, Wait},
    live::{Live, View},
    report::Failure,
    world::Ticket,
};

/// The longest wait that the gateway grants one request.
const LONGEST_REQUEST: Duration = Duration::from_secs(20);

impl Stage {
    pub(super) async fn wait(&mut self, step: &Wait) -> Result<String, Failure> {
        // One after the other, against one deadline: what happened meanwhile is there when its turn comes.
        let deadline = Instant::now() + step.within;
        for name in &step.of.0 {
            let left = deadline.saturating_duration_since(Instant::now());
            match step.what {
                Awaited::State | Awaited::Error | Awaited::Closed => {
                    wait_on_land(self.world.connection(name)?, step, left).await?;
                }
                Awaited::Queued
                | Awaited::Matched
                | Awaited::Assigned
                | Awaited::Cancelled
                | Awaited::Expired => {
                    self.wait_for_status(name, step.what.status(), left).await?;
                }
            }
        }
        Ok(String::new())
    }

    async fn wait_for_status(&mut self, name: &str, status: &str, within: Duration) -> Result<(), Failure> {
        let expected = format!("{name} to be {status} within {within:.1?}");
        match self.world.ticket(name)? {
            Ticket::Websocket(live) => {
                live.wait(within, &expected, |view| view.latest["status"] == status).await.map(drop)
            }
            Ticket::Rest(known) => {
                let ticket_id = known["ticketId"].as_str().unwrap_or_default().to_owned();
                let asked = self.ask_until(name, &ticket_id, status, &expected);
                match timeout(within, asked).await {
                    Ok(found) => found,
                    Err(_) => Err(Failure::new(expected, self.world.ticket(name)?.known().to_string())),
                }
            }
        }
    }

    async fn ask_until(
        &mut self,
        name: &str,
        ticket_id: &str,
        status: &str,
        expected: &str,
    ) -> Result<(), Failure> {
        let mut wait = Duration::ZERO;
        loop {
            let answer = self.gateway.status(ticket_id, wait).await;
            let answer = answer.map_err(|error| Failure::new(expected, error.to_string()))?;
            let is = answer["status"].as_str().unwrap_or_default().to_owned();
            self.world.note(name, answer.clone());
            if is == status {
                return Ok(());
            }
            if matches!(is.as_str(), "assigned" | "cancelled" | "expired") {
                return Err(Failure::new(expected, answer.to_string()));
            }
            wait = LONGEST_REQUEST;
        }
    }
}

async fn wait_on_land(connection: &Live, step: &Wait, within: Duration) -> Result<(), Failure> {
    let condition = step.condition();
    let fits = |value: &Value| !value.is_null() && holds(condition.as_ref(), &check::at(value, &step.at));
    let found = |view: &View| match step.what {
        Awaited::State => fits(&view.latest),
        Awaited::Error => fits(&view.error),
        _ => view.closed.is_some(),
    };
    let expected = match (&condition, step.code) {
        (Some(condition), _) => format!("{condition:?} at {:?} within {within:.1?}", step.at),
        (None, Some(code)) => format!("to be closed with {code}"),
        (None, None) => format!("{:?} within {within:.1?}", step.what),
    };
    let view = connection.wait(within, &expected, found).await?;
    match (step.code, view.closed) {
        (Some(code), Some(closed)) if closed.code != format!("CLOSED_{code}") => {
            Err(Failure::new(expected, closed.to_string()))
        }
        _ => Ok(()),
    }
}

fn holds(condition: Option<&Check>, value: &Value) -> bool {
    condition.is_none_or(|check| check.holds(&[(String::new(), value.clone())]).is_ok())
}

impl Awaited {
    /// The ticket's status, as the gateway writes it.
    fn status(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Matched => "matched",
            Self::Assigned => "assigned",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::State | Self::Error | Self::Closed => "",
        }
    }
}
