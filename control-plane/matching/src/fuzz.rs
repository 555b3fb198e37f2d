//! Rule sets, tried with inputs that a machine makes up: the bodies of the fuzz targets, which no program contains.
//!
//! A file is read or refused with a place in it, in bounded time; what was read, written and read again is the same; and whatever
//! rules were accepted, a queue under them comes to an end of its work and makes only matches that hold them. `tests/fuzz` runs the
//! bodies under libFuzzer, the tests below on saved inputs and mutations of them.

mod pool;
mod queue;

// The writer that the tests of the language use.
#[expect(clippy::unwrap_used, reason = "a panic is the report")]
#[path = "../tests/rule_files/writer.rs"]
mod writer;

pub use queue::rule_set_match;

use crate::rule_set::{Diagnostic, RuleSet};

/// The longest sentence about a file, in bytes.
const LONGEST: usize = 1_000;
/// The most sentences about a file.
const MOST: usize = 100;

/// The file of a rule set.
pub fn rule_set(data: &[u8]) {
    // A file is read as text, or not at all.
    let Ok(text) = std::str::from_utf8(data) else { return };
    match RuleSet::parse(text) {
        Ok(parsed) => {
            assert!(parsed.warnings.iter().all(|found| !found.is_error()));
            have_places(text, &parsed.warnings);
            let table = parsed.rules.loosening();
            assert!(table.rows.iter().all(|row| row.values.len() == table.ages.len()));
            assert!((1..=1_000).contains(&parsed.rules.max_party()));
            let written = writer::file(&parsed.rules);
            match RuleSet::parse(&written) {
                Ok(again) => assert_eq!(again.rules, parsed.rules, "read again from {written}"),
                Err(found) => panic!("{}is said of {written}", shown(&found)),
            }
        }
        Err(found) => {
            assert!(found.iter().any(Diagnostic::is_error));
            have_places(text, &found);
        }
    }
}

fn have_places(text: &str, found: &[Diagnostic]) {
    assert!(found.len() <= MOST, "{}", found.len());
    let lines: Vec<_> = text.strip_prefix('\u{feff}').unwrap_or(text).split('\n').collect();
    for found in found {
        let line = found.line.checked_sub(1).and_then(|line| lines.get(line));
        let line = line.unwrap_or_else(|| panic!("{found} is in no line"));
        assert!((1..=line.chars().count() + 1).contains(&found.column), "{found} is not in {line}");
        assert!(found.message.len() + found.path.len() < LONGEST, "{} bytes: {found}", found.message.len());
    }
}

fn shown(found: &[Diagnostic]) -> String {
    found.iter().map(|found| format!("{found}\n")).collect()
}

#[cfg(test)]
mod tests {
    use mutations::run;

    use super::*;

    #[test]
    fn files_of_rule_sets() {
        run("rule_set", rule_set, 1_500);
    }

    #[test]
    fn queues_under_rule_sets() {
        run("rule_set_match", rule_set_match, 600);
    }
}
