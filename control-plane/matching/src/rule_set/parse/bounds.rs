//! Which values a number may have, by its name: the same for where it starts and where an expansion takes it.

use super::super::{limits, report::Report};
use super::node::Node;

/// Whether counts, of which there are no halves.
pub(super) fn is_count(name: &str) -> bool {
    matches!(name, "minPlayers" | "maxPlayers" | "minCount" | "maxCount")
}

/// The number, if a number of this name may be that.
pub(super) fn number(name: &str, node: &Node<'_>, report: &mut Report<'_>) -> Option<f64> {
    if is_count(name) {
        let least = u32::from(name == "maxPlayers");
        return node.whole(least, limits::PLAYERS, report).map(f64::from);
    }
    let number = node.number(report)?;
    let wrong = match name {
        "minDistance" | "maxDistance" if number < 0.0 => "a distance is 0 at least",
        "maxLatency" if number <= 0.0 => "a latency is more than 0 milliseconds: nobody is this fast",
        "maxProbability" if !(number > 0.0 && number <= 1.0) => "a probability is above 0 and at most 1",
        _ => return Some(number),
    };
    report.error(&node.place, format!("{wrong}, and this is {number}"));
    None
}
