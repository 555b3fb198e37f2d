//! What is sent to a match function: the round, then its tickets in messages of a bounded size.

use std::sync::Arc;

use matching::{Attribute, Player, QueueKey, Rules, Time};
use prost::Message as _;
use proto::{match_function::v1 as pb, matchmaking::v1 as mm};
use storage::TicketRecord;

use super::answer::{most_names, most_proposals};
use crate::queues::QueueSettings;

/// A message is sent when it has this many bytes. One ticket may have as many again, and so every message less than 2 MiB.
const MESSAGE: usize = 1024 * 1024;
const LARGEST_TICKET: usize = MESSAGE - 1024;
/// And when it has this many tickets.
const TICKETS: usize = 1_000;

/// What a call is about. `waiting` is how many tickets there are.
pub(super) fn round(
    queue: &QueueKey,
    settings: &QueueSettings,
    sent: usize,
    waiting: usize,
    now: Time,
) -> pb::Round {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (teams, players) = shapes(settings);
    let rule_set = match &settings.rules {
        Rules::RuleSet(set) => set.name.clone(),
        _ => String::new(),
    };
    pb::Round {
        queue_key: queue.to_string(),
        now_unix_ms: now.0,
        rules: settings.rules.to_string(),
        rule_set,
        teams,
        min_players: players.0,
        max_players: players.1,
        waiting_tickets: count(waiting),
        sent_tickets: count(sent),
        max_proposals: count(most_proposals(sent)),
        max_names: count(most_names(sent)),
    }
}

/// The teams of a match, and its fewest and most players.
fn shapes(settings: &QueueSettings) -> (Vec<pb::TeamShape>, (u32, u32)) {
    let shape = |name: String, (min_players, max_players)| pb::TeamShape { name, min_players, max_players };
    let teams: Vec<_> = match &settings.rules {
        Rules::StartAlone => return (Vec::new(), (1, settings.rules.max_party())),
        Rules::FillGroup { min_players, max_players, .. } => {
            return (Vec::new(), (*min_players, *max_players));
        }
        Rules::Teams { sizes, .. } => {
            let named = sizes.iter().zip(1..);
            named.map(|(&size, number): (_, usize)| shape(format!("team-{number}"), (size, size))).collect()
        }
        Rules::RuleSet(_) => {
            let teams = settings.judge.iter().flat_map(|judge| &judge.plan().teams);
            teams
                .map(|team| {
                    let least = team.min_players.steps.iter().map(|step| step.value);
                    let least = least.fold(team.min_players.first, f64::min);
                    shape(team.name.clone(), (least as u32, team.max_players.most() as u32))
                })
                .collect()
        }
    };
    let sum = |size: fn(&pb::TeamShape) -> u32| teams.iter().map(size).sum();
    let players = (sum(|team| team.min_players), sum(|team| team.max_players));
    (teams, players)
}

/// All messages of a call. Made while they are sent: who reads slowly gets fewer of them in the time that there is.
pub(super) fn messages(
    round: pb::Round,
    sent: Arc<[Arc<TicketRecord>]>,
) -> impl Iterator<Item = pb::ProposeRequest> + Send + 'static {
    use pb::propose_request::Part;
    let mut next = 0;
    let tickets = std::iter::from_fn(move || {
        let (mut tickets, mut bytes) = (Vec::new(), 0);
        while bytes < MESSAGE && tickets.len() < TICKETS {
            let Some(record) = sent.get(next) else { break };
            next += 1;
            let ticket = ticket(record);
            let size = ticket.encoded_len();
            if size > LARGEST_TICKET {
                tracing::warn!(
                    ticket = ticket.ticket_id,
                    size,
                    "the ticket is too large for its queue's match function"
                );
                continue;
            }
            bytes += size;
            tickets.push(ticket);
        }
        (!tickets.is_empty()).then_some(Part::Tickets(pb::Tickets { tickets }))
    });
    std::iter::once(Part::Round(round)).chain(tickets).map(|part| pb::ProposeRequest { part: Some(part) })
}

fn ticket(record: &TicketRecord) -> pb::Ticket {
    let ticket = &record.ticket;
    pb::Ticket {
        ticket_id: ticket.id.to_string(),
        group_id: ticket.group.to_string(),
        players: ticket.players.iter().map(player).collect(),
        enqueued_at_unix_ms: ticket.enqueued_at.0,
        expires_at_unix_ms: ticket.expires_at.0,
        region: record.region.as_deref().unwrap_or_default().to_owned(),
    }
}

fn player(player: &Player) -> mm::Player {
    let text = |text: &Option<smol_str::SmolStr>| text.as_deref().unwrap_or_default().to_owned();
    let attributes = player.attributes.iter();
    mm::Player {
        player_id: player.id.to_string(),
        attributes: attributes.map(|(name, value)| (name.to_string(), attribute(value))).collect(),
        latencies: player.latencies.iter().map(|(region, ms)| (region.to_string(), *ms)).collect(),
        team: text(&player.team),
        role: text(&player.role),
    }
}

fn attribute(attribute: &Attribute) -> mm::AttributeValue {
    use mm::attribute_value::Kind;
    let kind = match attribute {
        Attribute::Number(number) => Kind::Number(*number),
        Attribute::String(text) => Kind::String(text.to_string()),
        Attribute::StringList(texts) => {
            Kind::StringList(mm::StringList { values: texts.iter().map(ToString::to_string).collect() })
        }
        Attribute::StringNumberMap(map) => {
            let values = map.iter().map(|(name, number)| (name.to_string(), *number)).collect();
            Kind::StringNumberMap(mm::StringNumberMap { values })
        }
    };
    mm::AttributeValue { kind: Some(kind) }
}
