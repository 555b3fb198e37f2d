//! What a game server is shown of a land that was ordered: who will come, and why.

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::messages::Allocation;
use crate::ids::{LandId, LandType, PlayerId};

/// The longest text of one order, in bytes. What doesn't fit is left out, the constraints first.
const LONGEST: usize = 64 * 1024;

/// One order, kept as long as its land lives.
#[derive(Debug)]
pub(crate) struct Order {
    /// Everyone who will come.
    pub(crate) players: Vec<PlayerId>,
    /// All of it, as JSON.
    pub(super) text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    land_id: &'a LandId,
    land_type: &'a LandType,
    match_id: &'a str,
    queue_key: &'a str,
    players: &'a [PlayerId],
    teams: Vec<Team<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Team<'a> {
    name: &'a str,
    players: &'a [PlayerId],
}

impl Order {
    pub(crate) fn of(allocation: &Allocation) -> Self {
        let teams = || {
            let teams = allocation.teams.iter();
            teams.map(|team| Team { name: &team.name, players: &team.players }).collect()
        };
        let mut order = Text {
            land_id: &allocation.land_id,
            land_type: &allocation.land_type,
            match_id: &allocation.match_id,
            queue_key: &allocation.queue_key,
            players: &allocation.players,
            teams: teams(),
            constraints: allocation.constraints.as_deref().filter(|json| json.get().len() < LONGEST),
        };
        let mut text = written(&order);
        if text.len() > LONGEST {
            order.constraints = None;
            text = written(&order);
        }
        if text.len() > LONGEST {
            (order.players, order.teams) = (&[], Vec::new());
            text = written(&order);
        }
        Self { players: allocation.players.clone(), text }
    }

    /// The text of a land that nobody ordered.
    pub(super) fn none(land_id: &LandId, land_type: &LandType) -> String {
        let (match_id, queue_key, players, teams) = ("", "", &[][..], Vec::new());
        written(&Text { land_id, land_type, match_id, queue_key, players, teams, constraints: None })
    }
}

fn written(text: &impl Serialize) -> String {
    serde_json::to_string(text).expect("texts can be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::CommandId, machine::Team as Roster};

    #[test]
    fn what_does_not_fit_is_left_out_the_constraints_first() {
        let player = |n: usize| PlayerId::parse(&format!("{n:0>100}")).unwrap();
        let constraints =
            |bytes| RawValue::from_string(format!("{{\"a\":\"{}\"}}", "x".repeat(bytes))).unwrap();
        let order = |players: usize, bytes| {
            let players: Vec<_> = (0..players).map(player).collect();
            Order::of(&Allocation {
                command_id: CommandId::parse("c").unwrap(),
                land_id: LandId::parse("arena:1").unwrap(),
                land_type: LandType::parse("arena").unwrap(),
                match_id: "m".to_owned(),
                queue_key: "q".to_owned(),
                teams: vec![Roster { name: "red".to_owned(), players: players.clone() }],
                players,
                constraints: Some(constraints(bytes)),
                answer_within_ms: 0,
            })
        };
        let whole = order(2, 10);
        assert!(whole.text.contains("constraints") && whole.text.contains("red"), "{}", whole.text);
        for (players, bytes, teams) in [(2, LONGEST, true), (2, LONGEST - 100, true), (1000, 10, false)] {
            let short = order(players, bytes);
            assert!(short.text.len() <= LONGEST && !short.text.contains("constraints"));
            assert_eq!(short.text.contains("red"), teams);
            assert_eq!(short.players.len(), players, "who comes is known all the same");
        }
    }
}
