//! The keys, from the cache.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, eventually},
};

#[tokio::test]
async fn keys_come_from_the_cache_and_a_new_one_is_fetched() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    let first = agent.call(Method::GET, "/v1/jwks", None).await;
    assert_eq!(first.status(), StatusCode::OK);
    let cache_control = first.headers()["cache-control"].to_str().unwrap().to_owned();
    let max_age: u64 = cache_control.strip_prefix("max-age=").unwrap().parse().unwrap();
    assert!((290..=300).contains(&max_age), "{max_age}");
    assert_eq!(first.json::<Value>().await.unwrap(), json!({"keys": [{"kid": "first"}]}));
    agent.ok(Method::GET, "/v1/jwks?kid=first", None).await;
    assert_eq!(control_plane.jwks_fetches(), 1);

    *control_plane.shared.jwks.lock() = r#"{"keys":[{"kid":"first"},{"kid":"second"}]}"#.to_owned();
    let old = agent.ok(Method::GET, "/v1/jwks", None).await;
    assert_eq!(old["keys"].as_array().unwrap().len(), 1, "still fresh");
    let asked = (0..8).map(|_| agent.ok(Method::GET, "/v1/jwks?kid=second", None));
    for keys in futures_util::future::join_all(asked).await {
        assert_eq!(keys["keys"][1]["kid"], "second", "all who ask at once get it");
    }
    assert_eq!(control_plane.jwks_fetches(), 2, "with one fetch");
    for kid in ["made-up-1", "made-up-2"] {
        agent.ok(Method::GET, &format!("/v1/jwks?kid={kid}"), None).await;
    }
    assert_eq!(control_plane.jwks_fetches(), 2, "and nobody can make it a flood");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn old_keys_stay_in_use_while_there_are_no_new_ones() {
    let (addr, shared) = ControlPlane::start().await.go_down().await;
    let agent = Agent::start(addr, &[]).await;
    let none = agent.call(Method::GET, "/v1/jwks", None).await;
    assert_eq!(none.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(none.headers()["retry-after"], "1");
    let problem = none.json::<Value>().await.unwrap();
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("UNAVAILABLE"), &json!(true)));

    let control_plane = ControlPlane::come_back((addr, shared)).await;
    eventually("the keys", async || {
        let answer = agent.call(Method::GET, "/v1/jwks", None).await;
        (answer.status() == StatusCode::OK).then_some(())
    })
    .await;
    // Neither nonsense nor silence takes them away.
    *control_plane.shared.jwks.lock() = "nonsense".to_owned();
    let keys = agent.ok(Method::GET, "/v1/jwks?kid=other", None).await;
    assert_eq!(keys["keys"][0]["kid"], "first");
    control_plane.go_down().await;
    let keys = agent.ok(Method::GET, "/v1/jwks?kid=another", None).await;
    assert_eq!(keys["keys"][0]["kid"], "first");
    agent.stop().await.unwrap();
}
