//! Reads rules about what lists have in common.

use super::{
    super::super::{CollectionOperation, Expression, Reference, RuleKind, SetAggregation, report::Place},
    Reading,
    reference::{Measured, Referred},
};

const OPERATIONS: [(&str, CollectionOperation); 3] = [
    ("intersection", CollectionOperation::Intersection),
    ("contains", CollectionOperation::Contains),
    ("reference_intersection_count", CollectionOperation::ReferenceIntersectionCount),
];

impl Reading<'_, '_, '_> {
    pub(super) fn collection(&mut self) -> Option<RuleKind> {
        let measured = self.measurements();
        let operation = self.require("operation").and_then(|node| node.choice(&OPERATIONS, self.report));
        let reference = self.reference();
        let contains = operation == Some(CollectionOperation::Contains);
        let choices = [("union", SetAggregation::Union), ("intersection", SetAggregation::Intersection)];
        let party = self.party_of(&choices, contains.then_some("`contains` counts each player's own list"));
        let party = party.unwrap_or(SetAggregation::Union);
        let (min, max) = (self.number("minCount"), self.number("maxCount"));
        let (measured, operation, reference) = (measured?, operation?, reference?);
        let (min_count, max_count) = (min?, max?);
        if min_count.is_none() && max_count.is_none() {
            self.report.error(&self.place().clone(), "a `minCount` or a `maxCount` is missing here");
            return None;
        }
        for measured in &measured {
            self.collected(measured, operation)?;
        }
        let reference = match (operation, reference) {
            (CollectionOperation::Intersection, Some((_, place))) => {
                let message = "`intersection` has no reference; this does nothing. For one, use `reference_intersection_count`";
                self.report.warning(&place, message);
                None
            }
            (CollectionOperation::Intersection, None) => None,
            (_, None) => return self.require("referenceValue").and(None),
            (CollectionOperation::Contains, Some((referred, place))) => {
                Some(self.contained(referred, &place)?)
            }
            (CollectionOperation::ReferenceIntersectionCount, Some((referred, place))) => {
                Some(self.reference_list(referred, &place)?)
            }
        };
        let measurements = measured.into_iter().map(|measured| measured.expression).collect();
        let reference = reference.map(Reference::Expression);
        Some(RuleKind::Collection { measurements, reference, operation, min_count, max_count, party })
    }

    /// Whether this can be measured by this operation.
    fn collected(&mut self, measured: &Measured, operation: CollectionOperation) -> Option<()> {
        let Measured { kind, place, .. } = measured;
        let (least, needs) = match operation {
            CollectionOperation::Intersection => {
                (2, "lists of texts, such as a `string_list` attribute of players")
            }
            CollectionOperation::Contains => (1, "texts or lists of texts"),
            CollectionOperation::ReferenceIntersectionCount => (1, "lists of texts"),
        };
        if kind.is_text() && (kind.depth >= least || kind.of == super::super::types::Of::Unknown) {
            return Some(());
        }
        self.report.error(place, format!("this operation measures {needs}, and this is {kind}"));
        None
    }

    fn contained(&mut self, referred: Referred, place: &Place) -> Option<Expression> {
        match referred {
            Referred::Text(text) => Some(Expression::Text(text)),
            Referred::Number(number) => {
                self.report
                    .warning(place, format!("a text is needed here; the number is read as \"{number}\""));
                Some(Expression::Text(number.to_string()))
            }
            Referred::Texts(_) => {
                let message = "`contains` has one text as its reference; for several use `reference_intersection_count`";
                self.report.error(place, message);
                None
            }
            Referred::Expression(_, kind) if !kind.is_text() => {
                self.report.error(place, format!("texts are measured, and the reference is {kind}"));
                None
            }
            Referred::Expression(_, kind) if kind.depth > 0 => {
                self.one_value(kind, place);
                None
            }
            Referred::Expression(expression, _) => Some(expression),
        }
    }

    fn reference_list(&mut self, referred: Referred, place: &Place) -> Option<Expression> {
        match referred {
            Referred::Texts(texts) => {
                Some(Expression::List(texts.into_iter().map(Expression::Text).collect()))
            }
            Referred::Text(text) => Some(Expression::List(vec![Expression::Text(text)])),
            Referred::Expression(expression, kind) if kind.is_text() && kind.depth <= 1 => Some(expression),
            Referred::Expression(_, kind) => {
                let message = format!(
                    "the reference is one list of texts, and this is {kind}; `flatten` or `set_intersection` make one list of several"
                );
                self.report.error(place, message);
                None
            }
            Referred::Number(_) => {
                self.report.error(place, "the reference is a list of texts, and this is a number");
                None
            }
        }
    }
}
