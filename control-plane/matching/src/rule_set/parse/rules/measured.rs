//! Reads rules that measure numbers and texts: comparison and distance.

use super::{
    super::{
        super::{Changing, Comparator, Expression, Reference, RuleKind, report::Place},
        types::{Of, Type},
    },
    Reading,
    reference::{Measured, Referred},
};

const COMPARATORS: [(&str, Comparator); 6] = [
    ("<", Comparator::Less),
    ("<=", Comparator::AtMost),
    ("=", Comparator::Equal),
    ("!=", Comparator::NotEqual),
    (">", Comparator::Greater),
    (">=", Comparator::AtLeast),
];

impl Reading<'_, '_, '_> {
    pub(super) fn comparison(&mut self) -> Option<RuleKind> {
        let measured = self.measurements();
        let operation = self.require("operation");
        let operation = operation.and_then(|node| node.choice(&COMPARATORS, self.report));
        let reference = self.reference();
        let texts = measured.as_ref().is_some_and(|measured| measured[0].kind.of == Of::Text);
        let alone = matches!(reference, Some(None));
        let does_nothing = match (texts, alone) {
            (true, _) => Some("texts are each player's own"),
            (false, true) => Some("without a reference each player's own value is compared"),
            (false, false) => None,
        };
        let party = self.party(does_nothing);
        let (measured, operation, reference) = (measured?, operation?, reference?);
        self.one_kind(&measured)?;
        let ordering = !matches!(operation, Comparator::Equal | Comparator::NotEqual);
        if ordering && texts {
            let message = "texts are the same or not: only `=` and `!=` are possible";
            self.report.error(self.site.of("operation"), message);
            return None;
        }
        let reference = match reference {
            Some((referred, place)) if texts => Some(self.text_reference(referred, &place)?),
            Some((referred, place)) => Some(self.number_reference(referred, &place)?),
            None if ordering => {
                let message = "without a `referenceValue` only `=` and `!=` are possible: all the same, or all different";
                self.report.error(self.site.of("operation"), message);
                return None;
            }
            None if measured.len() == 1 && measured[0].kind.depth == 0 => {
                let message = "this is a single value, and there is nothing to compare it with; a `referenceValue` is missing";
                self.report.error(&measured[0].place, message);
                return None;
            }
            None => None,
        };
        let measurements = measured.into_iter().map(|measured| measured.expression).collect();
        Some(RuleKind::Comparison { measurements, reference, operation, party })
    }

    pub(super) fn distance(&mut self) -> Option<RuleKind> {
        let measured = self.measurements();
        let reference = match self.reference() {
            Some(None) => self.require("referenceValue").and(None),
            reference => reference.flatten(),
        };
        let party = self.party(None);
        let (min, max) = (self.number("minDistance"), self.number("maxDistance"));
        let (measured, (referred, place)) = (measured?, reference?);
        let (min, max) = (min?, max?);
        if min.is_none() && max.is_none() {
            self.report.error(&self.place().clone(), "a `maxDistance` or a `minDistance` is missing here");
            return None;
        }
        self.one_kind(&measured)?;
        if let Some(text) = measured.iter().find(|measured| !measured.kind.is_number()) {
            let message = format!("a distance is between numbers, and this is {}", text.kind);
            self.report.error(&text.place, message);
            return None;
        }
        let reference = self.number_reference(referred, &place)?;
        let measurements = measured.into_iter().map(|measured| measured.expression).collect();
        Some(RuleKind::Distance { measurements, reference, min, max, party })
    }

    /// All measurements are numbers, or all are texts.
    fn one_kind(&mut self, measured: &[Measured]) -> Option<()> {
        for one in measured {
            let wrong = match one.kind.of {
                Of::Map => "maps can't be compared; a map's values are only for sorts and `winProbability`",
                Of::Player => "players can't be compared: `count` them, or look at their `attributes`",
                of if of != measured[0].kind.of
                    && !matches!((of, measured[0].kind.of), (Of::Unknown, _) | (_, Of::Unknown)) =>
                {
                    "the measurements are numbers and texts: a rule compares the one or the other"
                }
                _ => continue,
            };
            self.report.error(&one.place, wrong);
            return None;
        }
        Some(())
    }

    fn number_reference(&mut self, referred: Referred, place: &Place) -> Option<Reference> {
        match referred {
            Referred::Number(number) => Some(Reference::Number(Changing::fixed(number))),
            Referred::Text(text) => {
                self.as_number(&text, place).map(|number| Reference::Number(Changing::fixed(number)))
            }
            Referred::Expression(_, kind) if !kind.is_number() => {
                let message = format!("numbers are measured, and the reference is {kind}");
                self.report.error(place, message);
                None
            }
            Referred::Expression(expression, kind) => self.single(expression, kind, place),
            Referred::Texts(_) => {
                self.report.error(place, "numbers are measured, and the reference is a list of texts");
                None
            }
        }
    }

    fn text_reference(&mut self, referred: Referred, place: &Place) -> Option<Reference> {
        match referred {
            Referred::Text(text) => Some(Reference::Expression(Expression::Text(text))),
            Referred::Number(number) => {
                let message = format!(
                    "texts are measured, and the reference is a number; write \"{number}\" for the text"
                );
                self.report.error(place, message);
                None
            }
            Referred::Expression(_, kind) if !kind.is_text() => {
                let message = format!("texts are measured, and the reference is {kind}");
                self.report.error(place, message);
                None
            }
            Referred::Expression(expression, kind) => self.single(expression, kind, place),
            Referred::Texts(_) => {
                let message = "a text is compared with one text; for several use a `collection` rule";
                self.report.error(place, message);
                None
            }
        }
    }

    fn single(&mut self, expression: Expression, kind: Type, place: &Place) -> Option<Reference> {
        if kind.depth > 0 {
            self.one_value(kind, place);
            return None;
        }
        Some(Reference::Expression(expression))
    }
}
