//! The words of a rule set, as types.

use std::time::Duration;

use super::{Changing, Expression};

/// A checked rule set: every name in it is known, every type fits.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSet {
    /// Its own name; empty where it has none.
    pub name: String,
    /// What players bring along.
    pub attributes: Vec<AttributeDeclaration>,
    /// In the file's order; at least one.
    pub teams: Vec<TeamSpec>,
    /// How matches are searched for.
    pub algorithm: Algorithm,
    /// In the file's order.
    pub rules: Vec<Rule>,
}

impl RuleSet {
    /// The most players that one ticket can have and still be matched.
    pub fn max_party(&self) -> u32 {
        let most = self.teams.iter().map(|team| team.max_players.most());
        most.fold(0.0, f64::max) as u32
    }
}

/// `playerAttributes`: one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeDeclaration {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: AttributeType,
    /// What a player has who brings none. `None`: such a player fits no rule that looks at it.
    pub default: Option<crate::Attribute>,
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    /// `string`
    String,
    /// `number`
    Number,
    /// `string_list`
    StringList,
    /// `string_number_map`; also `{mu, sigma}`, a skill and how uncertain it is.
    StringNumberMap,
}

/// `teams`: one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamSpec {
    /// Its name; with a quantity of 2 the teams are called `<name>_1` and `<name>_2`.
    pub name: String,
    /// Fewest players, at least 0 (an own addition; the language asks for 1).
    pub min_players: Changing,
    /// Most players.
    pub max_players: Changing,
    /// How many teams of this kind, at least 1.
    pub quantity: u32,
    /// Roles that its players must be able to fill; empty: any. Own addition: `roles`.
    pub roles: Vec<RoleSlot>,
}

/// A role of a team, and how many players of it there are. A team's players beyond the slots may have any role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSlot {
    /// As players name it.
    pub role: String,
    /// How many, at least 1.
    pub count: u32,
}

/// `algorithm`
#[derive(Debug, Clone, PartialEq)]
pub struct Algorithm {
    /// `strategy`
    pub strategy: Strategy,
    /// `batchingPreference`
    pub batching: Batching,
    /// `sortByAttributes`: numbers by which tickets that lie close together are looked at first.
    pub sort_by: Vec<String>,
    /// `expansionAgeSelection`: whose age the expansions go by, unless a rule says otherwise.
    pub expansion_age: AgeBasis,
    /// `backfillPriority`; kept and shown, as there are no backfill tickets.
    pub backfill_priority: BackfillPriority,
    /// Own addition, `premadeParity`: by how much the sizes of the largest parties of two teams may differ. `None`: any.
    pub premade_parity: Option<u32>,
}

/// How teams are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// `exhaustiveSearch`
    ExhaustiveSearch,
    /// `balanced`: teams are filled so that the sum of this attribute is about the same.
    Balanced {
        /// `balancedAttribute`
        attribute: String,
    },
}

/// Which tickets are looked at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// `random`: in the order of their age.
    Random,
    /// `sorted`: those whose `sortByAttributes` are close to the anchor's.
    Sorted,
    /// `largestPopulation`: the region that most can play in.
    LargestPopulation,
    /// `fastestRegion`: the region that is fastest for those who wait.
    FastestRegion,
}

/// Whose age counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeBasis {
    /// The ticket of the match that came last: nothing loosens for it before its time.
    Newest,
    /// The ticket that came first.
    Oldest,
}

/// Kept for the sake of files that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackfillPriority {
    /// `normal`
    Normal,
    /// `low`
    Low,
    /// `high`
    High,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique in the rule set.
    pub name: String,
    /// For people.
    pub description: String,
    /// What it asks for.
    pub kind: RuleKind,
    /// Own addition. `None`: a match that breaks the rule is none. Otherwise a preference: of two matches the one that
    /// breaks less of this weight is better. Greater than 0.
    pub weight: Option<f64>,
    /// Own addition, `optionalAfterSeconds`: at this age the rule stops to hold.
    pub optional_after: Option<Duration>,
    /// Own addition, `ageBasis`: whose age its numbers go by; `None`: the algorithm's.
    pub age_basis: Option<AgeBasis>,
    /// Whether only compound rules ask for it: a rule that one names does not hold by itself.
    pub named_by_compound: bool,
}

