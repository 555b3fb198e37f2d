//! Values of a file, with their place, and what is said where one is of the wrong kind.

use jsonc_parser::{ast::Value, common::Ranged as _};

use super::super::{
    limits,
    report::{Place, Report},
    suggest,
};

/// A value of a file.
#[derive(Debug, Clone)]
pub(super) struct Node<'j> {
    pub(super) value: &'j Value<'j>,
    pub(super) place: Place,
}

impl<'j> Node<'j> {
    pub(super) fn new(value: &'j Value<'j>, path: String) -> Self {
        Self { value, place: Place { at: value.start(), path } }
    }

    /// What it is, for a message.
    fn is(&self) -> &'static str {
        match self.value {
            Value::StringLit(_) => "a text",
            Value::NumberLit(_) => "a number",
            Value::BooleanLit(_) => "a truth value",
            Value::Object(_) => "an object",
            Value::Array(_) => "a list",
            Value::NullKeyword(_) => "null",
        }
    }

    /// Says that something else should stand here.
    pub(super) fn wanted(&self, what: &str, report: &mut Report<'_>) {
        report.error(&self.place, format!("this is {}; {what} is needed here", self.is()));
    }

    /// The text, if it is one; nothing is said where it isn't.
    pub(super) fn as_text(&self) -> Option<&'j str> {
        self.value.as_string_lit().map(|text| text.value.as_ref())
    }

    pub(super) fn text(&self, report: &mut Report<'_>) -> Option<&'j str> {
        let text = self.as_text();
        if text.is_none() {
            self.wanted("a text", report);
        }
        text
    }

    /// A name: a text that is neither empty nor endless.
    pub(super) fn name(&self, report: &mut Report<'_>) -> Option<&'j str> {
        let name = self.text(report)?;
        if name.trim().is_empty() || name.len() > limits::NAME {
            let most = limits::NAME;
            report.error(&self.place, format!("a name is needed here, of 1 to {most} bytes"));
            return None;
        }
        Some(name)
    }

    /// A finite number. One that is written as a text counts, with a warning.
    pub(super) fn number(&self, report: &mut Report<'_>) -> Option<f64> {
        let text = match self.value {
            Value::NumberLit(number) => number.value,
            Value::StringLit(text) => text.value.trim(),
            _ => {
                self.wanted("a number", report);
                return None;
            }
        };
        let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
            let shown = suggest::shown(text);
            report.error(&self.place, format!("{shown} is no number; write one such as 12.5"));
            return None;
        };
        if self.as_text().is_some() {
            report.warning(&self.place, format!("a number is needed here; the text is read as {number}"));
        }
        Some(number)
    }

    /// A whole number within these bounds.
    pub(super) fn whole(&self, least: u32, most: u32, report: &mut Report<'_>) -> Option<u32> {
        let number = self.number(report)?;
        if number.fract() == 0.0 && number >= f64::from(least) && number <= f64::from(most) {
            return Some(number as u32);
        }
        report.error(
            &self.place,
            format!("a whole number from {least} to {most} is needed here, not {number}"),
        );
        None
    }

    pub(super) fn flag(&self, report: &mut Report<'_>) -> Option<bool> {
        let flag = self.value.as_boolean_lit().map(|flag| flag.value);
        if flag.is_none() {
            self.wanted("true or false", report);
        }
        flag
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)], report: &mut Report<'_>) -> Option<T> {
        let text = self.text(report)?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let hint = suggest::hint(text, choices.iter().map(|(word, _)| *word));
            report.error(&self.place, format!("{} is not possible here{hint}", suggest::shown(text)));
        }
        found.map(|(_, choice)| *choice)
    }

    /// The entries of a list, not more than a list of this name may have.
    pub(super) fn list(&self, name: &str, report: &mut Report<'_>) -> Option<Vec<Self>> {
        let Value::Array(list) = self.value else {
            self.wanted("a list", report);
            return None;
        };
        let most = limits::entries(name);
        if list.elements.len() > most {
            report.error(&self.place, format!("there are {} entries; {most} at most", list.elements.len()));
            return None;
        }
        let entry = |(index, value)| Self::new(value, format!("{}[{index}]", self.place.path));
        Some(list.elements.iter().enumerate().map(entry).collect())
    }

    /// The place of a byte of the text, if it is one.
    pub(super) fn inside(&self, offset: usize) -> Place {
        let mut place = self.place.clone();
        if let Value::StringLit(text) = self.value
            && text.range.width() == text.value.len() + 2
        {
            // Without escapes, what was read is what stands there.
            place.at += 1 + offset.min(text.value.len());
        }
        place
    }
}
