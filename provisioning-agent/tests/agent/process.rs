//! The agent as a real process.

use std::process::Stdio;

use proto::provisioning::v1::connect_request::Message as Up;
use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use crate::{control_plane::ControlPlane, fixture::SOON};

fn agent(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provisioning-agent"));
    command
        .env_clear()
        .args(["--http-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--log-format", "json"])
        .args(flags)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn sigterm_deregisters_and_ends_well() {
    let control_plane = ControlPlane::start().await;
    let url = format!("http://{}", control_plane.addr);
    let mut process = agent(&["--control-plane", &url])
        .envs([("SERVER_ID", "game-1"), ("SERVER_PORT", "7001"), ("LAND_TYPES", "arena,duel")])
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let http_addr = loop {
        let line = timeout(SOON, log.next_line()).await.unwrap().unwrap().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        if let Some(addr) = line["http_addr"].as_str() {
            break addr.to_owned();
        }
    };
    let ready = reqwest::Client::new().request(Method::POST, format!("http://{http_addr}/v1/ready"));
    assert!(ready.send().await.unwrap().status().is_success());
    assert_eq!(control_plane.hello(1).await.land_types, ["arena", "duel"]);
    let pid = process.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    assert!(killed.success());
    let status = timeout(SOON, process.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    control_plane.heard("a goodbye", |_, message| matches!(message, Up::Goodbye(_)).then_some(())).await;
}

#[tokio::test]
async fn settings_that_can_not_be_taken_exit_with_2() {
    let all = ["--server-id", "a", "--port", "7001", "--land-type", "arena"];
    let cases: [(&[&str], &str); 4] = [
        (&["--port", "7001", "--land-type", "arena"], "--server-id"),
        (&["--server-id", "a", "--port", "0", "--land-type", "arena"], "--port"),
        (&["--server-id", "a", "--port", "7001", "--land-type", "a,,b"], "land_type: `` is empty"),
        (&[&all[..], &["--label", "x"]].concat(), "label: `x` has no value"),
    ];
    for (flags, expected) in cases {
        let output = timeout(SOON, agent(flags).output()).await.unwrap().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}
