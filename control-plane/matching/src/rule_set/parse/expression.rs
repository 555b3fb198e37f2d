//! Reads property expressions such as `avg(flatten(teams[*].players.attributes[skill]))`, and knows what they yield.

use super::{
    super::{Aggregate, Expression, Property, Teams, limits, suggest},
    cursor::{Cursor, Fault},
    names::Names,
    types::{Of, Type},
};

/// An expression and what it yields.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) expression: Expression,
    pub(super) kind: Type,
    /// Said of it although it means something.
    pub(super) remark: Option<Fault>,
}

/// What can be applied to an expression.
#[derive(Debug, Clone, Copy)]
enum Function {
    Aggregate(Aggregate),
    Flatten,
    SetIntersection,
}

const FUNCTIONS: [(&str, Function); 9] = [
    ("min", Function::Aggregate(Aggregate::Min)),
    ("max", Function::Aggregate(Aggregate::Max)),
    ("avg", Function::Aggregate(Aggregate::Avg)),
    ("median", Function::Aggregate(Aggregate::Median)),
    ("sum", Function::Aggregate(Aggregate::Sum)),
    ("count", Function::Aggregate(Aggregate::Count)),
    ("stddev", Function::Aggregate(Aggregate::Stddev)),
    ("flatten", Function::Flatten),
    ("set_intersection", Function::SetIntersection),
];

/// Whether a text is meant as an expression. A reference may also be a text as it stands, such as `medic`.
pub(super) fn is_meant(text: &str) -> bool {
    let text = text.trim();
    let word = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    match (&text[..word], text[word..].chars().next()) {
        ("", _) | (_, None) => false,
        (_, Some('(')) => text.ends_with(')') || FUNCTIONS.iter().any(|(name, _)| *name == &text[..word]),
        ("teams" | "team", Some('[' | '.')) | ("players", Some('[' | '.')) => true,
        _ => false,
    }
}

/// Reads an expression whole.
pub(super) fn read(text: &str, names: &Names) -> Result<Typed, Fault> {
    let mut reader = Reader { cursor: Cursor::new(text)?, names, remark: None };
    let (expression, kind) = reader.expression(0)?;
    reader.cursor.end()?;
    Ok(Typed { expression, kind, remark: reader.remark })
}

struct Reader<'t, 'n> {
    cursor: Cursor<'t>,
    names: &'n Names,
    remark: Option<Fault>,
}

impl Reader<'_, '_> {
    fn expression(&mut self, depth: usize) -> Result<(Expression, Type), Fault> {
        let start = self.cursor.at();
        if depth >= limits::DEPTH {
            return Err(Fault::new(start, format!("functions can be nested {} deep", limits::DEPTH)));
        }
        let word = self.cursor.word();
        if self.cursor.take('(') {
            let Some((_, function)) = FUNCTIONS.iter().find(|(name, _)| *name == word) else {
                let hint = suggest::hint(word, FUNCTIONS.iter().map(|(name, _)| *name));
                return Err(Fault::new(
                    start,
                    format!("there is no function {}{hint}", suggest::shown(word)),
                ));
            };
            let (inner, kind) = self.expression(depth + 1)?;
            self.cursor.expect(')')?;
            return self.apply(*function, word, inner, kind, start);
        }
        match word {
            "teams" | "team" => {
                if word == "team" {
                    self.remark = Some(Fault::new(start, "`team` is read as `teams`".to_owned()));
                }
                let (teams, around) = self.teams()?;
                self.cursor.expect('.')?;
                let start = self.cursor.at();
                if self.cursor.word() != "players" {
                    return Err(Fault::new(
                        start,
                        "`players` is needed here, as in `teams[*].players`".to_owned(),
                    ));
                }
                self.property(teams, around)
            }
            "players" => self.property(Teams::All, 2),
            _ => {
                let known = FUNCTIONS.iter().map(|(name, _)| *name).chain(["teams", "players"]);
                let hint = suggest::closest(word, known).map(|close| format!("; did you mean `{close}`?"));
                let form = "an expression is needed here, such as `avg(teams[*].players.attributes[skill])`";
                Err(Fault::new(start, format!("{form}{}", hint.unwrap_or_default())))
            }
        }
    }

