//! Reads the small texts inside a file: expressions and statements.

use super::super::{limits, suggest};

/// What is wrong in a text, and at which byte of it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: String) -> Self {
        Self { at, message }
    }
}

/// A text and how far it was read. Blanks mean nothing.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    /// Refuses endless texts.
    pub(super) fn new(text: &'t str) -> Result<Self, Fault> {
        match text.len() > limits::EXPRESSION {
            true => Err(Fault::new(0, format!("this is longer than {} bytes", limits::EXPRESSION))),
            false => Ok(Self { text, at: 0 }),
        }
    }

    fn left(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at += self.left().len() - self.left().trim_start().len();
    }

    /// Where the next thing stands.
    pub(super) fn at(&mut self) -> usize {
        self.skip_blanks();
        self.at
    }

    pub(super) fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.left().chars().next()
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    pub(super) fn expect(&mut self, wanted: char) -> Result<(), Fault> {
        if self.take(wanted) {
            return Ok(());
        }
        let there = self.peek().map_or("the end".to_owned(), |there| format!("`{there}`"));
        Err(Fault::new(self.at, format!("`{wanted}` is needed here, not {there}")))
    }

    /// The letters, digits and underscores that come next, perhaps none.
    pub(super) fn word(&mut self) -> &'t str {
        self.until(|c| !c.is_ascii_alphanumeric() && c != '_')
    }

    /// All that comes before one of these, without blanks at its ends.
    pub(super) fn until(&mut self, end: impl Fn(char) -> bool) -> &'t str {
        self.skip_blanks();
        let left = self.left();
        let length = left.find(end).unwrap_or(left.len());
        self.at += length;
        left[..length].trim_end()
    }

    /// What stands in the brackets that come next.
    pub(super) fn brackets(&mut self) -> Result<&'t str, Fault> {
        self.expect('[')?;
        let start = self.at;
        let length = self.left().find(']');
        let Some(length) = length else {
            return Err(Fault::new(start, "`]` is missing after this".to_owned()));
        };
        self.at += length + 1;
        Ok(&self.text[start..start + length])
    }

    /// Nothing may come any more.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => {
                let shown = suggest::shown(self.left());
                Err(Fault::new(self.at, format!("this should end before {shown}")))
            }
        }
    }
}
