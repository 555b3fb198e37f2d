//! Reading the file of a rule set.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use matching::rule_set::RuleSet;

/// Read of a file at most: more than a rule set may have, so that the parser says that it is too large.
const MOST: u64 = 1024 * 1024;

/// Of a path that is looked for, and quoted where it isn't there. Systems take few that are longer.
const LONGEST_PATH: usize = 1024;

/// A rule set, and what would surprise its author, each with the file's name and the place.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) rules: Arc<RuleSet>,
    pub(super) warnings: Vec<String>,
}

/// Reads a file; a relative path starts at `dir`.
///
/// # Errors
/// All that is wrong with it, each with the file's name and the place.
pub(super) fn read(dir: &Path, file: &Path) -> Result<Taken, Vec<String>> {
    if file.as_os_str().len() > LONGEST_PATH {
        return Err(vec![format!("has {} bytes; a path has at most {LONGEST_PATH}", file.as_os_str().len())]);
    }
    let path: PathBuf = dir.join(file);
    let shown = path.display();
    let text = text_of(&path).map_err(|error| vec![format!("{shown}: can't be read: {error}")])?;
    let all = |diagnostics: Vec<_>| diagnostics.iter().map(|found| format!("{shown}:{found}")).collect();
    match RuleSet::parse(&text) {
        Ok(parsed) => Ok(Taken { rules: Arc::new(parsed.rules), warnings: all(parsed.warnings) }),
        Err(found) => Err(all(found)),
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    // A pipe would keep the program waiting for whoever writes into it.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = String::new();
    File::open(path)?.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}
