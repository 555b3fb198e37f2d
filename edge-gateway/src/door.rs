//! What stands before every handler of the clients' listener: whom it lets in, how often, and how many at the same time.
//!
//! In the order in which a request meets it: its connection has a [`Place`] (`http::connections` takes it), pages of other
//! origins are turned away ([`mod@origins`]), then its head, its sender's rate and the load are looked at ([`enter`]).
//! Nothing here reads a body, asks the control plane or waits: saying no costs next to nothing, so it can be said to all.
//! `/health` and `/ready` are answered whatever the load: who asks them decides where clients are sent.
//!
//! What is kept for an address or a player is bounded: counts ([`places`]) live as long as what they count, and rates
//! ([`rates`]) forget whoever owes least.

mod addresses;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod load;
mod origins;
mod places;
mod rates;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use metrics::counter;
use proto::error::{Reason, Refusal};

use crate::{
    app::App,
    config::{Config, Limits},
    problem::Problem,
};

pub(crate) use addresses::{AddressKey, Addresses, Client};
pub(crate) use load::{Call, Load, UnderWay};
pub(crate) use origins::{Origins, only_without_origin, origins};
pub(crate) use places::{Full, Place, Places};
pub(crate) use rates::{Pace, Rates, pace};

/// How a connection came in: with each of its requests, as an extension.
#[derive(Clone)]
pub(crate) struct Arrival {
    /// The other end of the connection: a client, or a proxy.
    pub(crate) peer: std::net::IpAddr,
    /// Kept as long as the connection lives, whatever it turns into.
    #[expect(dead_code, reason = "it is held, and counted where it is dropped")]
    pub(crate) place: Arc<Place<AddressKey>>,
    /// Why there is no place for it. Then `place` is one of those for being told so.
    pub(crate) turned_away: Option<Full>,
}

/// What decides who comes in.
pub(crate) struct Door {
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) origins: Origins,
    pub(crate) rates: Rates,
    pub(crate) load: Load,
    /// Sockets, by the address of their client.
    pub(crate) sockets: Places<AddressKey>,
    /// Sockets, by their player.
    pub(crate) players: Places<u64>,
    max_head: usize,
    max_headers: usize,
}

impl Door {
    /// As configured.
    pub(crate) fn new(config: &Config) -> Self {
        let Limits { max_sockets, max_sockets_per_address, max_sockets_per_player, .. } = config.limits;
        Self {
            addresses: Arc::new(Addresses::new(&config.limits)),
            origins: Origins::new(config),
            rates: Rates::new(&config.limits),
            load: Load::new(config.limits.max_requests, config.limits.max_calls),
            sockets: Places::new(max_sockets, max_sockets_per_address),
            players: Places::new(max_sockets, max_sockets_per_player),
            max_head: config.limits.max_head,
            max_headers: config.limits.max_headers,
        }
    }

    /// Lets a request in, or says why not.
    fn admit(&self, request: &Request) -> Result<(Client, UnderWay), Refusal> {
        let arrival = request.extensions().get::<Arrival>();
        // The limits of connections answer here, because a refusal should be readable.
        match arrival.and_then(|arrival| arrival.turned_away) {
            None => {}
            Some(Full::Key) => {
                let message = "your address has as many connections open as it may; close some";
                return Err(Refusal::new(Reason::RateLimited, message));
            }
            Some(Full::All) => {
                return Err(self.load.shed("there are as many connections open as there may be"));
            }
        }
        let client = self.addresses.client(arrival.map(|arrival| arrival.peer), request.headers());
        self.rates.address(client)?;
        Ok((client, self.load.begin_request()?))
    }

    fn is_head_too_large(&self, request: &Request) -> bool {
        let address = request.uri().path().len() + request.uri().query().map_or(0, str::len);
        let headers = request.headers();
        address + size_of_headers(headers) > self.max_head || headers.len() > self.max_headers
    }
}

/// The middleware around all routes of the clients' listener, and around the answer to no route.
pub(crate) async fn enter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if is_probe(&request) {
        return next.run(request).await;
    }
    if app.door.is_head_too_large(&request) {
        return turn_away(Problem::head_too_large(app.door.max_head, app.door.max_headers));
    }
    match app.door.admit(&request) {
        Ok((client, _under_way)) => {
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(refusal) => turn_away(refusal.into()),
    }
}

fn turn_away(problem: Problem) -> Response {
    counter!("gateway_turned_away_total", "code" => problem.name()).increment(1);
    problem.into_response()
}

/// What a load balancer asks, and has to be told when the gateway is busiest.
fn is_probe(request: &Request) -> bool {
    matches!(request.uri().path(), "/health" | "/ready")
}

/// As they were on the wire.
fn size_of_headers(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}