    /// `[…]` behind `teams`: which, and how many lists are around their players' values.
    fn teams(&mut self) -> Result<(Teams, usize), Fault> {
        let start = self.cursor.at();
        let inside = self.cursor.brackets()?;
        if inside.trim() == "*" {
            return Ok((Teams::All, 2));
        }
        let mut named: Vec<String> = Vec::new();
        let mut count = 0;
        for name in inside.split(',').map(str::trim) {
            let Some(of_name) = self.names.teams_of(name) else {
                let hint = suggest::hint(name, self.names.team_names());
                return Err(Fault::new(
                    start + 1,
                    format!("there is no team {}{hint}", suggest::shown(name)),
                ));
            };
            if named.iter().any(|known| known == name) {
                return Err(Fault::new(
                    start + 1,
                    format!("the team {} is here twice", suggest::shown(name)),
                ));
            }
            named.push(name.to_owned());
            count += of_name;
        }
        Ok((Teams::Named(named), if count == 1 { 1 } else { 2 }))
    }

    /// What stands behind `players`.
    fn property(&mut self, teams: Teams, around: usize) -> Result<(Expression, Type), Fault> {
        let start = self.cursor.at();
        let whole = |property, kind: Type| {
            let kind = Type { depth: kind.depth + around, ..kind };
            Ok((Expression::Property { teams, property }, kind))
        };
        if self.cursor.peek() == Some('[') {
            let inside = self.cursor.brackets()?;
            return match inside.trim().eq_ignore_ascii_case("playerId") {
                true => whole(Property::PlayerId, Type::TEXT),
                false => Err(Fault::new(start, "`players[playerId]` is all that can stand here".to_owned())),
            };
        }
        if !self.cursor.take('.') {
            return whole(Property::Players, Type { of: Of::Player, depth: 0 });
        }
        let start = self.cursor.at();
        match self.cursor.word() {
            "playerId" => whole(Property::PlayerId, Type::TEXT),
            "attributes" => {
                let start = self.cursor.at();
                let name = self.cursor.brackets()?.trim();
                let Some(kind) = self.names.attribute(name) else {
                    let hint = suggest::hint(name, self.names.attribute_names());
                    let shown = suggest::shown(name);
                    let message = format!("no attribute {shown} is declared in `playerAttributes`{hint}");
                    return Err(Fault::new(start + 1, message));
                };
                whole(Property::Attribute(name.to_owned()), Type::of_attribute(kind))
            }
            other => {
                let hint = suggest::closest(other, ["attributes", "playerId"]);
                let hint = hint.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
                let needed = "`attributes[…]` or `playerId` is needed behind `players.`";
                Err(Fault::new(start, format!("{needed}{hint}")))
            }
        }
    }

    fn apply(
        &mut self,
        function: Function,
        name: &str,
        inner: Expression,
        kind: Type,
        start: usize,
    ) -> Result<(Expression, Type), Fault> {
        let fault = |message: String| Err(Fault::new(start, message));
        let inner = Box::new(inner);
        match function {
            Function::Aggregate(aggregate) => {
                if aggregate != Aggregate::Count && !kind.is_number() {
                    return fault(format!("`{name}` is of numbers, and this is {kind}"));
                }
                if kind.depth == 0 {
                    return fault(format!("`{name}` is of a list, and this is {kind}"));
                }
                let kind = Type { of: Of::Number, depth: kind.depth - 1 };
                Ok((Expression::Aggregated(aggregate, inner), kind))
            }
            Function::Flatten if kind.depth < 2 => {
                fault(format!("`flatten` is of lists of lists, and this is {kind}; leave it out"))
            }
            Function::Flatten => Ok((Expression::Flattened(inner), Type { depth: kind.depth - 1, ..kind })),
            Function::SetIntersection if !kind.is_text() || kind.depth < 2 => {
                fault(format!("`set_intersection` is of lists of text lists, and this is {kind}"))
            }
            Function::SetIntersection => {
                Ok((Expression::SetIntersection(inner), Type { depth: kind.depth - 1, ..kind }))
            }
        }
    }
}
