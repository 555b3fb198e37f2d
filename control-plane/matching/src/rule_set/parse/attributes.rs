//! Reads `playerAttributes`.

use std::collections::BTreeSet;

use jsonc_parser::ast::Value;
use smol_str::SmolStr;

use super::{
    super::{AttributeDeclaration, AttributeType, limits, report::Report, suggest},
    fields::Fields,
    names::Names,
    node::Node,
};
use crate::Attribute;

const TYPES: [(&str, AttributeType); 4] = [
    ("string", AttributeType::String),
    ("number", AttributeType::Number),
    ("string_list", AttributeType::StringList),
    ("string_number_map", AttributeType::StringNumberMap),
];

pub(super) fn read(
    node: Option<Node<'_>>,
    names: &mut Names,
    report: &mut Report<'_>,
) -> Vec<AttributeDeclaration> {
    let list = node.and_then(|node| node.list("playerAttributes", report)).unwrap_or_default();
    list.iter().filter_map(|node| attribute(node, names, report)).collect()
}

fn attribute(node: &Node<'_>, names: &mut Names, report: &mut Report<'_>) -> Option<AttributeDeclaration> {
    let mut fields = Fields::of(node, report)?;
    let name_node = fields.require("name");
    let name = name_node.as_ref().and_then(|name| name.name(report));
    let kind = fields.require("type").and_then(|kind| kind.choice(&TYPES, report));
    let default = fields.take("default");
    let default = default.and_then(|node| kind.and_then(|kind| value(&node, kind, report)));
    fields.finish("a player attribute", &[], report);
    let (name_node, name) = (name_node?, name?);
    if names.attribute(name).is_some() {
        report.error(&name_node.place, format!("there is an attribute {} already", suggest::shown(name)));
    } else {
        names.attributes.push((name.to_owned(), kind));
    }
    if name.contains(']') || name.trim() != name {
        report.error(&name_node.place, "no expression can name it: leave out `]` and blanks at the ends");
    }
    Some(AttributeDeclaration { name: name.to_owned(), kind: kind?, default })
}

/// A default, of the attribute's type.
fn value(node: &Node<'_>, kind: AttributeType, report: &mut Report<'_>) -> Option<Attribute> {
    match kind {
        AttributeType::Number => node.number(report).map(Attribute::Number),
        AttributeType::String => node.text(report).map(|text| Attribute::String(text.into())),
        AttributeType::StringList => {
            let list = node.list("default", report)?;
            let texts: Option<Vec<SmolStr>> =
                list.iter().map(|text| text.text(report).map(SmolStr::new)).collect();
            let texts = texts?;
            let mut seen = BTreeSet::new();
            if let Some(twice) = texts.iter().find(|text| !seen.insert(text.as_str())) {
                report.warning(&node.place, format!("{} is in it twice", suggest::shown(twice)));
            }
            Some(Attribute::StringList(texts.into()))
        }
        AttributeType::StringNumberMap => {
            if !matches!(node.value, Value::Object(_)) {
                node.wanted("an object of numbers, such as { \"harbour\": 100 },", report);
                return None;
            }
            let values = Fields::of(node, report)?.rest();
            let values: Option<Vec<_>> = values
                .map(|(name, number)| {
                    if name.len() > limits::NAME {
                        report.error(&number.place, format!("a key has {} bytes at most", limits::NAME));
                        return None;
                    }
                    number.number(report).map(|number| (name, number))
                })
                .collect();
            Some(Attribute::StringNumberMap(values?.into_iter().collect()))
        }
    }
}
