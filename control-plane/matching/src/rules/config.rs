//! What a queue's configuration says of its matches.
//!
//! Whoever configures a queue means something by every field, so a field that would do nothing is an error, like one
//! that can't be followed.

use std::time::Duration;

use super::{QueueConfig, RuleError, Rules, shape};
use crate::QueueKey;

impl Rules {
    /// The rules of the queue `key` under `config`; where it says nothing, the key does: `x:3v3` is two teams of three, `x:4` any
    /// four, anything else starts as soon as one ticket is there.
    ///
    /// The key decides the kind of match where `config` has neither `teams` nor `min_players` nor `max_players`; then
    /// `min_wait` and `relax_after` apply to what the key says.
    ///
    /// # Errors
    ///
    /// Numbers out of range, fields that exclude each other, and fields that would do nothing.
    pub fn new(key: &QueueKey, config: &QueueConfig) -> Result<Self, RuleError> {
        let players = (config.min_players, config.max_players);
        let rules = match (&config.teams, players) {
            (Some(_), (Some(_), _)) => {
                return error("min_players", "excludes teams: leave one of the two out.");
            }
            (Some(_), (None, Some(_))) => {
                return error("max_players", "excludes teams: leave one of the two out.");
            }
            (Some(sizes), (None, None)) => teams(sizes)?,
            (None, (None, None)) => shape::rules_of(key),
            (None, (Some(_), None)) => {
                return error("min_players", "needs max_players beside it: give that as well.");
            }
            (None, (min, Some(max))) => group(min.unwrap_or(max), max)?,
        };
        rules.waiting(config)
    }

    /// The same with the configured waiting times.
    fn waiting(mut self, config: &QueueConfig) -> Result<Self, RuleError> {
        match &mut self {
            Self::StartAlone => {
                let message = "does nothing where every ticket starts alone: give teams or max_players, or leave it out.";
                if config.min_wait.is_some_and(|wait| !wait.is_zero()) {
                    return error("min_wait", message);
                }
                if config.relax_after.is_some() {
                    return error("relax_after", message);
                }
            }
            Self::RuleSet(_) => {}
            Self::FillGroup { min_players, max_players, min_wait, relax_after } => {
                if config.relax_after.is_some() && min_players >= max_players {
                    let message = "does nothing where min_players is not below max_players: give a lower min_players, \
                                   or leave it out.";
                    return error("relax_after", message);
                }
                if config.relax_after.is_none() && min_players < max_players {
                    let message = "does nothing without relax_after: say how long to wait for max_players, 0s for not at all.";
                    return error("min_players", message);
                }
                *min_wait = config.min_wait.unwrap_or(Duration::ZERO);
                *relax_after = config.relax_after;
            }
            Self::Teams { min_wait, .. } => {
                if config.relax_after.is_some() {
                    return error(
                        "relax_after",
                        "does nothing for teams, which are always filled: leave it out.",
                    );
                }
                *min_wait = config.min_wait.unwrap_or(Duration::ZERO);
            }
        }
        Ok(self)
    }
}

fn group(min_players: u32, max_players: u32) -> Result<Rules, RuleError> {
    let most = Rules::MAX_PLAYERS;
    if !(1..=most).contains(&max_players) {
        return error("max_players", format!("must be from 1 to {most}, and is {max_players}."));
    }
    if !(1..=max_players).contains(&min_players) {
        let message = format!("must be from 1 to max_players ({max_players}), and is {min_players}.");
        return error("min_players", message);
    }
    Ok(Rules::FillGroup { min_players, max_players, min_wait: Duration::ZERO, relax_after: None })
}

fn teams(sizes: &[u32]) -> Result<Rules, RuleError> {
    let (most_teams, most_players) = (Rules::MAX_TEAMS, Rules::MAX_PLAYERS);
    if !(1..=most_teams).contains(&sizes.len()) {
        let message = format!("must name from 1 to {most_teams} teams, and names {}.", sizes.len());
        return error("teams", message);
    }
    if sizes.contains(&0) {
        return error("teams", "must give every team at least 1 player.");
    }
    let players: u64 = sizes.iter().copied().map(u64::from).sum();
    if players > u64::from(most_players) {
        let message = format!("must have at most {most_players} players together, and have {players}.");
        return error("teams", message);
    }
    Ok(Rules::Teams { sizes: sizes.to_vec(), min_wait: Duration::ZERO })
}

