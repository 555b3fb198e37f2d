#![expect(clippy::unwrap_used, reason = "a panic is the report")]
//! Rule-set files: the language as it is written. What the rules mean is tested where matches are judged.

mod hostile;
mod reading;
mod round_trip;
mod writer;

use std::{
    fs,
    path::{Path, PathBuf},
};

use matching::rule_set::{Diagnostic, Parsed, RuleSet};

/// Where the files are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rule_files")
}

/// The rule sets of a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// A file that must read.
fn good(name: &str) -> Parsed {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    RuleSet::parse(&text).unwrap_or_else(|found| panic!("{name}: {}", shown(&found)))
}

fn shown(found: &[Diagnostic]) -> String {
    found.iter().map(|found| format!("{found}\n")).collect()
}
