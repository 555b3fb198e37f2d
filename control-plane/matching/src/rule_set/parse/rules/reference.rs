//! Reads `measurements` and `referenceValue`.

use jsonc_parser::ast::Value;

use super::{
    super::{
        super::{Expression, report::Place, suggest},
        expression,
        node::Node,
        types::Type,
    },
    Reading,
};

/// Something measured.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) expression: Expression,
    pub(super) kind: Type,
    pub(super) place: Place,
}

/// A reference, as it stands there.
#[derive(Debug)]
pub(super) enum Referred {
    Number(f64),
    Text(String),
    Texts(Vec<String>),
    Expression(Expression, Type),
}

impl<'j> Reading<'_, 'j, '_> {
    /// All `measurements`, at least one.
    pub(super) fn measurements(&mut self) -> Option<Vec<Measured>> {
        let node = self.require("measurements")?;
        // One alone needs no list.
        let nodes = match node.value {
            Value::StringLit(_) => vec![node],
            _ => {
                let nodes = node.list("measurements", self.report)?;
                if nodes.is_empty() {
                    self.report.error(&node.place, "at least one measurement is needed");
                    return None;
                }
                nodes
            }
        };
        let measured: Vec<_> = nodes.iter().map(|node| self.measurement(node)).collect();
        measured.into_iter().collect()
    }

    fn measurement(&mut self, node: &Node<'j>) -> Option<Measured> {
        let text = node.text(self.report)?;
        let (expression, kind) = self.expression(node, text)?;
        Some(Measured { expression, kind, place: node.place.clone() })
    }

    fn expression(&mut self, node: &Node<'j>, text: &str) -> Option<(Expression, Type)> {
        match expression::read(text, self.names) {
            Ok(typed) => {
                if let Some(remark) = typed.remark {
                    self.report.warning(&node.inside(remark.at), remark.message);
                }
                Some((typed.expression, typed.kind))
            }
            Err(fault) => {
                self.report.error(&node.inside(fault.at), fault.message);
                None
            }
        }
    }

    /// `referenceValue`. Outer `None`: it is there and broken.
    pub(super) fn reference(&mut self) -> Option<Option<(Referred, Place)>> {
        let Some(node) = self.take("referenceValue") else { return Some(None) };
        let referred = match node.value {
            Value::NumberLit(_) => Referred::Number(node.number(self.report)?),
            Value::StringLit(text) if expression::is_meant(&text.value) => {
                let (expression, kind) = self.expression(&node, &text.value)?;
                Referred::Expression(expression, kind)
            }
            Value::StringLit(text) => Referred::Text(text.value.clone().into_owned()),
            Value::Array(_) => {
                let texts = node.list("referenceValue", self.report)?;
                let texts: Vec<_> = texts.iter().map(|text| text.text(self.report)).collect();
                let texts: Option<Vec<_>> = texts.into_iter().collect();
                Referred::Texts(texts?.into_iter().map(str::to_owned).collect())
            }
            _ => {
                node.wanted("a number, a text, a list of texts or an expression", self.report);
                return None;
            }
        };
        Some(Some((referred, node.place)))
    }

    /// The number that a reference is, where one is needed: a text that is one counts.
    pub(super) fn as_number(&mut self, text: &str, place: &Place) -> Option<f64> {
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        match number {
            Some(number) => {
                self.report.warning(place, format!("a number is needed here; the text is read as {number}"));
            }
            None => {
                let shown = suggest::shown(text);
                self.report.error(
                    place,
                    format!("numbers are measured, and the reference {shown} is neither a number nor an expression"),
                );
            }
        }
        number
    }

    /// Says that a reference isn't one value.
    pub(super) fn one_value(&mut self, kind: Type, place: &Place) {
        let message = format!(
            "a reference is one value, and this is {kind}; take one of it, such as the `avg` or `max` of a `flatten`"
        );
        self.report.error(place, message);
    }
}
