//! `enqueue`: players ask for a match.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Stage, as_answer};
use crate::{
    gateway::GatewayError,
    scenario::{
        check::answer_holds,
        format::{Enqueue, Via},
        live::Live,
        report::Failure,
        world::Ticket,
    },
};

/// How long the answer to an enqueue over a socket may take.
const ANSWER: Duration = Duration::from_secs(10);

impl Stage {
    pub(super) async fn enqueue(&mut self, step: &Enqueue) -> Result<String, Failure> {
        let body = body(step);
        let answered = match step.via {
            Via::Rest => {
                self.gateway.enqueue(&body).await.map(|answer| (answer.clone(), Ticket::Rest(answer)))
            }
            Via::Websocket => self.enqueue_over_socket(body).await,
        };
        let refusal_expected = step.expect.contains_key("/code");
        match answered {
            Ok((answer, _)) if refusal_expected => {
                Err(Failure::new(format!("a refusal with {}", step.expect["/code"]), answer.to_string()))
            }
            Ok((answer, ticket)) => {
                answer_holds(&step.expect, &answer)?;
                self.world.add_ticket(&step.name, ticket);
                Ok(answer["ticketId"].as_str().unwrap_or_default().to_owned())
            }
            Err(error) if refusal_expected => {
                answer_holds(&step.expect, &as_answer(&error))?;
                Ok(error.code)
            }
            Err(error) => Err(Failure::new("a ticket", error.to_string())),
        }
    }

    async fn enqueue_over_socket(&self, mut body: Value) -> Result<(Value, Ticket), GatewayError> {
        let live = Live::start(self.gateway.realtime().await?, &self.tasks);
        body["action"] = "enqueue".into();
        let failed = |failure: Failure| GatewayError::new("TIMEOUT", failure.to_string());
        live.send(body).await.map_err(failed)?;
        let answered = live.wait(ANSWER, "an answer to the enqueue", |view| {
            !view.latest.is_null() || !view.error.is_null() || view.closed.is_some()
        });
        let view = answered.await.map_err(failed)?;
        match view.closed {
            Some(closed) => Err(closed),
            None if view.latest.is_null() => Err(GatewayError::from_message(&view.error)),
            None => Ok((view.latest, Ticket::Websocket(live))),
        }
    }
}

/// The enqueue body: only what the step says.
fn body(step: &Enqueue) -> Value {
    let mut body = json!({ "queueKey": step.queue_key });
    let fields = [
        ("members", step.members.as_ref().map(|members| json!(members))),
        ("players", step.players.as_ref().map(|players| json!(players))),
        ("groupId", step.group_id.as_ref().map(|id| json!(id))),
        ("groupSize", step.group_size.map(|size| json!(size))),
        ("region", step.region.as_ref().map(|region| json!(region))),
        ("constraints", step.constraints.clone()),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    body
}