fn error<T>(field: &'static str, message: impl Into<String>) -> Result<T, RuleError> {
    Err(RuleError { field, message: message.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rules(key: &str, config: &QueueConfig) -> Result<Rules, RuleError> {
        Rules::new(&QueueKey::new(key), config)
    }

    fn players(min_players: Option<u32>, max_players: Option<u32>) -> QueueConfig {
        QueueConfig { min_players, max_players, ..QueueConfig::default() }
    }

    fn teams(sizes: &[u32]) -> QueueConfig {
        QueueConfig { teams: Some(sizes.to_vec()), ..QueueConfig::default() }
    }

    #[test]
    fn without_configuration_the_key_decides() {
        let shown = |key| rules(key, &QueueConfig::default()).unwrap().to_string();
        assert_eq!(shown("x:3v3"), "teams 3v3");
        assert_eq!(shown("x:4"), "group of 4");
        assert_eq!(shown("x"), "start alone");
    }

    #[test]
    fn configuration_goes_before_the_key() {
        let shown = |config: &QueueConfig| rules("x:3v3", config).unwrap().to_string();
        assert_eq!(shown(&players(None, Some(8))), "group of 8");
        let relaxed = QueueConfig { relax_after: Some(SECOND), ..players(Some(2), Some(8)) };
        assert_eq!(shown(&relaxed), "group of 2 to 8");
        assert_eq!(shown(&players(None, Some(1))), "group of 1");
        assert_eq!(shown(&teams(&[1, 4])), "teams 1v4");
        assert_eq!(shown(&teams(&[5])), "teams 5");
    }

    #[test]
    fn waits_apply_to_what_the_key_says() {
        let config = QueueConfig { min_wait: Some(SECOND), ..QueueConfig::default() };
        let expected = Rules::Teams { sizes: vec![3, 3], min_wait: SECOND };
        assert_eq!(rules("x:3v3", &config), Ok(expected));
        let expected =
            Rules::FillGroup { min_players: 4, max_players: 4, min_wait: SECOND, relax_after: None };
        assert_eq!(rules("x:4", &config), Ok(expected));
        let config = QueueConfig { relax_after: Some(SECOND), ..players(Some(2), Some(4)) };
        let expected = Rules::FillGroup {
            min_players: 2,
            max_players: 4,
            min_wait: Duration::ZERO,
            relax_after: Some(SECOND),
        };
        assert_eq!(rules("x", &config), Ok(expected));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_field() {
        let relaxed = |config| QueueConfig { relax_after: Some(SECOND), ..config };
        let waiting = |config| QueueConfig { min_wait: Some(SECOND), ..config };
        for (config, field, part) in [
            (players(Some(2), None), "min_players", "give that as well"),
            (players(None, Some(0)), "max_players", "from 1 to 1000"),
            (players(None, Some(1001)), "max_players", "from 1 to 1000"),
            (players(Some(2), Some(4)), "min_players", "without relax_after"),
            (players(Some(0), Some(4)), "min_players", "from 1 to max_players (4)"),
            (players(Some(5), Some(4)), "min_players", "from 1 to max_players (4)"),
            (teams(&[]), "teams", "from 1 to 100"),
            (teams(&[1; 101]), "teams", "from 1 to 100"),
            (teams(&[3, 0]), "teams", "at least 1 player"),
            (teams(&[500, 501]), "teams", "have 1001"),
            (teams(&[u32::MAX, u32::MAX]), "teams", "have 8589934590"),
            (QueueConfig { max_players: Some(4), ..teams(&[2]) }, "max_players", "excludes teams"),
            (QueueConfig { min_players: Some(4), ..teams(&[2]) }, "min_players", "excludes teams"),
            (relaxed(players(None, Some(4))), "relax_after", "lower min_players"),
            (relaxed(players(Some(4), Some(4))), "relax_after", "lower min_players"),
            (relaxed(teams(&[3, 3])), "relax_after", "always filled"),
            (relaxed(QueueConfig::default()), "relax_after", "starts alone"),
            (waiting(QueueConfig::default()), "min_wait", "starts alone"),
        ] {
            let error = rules("x", &config).unwrap_err();
            assert_eq!(error.field, field, "{config:?}");
            assert!(error.message.contains(part), "{error} has no {part:?}");
            assert!(error.to_string().starts_with(&format!("{field}: ")));
        }
    }

    #[test]
    fn a_ticket_may_be_as_large_as_its_place() {
        let party = |key| rules(key, &QueueConfig::default()).unwrap().max_party();
        assert_eq!(party("x"), Rules::MAX_PLAYERS);
        assert_eq!(party("x:4"), 4);
        assert_eq!(party("x:1v4"), 4);
    }
}
