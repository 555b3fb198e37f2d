//! Looks at JSON field by field, and lists everything that is wrong at once.
//!
//! Serde stops at the first fault and can't go on; a client that is told of one fault after the other has to guess how many
//! are left.

use proto::error::{FieldError, Refusal};
use serde_json::{Map, Value};

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    /// Adds one.
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    /// Adds that `field` has the wrong type.
    pub(crate) fn wrong_type(&mut self, field: impl Into<String>, expected: &str, value: &Value) {
        self.add(field, format!("must be {expected}, not {}", type_of(value)));
    }

    /// `read` where nothing is wrong.
    pub(crate) fn into_result<T>(self, read: T) -> Result<T, Refusal> {
        if self.0.is_empty() { Ok(read) } else { Err(Refusal::invalid(self.0)) }
    }
}

/// The fields of one JSON object. Every field that it takes is asked for; what wasn't is refused by [`Fields::finish`].
pub(crate) struct Fields<'a> {
    at: String,
    object: &'a Map<String, Value>,
    known: Vec<&'static str>,
    faults: &'a mut Faults,
}

impl<'a> Fields<'a> {
    /// Of a whole body.
    pub(crate) fn of_body(value: &'a Value, faults: &'a mut Faults) -> Option<Self> {
        Self::of(value, String::new(), faults)
    }

    /// Of the object at the path `at`.
    pub(crate) fn of(value: &'a Value, at: String, faults: &'a mut Faults) -> Option<Self> {
        let Value::Object(object) = value else {
            let field = if at.is_empty() { "body" } else { &at };
            faults.wrong_type(field, "an object", value);
            return None;
        };
        Some(Self { at, object, known: Vec::new(), faults })
    }

    /// The path of a field.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    /// Where to report what is wrong with a field.
    pub(crate) fn faults(&mut self) -> &mut Faults {
        self.faults
    }

    /// A field of any type. `null` is the same as leaving it out.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.ignore(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Takes a field without looking at it.
    pub(crate) fn ignore(&mut self, name: &'static str) {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
    }

    /// A text that must be there. May be empty: the control plane says what it may hold.
    pub(crate) fn required_text(&mut self, name: &'static str) -> String {
        let path = self.path(name);
        match self.value(name) {
            Some(Value::String(text)) => return text.clone(),
            Some(other) => self.faults.wrong_type(path, "a text", other),
            None => self.faults.add(path, "is missing"),
        }
        String::new()
    }

    /// A text that may be left out, but not be empty: to the control plane, empty means left out.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let path = self.path(name);
        match self.value(name)? {
            Value::String(text) if text.is_empty() => {
                self.faults.add(path, "is empty; leave it out or give it a value");
            }
            Value::String(text) => return Some(text.clone()),
            other => self.faults.wrong_type(path, "a text", other),
        }
        None
    }

    /// A whole number from `least` up, that may be left out.
    pub(crate) fn integer(&mut self, name: &'static str, least: u32) -> Option<u32> {
        let path = self.path(name);
        let value = self.value(name)?;
        match whole(value) {
            Some(number) if number >= least => return Some(number),
            _ if value.is_number() => {
                let message = format!("must be a whole number from {least} to {}, not {value}", u32::MAX);
                self.faults.add(path, message);
            }
            _ => self.faults.wrong_type(path, "a whole number", value),
        }
        None
    }

    /// An object that may be left out.
    pub(crate) fn object(&mut self, name: &'static str) -> Option<&'a Map<String, Value>> {
        let path = self.path(name);
        match self.value(name)? {
            Value::Object(object) => return Some(object),
            other => self.faults.wrong_type(path, "an object", other),
        }
        None
    }

    /// A list that may be left out.
    pub(crate) fn list(&mut self, name: &'static str) -> Option<&'a [Value]> {
        let path = self.path(name);
        match self.value(name)? {
            Value::Array(list) => return Some(list),
            other => self.faults.wrong_type(path, "a list", other),
        }
        None
    }

    /// Refuses every field that nobody asked for.
    pub(crate) fn finish(self) {
        for name in self.object.keys().filter(|name| !self.known.contains(&name.as_str())) {
            let shown = shown(name);
            let message = match self.similar(name) {
                Some(similar) => format!("is unknown; did you mean `{similar}`?"),
                None => format!("is unknown; known are {}", self.known.join(", ")),
            };
            let path = self.path(&shown);
            self.faults.add(path, message);
        }
    }

    /// A known field that differs only in case, `_` or `-`: the mistake that people make.
    fn similar(&self, name: &str) -> Option<&'static str> {
        let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
        let name = plain(name);
        self.known.iter().copied().find(|known| plain(known) == name)
    }
}

/// A whole number, also where it is written as `2.0`: JSON has one kind of numbers, and some languages write them all so.
fn whole(value: &Value) -> Option<u32> {
    let written = value.as_f64().filter(|number| number.fract() == 0.0)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    (0.0..=f64::from(u32::MAX)).contains(&written).then_some(written as u32)
}

/// A name that a client made up, as part of a field's path: short, and there.
pub(super) fn shown(name: &str) -> String {
    match name {
        "" => "\"\"".to_owned(),
        _ => name.chars().take(64).collect(),
    }
}

/// What a JSON value is, for people.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_faults_are_listed_together() {
        let value = json!({"a": 1, "b": "", "c": -1, "d": [], "Queue_Key": "x", "z": null});
        let mut faults = Faults::default();
        let mut fields = Fields::of_body(&value, &mut faults).unwrap();
        fields.required_text("a");
        fields.text("b");
        fields.integer("c", 0);
        fields.object("d");
        fields.required_text("queueKey");
        fields.required_text("z");
        fields.finish();
        let refusal = faults.into_result(()).unwrap_err();
        let lines: Vec<String> =
            refusal.fields.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_number_is_whole_however_it_is_written() {
        for (written, expected) in
            [("2", Some(2)), ("2.0", Some(2)), ("2e1", Some(20)), ("4294967295.0", Some(u32::MAX))]
        {
            assert_eq!(whole(&serde_json::from_str(written).unwrap()), expected, "{written}");
        }
        for written in ["2.5", "-1", "-1.0", "4294967296", "1e300", "\"2\"", "true"] {
            assert_eq!(whole(&serde_json::from_str(written).unwrap()), None, "{written}");
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        let mut faults = Faults::default();
        assert!(Fields::of_body(&json!([1]), &mut faults).is_none());
        let refusal = faults.into_result(()).unwrap_err();
        assert_eq!(refusal.message, "body: must be an object, not a list");
    }
}
