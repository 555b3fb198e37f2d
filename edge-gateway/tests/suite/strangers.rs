//! What trusts whoever comes is for this machine alone, unless the operator says otherwise in so many words.

use edge_gateway::{Config, EdgeGateway};
use runtime::config::Invalid;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const FORCED: &str = "--allow-client-player-id-though-strangers-can-be-anybody";

async fn bind(flags: &[&str]) -> anyhow::Result<EdgeGateway> {
    let ports = ["--internal-addr", "127.0.0.1:0"];
    let config: Config = runtime::config::defaults(&[&ports[..], flags].concat());
    EdgeGateway::bind(config).await
}

#[tokio::test]
async fn player_ids_of_strangers_are_trusted_only_where_that_is_forced_by_its_full_name() {
    let open = ["--allow-client-player-id", "--client-addr", "0.0.0.0:0"];
    let refused = bind(&open).await.err().expect("it doesn't start");
    let invalid = refused.downcast_ref::<Invalid>().expect("as a setting that can't be taken: exit code 2");
    assert_eq!(invalid.setting, "allow_client_player_id");
    assert!(invalid.message.contains("allow_client_player_id_though_strangers_can_be_anybody"));
    // It is the other setting that trusts; this one alone does nothing.
    bind(&["--client-addr", "0.0.0.0:0", FORCED]).await.unwrap();

    let gateway = bind(&[&open[..], &[FORCED]].concat()).await.unwrap();
    let url = format!("http://127.0.0.1:{}/v1/matchmaking/enqueue", gateway.client_addr().port());
    let stop = CancellationToken::new();
    let running = tokio::spawn(gateway.run(stop.clone()));
    let http = reqwest::Client::new();
    let ask = |origin: &'static str| {
        let body = json!({"queueKey": "", "members": []});
        http.post(&url).header("origin", origin).json(&body).send()
    };
    // It is no development any more: pages of the reader's machine are pages of anybody.
    assert_eq!(ask("http://localhost:5173").await.unwrap().status(), 403);
    stop.cancel();
    drop(http);
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn strangers_register_servers_only_where_that_is_forced_by_its_full_name() {
    let config: Config =
        runtime::config::defaults(&["--client-addr", "127.0.0.1:0", "--internal-addr", "0.0.0.0:0"]);
    let refused = EdgeGateway::bind(config).await.err().expect("it doesn't start");
    let invalid = refused.downcast_ref::<Invalid>().unwrap();
    assert_eq!(invalid.setting, "internal_addr");
    assert!(invalid.message.contains("allow_internal_listener_though_strangers_can_register_servers"));
}
