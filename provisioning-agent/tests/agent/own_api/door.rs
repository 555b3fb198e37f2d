//! One of the two doors: calls by their names, with JSON in and out as the HTTP API has it.

use proto::agent::v1::{self as wire, game_server_client::GameServerClient, notice::Notice};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use tonic::{
    Status, Streaming,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use super::Kind;
use crate::fixture::{Agent, SOON, Watch};

pub(super) struct Door {
    pub(super) agent: Agent,
    kind: Kind,
    client: GameServerClient<Channel>,
}

/// Why a call was refused: the reason, and the first field that it is about, or nothing.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) field: String,
    pub(super) message: String,
    pub(super) retryable: bool,
}

impl Door {
    pub(super) fn new(kind: Kind, agent: Agent) -> Self {
        let url = format!("http://{}", agent.grpc_addr.unwrap());
        let client = GameServerClient::new(Endpoint::from_shared(url).unwrap().connect_lazy());
        Self { agent, kind, client }
    }

    pub(super) async fn ok(&self, call: &str, body: Value) -> Value {
        let answer = self.call(call, body).await;
        answer.unwrap_or_else(|refusal| panic!("{call}: {refusal:?}"))
    }

    pub(super) async fn refused(&self, call: &str, body: Value) -> Refusal {
        let answer = self.call(call, body).await;
        answer.err().unwrap_or_else(|| panic!("{call} was taken"))
    }

    pub(super) async fn call(&self, call: &str, body: Value) -> Result<Value, Refusal> {
        match self.kind {
            Kind::Http => self.by_http(call, body).await,
            Kind::Grpc => timeout(SOON, self.by_grpc(call, body)).await.unwrap().map_err(|why| refusal(&why)),
        }
    }

    /// What the gRPC door says as it is.
    pub(super) async fn grpc_status(&self, call: &str, body: Value) -> Status {
        timeout(SOON, self.by_grpc(call, body)).await.unwrap().unwrap_err()
    }

    pub(super) async fn watch(&self) -> Told {
        match self.kind {
            Kind::Http => Told::Http(self.agent.watch().await),
            Kind::Grpc => {
                let told = self.client.clone().watch_lands(wire::WatchLandsRequest {}).await;
                Told::Grpc(told.unwrap().into_inner())
            }
        }
    }

