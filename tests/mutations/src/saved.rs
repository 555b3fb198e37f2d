//! What is saved of a target in `tests/fuzz`: inputs, each once of interest, and the words of its format.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// How many characters libFuzzer's own names of inputs have. They are not kept with the sources, so they don't count here:
/// else a seed would mean other inputs on every machine.
const NAME_OF_LIBFUZZER: usize = 40;

/// The inputs of a target, and its words.
#[derive(Debug, Default)]
pub struct Saved {
    /// Each with its name, in the order of the names.
    pub inputs: Vec<(String, Vec<u8>)>,
    /// As `words/<target>.dict` has them.
    pub words: Vec<Vec<u8>>,
}

impl Saved {
    /// Of this target.
    ///
    /// # Panics
    /// Where there is nothing, or no such target for libFuzzer.
    pub fn of(target: &str) -> Self {
        let folder = folder();
        assert!(
            folder.join(format!("fuzz_targets/{target}.rs")).is_file(),
            "libFuzzer has no target {target}"
        );
        let corpus = folder.join("corpus").join(target);
        let entries = fs::read_dir(&corpus);
        let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
        let mut inputs: Vec<_> = entries
            .map(|entry| entry.expect("the folder can be read").path())
            .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path))
            .filter(|(name, _)| name.len() != NAME_OF_LIBFUZZER)
            .map(|(name, path)| (name, fs::read(&path).expect("an input can be read")))
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{} has no input to begin with", corpus.display());
        let words = fs::read_to_string(folder.join(format!("words/{target}.dict"))).unwrap_or_default();
        Self { inputs, words: crate::words(&words) }
    }
}

/// The folder of libFuzzer's targets.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}
