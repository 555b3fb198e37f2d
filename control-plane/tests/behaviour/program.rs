//! The program itself: what it says of a configuration that can't be taken, and how it ends.

use std::{io::Write as _, process::Command};

/// Runs the program with a configuration file; it must refuse to start.
fn refused(file: &str, flags: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("muster.toml");
    std::fs::File::create(&path).unwrap().write_all(file.as_bytes()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_control-plane"))
        .arg("--config")
        .arg(&path)
        .args(["--metrics-addr", "127.0.0.1:0", "--keys-dir"])
        .arg(dir.path().join("keys"))
        .arg("--state-dir")
        .arg(dir.path().join("state"))
        .args(flags)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_bad_configuration_exits_2_and_names_the_field() {
    let cases = [
        ("grcp_addr = '127.0.0.1:1'", "grcp_addr: unknown setting; did you mean `grpc_addr`?"),
        ("token_lifetime = 'soon'", "muster.toml:1: token_lifetime: `soon` can't be taken"),
        ("heartbeat_expiry = '1s'", "heartbeat_expiry: must be longer than the interval"),
        ("[queues.'a:2']\nlandtype = 'x'", "unknown field `landtype`"),
        ("[queues.'a']\nmin_players = 3\nmax_players = 2", "queues.\"a\".min_players"),
        ("[queues.'a']\nteams = []", "queues.\"a\".teams"),
        ("[queues.':2']", "queues.\":2\".land_type: must not be empty"),
        ("[queues.\"a\\u0007\"]", "queues.\"a\\u{7}\": contains control characters"),
        (
            "[queues.'a']\nland_type = '0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890x'",
            "queues.\"a\".land_type: has 92 bytes",
        ),
        ("matchmaking_role = 'api'", "matchmaking_role: can only be `all` here"),
        ("state = 'memory'\nmatchmaking_role = 'queue-worker'", "matchmaking_role: can only be `all` here"),
        (
            "grpc_addr = '0.0.0.0:0'",
            "access_file: is needed where strangers can come, and grpc_addr is 0.0.0.0:0",
        ),
        ("access_file = '/nowhere'", "access_file: /nowhere: can't be read"),
        (
            "access_file = 'Cargo.toml'",
            "access_file: Cargo.toml: line 1: needs a name, scopes and a credential",
        ),
        ("grpc_tls_key = 'k'", "grpc_tls_certificate: is needed"),
        ("allocation = 'http'", "allocation_url: is required"),
        ("allocation = 'elsewhere'", "allocation: `elsewhere` can't be taken"),
        ("allocation_url = 'http://a'", "allocation_url: is not used with allocation = own"),
        (
            "allocation = 'http'\nallocation_url = 'http://a'\nallocation_key_file = '/nowhere'",
            "allocation_key_file: /nowhere: can't be read",
        ),
        (
            "allocation = 'agones'\nallocation_url = 'https://a'\nallocation_ca = 'Cargo.toml'",
            "allocation_ca: Cargo.toml: ",
        ),
        (
            "allocation = 'agones'\nallocation_url = 'http://a'\nagones_labels = ['x=y', 'fleet']",
            "agones_labels: `fleet` is no label",
        ),
        ("max_queues = 0", "max_queues: must be at least 1"),
        ("[queues.'a']\nrule_set = 'none.json'", "queues.\"a\".rule_set: "),
        ("[queues.'a']\nrule_set = 'muster.toml'", "muster.toml:1:"),
        ("[queues.'a']\nrule_set = 'x.json'\nteams = [1]", "queues.\"a\".teams: excludes rule_set"),
    ];
    for (file, expected) in cases {
        let (code, said) = refused(file, &[]);
        assert!(code == Some(2) && said.contains(expected), "{file}: exit {code:?}: {said}");
    }
}

#[test]
fn a_port_in_use_says_which_setting_to_change() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, said) = refused("", &["--grpc-addr", &addr]);
    assert!(code == Some(1) && said.contains(&addr) && said.contains("--grpc-addr"), "exit {code:?}: {said}");
}