/// What a rule asks for. Measurements that yield several values ask it of each.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// `comparison`: with a reference, each measured value against it; without, all of them with each other.
    Comparison {
        /// `measurements`
        measurements: Vec<Expression>,
        /// `referenceValue`
        reference: Option<Reference>,
        /// `operation`
        operation: Comparator,
        /// `partyAggregation`
        party: Aggregation,
    },
    /// `distance`: how far measured numbers are from a reference.
    Distance {
        /// `measurements`
        measurements: Vec<Expression>,
        /// `referenceValue`
        reference: Reference,
        /// `minDistance`
        min: Option<Changing>,
        /// `maxDistance`
        max: Option<Changing>,
        /// `partyAggregation`
        party: Aggregation,
    },
    /// `batchDistance`: how far any two tickets of the match are from each other; of texts: all the same.
    BatchDistance {
        /// `batchAttribute`
        attribute: String,
        /// `maxDistance`, of a number.
        max: Option<Changing>,
        /// `partyAggregation`
        party: Aggregation,
    },
    /// `collection`: what lists of texts have in common.
    Collection {
        /// `measurements`
        measurements: Vec<Expression>,
        /// `referenceValue`
        reference: Option<Reference>,
        /// `operation`
        operation: CollectionOperation,
        /// `minCount`
        min_count: Option<Changing>,
        /// `maxCount`
        max_count: Option<Changing>,
        /// `partyAggregation`
        party: SetAggregation,
    },
    /// `latency`: there is a region that is fast enough for all.
    Latency {
        /// `maxLatency`, milliseconds.
        max_latency: Option<Changing>,
        /// `maxDistance`: by how much any player's may differ from the reference, milliseconds.
        max_distance: Option<Changing>,
        /// `distanceReference`
        distance_reference: Option<Aggregation>,
        /// `partyAggregation`
        party: Aggregation,
    },
    /// `distanceSort`: tickets close to the anchor's value (ascending) or far from it (descending) are looked at first.
    DistanceSort {
        /// `sortDirection`
        direction: Direction,
        /// `sortAttribute`
        attribute: String,
        /// `mapKey`
        map_key: Option<MapKey>,
        /// `partyAggregation`
        party: Aggregation,
    },
    /// `absoluteSort`: tickets with a low (ascending) or high (descending) value are looked at first.
    AbsoluteSort {
        /// `sortDirection`
        direction: Direction,
        /// `sortAttribute`
        attribute: String,
        /// `mapKey`
        map_key: Option<MapKey>,
        /// `partyAggregation`
        party: Aggregation,
    },
    /// `compound`: other rules, combined.
    Compound {
        /// `statement`
        statement: Logic,
    },
    /// Own addition, `winProbability`: the stronger team's chance of winning, as the Weng-Lin model predicts it from `{mu, sigma}`.
    WinProbability {
        /// The attribute, a map with `mu` and `sigma`.
        attribute: String,
        /// At most this, from 0.5 to 1 where there are two teams.
        max: Changing,
    },
    /// Own addition, `blockList`: nobody is in a match with a player whom this list of theirs names.
    BlockList {
        /// The attribute, a list of player ids.
        attribute: String,
    },
}

/// What measurements are held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Reference {
    /// A number, which may loosen.
    Number(Changing),
    /// A text, a list of texts, or something that the match yields.
    Expression(Expression),
}

/// `operation` of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// `operation` of a collection rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollectionOperation {
    /// `intersection`: how many values all lists have.
    Intersection,
    /// `contains`: how many of the collected values are the reference.
    Contains,
    /// `reference_intersection_count`: how many values each measured list has in common with the reference.
    ReferenceIntersectionCount,
}

/// How the numbers of a party's players become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// `avg`, the default.
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
}

/// How the lists of a party's players become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAggregation {
    /// `union`, the default.
    Union,
    /// `intersection`
    Intersection,
}

/// `sortDirection`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `ascending`
    Ascending,
    /// `descending`
    Descending,
}

/// Which value of a map counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKey {
    /// `minValue`: the key that has the lowest value for the anchor.
    MinValue,
    /// `maxValue`: the highest.
    MaxValue,
}

/// A compound rule's statement. Leaves are indices into [`RuleSet::rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logic {
    /// That rule holds.
    Rule(usize),
    /// All hold.
    And(Vec<Logic>),
    /// One at least holds.
    Or(Vec<Logic>),
    /// Exactly one holds.
    Xor(Vec<Logic>),
    /// It doesn't hold.
    Not(Box<Logic>),
}
