//! Reads rules about one attribute, or about latencies: they need no expressions.

use super::{
    super::{
        super::{Aggregation, AttributeType, Changing, Direction, MapKey, RuleKind, suggest},
        bounds,
    },
    Body, Reading,
};

impl<'j> Reading<'_, 'j, '_> {
    pub(super) fn batch_distance(&mut self) -> Option<RuleKind> {
        let attribute = self.attribute("batchAttribute");
        let max = self.number("maxDistance");
        let text = matches!(attribute, Some((_, Some(AttributeType::String))));
        let party = self.party(text.then_some("texts are each player's own"));
        let ((attribute, kind), max) = (attribute?, max?);
        match (kind, &max) {
            (Some(AttributeType::Number), None) => {
                self.report.error(&self.place().clone(), "a `maxDistance` is missing here");
                return None;
            }
            (Some(AttributeType::String), Some(_)) => {
                let message = "of a text attribute all are the same; a `maxDistance` does nothing";
                self.report.warning(self.site.of("maxDistance"), message);
                return Some(RuleKind::BatchDistance { attribute, max: None, party });
            }
            (Some(AttributeType::StringList | AttributeType::StringNumberMap), _) => {
                let message = "lists and maps have no distance; for lists use a `collection` rule";
                self.report.error(self.site.of("batchAttribute"), message);
                return None;
            }
            _ => {}
        }
        Some(RuleKind::BatchDistance { attribute, max, party })
    }

    pub(super) fn latency(&mut self) -> Option<RuleKind> {
        let (max_latency, max_distance) = (self.number("maxLatency"), self.number("maxDistance"));
        let choices = [("min", Aggregation::Min), ("avg", Aggregation::Avg)];
        let reference = self.take("distanceReference");
        let distance_reference = reference.as_ref().and_then(|node| node.choice(&choices, self.report));
        let party = self.party(None);
        let (max_latency, max_distance) = (max_latency?, max_distance?);
        if max_latency.is_none() && max_distance.is_none() {
            self.report.error(&self.place().clone(), "a `maxLatency` or a `maxDistance` is missing here");
            return None;
        }
        if let (None, Some(node)) = (&max_distance, reference) {
            self.report.warning(&node.place, "it does nothing without `maxDistance`");
        }
        let distance_reference =
            max_distance.is_some().then(|| distance_reference.unwrap_or(Aggregation::Min));
        Some(RuleKind::Latency { max_latency, max_distance, distance_reference, party })
    }

    pub(super) fn sort(&mut self, by_distance: bool) -> Body<'j> {
        let choices = [("ascending", Direction::Ascending), ("descending", Direction::Descending)];
        let direction = self.require("sortDirection").and_then(|node| node.choice(&choices, self.report));
        let attribute = self.attribute("sortAttribute");
        let choices = [("minValue", MapKey::MinValue), ("maxValue", MapKey::MaxValue)];
        let key_node = self.take("mapKey");
        let map_key = key_node.as_ref().and_then(|node| node.choice(&choices, self.report));
        let party = self.party(None);
        let (Some(direction), Some((attribute, kind))) = (direction, attribute) else { return Body::Broken };
        match (kind, &key_node) {
            (Some(AttributeType::String | AttributeType::StringList), _) => {
                let message = "texts have no order here: this sort does nothing. Sorts go by numbers, or by maps of numbers";
                self.report.warning(self.site.of("sortAttribute"), message);
                return Body::Idle;
            }
            (Some(AttributeType::StringNumberMap), None) => {
                let message = "of a map a `mapKey` is needed: `minValue` or `maxValue`";
                self.report.error(self.site.of("sortAttribute"), message);
                return Body::Broken;
            }
            (Some(AttributeType::Number), Some(node)) => {
                self.report.warning(&node.place, "it does nothing: the attribute is a number, not a map");
                return Body::Kind(sorted(by_distance, direction, attribute, None, party));
            }
            _ => {}
        }
        Body::Kind(sorted(by_distance, direction, attribute, map_key, party))
    }

    pub(super) fn win_probability(&mut self) -> Option<RuleKind> {
        let attribute = self.attribute_of("attribute", AttributeType::StringNumberMap);
        let max = self.require("maxProbability");
        let max =
            max.and_then(|node| bounds::number("maxProbability", &node, self.report)).map(Changing::fixed);
        Some(RuleKind::WinProbability { attribute: attribute?, max: max? })
    }

    pub(super) fn block_list(&mut self) -> Option<RuleKind> {
        let attribute = self.attribute_of("attribute", AttributeType::StringList)?;
        Some(RuleKind::BlockList { attribute })
    }

    /// The attribute that a property names, and its type, where that is known.
    fn attribute(&mut self, property: &'static str) -> Option<(String, Option<AttributeType>)> {
        let node = self.require(property)?;
        let name = node.text(self.report)?;
        let kind = self.names.attribute(name);
        if kind.is_none() {
            self.undeclared(&node, name);
        }
        Some((name.to_owned(), kind?))
    }

    fn attribute_of(&mut self, property: &'static str, wanted: AttributeType) -> Option<String> {
        let (name, kind) = self.attribute(property)?;
        if kind.is_some_and(|kind| kind != wanted) {
            let wanted =
                if wanted == AttributeType::StringList { "string_list" } else { "string_number_map" };
            let message = format!(
                "an attribute of type `{wanted}` is needed here, and {} is none",
                suggest::shown(&name)
            );
            self.report.error(self.site.of(property), message);
            return None;
        }
        Some(name)
    }
}

fn sorted(
    by_distance: bool,
    direction: Direction,
    attribute: String,
    map_key: Option<MapKey>,
    party: Aggregation,
) -> RuleKind {
    match by_distance {
        true => RuleKind::DistanceSort { direction, attribute, map_key, party },
        false => RuleKind::AbsoluteSort { direction, attribute, map_key, party },
    }
}
