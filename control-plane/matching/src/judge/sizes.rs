//! What teams are asked for beside the rules: their sizes, who asked for them, how alike their parties and their strength are.

use std::time::Duration;

use super::{Breach, Broken, PlayedTeam, measure::Crew, measure::numbers};

/// A team with too few or too many players, or with one who asked for another.
pub(super) fn broken(crew: &Crew<'_>, teams: &[PlayedTeam], age: Duration) -> Option<Broken> {
    if crew.len() != teams.len() {
        return Some(Broken { what: Breach::TeamSize(crew.len().min(teams.len())), by: None });
    }
    for (index, (tickets, team)) in crew.iter().zip(teams).enumerate() {
        let players = tickets.iter().map(|facts| facts.size()).sum::<usize>() as f64;
        let short = team.min_players.at(age) - players;
        let over = players - team.max_players.at(age);
        if short > 0.0 || over > 0.0 {
            return Some(Broken { what: Breach::TeamSize(index), by: Some(short.max(over)) });
        }
        if tickets.iter().any(|facts| !facts.may_join(index)) {
            return Some(Broken { what: Breach::TeamAsked(index), by: None });
        }
    }
    None
}

/// Whether the largest parties of two teams with players differ by more than `most`.
pub(super) fn uneven_parties(crew: &Crew<'_>, most: u32) -> Option<Broken> {
    let largest = || crew.iter().filter_map(|team| team.iter().map(|facts| facts.size()).max());
    let apart = largest().max()? - largest().min()?;
    let over = apart.checked_sub(most as usize).filter(|over| *over > 0)?;
    Some(Broken { what: Breach::PremadeParity, by: Some(over as f64) })
}

/// The largest difference of two teams' sums. Players without the number count as nothing.
pub(super) fn imbalance(crew: &Crew<'_>, slot: usize) -> f64 {
    let sum = |number: f64| if number.is_nan() { 0.0 } else { number };
    let sums = crew.iter().map(|team| numbers(team, slot).map(sum).sum::<f64>());
    let (least, most) = sums
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), sum: f64| (least.min(sum), most.max(sum)));
    (most - least).max(0.0)
}
