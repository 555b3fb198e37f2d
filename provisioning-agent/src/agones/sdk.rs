//! The game server's life, by gRPC: package `agones.dev.sdk`.

use std::{pin::Pin, time::Duration};

use futures_util::Stream;
use proto::agones::sdk::{Duration as Seconds, Empty, GameServer, KeyValue, sdk_server::Sdk};
use tokio::time::Instant;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::SdkApi;

/// Of health messages that come closer together than this, one counts: a game server may say it in every frame.
const CLOSE: Duration = Duration::from_millis(20);
/// The longest label value and the longest annotation, in bytes.
const LONGEST: usize = 64 * 1024;

#[tonic::async_trait]
impl Sdk for SdkApi {
    async fn ready(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.ask("Ready", |machine, now_ms| machine.sdk_ready(now_ms)).await?;
        Ok(Response::new(Empty {}))
    }

    async fn allocate(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        let allocate =
            |machine: &mut crate::machine::Machine, now_ms| machine.sdk_allocate(now_ms, Uuid::new_v4());
        self.ask("Allocate", allocate).await??;
        Ok(Response::new(Empty {}))
    }

    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.ask("Shutdown", |machine, now_ms| machine.sdk_shutdown(now_ms)).await?;
        Ok(Response::new(Empty {}))
    }

    async fn health(&self, request: Request<Streaming<Empty>>) -> Result<Response<Empty>, Status> {
        let mut messages = request.into_inner();
        let mut counted: Option<Instant> = None;
        loop {
            let message = tokio::select! {
                message = messages.message() => message?,
                () = self.stop.cancelled() => return Err(Status::unavailable("the agent is shutting down")),
            };
            if message.is_none() {
                return Ok(Response::new(Empty {}));
            }
            if counted.is_none_or(|at| at.elapsed() >= CLOSE) {
                self.well().await?;
                counted = Some(Instant::now());
            }
        }
    }

    async fn get_game_server(&self, _request: Request<Empty>) -> Result<Response<GameServer>, Status> {
        Ok(Response::new(self.game_server("GetGameServer").await?))
    }

    type WatchGameServerStream = Pin<Box<dyn Stream<Item = Result<GameServer, Status>> + Send>>;

    async fn watch_game_server(
        &self,
        _request: Request<Empty>,
    ) -> Result<Response<Self::WatchGameServerStream>, Status> {
        Ok(Response::new(Box::pin(self.watch())))
    }

    async fn set_label(&self, request: Request<KeyValue>) -> Result<Response<Empty>, Status> {
        let KeyValue { key, value } = checked(request.into_inner())?;
        let set = self.ask("SetLabel", move |machine, _| machine.sdk_set_label(&key, &value));
        set.await??;
        Ok(Response::new(Empty {}))
    }

    async fn set_annotation(&self, request: Request<KeyValue>) -> Result<Response<Empty>, Status> {
        let KeyValue { key, value } = checked(request.into_inner())?;
        let set = self
            .ask("SetAnnotation", move |machine, now_ms| machine.sdk_set_annotation(now_ms, &key, &value));
        set.await??;
        Ok(Response::new(Empty {}))
    }

    async fn reserve(&self, request: Request<Seconds>) -> Result<Response<Empty>, Status> {
        let seconds = request.into_inner().seconds;
        let Ok(seconds) = u64::try_from(seconds) else {
            let text = format!("seconds can't be {seconds}; give 0 (until something else is said) or more");
            return Err(Status::invalid_argument(text));
        };
        let ms = (seconds > 0).then_some(seconds.saturating_mul(1000));
        self.ask("Reserve", move |machine, now_ms| machine.sdk_reserve(now_ms, ms)).await?;
        Ok(Response::new(Empty {}))
    }
}

impl SdkApi {
    /// One message of health.
    pub(super) async fn well(&self) -> Result<(), Status> {
        self.ask("Health", |machine, now_ms| machine.sdk_health(now_ms)).await
    }
}

fn checked(pair: KeyValue) -> Result<KeyValue, Status> {
    let many = pair.value.len();
    if many > LONGEST {
        return Err(Status::invalid_argument(format!("the value has {many} bytes; give at most {LONGEST}")));
    }
    Ok(pair)
}
