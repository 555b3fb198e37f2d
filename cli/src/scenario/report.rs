//! How a step went, and how that is printed.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use super::Scenario;

/// The result of one step.
#[derive(Debug, Clone)]
pub struct StepResult {
    /// Counted from 1.
    pub number: usize,
    /// The step in words.
    pub what: String,
    /// How long it took.
    pub took: Duration,
    /// What is worth saying of it, or how it failed.
    pub outcome: Result<String, Failure>,
}

/// How a step failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub struct Failure {
    /// What should have been.
    pub expected: String,
    /// What was.
    pub got: String,
}

impl Failure {
    pub(super) fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { expected: expected.into(), got: got.into() }
    }

    /// A step that could not be done at all.
    pub(super) fn because(got: impl Into<String>) -> Self {
        Self::new("the step to be possible", got)
    }
}

/// The line above a scenario's steps.
pub(super) fn headline(scenario: &Scenario) -> String {
    match scenario.about.as_str() {
        "" => scenario.name.clone(),
        about => format!("{}\n  {about}", scenario.name),
    }
}

impl Display for StepResult {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = if self.outcome.is_ok() { "ok" } else { "FAILED" };
        let millis = self.took.as_secs_f64() * 1000.0;
        write!(f, "  {verdict:<6} {:>2}  {:<60} {millis:>9.1} ms", self.number, self.what)?;
        match &self.outcome {
            Ok(detail) if detail.is_empty() => Ok(()),
            Ok(detail) => write!(f, "  {detail}"),
            Err(failure) => write!(
                f,
                "\n             expected {}\n             got      {}",
                failure.expected, failure.got
            ),
        }
    }
}
