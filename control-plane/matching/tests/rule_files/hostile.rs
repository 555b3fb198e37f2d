//! Files that mean no good: no panic, no unbounded time, and places that are in the file.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use matching::rule_set::RuleSet;
use proptest::{prelude::*, sample::Index};

use super::{files, folder};

/// More than any file may take, without optimisation and on a busy machine.
const LONG: Duration = Duration::from_secs(5);

/// What files are made of.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "//",
    "/*",
    "*/",
    "\n",
    " ",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e309",
    "1e-9",
    "\"1.0\"",
    "\"ruleLanguageVersion\":",
    "\"playerAttributes\":",
    "\"teams\":",
    "\"rules\":",
    "\"additionalRules\":",
    "\"expansions\":",
    "\"algorithm\":",
    "\"name\":",
    "\"type\":",
    "\"measurements\":",
    "\"referenceValue\":",
    "\"operation\":",
    "\"statement\":",
    "\"target\":",
    "\"steps\":",
    "\"value\":",
    "\"waitTimeSeconds\":",
    "\"minPlayers\":",
    "\"maxPlayers\":",
    "\"quantity\":",
    "\"maxDistance\":",
    "\"minCount\":",
    "\"comparison\"",
    "\"compound\"",
    "\"latency\"",
    "\"string_list\"",
    "\"<\"",
    "\"=\"",
    "\"red\"",
    "\"A\"",
    "and(",
    "not(",
    ")",
    "teams[*].players",
    "flatten(",
    "set_intersection(",
    ".attributes[",
    "rules[A].",
    "ä",
    "\u{feff}",
    "\u{0}",
    "𝄞",
    "\\u0000",
    "\\ud800",
];

/// Reads it, and checks what must hold of every text. Gives back whether it is a rule set.
fn read(text: &str) -> bool {
    let started = Instant::now();
    let parsed = RuleSet::parse(text);
    assert!(started.elapsed() < LONG, "{:?} for {} bytes", started.elapsed(), text.len());
    let good = parsed.is_ok();
    let found = match parsed {
        Ok(parsed) => {
            // What was read can be shown, whatever it is.
            let table = parsed.rules.loosening();
            assert!(table.rows.iter().all(|row| row.values.len() == table.ages.len()));
            assert!(parsed.warnings.iter().all(|found| !found.is_error()));
            parsed.warnings
        }
        Err(found) => {
            assert!(found.iter().any(matching::rule_set::Diagnostic::is_error));
            found
        }
    };
    assert!(found.len() <= 100);
    let lines: Vec<_> = text.split('\n').collect();
    for found in found {
        let line = lines.get(found.line - 1).unwrap_or_else(|| panic!("{found} is in no line"));
        assert!(found.column >= 1 && found.column <= line.chars().count() + 1, "{found} is not in {line}");
        assert!(found.message.len() < 1_000, "{found}");
    }
    good
}

/// A change to a text, at some places.
#[derive(Debug, Clone)]
enum Change {
    Delete(Index, usize),
    Double(Index, usize),
    Insert(Index, usize),
    Swap(Index, Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        (index(), 1_usize..40).prop_map(|(at, length)| Change::Delete(at, length)),
        (index(), 1_usize..400).prop_map(|(at, length)| Change::Double(at, length)),
        (index(), 0..TOKENS.len()).prop_map(|(at, token)| Change::Insert(at, token)),
        (index(), index(), 1_usize..60).prop_map(|(one, other, length)| Change::Swap(one, other, length)),
    ]
}

