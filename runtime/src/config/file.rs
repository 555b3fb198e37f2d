//! The configuration file, as a source of defaults for the same arguments that flags and environment set.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{
    Command,
    error::{ContextKind, ContextValue},
};
use toml::de::{DeTable, DeValue};

use super::{FileSections, LoadError};

/// A configuration file that can't be taken, with the place.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It can't be read.
    #[error("can't read the configuration file {path}: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It isn't TOML, or a section has a wrong field.
    #[error("{path}: {message}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column, field and reason.
        message: String,
    },
    /// A setting that this program doesn't have, or with a value that it can't have.
    #[error("{path}:{line}: {setting}: {message}", path = path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// As written.
        setting: String,
        /// What is wrong and what would be right.
        message: String,
    },
}

/// One `name = value` of the file.
struct Entry {
    id: String,
    values: Vec<String>,
    line: usize,
}

/// A file that was read: its settings by argument id, and its sections.
pub(super) struct File<F> {
    path: PathBuf,
    entries: Vec<Entry>,
    pub(super) sections: F,
}

pub(super) fn read<F: FileSections>(path: &Path, command: &Command) -> Result<File<F>, FileError> {
    let text =
        fs::read_to_string(path).map_err(|cause| FileError::Unreadable { path: path.to_owned(), cause })?;
    let malformed = |error: toml::de::Error| FileError::Malformed {
        path: path.to_owned(),
        message: in_words(&text, &error),
    };
    let table = DeTable::parse(&text).map_err(malformed)?;
    let mut entries = Vec::new();
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        if F::NAMES.contains(&name) {
            continue;
        }
        let line = 1 + text[..key.span().start].matches('\n').count();
        let wrong = |message: String| FileError::Setting {
            path: path.to_owned(),
            line,
            setting: name.to_owned(),
            message,
        };
        let id = name.replace('-', "_");
        if id == "config" || !is_setting(command, &id) {
            return Err(wrong(unknown::<F>(command, &id)));
        }
        let values = as_texts(value.get_ref())
            .ok_or_else(|| wrong("takes a text, a number, true or false, or a list of those".to_owned()))?;
        entries.push(Entry { id, values, line });
    }
    let sections = toml::from_str::<F>(&text).map_err(malformed)?;
    Ok(File { path: path.to_owned(), entries, sections })
}

impl<F> File<F> {
    /// The command with the file's values as defaults.
    pub(super) fn apply(&self, mut command: Command) -> Command {
        for entry in &self.entries {
            command = command
                .mut_arg(&entry.id, |arg| arg.required(false).default_values(entry.values.iter().cloned()));
        }
        command
    }

    /// Says where a refused value stands, where it stands in this file.
    pub(super) fn explain(&self, error: clap::Error) -> LoadError {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let arg = text(ContextKind::InvalidArg).unwrap_or_default();
        let value = text(ContextKind::InvalidValue).unwrap_or_default();
        let flag =
            arg.split_whitespace().next().unwrap_or_default().trim_start_matches("--").replace('-', "_");
        let entry =
            self.entries.iter().find(|entry| entry.id == flag && entry.values.iter().any(|v| v == value));
        let Some(entry) = entry else {
            return LoadError::Arguments(error);
        };
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        LoadError::File(FileError::Setting {
            path: self.path.clone(),
            line: entry.line,
            setting: entry.id.clone(),
            message: match (cause, error.get(ContextKind::ValidValue)) {
                (Some(cause), _) => format!("`{value}` can't be taken: {cause}"),
                (None, Some(valid)) => format!("`{value}` can't be taken; possible values: {valid}"),
                (None, None) => format!("`{value}` can't be taken"),
            },
        })
    }
}

/// What is wrong and where, without the line itself: it may be the one with the key in it.
fn in_words(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim_end();
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map_or_else(
        || message.to_owned(),
        |before| {
            let line = 1 + before.matches('\n').count();
            let column = 1 + before.chars().rev().take_while(|letter| *letter != '\n').count();
            format!("line {line}, column {column}: {message}")
        },
    )
}

fn is_setting(command: &Command, id: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_id() == id && arg.get_long().is_some())
}

/// Names the nearest setting, or all sections where none is near.
fn unknown<F: FileSections>(command: &Command, id: &str) -> String {
    let known = command.get_arguments().map(|arg| arg.get_id().as_str());
    let nearest = known
        .chain(F::NAMES.iter().copied())
        .map(|name| (distance(name, id), name))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    match nearest {
        Some((_, name)) => format!("unknown setting; did you mean `{name}`?"),
        None => "unknown setting; --help lists those there are".to_owned(),
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn as_texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    Some(match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Integer(number) => vec![number.to_string()],
        DeValue::Float(number) => vec![number.to_string()],
        DeValue::Boolean(flag) => vec![flag.to_string()],
        DeValue::Array(list) => {
            let texts: Option<Vec<_>> = list.iter().map(|item| as_texts(item.get_ref())).collect();
            texts?.into_iter().flatten().collect()
        }
        DeValue::Datetime(_) | DeValue::Table(_) => return None,
    })
}
