//! The SDK by HTTP, as Agones' own gateway speaks it: the same calls by their paths, in JSON.
//!
//! | call | is |
//! |---|---|
//! | `POST /ready`, `/allocate`, `/shutdown`, `/reserve {"seconds":"5"}` | the call of that name |
//! | `POST /health` | one message of health |
//! | `GET /gameserver`, `GET /watch/gameserver` | the game server, once, or one JSON object a line |
//! | `PUT /metadata/label`, `/metadata/annotation {"key","value"}` | `SetLabel`, `SetAnnotation` |
//! | `GET`, `PATCH /v1beta1/counters/{name}` | `GetCounter`, `UpdateCounter` |
//! | `GET`, `PATCH /v1beta1/lists/{name}`, `POST …/{name}:addValue`, `…:removeValue` | lists |
//!
//! They stand beside the local API on one port. The two share `/health` and nothing else: `GET` asks whether the agent runs,
//! `POST` says that the game server does.

mod json;

use std::convert::Infallible;

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use futures_util::StreamExt as _;
use proto::agones::{
    beta::{
        AddListValueRequest, GetCounterRequest, GetListRequest, RemoveListValueRequest, UpdateCounterRequest,
        UpdateListRequest, sdk_server::Sdk as Beta,
    },
    sdk::{Empty, sdk_server::Sdk},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::{Code, Request, Status};

use super::SdkApi;
use crate::shown::shortened;
use json::Fields;

/// The routes, for the local API to serve beside its own.
pub(crate) fn routes(api: SdkApi) -> Router {
    Router::new()
        .route("/ready", post(ready))
        .route("/allocate", post(allocate))
        .route("/shutdown", post(shutdown))
        .route("/reserve", post(reserve))
        .route("/health", post(health))
        .route("/gameserver", get(game_server))
        .route("/watch/gameserver", get(watch))
        .route("/metadata/label", put(set_label))
        .route("/metadata/annotation", put(set_annotation))
        .route("/v1beta1/counters/{name}", get(counter).patch(update_counter))
        .route("/v1beta1/lists/{name}", get(list).patch(update_list).post(list_values))
        .with_state(api)
}

/// An answer, or why there is none, in the form that the gateway of Agones gives it.
type Answer = Result<axum::Json<Value>, Failure>;

struct Failure(Status);

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.0.code() {
            Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::AlreadyExists => StatusCode::CONFLICT,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let code = i32::from(self.0.code());
        (status, axum::Json(json!({ "code": code, "message": self.0.message(), "details": [] })))
            .into_response()
    }
}

async fn ready(State(api): State<SdkApi>) -> Answer {
    api.ready(Request::new(Empty {})).await?;
    done()
}

async fn allocate(State(api): State<SdkApi>) -> Answer {
    api.allocate(Request::new(Empty {})).await?;
    done()
}

async fn shutdown(State(api): State<SdkApi>) -> Answer {
    api.shutdown(Request::new(Empty {})).await?;
    done()
}

async fn reserve(State(api): State<SdkApi>, body: Body) -> Answer {
    let seconds = Fields::read(body).await?.duration()?;
    api.reserve(Request::new(seconds)).await?;
    done()
}

async fn health(State(api): State<SdkApi>) -> Answer {
    api.well().await?;
    done()
}

async fn game_server(State(api): State<SdkApi>) -> Answer {
    let picture = api.get_game_server(Request::new(Empty {})).await?.into_inner();
    Ok(axum::Json(json::game_server(picture)))
}

async fn watch(State(api): State<SdkApi>) -> Response {
    let lines = api.watch().map(|picture| {
        let line = match picture {
            Ok(picture) => json!({ "result": json::game_server(picture) }),
            Err(status) => {
                json!({ "error": { "code": i32::from(status.code()), "message": status.message() } })
            }
        };
        Ok::<_, Infallible>(format!("{line}\n"))
    });
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(lines)).into_response()
}

async fn set_label(State(api): State<SdkApi>, body: Body) -> Answer {
    let pair = Fields::read(body).await?.key_value()?;
    api.set_label(Request::new(pair)).await?;
    done()
}

async fn set_annotation(State(api): State<SdkApi>, body: Body) -> Answer {
    let pair = Fields::read(body).await?.key_value()?;
    api.set_annotation(Request::new(pair)).await?;
    done()
}

async fn counter(State(api): State<SdkApi>, Path(name): Path<String>) -> Answer {
    let counter = api.get_counter(Request::new(GetCounterRequest { name })).await?.into_inner();
    Ok(axum::Json(json::counter(&counter)))
}

async fn update_counter(State(api): State<SdkApi>, Path(name): Path<String>, body: Body) -> Answer {
    let update = Fields::read(body).await?.counter_update(name)?;
    let request = UpdateCounterRequest { counter_update_request: Some(update) };
    Ok(axum::Json(json::counter(&api.update_counter(Request::new(request)).await?.into_inner())))
}

async fn list(State(api): State<SdkApi>, Path(name): Path<String>) -> Answer {
    let list = api.get_list(Request::new(GetListRequest { name })).await?.into_inner();
    Ok(axum::Json(json::list(&list)))
}

#[derive(Deserialize)]
struct Mask {
    /// Fields, separated by commas. Without it: those that the body has.
    #[serde(alias = "updateMask")]
    update_mask: Option<String>,
}

async fn update_list(
    State(api): State<SdkApi>,
    Path(name): Path<String>,
    Query(Mask { update_mask }): Query<Mask>,
    body: Body,
) -> Answer {
    let (list, present) = Fields::read(body).await?.list(name)?;
    let named = update_mask.map(|mask| mask.split(',').map(str::to_owned).collect());
    let mask = prost_types::FieldMask { paths: named.unwrap_or(present) };
    let request = UpdateListRequest { list: Some(list), update_mask: Some(mask) };
    Ok(axum::Json(json::list(&api.update_list(Request::new(request)).await?.into_inner())))
}

async fn list_values(State(api): State<SdkApi>, Path(path): Path<String>, body: Body) -> Answer {
    let value = Fields::read(body).await?.text("value")?;
    let changed = match path.rsplit_once(':') {
        Some((name, "addValue")) => {
            let name = name.to_owned();
            api.add_list_value(Request::new(AddListValueRequest { name, value })).await?
        }
        Some((name, "removeValue")) => {
            let name = name.to_owned();
            api.remove_list_value(Request::new(RemoveListValueRequest { name, value })).await?
        }
        _ => {
            let text = format!(
                "`{}` can't be posted to; post to {{name}}:addValue or {{name}}:removeValue",
                shortened(&path)
            );
            return Err(Status::not_found(text).into());
        }
    };
    Ok(axum::Json(json::list(&changed.into_inner())))
}

fn done() -> Answer {
    Ok(axum::Json(json!({})))
}
