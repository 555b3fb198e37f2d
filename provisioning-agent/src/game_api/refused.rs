//! Why a call can't be done: one vocabulary, which each door puts into its own form.

use std::time::Duration;

use proto::error::{Reason, Refusal};

use crate::{
    handle::Gone,
    machine::{LandError, TooMuch},
};

/// How long to wait before asking again what couldn't be answered.
const AGAIN: Duration = Duration::from_secs(1);

/// Why, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    LandNotFound,
    LandAlreadyReady,
    PayloadTooLarge,
    TokenInvalid,
    TokenAlreadyRedeemed,
    Unavailable,
}

impl Code {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => Reason::InvalidRequest.name(),
            Self::LandNotFound => "LAND_NOT_FOUND",
            Self::LandAlreadyReady => "LAND_ALREADY_READY",
            Self::PayloadTooLarge => Reason::PayloadTooLarge.name(),
            Self::TokenInvalid => Reason::TokenInvalid.name(),
            Self::TokenAlreadyRedeemed => Reason::TokenAlreadyRedeemed.name(),
            Self::Unavailable => Reason::Unavailable.name(),
        }
    }
}

/// One field that can't be taken.
#[derive(Debug)]
pub(crate) struct FieldError {
    /// In the words of `agent.proto`: `lands[0].land_id`.
    pub(crate) field: String,
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

/// A call that can't be done.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    /// For people; empty where the fields say it.
    pub(crate) detail: String,
    pub(crate) fields: Vec<FieldError>,
    /// Set where the same may work then.
    pub(crate) retry_after: Option<Duration>,
}

impl Refused {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new(), retry_after: None }
    }

    /// Fields that can't be taken, at least one.
    pub(crate) fn invalid(fields: Vec<FieldError>) -> Self {
        Self { fields, ..Self::new(Code::InvalidRequest, String::new()) }
    }

    pub(crate) fn field(field: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(AGAIN), ..Self::new(Code::Unavailable, detail) }
    }
}

impl From<Gone> for Refused {
    fn from(gone: Gone) -> Self {
        Self::unavailable(gone.to_string())
    }
}

impl From<LandError> for Refused {
    fn from(error: LandError) -> Self {
        let code = match error {
            LandError::NotFound => Code::LandNotFound,
            LandError::AlreadyReady => Code::LandAlreadyReady,
            LandError::TooManyPlayers => return Self::field("players", error),
            LandError::TooMuch(TooMuch) => Code::PayloadTooLarge,
        };
        Self::new(code, error.to_string())
    }
}

/// What the control plane refuses is final, and told in its own words.
impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.reason {
            Reason::TokenAlreadyRedeemed => Code::TokenAlreadyRedeemed,
            Reason::TokenInvalid => Code::TokenInvalid,
            _ => Code::InvalidRequest,
        };
        Self::new(code, refusal.message)
    }
}
