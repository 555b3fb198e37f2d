//! What the description says of every call alike, and what can't be said beside a handler or a type.

use utoipa::{
    Modify,
    openapi::{
        ContentBuilder, ObjectBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder, Type,
        header::HeaderBuilder,
        link::LinkBuilder,
        path::Operation,
        schema::{AdditionalProperties, AllOfBuilder, OneOfBuilder, Schema},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::problem::MEDIA_TYPE;

/// How a player proves who they are.
pub(super) struct Bearer;

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
pub(super) struct AtTheDoor;

impl Modify for AtTheDoor {
    fn modify(&self, document: &mut Document) {
        let answers = [
            ("403", "`FORBIDDEN`: a page of an origin that may not use this gateway."),
            ("429", "`RATE_LIMITED`, with `Retry-After`."),
            ("431", "`HEAD_TOO_LARGE`: the address or the headers."),
            ("503", "`UNAVAILABLE`, with `Retry-After`: there is too much to do; nothing was done."),
        ];
        for (path, operation) in operations(document) {
            // Answered whatever the load, as far as the page that asks may.
            let is_probe = matches!(path, "/health" | "/ready");
            for (status, description) in answers {
                if !is_probe || status == "403" {
                    let responses = &mut operation.responses.responses;
                    responses.entry(status.to_owned()).or_insert_with(|| problem(description).into());
                }
            }
        }
    }
}

fn problem(description: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content(MEDIA_TYPE, body).build()
}

/// The headers that say what to do next.
pub(super) struct Headers;

impl Modify for Headers {
    fn modify(&self, document: &mut Document) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        let wait = HeaderBuilder::new()
            .schema(Some(seconds))
            .description(Some("Seconds to wait before the same request is sent again."))
            .build();
        let challenge = HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some(
                "`Bearer`, with `error=\"invalid_token\"` where a token was sent and is no good.",
            ))
            .build();
        let id = HeaderBuilder::new()
            .schema(Some(
                ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(128)),
            ))
            .description(Some("Names this request, in the operator's log too."))
            .build();
        for (path, operation) in operations(document) {
            let is_probe = matches!(path, "/health" | "/ready");
            for (status, response) in &mut operation.responses.responses {
                let RefOr::T(response) = response else { continue };
                let mut add = |name: &str, header: &utoipa::openapi::Header| {
                    response.headers.entry(name.to_owned()).or_insert_with(|| header.clone().into());
                };
                add("x-request-id", &id);
                match status.as_str() {
                    "401" => add("WWW-Authenticate", &challenge),
                    "429" | "503" if !is_probe => add("Retry-After", &wait),
                    _ => {}
                }
            }
        }
    }
}

/// What requests may hold, as far as it lies in no single field.
pub(super) struct Bodies;

impl Modify for Bodies {
    fn modify(&self, document: &mut Document) {
        let schemas = &mut document.components.get_or_insert_default().schemas;
        for name in ["EnqueueBody", "PlayerBody", "CancelBody", "ExchangeBody"] {
            if let Some(RefOr::T(Schema::Object(body))) = schemas.get_mut(name) {
                body.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
        // `null` is the same as leaving a field out.
        let named_in = |field: &str| {
            ObjectBuilder::new()
                .property(field, ObjectBuilder::new().schema_type(Type::Array))
                .required(field)
        };
        let one_way = OneOfBuilder::new().item(named_in("members")).item(named_in("players"));
        if let Some(enqueue) = schemas.get_mut("EnqueueBody") {
            let fields = std::mem::replace(enqueue, ObjectBuilder::new().into());
            *enqueue = AllOfBuilder::new().item(fields).item(one_way).into();
        }
    }
}

/// What can be done with a ticket once there is one.
pub(super) struct Links;

impl Modify for Links {
    fn modify(&self, document: &mut Document) {
        let ticket = "$response.body#/ticketId";
        let read = LinkBuilder::new()
            .operation_id("status")
            .parameter("ticketId", ticket)
            .description("Follow the ticket.");
        let cancel = LinkBuilder::new()
            .operation_id("cancel")
            .request_body(Some(serde_json::json!({ "ticketId": ticket })))
            .description("Take it back.");
        let enqueue = operations(document).find(|(path, _)| *path == "/v1/matchmaking/enqueue");
        let answers = enqueue.map(|(_, operation)| &mut operation.responses.responses);
        if let Some(RefOr::T(queued)) = answers.and_then(|answers| answers.get_mut("201")) {
            queued.links.insert("read".to_owned(), read.build().into());
            queued.links.insert("cancel".to_owned(), cancel.build().into());
        }
    }
}

/// Every operation with its path.
fn operations(document: &mut Document) -> impl Iterator<Item = (&str, &mut Operation)> {
    document.paths.paths.iter_mut().flat_map(|(path, item)| {
        [&mut item.get, &mut item.post].into_iter().flatten().map(|operation| (path.as_str(), operation))
    })
}
