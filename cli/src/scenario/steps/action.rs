//! `action`: players act in their land, or take their ticket back.

use serde_json::{Map, Value, json};

use super::{Stage, as_answer};
use crate::scenario::{check::answer_holds, format::Action, report::Failure};

impl Stage {
    pub(super) async fn act(&mut self, step: &Action) -> Result<String, Failure> {
        if let Some(ticket) = &step.cancel {
            return self.cancel(ticket, &step.expect).await;
        }
        let message = step.send.clone().unwrap_or_default();
        for name in step.by.iter().flat_map(|names| &names.0) {
            for _ in 0..step.times.unwrap_or(1) {
                self.world.connection(name)?.send(message.clone()).await?;
            }
        }
        Ok(String::new())
    }

    async fn cancel(&self, name: &str, expect: &Map<String, Value>) -> Result<String, Failure> {
        let known = self.world.ticket(name)?.known();
        let ticket_id = known["ticketId"].as_str().unwrap_or_default();
        let answer = self.gateway.cancel(ticket_id).await;
        let answer = answer.unwrap_or_else(|error| as_answer(&error));
        if expect.is_empty() {
            let cancelled = Map::from_iter([("/cancelled".to_owned(), json!(true))]);
            return answer_holds(&cancelled, &answer).map(|()| String::new());
        }
        answer_holds(expect, &answer).map(|()| String::new())
    }
}
