//! A queue's match function, as it is configured: a strategy that lives outside.

use std::time::Duration;

use matching::Rules;
use runtime::endpoints;

use crate::config::QueueEntry;

const DEADLINE: Duration = Duration::from_secs(5);
const LONGEST_DEADLINE: Duration = Duration::from_secs(60);
const TICKETS: usize = 10_000;
const MOST_TICKETS: usize = 100_000;
const INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// Where matches are proposed, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatchFunction {
    /// `http://host:port`
    pub(crate) url: String,
    /// How long one call may take.
    pub(crate) deadline: Duration,
    /// How many tickets are sent at most.
    pub(crate) tickets: usize,
    /// The least time from the begin of a call to the begin of the next.
    pub(crate) interval: Duration,
    /// Whether Muster's own engine makes the matches where the function fails.
    pub(crate) fallback: bool,
}

/// The queue's match function, where it has one.
///
/// # Errors
/// The setting that can't be used, and what would be right.
pub(super) fn read(
    entry: &QueueEntry,
    rules: &Rules,
) -> Result<Option<MatchFunction>, (&'static str, String)> {
    let Some(url) = &entry.match_function else {
        return idle(entry)
            .map_or(Ok(None), |field| Err((field, "does nothing without match_function.".to_owned())));
    };
    if *rules == Rules::StartAlone {
        let message = "needs to know how large a match is, and here every ticket starts alone: give teams, max_players or rule_set as well.";
        return Err(("match_function", message.to_owned()));
    }
    if url.contains(',') {
        return Err(("match_function", "is one URL: balance the load behind it.".to_owned()));
    }
    if url.trim().to_ascii_lowercase().starts_with("https:") {
        let message = "is called over plain gRPC: give a URL such as http://127.0.0.1:9000, and keep that network private.";
        return Err(("match_function", message.to_owned()));
    }
    endpoints::parse("match_function", std::slice::from_ref(url))
        .map_err(|error| ("match_function", error.message))?;
    let function = MatchFunction {
        url: url.trim().to_owned(),
        deadline: entry.match_function_deadline.unwrap_or(DEADLINE),
        tickets: entry.match_function_tickets.unwrap_or(TICKETS),
        interval: entry.match_function_interval.unwrap_or(INTERVAL),
        fallback: entry.match_function_fallback.unwrap_or(false),
    };
    if !(Duration::from_millis(1)..=LONGEST_DEADLINE).contains(&function.deadline) {
        return Err(("match_function_deadline", format!("must be from 1ms to {LONGEST_DEADLINE:?}.")));
    }
    if !(1..=MOST_TICKETS).contains(&function.tickets) {
        return Err(("match_function_tickets", format!("must be from 1 to {MOST_TICKETS}.")));
    }
    if function.interval < SHORTEST_INTERVAL {
        return Err(("match_function_interval", format!("must be at least {SHORTEST_INTERVAL:?}.")));
    }
    Ok(Some(function))
}

/// A setting that is about a function where there is none.
fn idle(entry: &QueueEntry) -> Option<&'static str> {
    let said = [
        ("match_function_deadline", entry.match_function_deadline.is_some()),
        ("match_function_tickets", entry.match_function_tickets.is_some()),
        ("match_function_interval", entry.match_function_interval.is_some()),
        ("match_function_fallback", entry.match_function_fallback.is_some()),
    ];
    said.into_iter().find_map(|(field, is_said)| is_said.then_some(field))
}

#[cfg(test)]
mod tests {
    use matching::{QueueConfig, QueueKey};

    use super::*;

    fn rules(key: &str) -> Rules {
        Rules::new(&QueueKey::new(key), &QueueConfig::default()).unwrap()
    }

    fn at(url: &str) -> QueueEntry {
        QueueEntry { match_function: Some(url.to_owned()), ..QueueEntry::default() }
    }

    #[test]
    fn what_is_absent_has_a_default() {
        let function = read(&at("http://mmf:9000"), &rules("demo:2v2")).unwrap().unwrap();
        let expected = MatchFunction {
            url: "http://mmf:9000".to_owned(),
            deadline: Duration::from_secs(5),
            tickets: 10_000,
            interval: Duration::from_secs(1),
            fallback: false,
        };
        assert_eq!(function, expected);
        assert_eq!(read(&QueueEntry::default(), &rules("demo:2v2")), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = || at("http://mmf:9000");
        let ms = |ms| Some(Duration::from_millis(ms));
        for (entry, key, field, part) in [
            (at("https://mmf:9000"), "demo:2", "match_function", "is called over plain gRPC"),
            (at("http://mmf:9000/v1"), "demo:2", "match_function", "behind its port"),
            (at("http://a:1,http://b:1"), "demo:2", "match_function", "one URL"),
            (at(""), "demo:2", "match_function", "no address"),
            (good(), "demo", "match_function", "how large a match is"),
            (
                QueueEntry { match_function_tickets: Some(0), ..good() },
                "demo:2",
                "match_function_tickets",
                "1 to",
            ),
            (
                QueueEntry { match_function_tickets: Some(100_001), ..good() },
                "demo:2",
                "match_function_tickets",
                "100000",
            ),
            (
                QueueEntry { match_function_deadline: ms(0), ..good() },
                "demo:2",
                "match_function_deadline",
                "1ms to 60s",
            ),
            (
                QueueEntry { match_function_deadline: ms(60_001), ..good() },
                "demo:2",
                "match_function_deadline",
                "1ms to 60s",
            ),
            (
                QueueEntry { match_function_interval: ms(9), ..good() },
                "demo:2",
                "match_function_interval",
                "10ms",
            ),
            (
                QueueEntry { match_function_fallback: Some(true), ..QueueEntry::default() },
                "demo:2",
                "match_function_fallback",
                "without match_function",
            ),
        ] {
            let (named, message) = read(&entry, &rules(key)).unwrap_err();
            assert_eq!(named, field, "{entry:?}");
            assert!(message.contains(part), "{message} has no {part:?}");
        }
    }
}
