//! Property expressions: what a rule measures, over teams, players and their attributes.
//!
//! `avg(flatten(teams[*].players.attributes[skill]))` is [`Expression::Aggregated`] by `avg`, of an
//! [`Expression::Flattened`], of an [`Expression::Property`]. A property of players yields one list a team where several teams
//! are named; an aggregate works on the innermost lists, so that without `flatten` there is one value a team. The value of a
//! list attribute is itself a list, one level further in.

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number as it stands.
    Number(f64),
    /// A text as it stands.
    Text(String),
    /// Several of them.
    List(Vec<Expression>),
    /// What players have.
    Property {
        /// Of which teams.
        teams: Teams,
        /// What of them.
        property: Property,
    },
    /// `flatten(…)`: of a list of lists one list; takes the outermost level away and leaves what is further in.
    Flattened(Box<Expression>),
    /// `set_intersection(…)`: of each list of text lists, the texts that all of them have.
    SetIntersection(Box<Expression>),
    /// `min(…)` and the like, of each innermost list.
    Aggregated(Aggregate, Box<Expression>),
}

/// Whose properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teams {
    /// `teams[*]`, and `players` without a team.
    All,
    /// `teams[red]`, `teams[red,blue]`: by the names in the rule set. A team with a `quantity` stands for all of its kind, and
    /// `<name>_<number>` for one of them (`TeamSpec::stands_for`).
    Named(Vec<String>),
}

/// What of the players.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// `players.attributes[name]`
    Attribute(String),
    /// `players[playerId]` and `players.playerId`
    PlayerId,
    /// `players` alone, which can only be counted.
    Players,
}

/// What an aggregate function makes of a list of numbers. `count` takes any list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// `min`
    Min,
    /// `max`
    Max,
    /// `avg`
    Avg,
    /// `median`: of an even number of values, the middle of the two middle ones.
    Median,
    /// `sum`
    Sum,
    /// `count`
    Count,
    /// `stddev`: of the whole population, not a sample.
    Stddev,
}
