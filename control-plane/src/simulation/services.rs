//! A studio's own services: they ask for lands by ids of their own, as often as it takes, and give them back.

use std::time::Duration;

use proto::provisioning::v1::{self as pb, provisioning_server::Provisioning as _};
use tonic::Request;

use super::{
    dice::Dice,
    door::{AGAIN, Door},
    history::Event,
    names::{OrderNo, ServerNo},
    plan::Order,
};

impl Door {
    /// Asks for a land until there is one, keeps it for a while, and gives it back.
    pub(super) async fn order(self, number: OrderNo, order: Order, mut dice: Dice) {
        let land = self.allocate(number, &order, &mut dice).await;
        let Some(keeps_ms) = order.keeps_ms else { return };
        tokio::time::sleep(Duration::from_millis(keeps_ms)).await;
        self.log.note(Event::ReleaseAsked { order: number, land: self.log.land(&land) });
        loop {
            if let Some(present) = self.present() {
                let request = Request::new(pb::ReleaseRequest { land_id: land.clone() });
                let answer = present.died.run_until_cancelled(present.provisioning.release(request)).await;
                if let Some(Ok(_)) = answer {
                    break;
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
        self.log.note(Event::Released { order: number, land: self.log.land(&land) });
    }

    /// The land's id.
    async fn allocate(&self, number: OrderNo, order: &Order, dice: &mut Dice) -> String {
        loop {
            if let Some(present) = self.present() {
                let mut request = Request::new(request(number, order));
                let patience = Duration::from_millis(order.patience_ms);
                request.set_timeout(patience);
                let call = present.died.run_until_cancelled(present.provisioning.allocate(request));
                if let Ok(Some(Ok(answer))) = tokio::time::timeout(patience, call).await {
                    let answer = answer.into_inner();
                    let (land, server) = (self.log.land(&answer.land_id), ServerNo::of(&answer.server_id));
                    // A service whose answer is lost asks again.
                    let heard = !dice.chance(200);
                    self.log.note(Event::Allocated { order: number, land, server, heard });
                    if heard {
                        return answer.land_id;
                    }
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

fn request(number: OrderNo, order: &Order) -> pb::AllocateRequest {
    pb::AllocateRequest {
        allocation_id: number.id(),
        queue_key: "demo".to_owned(),
        group_id: number.id(),
        group_size: u32::try_from(order.players).expect("a small number"),
        player_ids: (0..order.players).map(|place| number.player(place)).collect(),
        ..pb::AllocateRequest::default()
    }
}
