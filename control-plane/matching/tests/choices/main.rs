//! The choices of docs/rule-sets.md, each shown by a rule set as a file has it and by lineups that hold or don't.

mod additions;
mod language;
mod parties;
mod sorting;

use std::sync::Arc;

use matching::{
    Attribute, ByName, GroupId, Player, PlayerId, Ticket, TicketId, Time,
    judge::{Facts, Judge, Lineup},
    rule_set::RuleSet,
};

/// When everything is judged.
const NOW: Time = Time(1_000_000);

/// A rule set of two teams, `red` and `blue`, of 1 to 5 players each, with these rules and what else there is.
struct Rules(Judge);

/// A party, and how long it has waited.
struct Party {
    age: u64,
    players: Vec<Player>,
}

/// A rule set of two teams with one rule.
fn rule(rule: &str) -> Rules {
    rules(&format!(r#""rules": [{{ "name": "Rule", {rule} }}]"#))
}

/// A rule set of two teams with these properties besides.
fn rules(more: &str) -> Rules {
    with_teams(
        r#"{ "name": "red", "minPlayers": 1, "maxPlayers": 5 }, { "name": "blue", "minPlayers": 1, "maxPlayers": 5 }"#,
        more,
    )
}

fn with_teams(teams: &str, more: &str) -> Rules {
    let text = format!(
        r#"{{ "ruleLanguageVersion": "1.0", "playerAttributes": [
            {{ "name": "skill", "type": "number" }},
            {{ "name": "level", "type": "number", "default": 5 }},
            {{ "name": "map", "type": "string" }},
            {{ "name": "maps", "type": "string_list" }},
            {{ "name": "blocked", "type": "string_list", "default": [] }},
            {{ "name": "rating", "type": "string_number_map" }}
        ], "teams": [{teams}], {more} }}"#
    );
    let parsed = RuleSet::parse(&text).unwrap_or_else(|found| panic!("{found:?} in {text}"));
    Rules(Judge::new(Arc::new(parsed.rules)))
}

impl Rules {
    /// Whether these parties in these teams are a match.
    fn hold(&self, teams: &[&[Party]]) -> bool {
        let mut order = 0;
        let mut facts_of = |party: &Party| {
            order += 1;
            self.0.facts(&party.ticket(order)).ok()
        };
        let teams: Option<Vec<Vec<Facts>>> =
            teams.iter().map(|team| team.iter().map(&mut facts_of).collect()).collect();
        // A ticket that fits no match fits this one neither.
        let Some(teams) = teams else { return false };
        let teams: Vec<Vec<&Facts>> = teams.iter().map(|team| team.iter().collect()).collect();
        self.0.judge(&Lineup { teams: &teams }, NOW).broken.is_none()
    }

    /// Whether a party may wait at all.
    fn takes(&self, party: &Party) -> bool {
        self.0.facts(&party.ticket(1)).is_ok()
    }
}

impl Party {
    fn ticket(&self, order: u64) -> Ticket {
        Ticket {
            id: TicketId::new(format!("ticket-{order}")),
            group: GroupId::new(format!("group-{order}")),
            players: self.players.clone().into(),
            order,
            enqueued_at: Time(NOW.0 - self.age * 1_000),
            expires_at: Time(u64::MAX),
        }
    }

    /// The same, having waited this many seconds.
    fn aged(mut self, seconds: u64) -> Self {
        self.age = seconds;
        self
    }
}

fn party(players: impl IntoIterator<Item = Player>) -> Party {
    Party { age: 0, players: players.into_iter().collect() }
}

fn solo(player: Player) -> Party {
    party([player])
}

fn player<const N: usize>(id: &str, attributes: [(&str, Attribute); N]) -> Player {
    Player { attributes: attributes.into_iter().collect(), ..Player::new(PlayerId::new(id)) }
}

/// A player of this skill and of nothing else.
fn skilled(skill: f64) -> Player {
    player(&format!("skilled-{skill}"), [("skill", Attribute::Number(skill))])
}

fn on_map(map: &str) -> Player {
    player(map, [("map", Attribute::String(map.into()))])
}

fn with_maps(maps: &[&str]) -> Player {
    let maps = maps.iter().map(|map| (*map).into()).collect();
    player("with-maps", [("maps", Attribute::StringList(maps))])
}

fn far<const N: usize>(latencies: [(&str, u32); N]) -> Player {
    Player { latencies: latencies.into_iter().collect(), ..Player::new(PlayerId::new("far")) }
}

fn rated(mu: f64, sigma: f64) -> Player {
    let rating: ByName<f64> = [("mu", mu), ("sigma", sigma)].into_iter().collect();
    player("rated", [("rating", Attribute::StringNumberMap(rating))])
}

#[test]
fn the_page_names_every_test_and_no_other() {
    let page = include_str!("../../../../docs/rule-sets.md");
    let (_, table) = page.split_once("## Tests").expect("the page has a table of tests");
    let words = table.split('`').filter(|word| word.contains('_') && !word.contains('/'));
    let mut named: Vec<&str> = words.collect();
    let sources = [
        include_str!("additions.rs"),
        include_str!("language.rs"),
        include_str!("parties.rs"),
        include_str!("sorting.rs"),
    ];
    let tests = sources.iter().flat_map(|source| source.split("#[test]\nfn ").skip(1));
    let mut there: Vec<&str> = tests.filter_map(|test| Some(test.split_once('(')?.0)).collect();
    named.sort_unstable();
    there.sort_unstable();
    assert_eq!(named, there);
}
