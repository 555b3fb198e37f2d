//! Checks of what comes in: every bad field is named, with what would be right.

use proto::error::{FieldError, Refusal};

use crate::ids::{self, MAX_ID, MAX_LAND_TYPE};

/// The longest `constraints_json`, in bytes.
const MAX_CONSTRAINTS: usize = 16 * 1024;

/// The longest answer about bad fields, in bytes. It travels in HTTP/2 headers, of which peers take 16 KiB, encoded in base64.
const MAX_ANSWER: usize = 6 * 1024;

/// Collects what is wrong with a message, so that its sender can mend all of it at once.
#[derive(Debug, Default)]
pub(super) struct Fields {
    wrong: Vec<FieldError>,
    bytes: usize,
}

impl Fields {
    /// Notes a bad field.
    pub(super) fn wrong(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let error = FieldError::new(field, message);
        let bytes = self.bytes + error.field.len() + error.message.len();
        // A message with a million bad entries gets an answer of a page.
        if bytes <= MAX_ANSWER {
            self.wrong.push(error);
            self.bytes = bytes;
        }
    }

    /// An identifier that must be there.
    pub(super) fn id(&mut self, field: &str, value: &str) {
        if value.is_empty() {
            self.wrong(field, "is required and must not be empty");
        } else {
            self.text(field, value, MAX_ID);
        }
    }

    /// A land type: an identifier with room for the rest of a land's id.
    pub(super) fn land_type(&mut self, field: &str, value: &str) {
        if value.is_empty() {
            self.id(field, value);
        } else {
            self.text(field, value, MAX_LAND_TYPE);
        }
    }

    /// An identifier that may be empty.
    pub(super) fn optional_id(&mut self, field: &str, value: &str) {
        self.text(field, value, MAX_ID);
    }

    /// A text of at most `max` bytes without control characters.
    pub(super) fn text(&mut self, field: &str, value: &str, max: usize) {
        if let Some(problem) = ids::problem(value, max) {
            self.wrong(field, problem);
        }
    }

    /// A JSON object, or nothing.
    pub(super) fn json_object(&mut self, field: &str, value: &str) {
        if value.len() > MAX_CONSTRAINTS {
            self.wrong(field, format!("has {} bytes; at most {MAX_CONSTRAINTS} are allowed", value.len()));
        } else if !value.is_empty()
            && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value).is_err()
        {
            self.wrong(field, "must be a JSON object");
        }
    }

    /// A map of at most `max` entries with sane names.
    pub(super) fn names<'a>(
        &mut self,
        field: &str,
        names: impl ExactSizeIterator<Item = &'a String>,
        max: usize,
    ) {
        let count = names.len();
        if count > max {
            self.wrong(field, format!("has {count} entries; at most {max} are allowed"));
            return;
        }
        for name in names {
            self.id(&format!("{field}.{}", shown(name)), name);
        }
    }

    /// The verdict.
    pub(super) fn check(self) -> Result<(), Refusal> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Refusal::invalid(self.wrong)) }
    }
}

/// A name as part of a field's path: short, and without what would garble a log line.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(32).collect()
}

/// As much of a text as fits into `max` bytes, cut between characters.
pub(super) fn shortened(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// One field alone.
pub(super) fn required_id(field: &str, value: &str) -> Result<(), Refusal> {
    let mut fields = Fields::default();
    fields.id(field, value);
    fields.check()
}
