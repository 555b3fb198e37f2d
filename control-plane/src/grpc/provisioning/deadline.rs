//! Until when a caller waits for an answer.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Request;

/// What is left for giving back what was reserved, and for the answer's way, before the caller has gone.
const MARGIN: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// When the work for a call has to be done: a little before its own deadline (`grpc-timeout`), and after `most` at the latest.
pub(super) fn of<T>(request: &Request<T>, most: Duration) -> Instant {
    let timeout = request.metadata().get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?));
    let within = timeout
        .map_or(most, |timeout| timeout.saturating_sub((timeout / 10).clamp(MARGIN.0, MARGIN.1)).min(most));
    Instant::now() + within
}

/// At most eight digits and a unit; anything else is no deadline.
fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_in_all_its_units() {
        let seconds = |text| parse(text).map(|timeout| timeout.as_secs_f64());
        for (text, expected) in [
            ("2H", Some(7200.0)),
            ("3M", Some(180.0)),
            ("99999999S", Some(99_999_999.0)),
            ("250m", Some(0.25)),
            ("10000000u", Some(10.0)),
            ("0n", Some(0.0)),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        for text in ["", "S", "1", "1x", "-1S", "1 S", "123456789S", "1\u{e9}"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_work_is_done_before_its_caller_has_gone() {
        let within = |timeout: Option<Duration>| {
            let mut request = Request::new(());
            timeout.into_iter().for_each(|timeout| request.set_timeout(timeout));
            of(&request, Duration::from_secs(30)) - Instant::now()
        };
        assert_eq!(within(None), Duration::from_secs(30));
        assert_eq!(within(Some(Duration::from_secs(60))), Duration::from_secs(30));
        assert_eq!(within(Some(Duration::from_secs(10))), Duration::from_millis(9_800));
        assert_eq!(within(Some(Duration::from_millis(500))), Duration::from_millis(450));
        assert_eq!(within(Some(Duration::from_millis(2))), Duration::ZERO);
    }
}
