//! From a file to a scenario, or to the place where it is wrong.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use runtime::config::Invalid;
use uuid::Uuid;

use super::{
    check::Check,
    format::{Action, Assert, Awaited, Connect, Enqueue, Scenario, Step, Wait},
    variables,
};

/// A scenario that can't be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file can't be read.
    #[error("can't read the scenario {path}: {cause}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Something in the file is wrong.
    #[error("{path}:{line}: {field}{message}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The way to the field, ending in `: `; empty where the text is no JSON.
        field: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A step whose fields don't go together.
    #[error("{path}: step {number}: {message}", path = path.display())]
    Step {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        /// What is wrong, and what would be right.
        message: String,
    },
}

impl ScenarioError {
    /// The same as a setting that can't be taken, which is what a bad file on the command line is.
    pub(super) fn into_invalid(self) -> Invalid {
        let text = self.to_string();
        let (place, message) = text.split_once(": ").unwrap_or(("FILE", &text));
        Invalid::new(place, message)
    }
}

impl Scenario {
    /// Reads a file and checks it whole. `vars` are the values of `${name}`; `${run}` is new each time.
    pub fn read(path: &Path, vars: &[(String, String)]) -> Result<Self, ScenarioError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| ScenarioError::Unreadable { path: path.to_owned(), cause })?;
        Self::parse(path, &text, vars)
    }

    fn parse(path: &Path, text: &str, vars: &[(String, String)]) -> Result<Self, ScenarioError> {
        let wrong = |line, field: String, message: String| ScenarioError::Wrong {
            path: path.to_owned(),
            line,
            field,
            message,
        };
        let run = Uuid::new_v4().simple().to_string()[..8].to_owned();
        let values: Vec<_> = [("run".to_owned(), run)].into_iter().chain(vars.iter().cloned()).collect();
        let text = variables::replace(text, &values).map_err(|missing| {
            let name = missing.name;
            let message = format!("`${{{name}}}` has no value; give it with --var {name}=…");
            wrong(missing.line, String::new(), message)
        })?;
        let mut json = serde_json::Deserializer::from_str(&text);
        let scenario: Self = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let place = error.path().to_string();
            // `?` stands for a place that can't be named, `.` for the whole.
            let place = place.trim_end_matches(['?', '.']);
            let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
            let error = error.into_inner();
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            wrong(error.line(), place, message.to_owned())
        })?;
        json.end().map_err(|error| {
            wrong(error.line(), String::new(), "there is more after the scenario's end".to_owned())
        })?;
        for (index, step) in scenario.steps.iter().enumerate() {
            step.check().map_err(|message| ScenarioError::Step {
                path: path.to_owned(),
                number: index + 1,
                message,
            })?;
        }
        Ok(scenario)
    }
}

impl Step {
    /// Looks at the fields together.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Enqueue(step) => step.check(),
            Self::Wait(step) => step.check(),
            Self::Connect(step) => step.check(),
            Self::Action(step) => step.check(),
            Self::Assert(step) => step.check(),
            Self::Log(_) => Ok(()),
        }
    }
}

impl Enqueue {
    fn check(&self) -> Result<(), String> {
        must(
            self.members.is_some() != self.players.is_some(),
            "enqueue takes either `members` or `players`",
        )?;
        self.expect.keys().try_for_each(|at| pointer("expect", at))
    }
}

impl Wait {
    fn check(&self) -> Result<(), String> {
        pointer("at", &self.at)?;
        let on_content = matches!(self.what, Awaited::State | Awaited::Error);
        must(
            on_content || (self.at.is_empty() && self.condition().is_none()),
            "`at`, `equals`, `matches` and `length` go with `\"for\": \"state\"` and `\"for\": \"error\"`",
        )?;
        let conditions = usize::from(self.equals.is_some())
            + usize::from(self.matches.is_some())
            + usize::from(self.length.is_some());
        must(conditions <= 1, "wait takes one of `equals`, `matches` and `length`")?;
        must(self.code.is_none() || self.what == Awaited::Closed, "`code` goes with `\"for\": \"closed\"`")
    }

    /// What the awaited message has to be like.
    pub(super) fn condition(&self) -> Option<Check> {
        Check::of_one(self.equals.as_ref(), self.matches.as_ref(), self.length)
    }
}

impl Connect {
    fn check(&self) -> Result<(), String> {
        must(self.ticket.is_some() != self.url.is_some(), "connect takes either `ticket` or `url`")?;
        must(
            self.ticket.is_some() || (self.player.is_none() && self.token.is_none()),
            "`player` and `token` go with `ticket`; write them into the `url`",
        )
    }
}

impl Action {
    fn check(&self) -> Result<(), String> {
        let sends = self.by.is_some() && self.send.is_some();
        let partly = self.by.is_some() || self.send.is_some() || self.times.is_some();
        must(
            if self.cancel.is_some() { !partly } else { sends },
            "action takes either `by` and `send`, or `cancel`",
        )?;
        must(
            self.cancel.is_some() || self.expect.is_empty(),
            "`expect` goes with `cancel`; wait for what a land answers",
        )?;
        self.expect.keys().try_for_each(|at| pointer("expect", at))
    }
}