    async fn by_http(&self, call: &str, mut body: Value) -> Result<Value, Refusal> {
        let mut land = || {
            let id = body.as_object_mut().and_then(|body| body.remove("landId"));
            id.and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let (method, path) = match call {
            "status" => (Method::GET, "/v1/status".to_owned()),
            "ready" | "drain" => (Method::POST, format!("/v1/{call}")),
            "capacity" => (Method::PUT, "/v1/capacity".to_owned()),
            "land_ready" => (Method::POST, format!("/v1/lands/{}/ready", land())),
            "refuse" | "fail" | "join" | "leave" => (Method::POST, format!("/v1/lands/{}/{call}", land())),
            "players" => (Method::PUT, format!("/v1/lands/{}/players", land())),
            "end" => (Method::DELETE, format!("/v1/lands/{}", land())),
            "verify" | "redeem" => (Method::POST, format!("/v1/tokens/{call}")),
            "jwks" => (Method::GET, "/v1/jwks".to_owned()),
            unknown => panic!("{unknown}"),
        };
        let body = (method != Method::GET && method != Method::DELETE).then_some(body);
        let answer = self.agent.call(method, &path, body).await;
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        if status == StatusCode::OK {
            return Ok(answer);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Err(Refusal {
            code: text(&answer["code"]),
            field: text(&answer["errors"][0]["field"]),
            message: text(&answer["detail"]),
            retryable: answer["retryable"] == true,
        })
    }

    async fn by_grpc(&self, call: &str, body: Value) -> Result<Value, Status> {
        let mut client = self.client.clone();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| body[name].as_u64().map(|number| u32::try_from(number).unwrap());
        let land_id = text("landId");
        let players = || wire::PlayersRequest { land_id: land_id.clone(), players: texts(&body["players"]) };
        Ok(match call {
            "status" => status(client.get_status(wire::GetStatusRequest {}).await?.into_inner()),
            "ready" => {
                let lands = body["lands"].as_array().cloned().unwrap_or_default().into_iter();
                let lands = lands.map(|land| wire::LiveLand {
                    land_id: land["landId"].as_str().unwrap_or_default().to_owned(),
                    players: texts(&land["players"]),
                });
                status(client.ready(wire::ReadyRequest { lands: lands.collect() }).await?.into_inner())
            }
            "drain" => status(client.drain(wire::DrainRequest {}).await?.into_inner()),
            "capacity" => {
                let request = wire::SetCapacityRequest { lands: number("lands"), players: number("players") };
                status(client.set_capacity(request).await?.into_inner())
            }
            "land_ready" => {
                became(&client.land_ready(wire::LandReadyRequest { land_id }).await?.into_inner())
            }
            "refuse" => {
                let request = wire::RefuseLandRequest { land_id, reason: text("reason") };
                became(&client.refuse_land(request).await?.into_inner())
            }
            "fail" => {
                let request = wire::FailLandRequest { land_id, reason: text("reason") };
                became(&client.fail_land(request).await?.into_inner())
            }
            "end" => {
                let ended = client.end_land(wire::EndLandRequest { land_id }).await?.into_inner().ended;
                json!({ "ended": ended })
            }
            "players" => count(&client.set_players(players()).await?.into_inner()),
            "join" => count(&client.players_joined(players()).await?.into_inner()),
            "leave" => count(&client.players_left(players()).await?.into_inner()),
            "verify" => {
                let request = wire::VerifyTokenRequest { token: text("token"), land_id };
                admitted(&client.verify_token(request).await?.into_inner())
            }
            "redeem" => {
                let redemption_id = text("redemptionId");
                let request = wire::RedeemTokenRequest { token: text("token"), land_id, redemption_id };
                admitted(&client.redeem_token(request).await?.into_inner())
            }
            "jwks" => {
                let keys = client.get_jwks(wire::GetJwksRequest { kid: String::new() }).await?.into_inner();
                assert!(keys.max_age_s > 0);
                serde_json::from_str(&keys.jwks_json).unwrap()
            }
            unknown => panic!("{unknown}"),
        })
    }

    pub(super) async fn stop(self) {
        self.agent.stop().await.unwrap();
    }
}

/// What a game server is told.
pub(super) enum Told {
    Http(Watch),
    Grpc(Streaming<wire::Notice>),
}

impl Told {
    /// The next one that is no ping, as the HTTP API writes it; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Value> {
        let stream = match self {
            Self::Http(watch) => return watch.next().await,
            Self::Grpc(stream) => stream,
        };
        loop {
            // An agent that stops may cut the stream off: that is its end, too.
            let message = timeout(SOON, stream.message()).await.expect("nothing came").ok().flatten()?;
            match message.notice.unwrap() {
                Notice::Ping(_) => {}
                notice => return Some(line(notice)),
            }
        }
    }
}

fn line(notice: Notice) -> Value {
    match notice {
        Notice::Allocate(order) => {
            let teams = order.teams.iter().map(|team| json!({"name": team.name, "players": team.players}));
            let constraints: Value = match order.constraints_json.as_str() {
                "" => Value::Null,
                json => serde_json::from_str(json).unwrap(),
            };
            json!({
                "type": "land.allocate", "landId": order.land_id, "landType": order.land_type,
                "matchId": order.match_id, "queueKey": order.queue_key, "players": order.players,
                "teams": teams.collect::<Vec<_>>(), "constraints": constraints,
                "answerWithinMs": order.answer_within_ms,
            })
        }
        Notice::Release(release) => {
            json!({"type": "land.release", "landId": release.land_id, "reason": release.reason})
        }
        Notice::SeatsFreed(freed) => {
            json!({"type": "seats.freed", "landId": freed.land_id, "players": freed.players})
        }
        Notice::Drain(drain) => {
            let mut line = draining(&drain);
            line["type"] = json!("drain");
            line
        }
        Notice::Shutdown(shutdown) => json!({"type": "shutdown", "reason": shutdown.reason}),
        Notice::Replaced(_) => json!({"type": "replaced"}),
        Notice::Ping(_) => json!({"type": "ping"}),
    }
}

fn status(status: wire::Status) -> Value {
    let land = |land: &wire::Land| {
        json!({
            "landId": land.land_id, "landType": land.land_type, "players": land.players,
            "state": name(land.state().as_str_name(), "LAND_STATE_"),
        })
    };
    let mut answer = json!({
        "serverId": status.server_id, "instanceId": status.instance_id,
        "state": name(status.state().as_str_name(), "STATE_"),
        "health": name(status.health().as_str_name(), "HEALTH_"),
        "landTypes": status.land_types, "capacity": status.capacity,
        "lands": status.lands.iter().map(land).collect::<Vec<_>>(),
    });
    if let Some(players) = status.player_capacity {
        answer["playerCapacity"] = json!(players);
    }
    if let Some(drain) = status.draining {
        answer["draining"] = draining(&drain);
    }
    answer
}

fn draining(drain: &wire::Draining) -> Value {
    let mut line = Map::from_iter([("reason".to_owned(), json!(drain.reason))]);
    line.extend(drain.deadline_ms.map(|ms| ("deadlineMs".to_owned(), json!(ms))));
    Value::Object(line)
}

fn became(land: &wire::LandResponse) -> Value {
    json!({"landId": land.land_id, "state": name(land.outcome().as_str_name(), "OUTCOME_")})
}

fn count(count: &wire::PlayersResponse) -> Value {
    json!({"landId": count.land_id, "players": count.players})
}

fn admitted(token: &wire::TokenResponse) -> Value {
    json!({
        "playerId": token.player_id, "assignmentId": token.assignment_id, "matchId": token.match_id,
        "landId": token.land_id, "serverId": token.server_id, "expiresAtUnixMs": token.expires_at_unix_ms,
    })
}

fn refusal(status: &Status) -> Refusal {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{status:?} has no reason"));
    assert_eq!(info.domain, "muster");
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    Refusal {
        code: info.reason.clone(),
        field: violations.first().map(|first| in_json(&first.field)).unwrap_or_default(),
        message: status.message().to_owned(),
        retryable: details.retry_info().is_some(),
    }
}

fn in_json(field: &str) -> String {
    field.replace("land_id", "landId").replace("redemption_id", "redemptionId")
}

fn name(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap().to_lowercase()
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().cloned().unwrap_or_default();
    list.into_iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}
