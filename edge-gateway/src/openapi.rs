//! The description of the client API: `/api/openapi.json` for programs, `/api` to read and try it.
//!
//! It is made from the handlers and the types that they speak; a snapshot test shows every change of it.

mod everywhere;

use axum::{Json, Router, routing::get};
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::everywhere::{AtTheDoor, Bearer, Bodies, Headers, Links};
use crate::{problem::ProblemBody, realtime, rest};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Muster",
        description = "Ask for a match, and get everything that is needed to play: a token and the address of a game server.\n\n\
            Every answer carries `x-request-id`: the one that the request brought, where it is 1 to 128 visible ASCII \
            characters, else a new one. Errors are RFC 9457 problems; `code` says what is wrong, `retryable` whether the \
            same request may succeed later, and `type` is a path that explains the code.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        rest::enqueue::enqueue,
        rest::status::status,
        rest::cancel::cancel,
        realtime::realtime,
        rest::identity::guest,
        rest::identity::exchange,
        rest::jwks::jwks,
        rest::health::health,
        rest::health::ready,
    ),
    components(schemas(ProblemBody)),
    modifiers(&Bearer, &AtTheDoor, &Bodies, &Headers, &Links),
    tags(
        (name = "matchmaking", description = "Tickets: ask for a match, follow it, take it back."),
        (name = "identity", description = "Players: come to an identity token, which proves who you are."),
        (name = "keys", description = "What match tokens are verified with."),
        (name = "operations", description = "For whoever runs the gateway."),
    ),
    // Beside the document, wherever a proxy puts it.
    servers((url = "..", description = "This gateway")),
)]
struct Api;

/// The OpenAPI 3.1 document of the client API.
pub fn document() -> Document {
    Api::openapi()
}

/// `/api` and `/api/openapi.json`.
pub(crate) fn routes() -> Router {
    // The page asks for the document beside itself, so that both can stand behind a proxy's prefix.
    let page: Router = SwaggerUi::new("/api").config(Config::from("openapi.json")).into();
    page.route("/api/openapi.json", get(|| async { Json(document()) }))
}