fn changed(text: &str, change: &Change) -> String {
    let chars: Vec<char> = text.chars().collect();
    let place = |index: &Index| index.index(chars.len() + 1);
    let part = |at: usize, length: usize| at.min(chars.len())..(at + length).min(chars.len());
    let mut chars = chars.clone();
    match change {
        Change::Delete(at, length) => drop(chars.drain(part(place(at), *length))),
        Change::Double(at, length) => {
            let range = part(place(at), *length);
            let copy = chars[range.clone()].to_vec();
            chars.splice(range.start..range.start, copy);
        }
        Change::Insert(at, token) => {
            let at = place(at);
            chars.splice(at..at, TOKENS[*token].chars());
        }
        Change::Swap(one, other, length) => {
            let (one, other) = (place(one), place(other));
            let (first, second) = (one.min(other), one.max(other));
            let (from, to) = (part(first, (*length).min(second - first)), part(second, *length));
            let copy = chars[to.clone()].to_vec();
            let moved: Vec<char> = chars.splice(to, chars[from.clone()].to_vec()).collect();
            assert_eq!(moved, copy);
            chars.splice(from, copy);
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn good_files_with_changes_are_read_or_refused(file in any::<Index>(), changes in prop::collection::vec(change(), 1..6)) {
        let files = files(&folder());
        let text = fs::read_to_string(file.get(&files)).unwrap();
        read(&changes.iter().fold(text, |text, change| changed(&text, change)));
    }

    #[test]
    fn soups_of_words_are_read_or_refused(tokens in prop::collection::vec(0..TOKENS.len(), 0..200)) {
        read(&tokens.into_iter().map(|token| TOKENS[token]).collect::<String>());
    }

    #[test]
    fn values_of_any_kind_anywhere_are_read_or_refused(at in any::<Index>(), value in 0_usize..9, file in any::<Index>()) {
        let files = files(&folder());
        let Ok(mut document) = serde_json::from_str::<serde_json::Value>(&fs::read_to_string(file.get(&files)).unwrap())
        else { return Ok(()) };
        let values = ["null", "true", "-1", "1e308", "\"\"", "[]", "{}", "[[[]]]", "\"teams[*].players\""];
        let mut places = 0;
        each(&mut document, &mut |_| places += 1);
        let wanted = at.index(places);
        let mut place = 0;
        each(&mut document, &mut |here| {
            if place == wanted {
                *here = serde_json::from_str(values[value]).unwrap();
            }
            place += 1;
        });
        read(&document.to_string());
    }
}

/// Every value of a document, the outermost first; what `f` puts in a place is not looked into.
fn each(value: &mut serde_json::Value, f: &mut impl FnMut(&mut serde_json::Value)) {
    let before = value.clone();
    f(value);
    if *value != before {
        return;
    }
    match value {
        serde_json::Value::Array(list) => list.iter_mut().for_each(|value| each(value, f)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|value| each(value, f)),
        _ => {}
    }
}

/// A rule set of one team with this as its rules and expansions.
fn with(rules: &str, expansions: &str) -> String {
    format!(
        r#"{{ "ruleLanguageVersion": "1.0", "playerAttributes": [{{ "name": "skill", "type": "number" }}],
        "teams": [{{ "name": "red", "minPlayers": 1, "maxPlayers": 4 }}], "rules": [{rules}], "expansions": [{expansions}] }}"#
    )
}

fn listed(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(",\n")
}

#[test]
fn large_and_deep_files_are_refused_in_bounded_time() {
    let repeat = |text: &str| text.repeat(200_000 / text.len());
    for text in [
        repeat("["),
        repeat("{\"rules\":"),
        repeat("[[],"),
        repeat("\""),
        repeat("//"),
        repeat("/**/"),
        repeat("{\"a\":1,"),
        format!("{{ {} }}", listed(20_000, |number| format!("\"p{number}\": 1"))),
        format!("{{ {} }}", listed(20_000, |_| "\"name\": 1".to_owned())),
        " ".repeat(300_000),
        with(&listed(3_000, |_| "{}".to_owned()), ""),
        with(&listed(200, |_| "{}".to_owned()), ""),
        with(&format!(r#"{{ "name": "{}", "type": "latency", "maxLatency": 5 }}"#, "n".repeat(200_000)), ""),
        with(&format!(r#"{{ "name": "A", "type": "compound", "statement": "{}" }}"#, repeat("not(")), ""),
        with(&format!(r#"{{ "name": "A", "type": "{}" }}"#, repeat("latency")), ""),
        with(
            &format!(
                r#"{{ "name": "A", "type": "distance", "referenceValue": 1, "maxDistance": 1, "measurements": "{}" }}"#,
                repeat("avg(")
            ),
            "",
        ),
    ] {
        assert!(!read(&text), "{}", &text[..100]);
    }
}

#[test]
fn rules_that_multiply_each_other_are_read_in_bounded_time() {
    // Each compound names the one before it twice: looked at naively, the last is as large as 2 to the power of 190.
    let doubling = |number: usize| match number {
        0 => r#"{ "name": "R0", "type": "latency", "maxLatency": 50 }"#.to_owned(),
        _ => format!(
            r#"{{ "name": "R{number}", "type": "compound", "statement": "or(R{0}, R{0})" }}"#,
            number - 1
        ),
    };
    assert!(!read(&with(&listed(190, doubling), "")));
    assert!(read(&with(&listed(9, doubling), "")));
    // Every compound names all of eight rules, over and over.
    let wide = |number: usize| match number {
        0..8 => format!(r#"{{ "name": "R{number}", "type": "latency", "maxLatency": 5{number} }}"#),
        _ => {
            let names: Vec<_> = (0..200).map(|name| format!("R{}", name % 8)).collect();
            format!(
                r#"{{ "name": "R{number}", "type": "compound", "statement": "or({})" }}"#,
                names.join(",")
            )
        }
    };
    assert!(read(&with(&listed(150, wide), "")));
    let mut steps = String::new();
    for rule in 0..30 {
        let all = listed(100, |step| {
            format!(r#"{{ "waitTimeSeconds": {}, "value": {} }}"#, step * 7 + rule + 1, step + 60)
        });
        write!(
            steps,
            r#"{}{{ "target": "rules[R{rule}].maxLatency", "steps": [{all}] }}"#,
            if rule > 0 { "," } else { "" }
        )
        .unwrap();
    }
    let latency =
        |number| format!(r#"{{ "name": "R{number}", "type": "latency", "maxLatency": 50, "weight": 1.5 }}"#);
    assert!(read(&with(&listed(30, latency), &steps)));
}
