//! Tickets that bytes make up, with what a rule set asks for.

use std::sync::Arc;

use crate::{
    Attribute, GroupId, Player, PlayerId, Ticket, TicketId, Time,
    rule_set::{AttributeType, RuleSet},
};

/// Few texts and numbers, so that tickets often agree.
const TEXTS: [&str; 6] = ["a", "b", "ranked", "harbour", "mu", "sigma"];
const NUMBERS: [f64; 8] = [0.0, 1.0, 2.0, 5.0, 10.0, 12.0, -3.0, 1_000_000.0];
const REGIONS: [&str; 3] = ["east", "north", "west"];

/// The bytes that decide, and zeros without end.
pub(super) struct Choices<'a>(pub(super) &'a [u8]);

impl Choices<'_> {
    /// Less than `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % end.max(1)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A ticket of one to four players.
pub(super) fn ticket(choices: &mut Choices<'_>, rules: &RuleSet, order: u64, at: Time) -> Ticket {
    let size = choices.one_of(&[1, 1, 1, 2, 1, 1, 3, 4]);
    let names: Vec<&str> = rules.teams.iter().map(|team| team.name.as_str()).collect();
    let team = if choices.below(8) == 7 { names.get(choices.below(names.len())).copied() } else { None };
    let players: Arc<[Player]> = (0..size)
        .map(|index| {
            let mut player = player(choices, rules, &format!("p{order}-{index}"));
            player.team = team.map(Into::into);
            player
        })
        .collect();
    Ticket {
        id: TicketId::new(format!("t{order}")),
        group: GroupId::new(format!("g{order}")),
        players,
        order,
        enqueued_at: at,
        expires_at: Time(u64::MAX),
    }
}

fn player(choices: &mut Choices<'_>, rules: &RuleSet, id: &str) -> Player {
    let mut player = Player::new(PlayerId::new(id));
    let declared = rules.attributes.iter().take(8);
    let attributes: Vec<_> = declared
        .filter_map(|declared| Some((declared.name.as_str(), value(choices, declared.kind)?)))
        .collect();
    player.attributes = attributes.into_iter().collect();
    let latencies: Vec<_> = REGIONS
        .into_iter()
        .map(|region| (region, choices.one_of(&[10_u32, 20, 40, 60, 150, 0, u32::MAX])))
        .collect();
    let known = choices.below(REGIONS.len() + 1);
    player.latencies = latencies.into_iter().skip(known).collect();
    let roles: Vec<&str> =
        rules.teams.iter().flat_map(|team| team.roles.iter().map(|slot| slot.role.as_str())).collect();
    if !roles.is_empty() && choices.below(4) > 0 {
        player.role = Some(choices.one_of(&roles).into());
    }
    player
}

/// Seldom none, or one of another kind.
fn value(choices: &mut Choices<'_>, declared: AttributeType) -> Option<Attribute> {
    let kind = match choices.below(32) {
        31 => return None,
        30 => AttributeType::String,
        _ => declared,
    };
    Some(match kind {
        AttributeType::Number => Attribute::Number(choices.one_of(&NUMBERS)),
        AttributeType::String => Attribute::String(choices.one_of(&TEXTS).into()),
        AttributeType::StringList => {
            Attribute::StringList((0..choices.below(4)).map(|_| choices.one_of(&TEXTS).into()).collect())
        }
        AttributeType::StringNumberMap => {
            let count = choices.below(4);
            let entries: Vec<_> =
                (0..count).map(|_| (choices.one_of(&TEXTS), choices.one_of(&NUMBERS))).collect();
            Attribute::StringNumberMap(entries.into_iter().collect())
        }
    })
}
