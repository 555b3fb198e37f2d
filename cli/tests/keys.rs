//! What operators do with keys, against a control plane.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::{
    process::{Command, Output},
    time::Duration,
};

use control_plane::{Config, ControlPlane, Sections, State, TokenAlgorithm};
use tokio_util::sync::CancellationToken;

async fn muster(command: &'static str, url: &str) -> Output {
    let args = ["keys".to_owned(), command.to_owned(), "--control-plane".to_owned(), url.to_owned()];
    let run = move || Command::new(env!("CARGO_BIN_EXE_muster")).args(args).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

async fn said(command: &'static str, url: &str) -> String {
    let output = muster(command, url).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn keys_are_listed_and_rotated_and_asking_twice_makes_one() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        grpc_addr: ([127, 0, 0, 1], 0).into(),
        keys_dir: dir.path().join("keys"),
        state: State::Memory,
        token_algorithm: TokenAlgorithm::Es256,
        jwks_max_age: Duration::from_secs(3600),
        ..runtime::config::defaults(&[])
    };
    let control_plane = ControlPlane::bind(config, Sections::default()).await.unwrap();
    let url = format!("http://{}", control_plane.grpc_addr());
    let stop = CancellationToken::new();
    let running = tokio::spawn(control_plane.run(stop.clone()));

    let before = said("list", &url).await;
    assert!(before.lines().count() == 1 && before.contains("ES256  signing   for "), "{before}");
    let old = before.split(' ').next().unwrap();

    let rotated = said("rotate", &url).await;
    let new = rotated.split(' ').next().unwrap();
    assert!(new != old && rotated.contains("is published, and signs in "), "{rotated}");
    let again = said("rotate", &url).await;
    assert!(again.starts_with(new), "{again}");

    let after = said("list", &url).await;
    let lines: Vec<_> = after.lines().collect();
    assert_eq!(lines.len(), 2, "{after}");
    assert!(lines[0].starts_with(old) && lines[0].contains("signing   gone in 13h"), "{after}");
    assert!(lines[1].starts_with(new) && lines[1].contains("waiting   signs in "), "{after}");

    stop.cancel();
    running.await.unwrap().unwrap();
    let nobody = muster("rotate", &url).await;
    let complaint = String::from_utf8(nobody.stderr).unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    assert!(complaint.contains("no control plane answers at"), "{complaint}");
}
