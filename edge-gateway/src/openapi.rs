//! The description of the client API: `/api/openapi.json` for programs, `/api` to read and try it.
//!
//! It is made from the handlers and the types that they speak; a snapshot test shows every change of it.

use axum::{Json, Router, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, Response, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    problem::{MEDIA_TYPE, ProblemBody},
    realtime, rest,
};

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
    modifiers(&Bearer, &AtTheDoor),
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

/// How a player proves who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("An identity token: of `/v1/identity/guest` or `/v1/identity/exchange`, or an identity provider's own."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("player", SecurityScheme::Http(scheme));
    }
}

/// What every call may be answered before it is looked at.
struct AtTheDoor;

impl Modify for AtTheDoor {
    fn modify(&self, document: &mut Document) {
        let answers = [
            ("403", "`FORBIDDEN`: a page of an origin that may not use this gateway."),
            ("429", "`RATE_LIMITED`, with `Retry-After`."),
            ("431", "`HEAD_TOO_LARGE`: the address or the headers."),
            ("503", "`UNAVAILABLE`, with `Retry-After`: there is too much to do; nothing was done."),
        ];
        for (path, item) in &mut document.paths.paths {
            // Answered whatever the load, as far as the page that asks may.
            let is_probe = matches!(path.as_str(), "/health" | "/ready");
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                for (status, description) in answers {
                    if !is_probe || status == "403" {
                        let responses = &mut operation.responses.responses;
                        responses.entry(status.to_owned()).or_insert_with(|| problem(description).into());
                    }
                }
            }
        }
    }
}

fn problem(description: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content(MEDIA_TYPE, body).build()
}

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
