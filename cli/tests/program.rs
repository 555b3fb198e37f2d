//! The real program: what it says and how it exits.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::process::{Command, Output};

fn muster(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_muster")).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_a_subcommand_it_explains_itself() {
    for args in [&[][..], &["--help"], &["help"]] {
        let output = muster(args);
        assert!(output.status.success(), "{args:?}");
        let said = text(&output.stdout);
        for tool in ["dev", "fleet", "load", "scenario", "rules", "demo-server", "reference"] {
            assert!(said.contains(tool), "{args:?}: {said}");
        }
    }
}

#[test]
fn load_says_what_its_latencies_are_counted_from() {
    let said = text(&muster(&["load", "--help"]).stdout);
    assert!(said.contains("coordinated omission"), "{said}");
}

#[test]
fn what_can_t_be_taken_exits_2_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("s.json");
    std::fs::write(&file, "{\"name\": \"n\",\n\"stpes\": []}").unwrap();
    let file = file.to_str().unwrap();
    for (args, part) in [
        (vec!["scenario", file], "s.json:2: stpes: unknown field `stpes`"),
        (vec!["scenario", "/nowhere.json"], "can't read the scenario /nowhere.json"),
        (vec!["load", "--rate", "0"], "--rate"),
        (vec!["load", "--gateway", "127.0.0.1:3000"], "gateway: `127.0.0.1:3000`"),
        (vec!["dev", "--agent-addrs", "127.0.0.1:9358"], "agent_addrs: names 1 addresses for 2"),
        (vec!["demo-server", "--addr", "127.0.0.1:0", "--land-type", ""], "land_type: is empty"),
        (vec!["demo-server", "--addr", "127.0.0.1:0", "--agent", "localhost"], "agent: `localhost`"),
    ] {
        let output = muster(&args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(part), "{args:?}: {said}");
    }
}

#[test]
fn another_machine_is_put_under_load_only_on_purpose() {
    let output = muster(&["load", "--gateway", "http://192.0.2.1:3000"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("another machine") && said.contains("--yes-remote"), "{said}");
}

#[test]
fn a_fleet_without_redis_says_how_to_get_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_muster")).arg("fleet").env("PATH", "").output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["redis-server is not on the PATH", "apt-get install redis-server", "--redis-url"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_load_without_a_gateway_counts_errors_and_exits_1() {
    // A port that was free a moment ago, and that nobody serves.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = format!("http://{free}");
    let output = muster(&[
        "load",
        "--gateway",
        &gateway,
        "--players",
        "4",
        "--rate",
        "100",
        "--transport",
        "both",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["errors"], serde_json::json!({"CONNECT": 4}));
    assert!(text(&output.stderr).contains("4 of 4 players got no assignment"));
}

#[test]
fn the_reference_is_markdown_of_all_settings() {
    let page = text(&muster(&["reference"]).stdout);
    assert!(page.starts_with("# Configuration\n") && page.contains("## edge-gateway\n"), "{page}");
}
