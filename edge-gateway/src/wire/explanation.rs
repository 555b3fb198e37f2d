//! Why a ticket waits, as its owner reads it.

use proto::matchmaking::v1 as pb;
use serde::Serialize;
use utoipa::ToSchema;

use super::ticket::rfc3339;

/// Why a ticket waits, at this moment. All but the sentence and the rules is missing where the queue's owner did not say in
/// time how the ticket stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Explanation)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplanationBody {
    /// A sentence for people: what is most in the way.
    pub(crate) summary: String,
    /// The queue's rules, for people.
    #[schema(example = "rule set `ranked`")]
    pub(crate) rules: String,
    /// Why no match gets a server, for people; where something is in the way.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub(crate) held_up_by: String,
    /// Its match is being made at this moment.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(crate) being_placed: bool,
    /// Why no match can ever take it (the queue's rules changed since it came), for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub(crate) unfit: String,
    /// How it stands among those that wait.
    #[serde(flatten)]
    pub(crate) standing: Option<StandingBody>,
}

/// How a ticket stands among those that wait with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Standing)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StandingBody {
    /// Other tickets that wait in the queue.
    pub(crate) candidates: u32,
    /// How many of them were looked at, the closest first: where it is fewer, the numbers below are about these.
    pub(crate) looked_at: u32,
    /// Of those looked at, the ones that could be in a match with this ticket.
    pub(crate) fitting: u32,
    /// Their players.
    pub(crate) fitting_players: u32,
    /// Of those looked at, the ones that can't, by the first thing that parts them from this ticket; the most first.
    pub(crate) exclusions: Vec<ExclusionBody>,
    /// Of what parts tickets by an amount, the smallest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nearest_miss: Option<MissBody>,
    /// How many players a match needs at least, with this ticket's own.
    pub(crate) players_needed: u32,
    /// How many of these are not there; 0: enough are there, but they don't make a match yet.
    pub(crate) players_missing: u32,
    /// When waiting changes next what the rules ask (RFC 3339, UTC); missing where it never does any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2025-07-18T09:30:20.000Z", format = DateTime)]
    pub(crate) next_expansion_at: Option<String>,
}

/// What keeps some tickets from this one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exclusion)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExclusionBody {
    /// The rule's name, or `team size`, `team asked`, `roles`, `premade parity`.
    #[schema(example = "FairSkill")]
    pub(crate) what: String,
    /// Whether `what` is the name of a rule.
    pub(crate) is_rule: bool,
    /// How many tickets it keeps away.
    pub(crate) tickets: u32,
    /// By how much the nearest of them misses, in the rule's own unit; where that means something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nearest_by: Option<f64>,
}

/// The nearest miss.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Miss)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MissBody {
    #[schema(example = "FairSkill")]
    pub(crate) what: String,
    /// In the rule's own unit: points, milliseconds, values, players.
    pub(crate) by: f64,
}

impl From<pb::Explanation> for ExplanationBody {
    fn from(told: pb::Explanation) -> Self {
        let outlook = told.outlook;
        let being_placed = outlook.as_ref().is_some_and(|outlook| outlook.being_placed);
        let unfit = outlook.as_ref().map(|outlook| outlook.unfit.clone()).unwrap_or_default();
        let waits = outlook.filter(|_| !being_placed && unfit.is_empty());
        Self {
            summary: told.summary,
            rules: told.rules,
            held_up_by: told.held_up_by,
            being_placed,
            unfit,
            standing: waits.map(StandingBody::from),
        }
    }
}

impl From<pb::Outlook> for StandingBody {
    fn from(outlook: pb::Outlook) -> Self {
        let exclusion = |one: pb::Exclusion| ExclusionBody {
            what: one.what,
            is_rule: one.is_rule,
            tickets: one.tickets,
            nearest_by: one.nearest_by,
        };
        let expansion = outlook.next_expansion_at_unix_ms;
        Self {
            candidates: outlook.candidates,
            looked_at: outlook.looked_at,
            fitting: outlook.fitting,
            fitting_players: outlook.fitting_players,
            exclusions: outlook.exclusions.into_iter().map(exclusion).collect(),
            nearest_miss: outlook.nearest_miss.map(|miss| MissBody { what: miss.what, by: miss.by }),
            players_needed: outlook.players_needed,
            players_missing: outlook.players_missing,
            next_expansion_at: (expansion > 0).then(|| rfc3339(expansion)),
        }
    }
}
