//! Settings: a flag wins over an environment variable, that over the configuration file, that over the default.
//!
//! A program declares its settings once, as a clap parser with `env` on its arguments. The file (TOML, named by `--config`
//! or `MUSTER_CONFIG`) sets the same names, written `grpc_addr` or `grpc-addr`, and may hold sections of its own, such as
//! queues. Whatever is wrong is found before a port opens, and named with its file and line.

mod file;
mod reference;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::error::ErrorKind;
use serde::de::DeserializeOwned;

pub use file::FileError;
pub use reference::reference;

/// The tables of a configuration file that are no plain settings.
pub trait FileSections: DeserializeOwned + Default {
    /// The tables' names.
    const NAMES: &'static [&'static str];
}

/// A file without sections.
#[derive(Debug, Default, serde::Deserialize)]
pub struct NoSections {}

impl FileSections for NoSections {
    const NAMES: &'static [&'static str] = &[];
}

/// Settings that can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// On the command line or in the environment, or a request for help: [`clap::Error::exit`] prints it.
    #[error("{0}")]
    Arguments(clap::Error),
    /// In the configuration file.
    #[error("{0}")]
    File(#[from] FileError),
}

/// A setting that parses but can't be used, found when the program looks at all of them together.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {message}")]
pub struct Invalid {
    /// The setting's name, as in the file.
    pub setting: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Invalid {
    /// `setting` as the file names it.
    pub fn new(setting: impl Into<String>, message: impl Into<String>) -> Self {
        Self { setting: setting.into(), message: message.into() }
    }
}

/// Reads settings from `args` (the first is the program's name), the environment and the file that they name.
pub fn load<S: clap::Parser, F: FileSections>(
    args: impl IntoIterator<Item = OsString>,
) -> Result<(S, F), LoadError> {
    let args: Vec<OsString> = args.into_iter().collect();
    let Some(path) = config_path::<S>(&args) else {
        return Ok((S::try_parse_from(args).map_err(LoadError::Arguments)?, F::default()));
    };
    let file = file::read::<F>(&path, &S::command())?;
    let command = file.apply(S::command());
    let settings = command
        .try_get_matches_from(args)
        .and_then(|mut matches| S::from_arg_matches_mut(&mut matches))
        .map_err(|error| file.explain(error))?;
    Ok((settings, file.sections))
}

/// Reads the sections of a configuration file alone, for who reads it again while it runs: its settings are checked by their
/// names and not taken.
///
/// # Errors
/// As [`load`] has them for the file.
pub fn sections<S: clap::Parser, F: FileSections>(path: &Path) -> Result<F, FileError> {
    Ok(file::read::<F>(path, &S::command())?.sections)
}

/// The settings of a program that was told nothing: neither flags nor environment nor file. What a test starts from.
///
/// # Panics
/// Where a setting has no default: such a program is given `required` flags here.
pub fn defaults<S: clap::Parser>(required: &[&str]) -> S {
    let command = S::command().mut_args(|arg| arg.env(None::<&'static str>));
    let args = std::iter::once("defaults").chain(required.iter().copied());
    let mut matches = command.try_get_matches_from(args).expect("every setting has a default or is given");
    S::from_arg_matches_mut(&mut matches).expect("defaults are valid")
}

/// Durations as people write them: `500ms`, `2s`, `1m 30s`. For `value_parser`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a number and a unit, for example 500ms, 2s or 5m"))
}

/// Looks for `--config` alone, so that the file can be read before the rest is judged.
fn config_path<S: clap::Parser>(args: &[OsString]) -> Option<PathBuf> {
    let matches = S::command().ignore_errors(true).try_get_matches_from(args);
    match matches {
        Ok(matches) => matches.try_get_one::<PathBuf>("config").ok().flatten().cloned(),
        Err(error) => {
            debug_assert!(error.kind() != ErrorKind::Format, "{error}");
            None
        }
    }
}
