//! What operators ask a control plane: why a ticket waits, and to read its queues again. Against `muster dev` with queues of its own.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use muster::{
    dev::{Config, Stack},
    gateway::Gateway,
};
use serde_json::{Value, json};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

fn write_rules(dir: &Path, max_distance: &str) {
    let rules = json!({
        "name": "ranked", "ruleLanguageVersion": "1.0",
        "playerAttributes": [{ "name": "skill", "type": "number" }],
        "teams": [{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }],
        "rules": [{ "name": "Fair", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 7 }],
    });
    let text = rules.to_string().replace("\"maxDistance\":7", &format!("\"maxDistance\":{max_distance}"));
    fs::write(dir.join("ranked.json"), text).unwrap();
}

/// Any free ports, and one queue with a rule set.
fn config(dir: &Path) -> Config {
    let any = "127.0.0.1:0";
    let both = "127.0.0.1:0,127.0.0.1:0";
    let flags = ["--gateway-addr", any, "--internal-addr", any, "--control-plane-addr", any];
    let flags = flags.into_iter().chain(["--server-addrs", both, "--agent-addrs", both, "--state", "memory"]);
    let mut config: Config = runtime::config::defaults(&flags.collect::<Vec<_>>());
    config.keys = dir.join("keys");
    config.config = Some(dir.join("muster.toml"));
    write_rules(dir, "50");
    fs::write(dir.join("muster.toml"), "[queues.'demo:ranked']\nrule_set = 'ranked.json'\n").unwrap();
    config
}

async fn muster(args: Vec<String>) -> Output {
    let run = move || Command::new(env!("CARGO_BIN_EXE_muster")).args(args).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn enqueue(gateway: &Gateway, player: &str, skill: u32) -> String {
    let players = json!([{ "playerId": player, "attributes": { "skill": skill } }]);
    let answer = gateway.enqueue(&json!({ "queueKey": "demo:ranked", "players": players })).await.unwrap();
    answer["ticketId"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_why_a_ticket_waits_and_have_queues_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::bind(config(dir.path())).await.unwrap();
    let gateway = Gateway::new(&format!("http://{}", stack.gateway_addr())).unwrap();
    let control_plane = format!("http://{}", stack.control_plane_addr());
    let stop = CancellationToken::new();
    let (tell, ready) = oneshot::channel();
    let running = tokio::spawn(stack.run(stop.clone(), || tell.send(()).unwrap()));
    timeout(PATIENCE, ready).await.unwrap().unwrap();
    let ask = async |args: &[&str]| {
        let args = args.iter().copied().chain(["--control-plane", &control_plane]);
        muster(args.map(ToOwned::to_owned).collect()).await
    };
    let (ann, bob) = (enqueue(&gateway, "ann", 0).await, enqueue(&gateway, "bob", 120).await);

    let deadline = Instant::now() + PATIENCE;
    let told = loop {
        let output = ask(&["tickets", "explain", &ann, "--format", "json"]).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        if told["explanation"]["candidates"] == 1 {
            break told;
        }
        assert!(Instant::now() < deadline, "{told}");
        sleep(Duration::from_millis(20)).await;
    };
    let exclusion = json!({ "what": "Fair", "isRule": true, "tickets": 1, "nearestBy": 70.0 });
    assert_eq!(told["explanation"]["exclusions"], json!([exclusion]));
    let page = text(&ask(&["tickets", "explain", &ann]).await.stdout);
    assert!(page.contains("rule set `ranked`") && page.contains("Fair") && page.contains("70"), "{page}");

    let unknown = ask(&["tickets", "explain", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("TICKET_NOT_FOUND"), "{}", text(&unknown.stderr));

    write_rules(dir.path(), "\"far\"");
    let refused = ask(&["queues", "reload"]).await;
    let said = text(&refused.stderr);
    assert!(refused.status.code() == Some(1) && said.contains("ranked.json:1:"), "{said}");
    write_rules(dir.path(), "500");
    let taken = ask(&["queues", "reload"]).await;
    let said = text(&taken.stdout);
    assert!(taken.status.success() && said.contains("demo:ranked: rules: "), "{said}");
    for ticket in [&ann, &bob] {
        assert_eq!(gateway.status(ticket, PATIENCE).await.unwrap()["status"], "assigned");
    }

    stop.cancel();
    timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    let nobody = ask(&["tickets", "explain", &ann]).await;
    assert!(text(&nobody.stderr).contains("no control plane answers at"), "{}", text(&nobody.stderr));
}
