//! What a queue's key says of its matches.
//!
//! A key is made up by whoever enqueues first, so no key is wrong: one that names no shape, or one that nobody could
//! play, is a queue in which every ticket starts alone.

use std::time::Duration;

use crate::{QueueKey, Rules};

/// The rules that the key names, with nothing to wait for.
pub(super) fn rules_of(key: &QueueKey) -> Rules {
    let sizes = key.shape().map_or_else(Vec::new, sizes);
    match sizes[..] {
        [] | [1] => Rules::StartAlone,
        [players] => Rules::FillGroup {
            min_players: players,
            max_players: players,
            min_wait: Duration::ZERO,
            relax_after: None,
        },
        _ => Rules::Teams { sizes, min_wait: Duration::ZERO },
    }
}

/// The numbers between the `v`s; none at all where anything else is there, or where the match would be too large.
fn sizes(shape: &str) -> Vec<u32> {
    // Split as many as one too many: a key may be long, and who sent it may not mean well.
    let sizes: Option<Vec<u32>> = shape.split('v').take(Rules::MAX_TEAMS + 1).map(size).collect();
    sizes
        .filter(|sizes| sizes.len() <= Rules::MAX_TEAMS && sizes.iter().sum::<u32>() <= Rules::MAX_PLAYERS)
        .unwrap_or_default()
}

/// Digits and nothing else, for a number of players that a match can have.
fn size(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let size = text.parse().ok().filter(|_| digits)?;
    (1..=Rules::MAX_PLAYERS).contains(&size).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(key: &str) -> String {
        rules_of(&QueueKey::new(key)).to_string()
    }

    #[test]
    fn a_shape_is_read_after_the_last_colon() {
        assert_eq!(shown("hero-defense:3v3"), "teams 3v3");
        assert_eq!(shown("eu:hero-defense:1v4"), "teams 1v4");
        assert_eq!(shown("x:2v2v2"), "teams 2v2v2");
        assert_eq!(shown("x:4"), "group of 4");
        assert_eq!(shown("x:1000"), "group of 1000");
        assert_eq!(shown("x:500v500"), "teams 500v500");
    }

    #[test]
    fn anything_else_starts_alone() {
        for key in [
            "",
            "x",
            "3v3",
            "4",
            "x:",
            "x:1",
            "x:0",
            "x:solo",
            "x:3v",
            "x:v3",
            "x:3v0",
            "x:3v3v",
            "x:+4",
            "x:-4",
            "x:3V3",
            "x:3 v3",
            "x:1001",
            "x:500v501",
            "x:4294967297",
            "x:99999999999999999999",
            "x:٣",
            "x:3v3:",
            "x:3v3:late",
        ] {
            assert_eq!(shown(key), "start alone", "{key}");
        }
    }

    #[test]
    fn a_hundred_teams_are_enough() {
        let teams = |count: usize| format!("x:{}", vec!["2"; count].join("v"));
        assert!(shown(&teams(100)).starts_with("teams 2v2v"));
        assert_eq!(shown(&teams(101)), "start alone");
        assert_eq!(shown(&teams(100_000)), "start alone");
    }
}
