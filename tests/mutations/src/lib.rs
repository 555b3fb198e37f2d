//! Fuzz targets as plain tests: their bodies run on every saved input, and on some thousand mutations of those.
//!
//! The bodies stand in the crates whose doors they try (`src/fuzz.rs`, `#[cfg(any(test, fuzzing))]`), so that they reach
//! what is private and nothing of them is in a program. libFuzzer runs the same bodies (`tests/fuzz`), with the same saved inputs and
//! the same words; it sees which paths an input takes and gets further. What is here needs no nightly compiler, takes a
//! second for each target and so runs with every `cargo test`.
//!
//! Which inputs are tried follows from a seed, which a failure names. It is always the same one, so that nothing fails that was not
//! touched; others are for who looks for faults:
//!
//! | variable | means |
//! |---|---|
//! | `FUZZ_SEED=7` | this seed in place of the usual one |
//! | `FUZZ_COUNT=1000000` | so many mutations for each target |
//! | `FUZZ_SAVE=DIR` | where an input that failed is saved; also the one under way, for what hangs or aborts |

mod dice;
mod mutate;
mod saved;
mod words;

use std::{
    any::Any,
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::{Duration, Instant},
};

pub use dice::Dice;
pub use mutate::mutated;
pub use saved::{Saved, folder};
pub use words::read as words;

/// Longer may no input take, without optimisation and on a busy machine: every body does bounded work.
const LONG: Duration = Duration::from_secs(10);

/// Any will do.
const USUAL_SEED: u64 = 1;

/// Of an input that failed, so much is printed.
const PRINTED: usize = 4 * 1024;

/// Runs `body` on every saved input of `target`, and on `count` mutations of them.
///
/// # Panics
/// Where `body` did, or took too long; with the seed and the input. And where the target has no saved input.
pub fn run(target: &str, body: fn(&[u8]), count: u64) {
    let saved = Saved::of(target);
    let seed = number("FUZZ_SEED").unwrap_or(USUAL_SEED);
    let count = number("FUZZ_COUNT").unwrap_or(count);
    let keep = env::var_os("FUZZ_SAVE").map(PathBuf::from);
    let tried = Tried { target, body, seed, keep };
    for (name, input) in &saved.inputs {
        tried.try_one(name, input);
    }
    for turn in 0..count {
        // Each by itself, so that one can be made again without those before it.
        let mut dice = Dice::new(seed ^ turn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        tried.try_one(&format!("mutation-{turn}"), &mutated(&mut dice, &saved));
    }
    tried.end();
}

struct Tried<'a> {
    target: &'a str,
    body: fn(&[u8]),
    seed: u64,
    keep: Option<PathBuf>,
}

impl Tried<'_> {
    fn try_one(&self, name: &str, input: &[u8]) {
        self.save("running", input);
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.body)(input)));
        let took = begun.elapsed();
        let why = match outcome {
            Ok(()) if took < LONG => return,
            Ok(()) => format!("it took {took:?}"),
            Err(panic) => text_of(&*panic),
        };
        let place = self.save(&format!("{}-{name}", self.seed), input);
        let place = place.map_or_else(
            || "set FUZZ_SAVE=DIR to have it saved".to_owned(),
            |path| format!("saved as {}", path.display()),
        );
        let more = if input.len() > PRINTED { "…" } else { "" };
        panic!(
            "{}: the input {name} of FUZZ_SEED={} fails: {why}\n{} bytes ({place}): b\"{}\"{more}\n\
             Once it is mended, the input belongs into tests/fuzz/corpus/{}.",
            self.target,
            self.seed,
            input.len(),
            input[..input.len().min(PRINTED)].escape_ascii(),
            self.target,
        );
    }

    /// Where the user wants it.
    fn save(&self, name: &str, input: &[u8]) -> Option<PathBuf> {
        let dir = self.keep.as_ref()?;
        let path = dir.join(format!("{}-{name}", self.target));
        fs::create_dir_all(dir).and_then(|()| fs::write(&path, input)).expect("FUZZ_SAVE can be written to");
        Some(path)
    }

    fn end(&self) {
        if let Some(dir) = &self.keep {
            // What ran is not what failed.
            drop(fs::remove_file(dir.join(format!("{}-running", self.target))));
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, not `{text}`")))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
