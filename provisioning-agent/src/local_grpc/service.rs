//! Our own service, call by call. Each asks [`GameApi`] and is counted by its name and its outcome.

use std::pin::Pin;

use futures_util::{Stream, stream};
use proto::agent::v1::{self as wire, game_server_server::GameServer};
use tonic::{Request, Response, Status};

use super::words;
use crate::game_api::{GameApi, Refused};

/// What tonic serves.
pub(super) struct Service(pub(super) GameApi);

type Answer<T> = Result<Response<T>, Status>;

/// The answer to `call`.
fn answer<T>(call: &'static str, done: Result<T, Refused>) -> Answer<T> {
    let outcome = done.as_ref().map_or_else(|refused| refused.code.name(), |_| "OK");
    metrics::counter!("agent_local_calls_total", "call" => call, "outcome" => outcome).increment(1);
    done.map(Response::new).map_err(words::status)
}

#[tonic::async_trait]
impl GameServer for Service {
    async fn get_status(&self, _request: Request<wire::GetStatusRequest>) -> Answer<wire::Status> {
        answer("GetStatus", self.0.status().await.map(words::server_status))
    }

    async fn ready(&self, request: Request<wire::ReadyRequest>) -> Answer<wire::Status> {
        let lands: Vec<_> = request.into_inner().lands.into_iter().map(words::live_land).collect();
        answer("Ready", self.0.ready(&lands).await.map(words::server_status))
    }

    async fn drain(&self, _request: Request<wire::DrainRequest>) -> Answer<wire::Status> {
        answer("Drain", self.0.drain().await.map(words::server_status))
    }

    async fn set_capacity(&self, request: Request<wire::SetCapacityRequest>) -> Answer<wire::Status> {
        let wire::SetCapacityRequest { lands, players } = request.into_inner();
        answer("SetCapacity", self.0.set_capacity(lands, players).await.map(words::server_status))
    }

    type WatchLandsStream = Pin<Box<dyn Stream<Item = Result<wire::Notice, Status>> + Send>>;

    async fn watch_lands(
        &self,
        _request: Request<wire::WatchLandsRequest>,
    ) -> Answer<Self::WatchLandsStream> {
        let notices = self.0.watch().await.map(|feed| {
            let notices = stream::unfold(feed, async |mut feed| {
                let told = feed.next().await?;
                Some((Ok(words::notice(&told)), feed))
            });
            Box::pin(notices) as Self::WatchLandsStream
        });
        answer("WatchLands", notices)
    }

    async fn land_ready(&self, request: Request<wire::LandReadyRequest>) -> Answer<wire::LandResponse> {
        let wire::LandReadyRequest { land_id } = request.into_inner();
        let ready = self.0.land_ready(&land_id).await;
        answer("LandReady", ready.map(|outcome| words::became(land_id, outcome)))
    }

    async fn refuse_land(&self, request: Request<wire::RefuseLandRequest>) -> Answer<wire::LandResponse> {
        let wire::RefuseLandRequest { land_id, reason } = request.into_inner();
        let refused = self.0.refuse_land(&land_id, reason).await;
        answer("RefuseLand", refused.map(|outcome| words::became(land_id, outcome)))
    }

    async fn fail_land(&self, request: Request<wire::FailLandRequest>) -> Answer<wire::LandResponse> {
        let wire::FailLandRequest { land_id, reason } = request.into_inner();
        let failed = self.0.fail_land(&land_id, reason).await;
        answer("FailLand", failed.map(|outcome| words::became(land_id, outcome)))
    }

    async fn end_land(&self, request: Request<wire::EndLandRequest>) -> Answer<wire::EndLandResponse> {
        let wire::EndLandRequest { land_id } = request.into_inner();
        let ended = self.0.end_land(&land_id).await;
        answer("EndLand", ended.map(|ended| wire::EndLandResponse { ended }))
    }

    async fn set_players(&self, request: Request<wire::PlayersRequest>) -> Answer<wire::PlayersResponse> {
        let wire::PlayersRequest { land_id, players } = request.into_inner();
        let count = self.0.set_players(&land_id, &players).await;
        answer("SetPlayers", count.map(|count| words::players(land_id, count)))
    }

    async fn players_joined(&self, request: Request<wire::PlayersRequest>) -> Answer<wire::PlayersResponse> {
        let wire::PlayersRequest { land_id, players } = request.into_inner();
        let count = self.0.players_joined(&land_id, &players).await;
        answer("PlayersJoined", count.map(|count| words::players(land_id, count)))
    }

    async fn players_left(&self, request: Request<wire::PlayersRequest>) -> Answer<wire::PlayersResponse> {
        let wire::PlayersRequest { land_id, players } = request.into_inner();
        let count = self.0.players_left(&land_id, &players).await;
        answer("PlayersLeft", count.map(|count| words::players(land_id, count)))
    }

    async fn verify_token(&self, request: Request<wire::VerifyTokenRequest>) -> Answer<wire::TokenResponse> {
        let wire::VerifyTokenRequest { token, land_id } = request.into_inner();
        answer("VerifyToken", self.0.verify_token(&token, &land_id).await.map(words::admitted))
    }

    async fn redeem_token(&self, request: Request<wire::RedeemTokenRequest>) -> Answer<wire::TokenResponse> {
        let wire::RedeemTokenRequest { token, land_id, redemption_id } = request.into_inner();
        let redemption_id = (!redemption_id.is_empty()).then_some(redemption_id);
        let redeemed = self.0.redeem_token(token, land_id, redemption_id).await;
        answer("RedeemToken", redeemed.map(words::admitted))
    }

    async fn get_jwks(&self, request: Request<wire::GetJwksRequest>) -> Answer<wire::GetJwksResponse> {
        let wire::GetJwksRequest { kid } = request.into_inner();
        let keys = self.0.keys((!kid.is_empty()).then_some(kid.as_str())).await;
        let keys = keys.map(|keys| wire::GetJwksResponse {
            jwks_json: keys.text().to_owned(),
            max_age_s: keys.max_age_s(),
        });
        answer("GetJwks", keys)
    }
}
