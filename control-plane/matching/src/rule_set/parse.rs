//! Reads a rule set from its file: everything is found at once, with its place.
//!
//! In the order of who names whom: attributes and teams, the rules that name them, the compounds that name rules, the expansions
//! that name both. Each part reads as much as it can, and what is broken is still known by its name, so that one slip is
//! one error. Whether what was read makes sense is `check`'s business.

mod algorithm;
mod attributes;
mod bounds;
mod compounds;
mod cursor;
mod expansions;
mod expression;
mod fields;
mod names;
mod node;
mod rules;
mod statement;
mod teams;
mod types;

use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions, common::Ranged as _, parse_to_ast,
};

use self::{fields::Fields, names::Names, node::Node};
use super::{
    Diagnostic, RuleSet, check, limits,
    report::{Place, Report},
};

/// A rule set that was read, and what its author should know all the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The rule set.
    pub rules: RuleSet,
    /// In the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// Where a rule, a team or an expansion stands, and its properties.
#[derive(Debug, Default)]
pub(super) struct Site {
    pub(super) place: Place,
    pub(super) fields: Vec<(&'static str, Place)>,
}

/// Where everything stands that is checked once it is read, by the indices of the rule set.
#[derive(Debug, Default)]
pub(super) struct Sites {
    pub(super) rules: Vec<Site>,
    pub(super) teams: Vec<Site>,
    pub(super) algorithm: Site,
}

impl Site {
    /// The place of a property; of the whole where it isn't there.
    pub(super) fn of(&self, name: &str) -> &Place {
        self.fields.iter().find(|(known, _)| *known == name).map_or(&self.place, |(_, place)| place)
    }

    /// Keeps the place of a property.
    fn keep<'j>(&mut self, name: &'static str, node: Option<Node<'j>>) -> Option<Node<'j>> {
        self.fields.extend(node.as_ref().map(|node| (name, node.place.clone())));
        node
    }
}

impl RuleSet {
    /// Reads a rule set from the text of its file.
    ///
    /// Costs time and memory bounded by the text's length, which is bounded too.
    ///
    /// # Errors
    /// The text is no rule set, or one that can't be meant: all that was found, at least one error, in the order of the text.
    pub fn parse(text: &str) -> Result<Parsed, Vec<Diagnostic>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut report = Report::new(text);
        let rules = read(text, &mut report);
        let failed = report.has_errors();
        let found = report.finish();
        match rules {
            Some(rules) if !failed => Ok(Parsed { rules, warnings: found }),
            _ => Err(found),
        }
    }
}

fn read(text: &str, report: &mut Report<'_>) -> Option<RuleSet> {
    let whole = Place::default();
    if text.len() > limits::FILE {
        report.error(&whole, format!("the file has {} bytes; {} at most", text.len(), limits::FILE));
        return None;
    }
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let collect = CollectOptions { comments: CommentCollectionStrategy::Separate, tokens: false };
    let parsed = match parse_to_ast(text, &collect, &options) {
        Ok(parsed) => parsed,
        Err(error) => {
            let place = Place { at: error.range().start, path: String::new() };
            report.error(&place, format!("this is no JSON: {}", error.kind().to_string().to_lowercase()));
            return None;
        }
    };
    let comments = parsed.comments.iter().flat_map(|comments| comments.values());
    if let Some(at) = comments.flat_map(|comments| comments.iter()).map(|comment| comment.start()).min() {
        let place = Place { at, path: String::new() };
        report.warning(
            &place,
            "comments are no JSON: other readers refuse them; a `description` can say it too",
        );
    }
    let Some(value) = &parsed.value else {
        report.error(
            &whole,
            "the file is empty; a rule set is an object with `ruleLanguageVersion` and `teams`",
        );
        return None;
    };
    rule_set(&Node::new(value, String::new()), report)
}

fn rule_set(node: &Node<'_>, report: &mut Report<'_>) -> Option<RuleSet> {
    let mut fields = Fields::of(node, report)?;
    let name = fields.take("name").and_then(|name| name.text(report)).unwrap_or_default();
    if let Some(version) = fields.require("ruleLanguageVersion") {
        language_version(&version, report);
    }
    let mut names = Names::default();
    let mut sites = Sites::default();
    let attributes = attributes::read(fields.take("playerAttributes"), &mut names, report);
    let teams = fields.require("teams");
    let mut teams = teams::read(teams, &mut names, &mut sites, report);
    let algorithm = algorithm::read(fields.take("algorithm"), &names, &mut sites, report);
    let mut drafts = rules::read("rules", fields.take("rules"), &names, report);
    drafts.extend(rules::read("additionalRules", fields.take("additionalRules"), &names, report));
    let mut rules = compounds::resolve(drafts, &mut sites, report);
    let expansions = fields.take("expansions");
    fields.finish("a rule set", &[], report);
    expansions::apply(expansions, &mut rules, &mut teams, &sites, report);
    let rules = RuleSet { name: name.to_owned(), attributes, teams, algorithm, rules };
    // What is broken would only be found to make no sense either.
    if !report.has_errors() {
        check::check(&rules, &sites, report);
    }
    Some(rules)
}

fn language_version(node: &Node<'_>, report: &mut Report<'_>) {
    if node.as_text() == Some("1.0") {
        return;
    }
    if let Some(number) = node.value.as_number_lit()
        && number.value == "1.0"
    {
        report.warning(&node.place, "this should be the text \"1.0\"; other readers refuse the number");
        return;
    }
    report.error(&node.place, "there is one version of the language, \"1.0\"");
}
