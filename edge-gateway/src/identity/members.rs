//! Whether a caller may enqueue the players of a ticket: a trusted one anybody, a player themselves and whoever handed them a
//! token of theirs (`memberTokens`).

use std::collections::BTreeMap;

use proto::error::{FieldError, Reason, Refusal};

use super::{Caller, Identity, PlayerId, Secret};

/// Who is to be enqueued, and what was sent to prove that they agree.
pub(crate) struct Party<'a> {
    /// Every member.
    pub(crate) members: Vec<&'a str>,
    /// The field of the body that names them.
    pub(crate) members_field: &'static str,
    /// By player.
    pub(crate) tokens: &'a BTreeMap<String, Secret>,
}

impl Identity {
    /// Refuses a party that `caller` may not enqueue, and names every member who isn't proved.
    pub(crate) async fn may_enqueue(&self, caller: &Caller, party: &Party<'_>) -> Result<(), Refusal> {
        let Some(own) = caller.player() else { return Ok(()) };
        let mut faults = Vec::new();
        let mut fault = |field: String, why: String| faults.push(FieldError::new(field, why));
        if !party.members.contains(&own.as_str()) {
            let why =
                format!("must have you among them, and your token says that you are `{}`", own.as_str());
            fault(party.members_field.to_owned(), why);
        }
        for member in party.members.iter().filter(|member| **member != own.as_str()) {
            if !party.tokens.contains_key(*member) {
                let why = "is missing: a member other than yourself is proved by an identity token of theirs"
                    .to_owned();
                fault(field(member), why);
            }
        }
        for (member, token) in party.tokens {
            if !party.members.contains(&member.as_str()) {
                fault(field(member), "is of nobody who is to be enqueued".to_owned());
                continue;
            }
            match self.player(token).await {
                Ok(known) if known.id.as_str() == member => {}
                Ok(_) => fault(field(member), "is another player's token".to_owned()),
                Err(refusal) if refusal.reason == Reason::Unauthenticated => {
                    fault(field(member), refusal.message);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(not_proved(own, faults)) }
    }
}

fn not_proved(own: &PlayerId, faults: Vec<FieldError>) -> Refusal {
    let message = match faults.as_slice() {
        [only] => format!("{}: {}", only.field, only.message),
        many => {
            format!("as `{}` you can't enqueue these players: {} fields say why", own.as_str(), many.len())
        }
    };
    Refusal { fields: faults, ..Refusal::new(Reason::Forbidden, message) }
}

fn field(member: &str) -> String {
    let shown: String = member.chars().take(64).collect();
    format!("memberTokens.{shown}")
}
