//! A land on one of this replica's own servers: its agent is asked, and what nobody waits for is given back.

use std::{sync::Arc, time::Duration};

use storage::LandId;
use tokio::time::Instant;

use crate::registry::{Answer, LandOrder, Place, Registry, Reserved};

/// Has the reserved land made. `Err`: its server refused, went away or stayed silent, and the place is given back.
///
/// Dropping the future gives the place back as well.
pub(crate) async fn make(
    registry: &Registry,
    reserved: &Reserved,
    order: &Arc<LandOrder>,
    lasting: Duration,
) -> Result<(), String> {
    let hold = Hold { registry, land: Some(&reserved.land) };
    let begun = Instant::now();
    let made = ask(registry, reserved, order, lasting).await;
    hold.dealt_with();
    if made.is_err() {
        registry.withdraw(&reserved.land, "another server is asked");
        registry.failed(&reserved.server, begun.elapsed());
    }
    made
}

async fn ask(
    registry: &Registry,
    reserved: &Reserved,
    order: &Arc<LandOrder>,
    lasting: Duration,
) -> Result<(), String> {
    if reserved.place == Place::NoAgent {
        let there = registry.assume_ready(reserved, lasting);
        return if there { Ok(()) } else { Err("it was deregistered".to_owned()) };
    }
    let answer = registry.ask(reserved, order);
    match tokio::time::timeout(order.answer_within, answer).await {
        Ok(Ok(Answer::Ready)) => Ok(()),
        Ok(Ok(Answer::Refused(reason))) => Err(format!("refused: {reason}")),
        Ok(Err(_)) => Err("its agent went away".to_owned()),
        Err(_) => Err(format!("it didn't answer within {:?}", order.answer_within)),
    }
}

/// Gives a reserved land back unless it was dealt with: whoever stops waiting for the answer leaks no place.
struct Hold<'a> {
    registry: &'a Registry,
    land: Option<&'a LandId>,
}

impl Hold<'_> {
    fn dealt_with(mut self) {
        self.land = None;
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(land) = self.land {
            self.registry.release(land, "nobody waits for it any more");
        }
    }
}
