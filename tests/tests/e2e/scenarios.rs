//! The scenarios of tests/scenarios, each against a stack of its own.

use muster::{gateway::Gateway, scenario};
use tests::{Stack, repository};
use tokio_util::sync::CancellationToken;

async fn play(file: &str, stack: &Stack) {
    let path = repository().join("tests/scenarios").join(file);
    let scenario = scenario::Scenario::read(&path, &[]).unwrap();
    let gateway = Gateway::new(&stack.gateway_url()).unwrap();
    let (stop, mut told) = (CancellationToken::new(), Vec::new());
    let passed =
        scenario::play(&scenario, &gateway, &stop, |step| told.push(step.to_string())).await.unwrap();
    assert!(passed, "{file}:\n{}", told.join("\n"));
}

#[tokio::test]
async fn one_player() {
    play("one-player.json", &Stack::builder().start().await).await;
}
