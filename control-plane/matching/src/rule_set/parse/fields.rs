//! An object of a file: its properties are taken one by one, and what is left over is unknown.

use std::collections::BTreeMap;

use jsonc_parser::{
    ast::{ObjectPropName, Value},
    common::Ranged as _,
};

use super::{
    super::{
        limits,
        report::{Place, Report},
        suggest,
    },
    node::Node,
};

/// An object's properties.
#[derive(Debug)]
pub(super) struct Fields<'j> {
    pub(super) place: Place,
    properties: BTreeMap<&'j str, (Place, &'j Value<'j>)>,
    asked: Vec<&'static str>,
    /// What must be there and isn't.
    missing: Vec<&'static str>,
}

impl<'j> Fields<'j> {
    /// `None`, and said, where it is no object.
    pub(super) fn of(node: &Node<'j>, report: &mut Report<'_>) -> Option<Self> {
        let Value::Object(object) = node.value else {
            node.wanted("an object", report);
            return None;
        };
        let (most, there) = (limits::OTHER_ENTRIES, object.properties.len());
        if there > most {
            report.error(&node.place, format!("there are {there} properties; {most} at most"));
            return None;
        }
        let mut properties = BTreeMap::new();
        for property in &object.properties {
            let name = match &property.name {
                ObjectPropName::String(name) => name.value.as_ref(),
                ObjectPropName::Word(name) => name.value,
            };
            let path = match node.place.path.as_str() {
                "" => name.chars().take(60).collect(),
                path => format!("{path}.{}", name.chars().take(60).collect::<String>()),
            };
            let place = Place { at: property.start(), path };
            if properties.contains_key(name) {
                let shown = suggest::shown(name);
                report.warning(
                    &place,
                    format!("{shown} is here twice; this one counts and the one before it is lost"),
                );
            }
            properties.insert(name, (place, &property.value));
        }
        Some(Self { place: node.place.clone(), properties, asked: Vec::new(), missing: Vec::new() })
    }

    /// A property, if it is there.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Node<'j>> {
        self.asked.push(name);
        let (place, value) = self.properties.remove(name)?;
        Some(Node::new(value, place.path))
    }

    /// A property that must be there. Where it isn't, [`Fields::finish`] or [`Fields::leave`] says so.
    pub(super) fn require(&mut self, name: &'static str) -> Option<Node<'j>> {
        let node = self.take(name);
        if node.is_none() {
            self.missing.push(name);
        }
        node
    }

    /// All that is left, by name: for objects whose properties have free names.
    pub(super) fn rest(self) -> impl Iterator<Item = (&'j str, Node<'j>)> {
        self.properties.into_iter().map(|(name, (place, value))| (name, Node::new(value, place.path)))
    }

    /// Says what is missing, and of what is left that it is unknown. `elsewhere` are properties that things of this kind may
    /// have but this one doesn't, and of which it is said what this one is.
    pub(super) fn finish(self, what: &str, elsewhere: &[&str], report: &mut Report<'_>) {
        for name in &self.missing {
            // If it is there under a name that is almost right, that is said below instead.
            if self.almost(name).is_none() {
                self.say_missing(name, report);
            }
        }
        for (name, (place, _)) in &self.properties {
            let shown = suggest::shown(name);
            let message = if elsewhere.contains(name) {
                format!("{what} has no {shown}")
            } else {
                let hint = suggest::hint(name, self.asked.iter().copied());
                format!("{shown} is no property of {what}{hint}")
            };
            report.error(place, message);
        }
    }

    /// Says what is missing, and nothing of what is left: it can't be known what that would be.
    pub(super) fn leave(self, what: &str, report: &mut Report<'_>) {
        for name in &self.missing {
            match self.almost(name) {
                Some((near, place)) => {
                    let shown = suggest::shown(near);
                    report.error(place, format!("{shown} is no property of {what}; did you mean `{name}`?"));
                }
                None => self.say_missing(name, report),
            }
        }
    }

    fn say_missing(&self, name: &str, report: &mut Report<'_>) {
        report.error(&self.place, format!("`{name}` is missing here"));
    }

    /// Of what is left, the one whose name is almost this.
    fn almost(&self, name: &str) -> Option<(&'j str, &Place)> {
        let near = suggest::closest(name, self.properties.keys().copied())?;
        self.properties.get(near).map(|(place, _)| (near, place))
    }
}
