//! The JSON that clients speak, and its conversion to and from the messages of `proto`.
//!
//! Here JSON gets its shape checked: types, unknown and missing fields. What a field may say (lengths, ranges, uniqueness) is
//! for the control plane alone to judge, so that no two programs disagree; it names fields its own way, and [`names`] turns
//! that back into the client's.

pub(crate) mod enqueue;
pub(crate) mod explanation;
pub(crate) mod names;
pub(crate) mod schema;
pub(crate) mod server;
mod shape;
pub(crate) mod ticket;

use proto::error::Refusal;
use serde_json::Value;
use utoipa::ToSchema;

use crate::identity::Secret;
use schema::Id;
use shape::{Faults, Fields};
pub(crate) use ticket::rfc3339;

/// The body of a cancel.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct CancelBody {
    /// The ticket to cancel.
    #[schema(value_type = Id, example = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55")]
    pub(crate) ticket_id: String,
}

impl CancelBody {
    /// Reads `{"ticketId": …}`.
    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        let mut faults = Faults::default();
        let mut ticket_id = String::new();
        if let Some(mut fields) = Fields::of_body(value, &mut faults) {
            ticket_id = fields.required_text("ticketId");
            fields.finish();
        }
        faults.into_result(Self { ticket_id })
    }
}

/// The body of an exchange of identity tokens.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct ExchangeBody {
    /// The identity provider's token.
    #[schema(value_type = String, example = "eyJhbGciOiJFUzI1NiIs…")]
    pub(crate) token: Secret,
}

impl ExchangeBody {
    /// Reads `{"token": …}`.
    pub(crate) fn read(value: &Value) -> Result<Self, Refusal> {
        Ok(Self { token: read_token(value, &[])? })
    }
}

/// Reads a socket's authentication, `{"action":"authenticate","token":…}`.
pub(crate) fn read_socket_token(value: &Value) -> Result<Secret, Refusal> {
    read_token(value, &["action"])
}

fn read_token(value: &Value, ignored: &[&'static str]) -> Result<Secret, Refusal> {
    let mut faults = Faults::default();
    let mut token = String::new();
    if let Some(mut fields) = Fields::of_body(value, &mut faults) {
        for name in ignored {
            fields.ignore(name);
        }
        token = fields.required_text("token");
        fields.finish();
    }
    faults.into_result(Secret::new(token))
}

/// Reads a socket's cancel, `{"action":"cancel","ticketId"?}`.
pub(crate) fn read_socket_cancel(value: &Value) -> Result<Option<String>, Refusal> {
    let mut faults = Faults::default();
    let mut ticket_id = None;
    if let Some(mut fields) = Fields::of_body(value, &mut faults) {
        fields.ignore("action");
        ticket_id = fields.text("ticketId");
        fields.finish();
    }
    faults.into_result(ticket_id)
}
