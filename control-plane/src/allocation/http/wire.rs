//! What is said to the service, as JSON.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use hyper::{
    Method, Request,
    header::{self, HeaderName, HeaderValue},
};
use matching::{PlayerId, QueueKey};
use percent_encoding::utf8_percent_encode;
use runtime::address::Address;
use serde::Serialize;
use serde_json::value::RawValue;
use storage::{LandId, MatchId, ServerId};

use crate::{
    allocation::AllocationRequest,
    connect_url::PLAIN,
    registry::{Policy, Selector, Use},
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How long we wait for the answer, in milliseconds.
const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");

/// The fields of the contract, and behind them what more there is to know.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Allocate<'a> {
    queue_key: &'a QueueKey,
    /// Of the oldest group.
    group_id: &'a str,
    /// All players of the match.
    group_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    /// By group.
    constraints: Box<RawValue>,
    match_id: &'a MatchId,
    land_type: &'a str,
    players: &'a [PlayerId],
    teams: Vec<Team<'a>>,
    policy: &'static str,
    selectors: Vec<ServerSelector<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefer_server_id: Option<&'a ServerId>,
    /// The best first, where no region was wished for.
    regions_by_latency: Vec<&'a str>,
    /// How long the land is to be kept for players who have not come.
    lasts_ms: u64,
}

#[derive(Serialize)]
struct Team<'a> {
    name: &'a str,
    players: &'a [PlayerId],
}

#[derive(Serialize)]
struct ServerSelector<'a> {
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    in_use: Option<&'static str>,
}

/// A land that is not needed, by its ids; or one that may have been made without our knowing, by what it was asked for with.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Release {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) land_id: Option<LandId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_id: Option<ServerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) idempotency_key: Option<String>,
    pub(super) reason: String,
}

/// What names all tries for one match: the land's id where it was chosen before the match, else the match's.
pub(super) fn key(request: &AllocationRequest) -> String {
    let id = request.land.as_ref().map_or(request.match_id.as_str(), LandId::as_str);
    utf8_percent_encode(id, PLAIN).to_string()
}

/// The body of an allocation.
pub(super) fn allocate(request: &AllocationRequest) -> String {
    let constraints = RawValue::from_string(request.constraints_by_group());
    let teams = request.teams.iter();
    let body = Allocate {
        queue_key: &request.queue,
        group_id: request.groups.first().map_or("", |wish| wish.group.as_str()),
        group_size: request.seats,
        region: request.region.as_deref(),
        constraints: constraints
            .unwrap_or_else(|_| RawValue::from_string("{}".to_owned()).expect("it is JSON")),
        match_id: &request.match_id,
        land_type: &request.land_type,
        players: &request.players,
        teams: teams.map(|team| Team { name: &team.name, players: &team.players }).collect(),
        policy: match request.policy {
            Policy::Spread => "spread",
            Policy::Packed => "packed",
        },
        selectors: request.selectors.iter().map(selector).collect(),
        prefer_server_id: request.prefer.as_ref(),
        regions_by_latency: request.latencies.ranks().flatten().map(|(region, _)| region.as_str()).collect(),
        lasts_ms: u64::try_from(request.lasting.as_millis()).unwrap_or(u64::MAX),
    };
    serde_json::to_string(&body).expect("texts and numbers are JSON")
}

fn selector(selector: &Selector) -> ServerSelector<'_> {
    ServerSelector {
        labels: &selector.labels,
        region: selector.region.as_deref(),
        version: selector.version.as_deref(),
        in_use: match selector.in_use {
            Use::Any => None,
            Use::Empty => Some("empty"),
            Use::Occupied => Some("occupied"),
        },
    }
}

/// A request for `path` of the service.
pub(super) fn request(
    address: &Address,
    path: &str,
    bearer: Option<HeaderValue>,
    key: Option<&str>,
    within: Duration,
    body: String,
) -> Request<String> {
    let mut target = address.path().trim_end_matches('/').to_owned();
    write!(target, "{path}").expect("a string takes all text");
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.parse().expect("a path with a path behind it is one");
    let headers = request.headers_mut();
    let authority = HeaderValue::from_str(address.authority()).expect("an authority is printable");
    headers.insert(header::HOST, authority);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("muster"));
    let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    headers.insert(REQUEST_TIMEOUT, HeaderValue::from(within));
    let key = key.map(|key| HeaderValue::try_from(key).expect("what is percent-encoded is printable"));
    headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
    headers.extend(bearer.map(|bearer| (header::AUTHORIZATION, bearer)));
    request
}
