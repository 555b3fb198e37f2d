//! `muster rules`: checks rule-set files, and shows how they loosen over time.
//!
//! What a file may say is described in docs/rule-sets.md. All of the work is done by the package `matching`, which reads the files for
//! queues too: what passes here starts there.

mod table;

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use matching::rule_set::{Diagnostic, Loosening, RuleSet};
use serde::Serialize;

/// More than any rule set may have, and less than would hurt: what is longer is refused without being read whole.
const MOST_BYTES: u64 = 1024 * 1024;

/// Settings of `muster rules`.
#[derive(Debug, Clone, clap::Args)]
#[command(about = "Check rule-set files")]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    Check(Check),
}

/// Settings of `muster rules check`.
#[derive(Debug, Clone, clap::Args)]
#[command(
    about = "Find what is wrong with rule sets, and show how they loosen over time",
    long_about = "Reads rule sets (the FlexMatch language; docs/rule-sets.md) and prints what is wrong with them and what would \
        surprise their author, one line each: FILE:LINE:COLUMN: error|warning: where: what. A rule set without errors is then shown as \
        a table of how its numbers change while tickets wait.\n\n\
        The exit code is 0 where no file has an error, 1 where one has, 2 where one can't be read."
)]
struct Check {
    /// The rule sets.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Lines and a table, for people and editors.
    Text,
    /// One JSON document, for programs.
    Json,
}

/// What was found in a file.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    /// Why it can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    diagnostics: Vec<Diagnostic>,
    /// Where there are no errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    loosening: Option<Loosening>,
}

/// Checks the files and prints what was found.
///
/// The exit code is 0 where no file has an error, 1 where one has, 2 where one can't be read. A reader that has seen enough
/// changes nothing about it.
pub fn run(config: &Config) -> ExitCode {
    let Command::Check(check) = &config.command;
    let checked: Vec<_> = check.files.iter().map(|file| Checked::of(file)).collect();
    let printed = match check.format {
        Format::Text => checked.iter().map(Checked::text).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            let document = serde_json::to_string_pretty(&serde_json::json!({ "files": checked }));
            document.expect("texts and finite numbers are JSON") + "\n"
        }
    };
    match io::stdout().write_all(printed.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return ExitCode::FAILURE,
        _ => {}
    }
    if checked.iter().any(|file| file.unreadable.is_some()) {
        ExitCode::from(2)
    } else if checked.iter().any(|file| file.loosening.is_none()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

impl Checked {
    fn of(path: &Path) -> Self {
        let file = path.display().to_string();
        match read(path).map(|text| RuleSet::parse(&text)) {
            Ok(Ok(parsed)) => {
                let loosening = Some(parsed.rules.loosening());
                Self { file, unreadable: None, diagnostics: parsed.warnings, loosening }
            }
            Ok(Err(diagnostics)) => Self { file, unreadable: None, diagnostics, loosening: None },
            Err(error) => {
                let unreadable = Some(format!("can't read the rule set: {error}"));
                Self { file, unreadable, diagnostics: Vec::new(), loosening: None }
            }
        }
    }

    fn text(&self) -> String {
        let Self { file, unreadable, diagnostics, loosening } = self;
        if let Some(why) = unreadable {
            return format!("{file}: error: {why}\n");
        }
        let mut text: String = diagnostics.iter().map(|found| format!("{file}:{found}\n")).collect();
        let errors = diagnostics.iter().filter(|found| found.is_error()).count();
        let warnings = diagnostics.len() - errors;
        let count = |count: usize, what: &str| match count {
            0 => format!("no {what}s"),
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        text += &format!("{file}: {}, {}\n", count(errors, "error"), count(warnings, "warning"));
        if let Some(loosening) = loosening {
            text += "\n";
            text += &table::shown(loosening);
        }
        text
    }
}
