//! `muster rules check`, as it is called.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

fn check(args: &[&str]) -> Output {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../control-plane/matching/tests/rule_files");
    let program = env!("CARGO_BIN_EXE_muster");
    Command::new(program).args(["rules", "check"]).args(args).current_dir(files).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_good_file_is_shown_as_a_table_of_how_it_loosens() {
    let output = check(&["additions.json"]);
    assert_eq!(output.status.code(), Some(0));
    let expected = "\
additions.json: no errors, no warnings

while tickets wait             age of    0 s   30 s  60 s
teams[side].minPlayers         newest      5      5     5
teams[side].maxPlayers         newest      5      5     5
rules[NearSkill].maxDistance   oldest    ~50   ~200  ~350
rules[SameMode]                newest  asked  asked     -
rules[Fast].maxLatency *2.5    newest     50     50    50
rules[OpenEnd].maxProbability  newest    0.6   0.75  0.75

~  moves in a straight line from age to age
-  isn't asked any more
*  a preference, with its weight
";
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn mistakes_are_lines_that_an_editor_can_follow_and_exit_1() {
    let output = check(&["mistakes/syntax.json", "mistakes/never.json", "even_teams.json"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for line in [
        "mistakes/syntax.json:3:66: error: this is no JSON: trailing commas are not allowed",
        "mistakes/never.json:9:142: error: rules[0].minDistance: `Crossed` can never hold: from the start `minDistance` is 5 and `maxDistance` is 3",
        "mistakes/syntax.json: 1 error, no warnings",
        "even_teams.json: no errors, 1 warning",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
    }
}

#[test]
fn what_cant_be_read_exits_2_and_the_others_are_checked_all_the_same() {
    let output = check(&["nowhere.json", "mistakes/syntax.json"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("nowhere.json: error: can't read the rule set: "), "{said}");
    assert!(said.contains("mistakes/syntax.json:3:66:"), "{said}");
}

#[test]
fn programs_get_all_of_it_as_json() {
    let output = check(&["--format", "json", "mistakes/syntax.json", "sorts.json", "nowhere.json"]);
    assert_eq!(output.status.code(), Some(2));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let [broken, good, unreadable] = said["files"].as_array().unwrap().as_slice() else { panic!("{said}") };
    let found = json!({
        "severity": "error", "line": 3, "column": 66, "path": "",
        "message": "this is no JSON: trailing commas are not allowed",
    });
    assert_eq!(broken["diagnostics"], json!([found]));
    assert_eq!(broken.get("loosening"), None);
    assert_eq!(good["diagnostics"], json!([]));
    assert_eq!(good["loosening"]["ages"], json!([0.0]));
    let row = &good["loosening"]["rows"][0];
    assert_eq!(row["target"], "teams[red].minPlayers");
    assert_eq!((&row["age"], &row["values"]), (&json!("oldest"), &json!([{ "is": 3.0 }])));
    assert!(unreadable["unreadable"].is_string(), "{said}");
}
