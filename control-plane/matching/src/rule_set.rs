//! Rule sets: what a studio says of its matches, in the FlexMatch rule-set language.
//!
//! A [`RuleSet`] is read from its file once, checked whole, and then only asked. Everything that a file says in another order than
//! it is used (expansions, party aggregation, defaults) has found its place here: a number that loosens over time is a
//! [`Changing`] where it is used. What the words of the language mean, where its public documentation leaves a choice,
//! is written in docs/rule-sets.md.

mod changing;
mod check;
mod diagnostic;
mod expression;
mod language;
mod limits;
mod loosening;
mod numbers;
mod parse;
mod report;
mod suggest;

pub use changing::{Changing, Step};
pub use diagnostic::{Diagnostic, Severity};
pub use expression::{Aggregate, Expression, Property, Teams};
pub use language::{
    AgeBasis, Aggregation, Algorithm, AttributeDeclaration, AttributeType, BackfillPriority, Batching,
    CollectionOperation, Comparator, Direction, Logic, MapKey, Reference, RoleSlot, Rule, RuleKind, RuleSet,
    SetAggregation, Strategy, TeamSpec,
};
pub use loosening::{Loosening, LooseningRow, LooseningValue};
pub use parse::Parsed;
