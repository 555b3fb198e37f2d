//! A problem's JSON, as RFC 9457 and the contract write it.

use proto::error::FieldError;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was refused (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemBody {
    /// A path at this gateway that explains the code.
    #[serde(rename = "type")]
    #[schema(example = "/problems/ticket-not-found")]
    pub(crate) kind: String,
    /// The same for every problem of this code.
    #[schema(example = "No such ticket")]
    pub(crate) title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub(crate) status: u16,
    /// What is wrong here and what to do, for people.
    pub(crate) detail: String,
    /// What is wrong, for programs.
    #[schema(example = "TICKET_NOT_FOUND")]
    pub(crate) code: String,
    /// Whether the same request may succeed later.
    pub(crate) retryable: bool,
    /// Every bad field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) errors: Vec<FieldProblem>,
    /// The ticket that this is about: the group's own with `GROUP_ALREADY_QUEUED`; with `UNAVAILABLE` and
    /// `DEADLINE_EXCEEDED` of an enqueue, the one that may exist now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_id: Option<String>,
    /// The player that `PLAYER_ALREADY_QUEUED` is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) player_id: Option<String>,
}

/// One bad field.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Its path in the request.
    #[schema(example = "players[3].playerId")]
    pub(crate) field: String,
    /// What is wrong with it and what would be right.
    pub(crate) message: String,
}

impl From<&FieldError> for FieldProblem {
    fn from(error: &FieldError) -> Self {
        Self { field: error.field.clone(), message: error.message.clone() }
    }
}
