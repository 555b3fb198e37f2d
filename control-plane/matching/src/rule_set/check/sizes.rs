//! Sizes of teams that no tickets can fill.

use super::{
    super::{RuleSet, Strategy, TeamSpec, limits, parse::Sites, report::Report},
    ages, from,
};

/// More players in a match than the language knows as a small match.
const LARGE: f64 = 40.0;
/// More than the language allows at all.
const TOO_LARGE_ELSEWHERE: f64 = 200.0;

pub(super) fn check(rules: &RuleSet, sites: &Sites, report: &mut Report<'_>) {
    for (team, site) in rules.teams.iter().zip(&sites.teams) {
        let slots: f64 = team.roles.iter().map(|slot| f64::from(slot.count)).sum();
        for age in ages([&team.min_players, &team.max_players]) {
            let (min, max) = (team.min_players.at(age), team.max_players.at(age));
            let from = from(age);
            if min > max {
                let message =
                    format!("{from} `minPlayers` is {min} and `maxPlayers` is {max}: no team can be that");
                report.error(site.of("minPlayers"), message);
                break;
            }
            if slots > max {
                let message =
                    format!("{from} the team has {max} players at most, too few for its {slots} roles");
                report.error(site.of("roles"), message);
                break;
            }
            if slots > min {
                let message = format!(
                    "{from} `minPlayers` is {min}, and the team's roles need {slots} players: it waits for them"
                );
                report.warning(site.of("roles"), message);
                break;
            }
        }
    }
    total(rules, sites, report);
}

fn total(rules: &RuleSet, sites: &Sites, report: &mut Report<'_>) {
    let sum = |of: &dyn Fn(&TeamSpec) -> f64| {
        rules.teams.iter().map(|team| of(team) * f64::from(team.quantity)).sum::<f64>()
    };
    let most = |team: &TeamSpec| {
        ages([&team.max_players]).into_iter().map(|age| team.max_players.at(age)).fold(0.0, f64::max)
    };
    let most = sum(&most);
    let Some(place) = sites.teams.first().map(|site| &site.place) else { return };
    if most > f64::from(limits::PLAYERS) {
        report.error(place, format!("a match would have up to {most} players; {} at most", limits::PLAYERS));
    } else if most > TOO_LARGE_ELSEWHERE {
        let message =
            format!("a match has up to {most} players; other readers refuse more than {TOO_LARGE_ELSEWHERE}");
        report.warning(place, message);
    }
    if most > LARGE && rules.algorithm.strategy == Strategy::ExhaustiveSearch {
        let message = format!(
            "a match has up to {most} players: above {LARGE}, `\"strategy\": \"balanced\"` finds matches sooner, and other readers insist on it"
        );
        report.warning(place, message);
    }
    let numbers = rules.teams.iter().map(|team| &team.min_players);
    for age in ages(numbers) {
        if sum(&|team| team.min_players.at(age)) == 0.0 {
            let message = format!("{} no team needs a player: any single ticket is a match", from(age));
            report.warning(sites.teams[0].of("minPlayers"), message);
            break;
        }
    }
    let played: u32 = rules.teams.iter().map(|team| team.quantity).sum();
    if rules.algorithm.premade_parity.is_some() && played == 1 {
        report.warning(sites.algorithm.of("premadeParity"), "it does nothing: there is one team");
    }
}