impl Assert {
    fn check(&self) -> Result<(), String> {
        pointer("at", &self.at)?;
        let checks = usize::from(self.equals.is_some())
            + usize::from(self.matches.is_some())
            + usize::from(self.length.is_some())
            + usize::from(self.same)
            + usize::from(self.different);
        must(checks == 1, "assert takes one of `equals`, `matches`, `length`, `same` and `different`")
    }

    /// What is asserted.
    pub(super) fn assertion(&self) -> Check {
        let of_one = Check::of_one(self.equals.as_ref(), self.matches.as_ref(), self.length);
        of_one.unwrap_or(if self.same { Check::Same } else { Check::Different })
    }
}

fn must(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn pointer(field: &str, at: &str) -> Result<(), String> {
    let message = format!("`{field}`: `{at}` is no JSON pointer; begin with a slash, for example /players/0");
    must(at.is_empty() || at.starts_with('/'), &message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let vars = [("who".to_owned(), "ann".to_owned())];
        Scenario::parse(Path::new("s.json"), text, &vars).unwrap_err().to_string()
    }

    fn step(step: &str) -> String {
        error(&format!("{{\"name\": \"n\", \"steps\": [\n{step}\n]}}"))
    }

    #[test]
    fn what_is_unknown_is_named_with_its_line_and_place() {
        let cases = [
            ("{\"name\": \"n\",\n\"stpes\": []}", "s.json:2: stpes: unknown field `stpes`, expected one of"),
            ("{\"name\": \"n\"\n", "s.json:2: EOF while parsing"),
            ("{\"steps\": []}", "s.json:1: missing field `name`"),
            ("{\"name\": \"n\", \"steps\": []} x", "s.json:1: there is more"),
            (
                "{\"name\": \"${who}\",\n\"about\": \"${whom}\"}",
                "s.json:2: `${whom}` has no value; give it with --var whom=…",
            ),
        ];
        for (text, expected) in cases {
            let error = error(text);
            assert!(error.starts_with(expected), "{error}\n{expected}");
        }
    }

    #[test]
    fn a_wrong_step_is_named_with_its_line_and_field() {
        let cases = [
            (r#"{"enqeue": {}}"#, "s.json:2: steps[0]: unknown variant `enqeue`"),
            (
                r#"{"wait": {"for": "assigned", "of": []}}"#,
                "s.json:2: steps[0].wait.of: the list of names is empty",
            ),
            (
                r#"{"wait": {"for": "asigned", "of": "a"}}"#,
                "s.json:2: steps[0].wait.for: unknown variant `asigned`",
            ),
            (
                r#"{"wait": {"for": "assigned", "of": "a", "within": "soon"}}"#,
                "s.json:2: steps[0].wait.within: ",
            ),
            (
                "{\"connect\": {\"as\": \"a\",\n\"tiket\": \"t\"}}",
                "s.json:3: steps[0].connect.tiket: unknown field `tiket`",
            ),
            (r#"{"connect": {"as": 7, "url": "ws://x"}}"#, "s.json:2: steps[0].connect.as: invalid type"),
        ];
        for (text, expected) in cases {
            let error = step(text);
            assert!(error.starts_with(expected), "{error}\n{expected}");
        }
    }

    #[test]
    fn fields_that_do_not_go_together_are_refused() {
        let cases = [
            (r#"{"enqueue": {"as": "a", "queueKey": "q"}}"#, "either `members` or `players`"),
            (r#"{"wait": {"for": "assigned", "of": "a", "code": 1}}"#, "`code` goes with"),
            (r#"{"wait": {"for": "assigned", "of": "a", "at": "/x"}}"#, "go with `\"for\": \"state\"`"),
            (r#"{"wait": {"for": "state", "of": "a", "at": "x"}}"#, "no JSON pointer"),
            (r#"{"connect": {"as": "a"}}"#, "either `ticket` or `url`"),
            (r#"{"connect": {"as": "a", "url": "ws://x", "token": ""}}"#, "go with `ticket`"),
            (r#"{"action": {"by": "a"}}"#, "either `by` and `send`, or `cancel`"),
            (r#"{"action": {"cancel": "a", "times": 2}}"#, "either `by` and `send`, or `cancel`"),
            (r#"{"assert": {"on": "land", "of": "a", "at": "/x"}}"#, "takes one of `equals`"),
            (
                r#"{"assert": {"on": "land", "of": "a", "same": true, "equals": null}}"#,
                "takes one of `equals`",
            ),
        ];
        for (text, expected) in cases {
            let error = step(text);
            assert!(error.starts_with("s.json: step 1: ") && error.contains(expected), "{error}");
        }
    }
}
