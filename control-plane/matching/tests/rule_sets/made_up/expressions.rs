//! Expressions of every well-typed form.

use matching::rule_set::{Aggregate, Expression, Property, Teams};

use crate::dice::Dice;

/// The names by which a rule set's teams can be named.
#[derive(Debug)]
pub(crate) struct Names(pub(crate) Vec<String>);

impl Names {
    /// A name that stands for one team.
    fn single(&self) -> &str {
        &self.0[self.0.len() - 1]
    }

    pub(super) fn teams(&self, dice: &mut Dice) -> Teams {
        match dice.below(5) {
            0 => Teams::Named(vec![dice.one_of(&self.0)]),
            1 => Teams::Named(vec![dice.one_of(&self.0), dice.one_of(&self.0)]),
            _ => Teams::All,
        }
    }
}

fn property(teams: Teams, attribute: &str) -> Expression {
    Expression::Property { teams, property: Property::Attribute(attribute.to_owned()) }
}

fn flat(dice: &mut Dice, names: &Names, property: Property) -> Expression {
    let all = Expression::Property { teams: Teams::All, property: property.clone() };
    match dice.below(6) {
        0 => Expression::Property { teams: names.teams(dice), property },
        1 => all,
        _ => Expression::Flattened(Box::new(all)),
    }
}

fn aggregate(dice: &mut Dice) -> Aggregate {
    use Aggregate::{Avg, Count, Max, Median, Min, Stddev, Sum};
    dice.one_of(&[Avg, Avg, Avg, Min, Max, Median, Sum, Count, Stddev])
}

/// Some numbers of a match.
pub(super) fn numbers(dice: &mut Dice, names: &Names) -> Expression {
    let attribute = if dice.once_in(5) { "level" } else { "skill" };
    let plain = flat(dice, names, Property::Attribute(attribute.to_owned()));
    match dice.below(8) {
        0..=2 => plain,
        3 => {
            let teams = names.teams(dice);
            Expression::Aggregated(aggregate(dice), Box::new(property(teams, attribute)))
        }
        4 => {
            let property = dice.one_of(&[Property::Players, Property::PlayerId]);
            Expression::Aggregated(Aggregate::Count, Box::new(flat(dice, names, property)))
        }
        5 => {
            let of_teams = Expression::Aggregated(aggregate(dice), Box::new(property(Teams::All, attribute)));
            Expression::Aggregated(dice.one_of(&[Aggregate::Max, Aggregate::Min]), Box::new(of_teams))
        }
        6 => Expression::Aggregated(Aggregate::Count, Box::new(texts_in_common(dice, names))),
        _ => Expression::Aggregated(aggregate(dice), Box::new(plain)),
    }
}

/// One number of a match.
pub(super) fn number(dice: &mut Dice, names: &Names) -> Expression {
    let attribute = if dice.once_in(5) { "level" } else { "skill" };
    let one = Teams::Named(vec![names.single().to_owned()]);
    let all = Expression::Flattened(Box::new(property(Teams::All, attribute)));
    match dice.below(5) {
        0 => Expression::Number(dice.between(0, 10) as f64),
        1 => Expression::Aggregated(aggregate(dice), Box::new(property(one, attribute))),
        _ => Expression::Aggregated(aggregate(dice), Box::new(all)),
    }
}

/// Some texts of players.
pub(super) fn texts(dice: &mut Dice, names: &Names) -> Expression {
    flat(dice, names, Property::Attribute("mode".to_owned()))
}

/// Some lists of texts, or texts.
pub(super) fn lists(dice: &mut Dice, names: &Names) -> Expression {
    let maps = Property::Attribute(dice.one_of(&["maps", "maps", "enemies"]).to_owned());
    match dice.below(8) {
        0 => Expression::Flattened(Box::new(Expression::Flattened(Box::new(flat_all(maps))))),
        1 => texts_in_common(dice, names),
        2 => Expression::Flattened(Box::new(texts_in_common(dice, names))),
        _ => flat(dice, names, maps),
    }
}

/// One list of texts.
pub(super) fn list(dice: &mut Dice, names: &Names) -> Expression {
    let teams = names.teams(dice);
    match dice.below(4) {
        0 => Expression::List(vec![Expression::Text("harbour".into()), Expression::Text("desert".into())]),
        1 => Expression::SetIntersection(Box::new(Expression::Flattened(Box::new(property(teams, "maps"))))),
        _ => Expression::Flattened(Box::new(flat_all(Property::PlayerId))),
    }
}

fn flat_all(property: Property) -> Expression {
    Expression::Property { teams: Teams::All, property }
}

fn texts_in_common(dice: &mut Dice, names: &Names) -> Expression {
    Expression::SetIntersection(Box::new(flat(dice, names, Property::Attribute("maps".to_owned()))))
}
