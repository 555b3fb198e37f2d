//! An agent's side of the stream in a test's own hands: it says what the test tells it to.

use std::time::Duration;

use proto::provisioning::v1::{
    self as pb, connect_request::Message as Up, connect_response::Message as Down, land_answer::Outcome,
    provisioning_client::ProvisioningClient,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Streaming, transport::Channel};

use crate::stack::{PATIENCE, Stack};

/// One open stream.
pub(crate) struct Agent {
    up: mpsc::Sender<pb::ConnectRequest>,
    down: Streaming<pb::ConnectResponse>,
    sequence: u64,
    pub(crate) welcome: pb::Welcome,
}

pub(crate) fn hello(server: &str) -> pb::Hello {
    pb::Hello {
        server_id: server.to_owned(),
        instance_id: "i-1".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 7001,
        land_types: vec!["hero-defense".to_owned(), "demo".to_owned()],
        capacity: 2,
        ..Default::default()
    }
}

impl Agent {
    /// A server that is registered.
    pub(crate) async fn start(stack: &Stack, hello: pb::Hello) -> Self {
        Self::try_start(stack, hello).await.unwrap()
    }

    pub(crate) async fn try_start(stack: &Stack, hello: pb::Hello) -> Result<Self, tonic::Status> {
        Self::connect(stack.provisioning(), hello).await
    }

    pub(crate) async fn connect(
        mut client: ProvisioningClient<Channel>,
        hello: pb::Hello,
    ) -> Result<Self, tonic::Status> {
        let (up, requests) = mpsc::channel(64);
        up.send(message(Up::Hello(hello))).await.unwrap();
        let stream = client.connect(ReceiverStream::new(requests)).await?;
        let mut down = stream.into_inner();
        let first = down.message().await?.unwrap().message;
        let Some(Down::Welcome(welcome)) = first else { panic!("no welcome but {first:?}") };
        // A refused hello is told after the welcome that crossed it; a registered one shows in the list.
        Ok(Self { up, down, sequence: 0, welcome })
    }

    /// The next command.
    pub(crate) async fn command(&mut self) -> Option<Down> {
        let next = tokio::time::timeout(PATIENCE, self.down.message()).await.unwrap();
        next.ok().flatten().and_then(|response| response.message)
    }

    /// Whether nothing comes for a moment.
    pub(crate) async fn is_left_alone(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(200), self.down.message()).await.is_err()
    }

    /// How the stream ends.
    pub(crate) async fn end(&mut self) -> Option<tonic::Status> {
        loop {
            match tokio::time::timeout(PATIENCE, self.down.message()).await.unwrap() {
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(status) => return Some(status),
            }
        }
    }

    /// Waits for the order of a land.
    pub(crate) async fn order(&mut self) -> pb::AllocateLand {
        loop {
            match self.command().await {
                Some(Down::AllocateLand(order)) => return order,
                Some(_) => {}
                None => panic!("the stream ended before an order came"),
            }
        }
    }

    /// Makes the land that is ordered next.
    pub(crate) async fn make_land(&mut self) -> pb::AllocateLand {
        let order = self.order().await;
        self.answer(&order, Outcome::Ready(pb::LandReady {})).await;
        order
    }

    pub(crate) async fn refuse_land(&mut self, reason: &str) -> pb::AllocateLand {
        let order = self.order().await;
        self.answer(&order, Outcome::Refused(pb::LandRefused { reason: reason.to_owned() })).await;
        order
    }

    pub(crate) async fn answer(&self, order: &pb::AllocateLand, outcome: Outcome) {
        let command_id = order.command_id.clone();
        self.send(Up::LandAnswer(pb::LandAnswer { command_id, outcome: Some(outcome) })).await;
    }

    /// A heartbeat with these lands.
    pub(crate) async fn beat(&mut self, lands: &[&str]) {
        self.sequence += 1;
        let land = |id: &&str| pb::Land { land_id: (*id).to_owned(), ..Default::default() };
        let beat = pb::Heartbeat {
            sequence: self.sequence,
            health: pb::Health::Healthy.into(),
            lands: lands.iter().map(land).collect(),
            ..Default::default()
        };
        self.send(Up::Heartbeat(beat)).await;
    }

    pub(crate) async fn send(&self, up: Up) {
        self.up.send(message(up)).await.unwrap();
    }

    /// Makes every land that is ordered, and lives until the stream ends.
    pub(crate) fn make_all_lands(self) -> tokio::task::JoinHandle<()> {
        self.make_lands(|_| true)
    }

    /// Makes the lands that it likes, refuses the others, and lives until the stream ends.
    pub(crate) fn make_lands(
        mut self,
        mut likes: impl FnMut(&pb::AllocateLand) -> bool + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            let mut lands: Vec<String> = Vec::new();
            let mut beat =
                tokio::time::interval(Duration::from_millis(self.welcome.heartbeat_interval_ms.into()));
            loop {
                tokio::select! {
                    command = self.down.message() => match command {
                        Ok(Some(pb::ConnectResponse { message: Some(Down::AllocateLand(order)) })) => {
                            if likes(&order) {
                                self.answer(&order, Outcome::Ready(pb::LandReady {})).await;
                                lands.push(order.land_id);
                            } else {
                                let reason = "no mood".to_owned();
                                self.answer(&order, Outcome::Refused(pb::LandRefused { reason })).await;
                            }
                        }
                        Ok(Some(pb::ConnectResponse { message: Some(Down::ReleaseLand(release)) })) => {
                            lands.retain(|land| *land != release.land_id);
                        }
                        Ok(Some(_)) => {}
                        Ok(None) | Err(_) => return,
                    },
                    _ = beat.tick() => {
                        let lands: Vec<_> = lands.iter().map(String::as_str).collect();
                        self.beat(&lands).await;
                    }
                }
            }
        })
    }
}

fn message(up: Up) -> pb::ConnectRequest {
    pb::ConnectRequest { message: Some(up) }
}
