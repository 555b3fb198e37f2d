//! Collects what is found in a file, all of it, in the file's order.

use super::{Diagnostic, diagnostic::Severity, limits};

/// Where something is in a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Bytes from the beginning.
    pub(super) at: usize,
    /// The way to it, such as `rules[2].maxDistance`.
    pub(super) path: String,
}

/// What was found so far.
#[derive(Debug)]
pub(super) struct Report<'t> {
    text: &'t str,
    found: Vec<(usize, Severity, String, String)>,
    errors: bool,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new(), errors: false }
    }

    pub(super) fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.errors = true;
        self.add(Severity::Error, place, message.into());
    }

    pub(super) fn warning(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Warning, place, message.into());
    }

    /// Whether the file can't be used.
    pub(super) fn has_errors(&self) -> bool {
        self.errors
    }

    /// Errors go first where there are too many of everything.
    fn add(&mut self, severity: Severity, place: &Place, message: String) {
        if self.found.len() >= limits::DIAGNOSTICS {
            let warning = |found: &(_, Severity, _, _)| found.1 == Severity::Warning;
            match self.found.iter().rposition(warning) {
                Some(last) if severity == Severity::Error => self.found.remove(last),
                _ => return,
            };
        }
        self.found.push((place.at, severity, place.path.clone(), message));
    }

    /// All of it, in the file's order.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| found.0);
        let starts: Vec<usize> = std::iter::once(0)
            .chain(self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        let text = self.text;
        let diagnostic = |(at, severity, path, message): (usize, Severity, String, String)| {
            let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let line = starts.partition_point(|start| *start <= at);
            let column = text[starts[line - 1]..at].chars().count() + 1;
            Diagnostic { severity, line, column, path, message }
        };
        self.found.into_iter().map(diagnostic).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_characters_and_errors_are_never_crowded_out() {
        let text = "{\n  \"ä\": 1\n}";
        let mut report = Report::new(text);
        let place = |at| Place { at, path: String::new() };
        report.warning(&place(0), "first");
        report.error(&place(text.find('1').unwrap()), "second");
        report.error(&place(999), "end");
        let places: Vec<_> = report.finish().into_iter().map(|found| (found.line, found.column)).collect();
        assert_eq!(places, [(1, 1), (2, 8), (3, 2)]);

        let mut report = Report::new(text);
        (0..limits::DIAGNOSTICS * 2).for_each(|_| report.warning(&place(0), "warning"));
        report.error(&place(3), "error");
        assert!(report.has_errors());
        let found = report.finish();
        assert_eq!(found.len(), limits::DIAGNOSTICS);
        assert!(found.iter().any(Diagnostic::is_error));
    }
}
