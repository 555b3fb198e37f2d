//! How large a rule set may be: a hostile file costs bounded time and memory, and no honest one comes near.

use std::time::Duration;

/// Bytes of a file.
pub(super) const FILE: usize = 256 * 1024;
/// Entries of a list, by its name in the file.
pub(super) const ENTRIES: [(&str, usize); 8] = [
    ("playerAttributes", 100),
    ("teams", 50),
    ("rules", 200),
    ("additionalRules", 100),
    ("expansions", 200),
    ("steps", 100),
    ("measurements", 20),
    ("roles", 20),
];
/// Entries of any other list or map.
pub(super) const OTHER_ENTRIES: usize = 1_000;
/// Bytes of a name.
pub(super) const NAME: usize = 128;
/// Bytes of an expression or a statement.
pub(super) const EXPRESSION: usize = 4_096;
/// Functions within functions, of an expression or a statement.
pub(super) const DEPTH: usize = 16;
/// Rules that a compound names when the compounds that it names are written out, again and again: so many are asked for one lineup.
pub(super) const WRITTEN_OUT: usize = 1_000;
/// Players of a match.
pub(super) const PLAYERS: u32 = 1_000;
/// Things that are reported of one file.
pub(super) const DIAGNOSTICS: usize = 100;
/// Rules whose every combination is tried to see whether a compound can hold: 2 to the power of this many.
pub(super) const COMBINED_RULES: usize = 8;
/// The longest wait of an expansion.
pub(super) const WAIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many entries the list of this name may have.
pub(super) fn entries(name: &str) -> usize {
    ENTRIES.iter().find(|(known, _)| *known == name).map_or(OTHER_ENTRIES, |(_, most)| *most)
}
