//! The settings of a program as a page of documentation, made from the program itself.

use std::fmt::Write as _;

use clap::Command;

/// A Markdown table of all settings of `command`: name in the file, flag, environment variable, default, meaning.
pub fn reference(command: &Command) -> String {
    let mut page = String::from("| setting | environment | default | meaning |\n|---|---|---|---|\n");
    let mut command = command.clone();
    command.build();
    for arg in command.get_arguments() {
        let Some(long) = arg.get_long() else { continue };
        if matches!(long, "help" | "version") || arg.is_hide_set() {
            continue;
        }
        let env = arg.get_env().map_or_else(|| "–".to_owned(), |env| format!("`{}`", env.display()));
        let defaults: Vec<_> =
            arg.get_default_values().iter().map(|value| value.display().to_string()).collect();
        let default = match defaults.as_slice() {
            [] if arg.is_required_set() => "required".to_owned(),
            [] => "–".to_owned(),
            values => format!("`{}`", values.join(", ")),
        };
        let help =
            arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let values = arg.get_possible_values();
        let choices: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        let choices = if choices.is_empty() || !arg.get_action().takes_values() {
            String::new()
        } else {
            format!(". One of {}", choices.join(", "))
        };
        let meaning = help.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        writeln!(page, "| `--{long}` | {env} | {default} | {meaning}{choices} |")
            .expect("a string takes all text");
    }
    page
}
