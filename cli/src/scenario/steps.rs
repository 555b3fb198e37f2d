//! What each step does.

mod action;
mod connect;
mod enqueue;
mod wait;

use runtime::Tasks;
use serde_json::Value;

use super::{
    check,
    format::{Assert, Step, Subject},
    report::Failure,
    world::World,
};
use crate::gateway::{Gateway, GatewayError};

/// Where a scenario is played.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) gateway: Gateway,
    pub(super) world: World,
    pub(super) tasks: Tasks,
}

impl Stage {
    /// Plays one step. What it returns is worth saying, and may be empty.
    pub(super) async fn play(&mut self, step: &Step) -> Result<String, Failure> {
        match step {
            Step::Enqueue(step) => self.enqueue(step).await,
            Step::Wait(step) => self.wait(step).await,
            Step::Connect(step) => self.connect(step).await,
            Step::Action(step) => self.act(step).await,
            Step::Assert(step) => self.assert(step),
            Step::Log(_) => Ok(String::new()),
        }
    }

    fn assert(&self, step: &Assert) -> Result<String, Failure> {
        let mut values = Vec::new();
        for name in &step.of.0 {
            let subject = match step.on {
                Subject::Ticket => self.world.ticket(name)?.known(),
                Subject::Assignment => self.world.assignment(name)?,
                Subject::Land => self.world.connection(name)?.view().latest,
            };
            values.push((name.clone(), check::at(&subject, &step.at)));
        }
        step.assertion().holds(&values)?;
        Ok(String::new())
    }
}

/// An error as an answer that can be looked at: `code`, `detail`, `http`.
fn as_answer(error: &GatewayError) -> Value {
    serde_json::json!({ "code": error.code, "detail": error.detail, "http": error.http })
}
