//! Identity providers: their tokens as they are, and exchanged for ours.

use axum::http::StatusCode;
use runtime::endpoints::system_resolver;
use serde_json::{Value, json};

use super::{call, enqueue_as, start_as, status_as, token};
use crate::support::{
    Answer, PATIENCE, Stack,
    control_plane::ControlPlane,
    provider::Provider,
    signer::{Signer, in_seconds},
};

const EXCHANGE: &str = "/v1/identity/exchange";
const TICKET: &str = "01981c2e-7a3b-7d10-9f7e-2f6d3f1c9a55";

async fn exchange(stack: &Stack, token: &str) -> Answer {
    stack.post(EXCHANGE, &json!({"token": token})).await
}

#[tokio::test]
async fn a_providers_token_is_good_as_it_is_and_in_exchange_for_ours() {
    let provider = Provider::start().await;
    let stack = start_as(&[], Some(&provider)).await;
    let theirs = provider.token("ann");
    let ticket = enqueue_as(&stack, &theirs, "ann").await;
    let exchanged = exchange(&stack, &theirs).await;
    assert_eq!((exchanged.status, &exchanged.body["playerId"]), (200, &json!("ann")), "{exchanged:#?}");
    let ours = exchanged.body["token"].as_str().unwrap();
    assert_eq!(status_as(&stack, ours, &ticket).await.status, 200, "it is the same player");
    assert_eq!(provider.reads(), 1);

    let refused = exchange(&stack, ours).await;
    refused.assert_problem(401, "UNAUTHENTICATED");
    assert!(refused.body["detail"].as_str().unwrap().contains("own kind"), "{refused:#?}");
    assert_eq!(stack.post(EXCHANGE, &json!({"tokn": 1})).await.bad_fields(), ["token", "tokn"]);
    stack.finish().await;
}

#[tokio::test]
async fn a_providers_word_counts_for_its_own_players_and_audience_alone() {
    let provider = Provider::start().await;
    let stack = start_as(&[], Some(&provider)).await;
    let changed = |name: &str, value: Value| {
        let mut claims = provider.claims("ann");
        claims[name] = value;
        provider.signer.sign(&claims)
    };
    let posing_as_us = {
        let claims = json!({"iss": "muster", "aud": "edge-gateway", "sub": "ann", "iat": 0, "jti": "j", "exp": in_seconds(60)});
        provider.signer.sign(&claims)
    };
    for (what, token) in [
        ("another game's", changed("aud", json!("another-game"))),
        ("several other games'", changed("aud", json!(["a", "b"]))),
        ("no audience", changed("aud", Value::Null)),
        ("expired", changed("exp", json!(in_seconds(-120)))),
        ("no player", changed("sub", Value::Null)),
        ("a list of players", changed("sub", json!(["ann"]))),
        ("a provider that poses as us", posing_as_us),
    ] {
        let answer = exchange(&stack, &token).await;
        answer.assert_problem(401, "UNAUTHENTICATED");
        assert!(!answer.body.to_string().contains(&token), "{what}");
        status_as(&stack, &token, TICKET).await.assert_problem(401, "UNAUTHENTICATED");
    }
    stack.finish().await;
}

#[tokio::test]
async fn the_claim_and_the_prefix_make_the_player() {
    let (one, other) = (Provider::start().await, Provider::start().await);
    let control_plane = ControlPlane::start().await;
    *control_plane.state.signer.lock() = Some(Signer::new("k1"));
    let url = control_plane.url();
    let mut sections = one.sections();
    sections.identity_providers[0].player_prefix = "one:".to_owned();
    sections.identity_providers.extend(other.sections().identity_providers);
    let entry = &mut sections.identity_providers[1];
    entry.player_prefix = "other:".to_owned();
    entry.player_claim = "steam_id".to_owned();
    entry.jwks_url = Some(other.keys_url());
    let flags = ["--control-plane", &url];
    let stack = Stack::start_as(control_plane, &flags, sections, system_resolver()).await;
    let ann = exchange(&stack, &one.token("ann")).await;
    assert_eq!(ann.body["playerId"], "one:ann", "{ann:#?}");
    let mut claims = other.claims("ignored");
    claims["steam_id"] = json!(76_561_197_960_287_930_u64);
    let other_player = exchange(&stack, &other.signer.sign(&claims)).await;
    assert_eq!(other_player.body["playerId"], "other:76561197960287930", "{other_player:#?}");
    stack.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_away_or_odd_is_no_fault_of_its_players_and_stops_nobody_else() {
    let provider = Provider::start().await;
    *provider.state.status.lock() = StatusCode::FOUND;
    let stack = start_as(&[], Some(&provider)).await;
    let theirs = provider.token("ann");
    let away = status_as(&stack, &theirs, TICKET).await;
    away.assert_problem(503, "UNAVAILABLE");
    assert!(!away.header("retry-after").is_empty());
    let ours = token(&stack, "ann");
    status_as(&stack, &ours, TICKET).await.assert_problem(404, "TICKET_NOT_FOUND");

    *provider.state.status.lock() = StatusCode::OK;
    let known = async {
        while status_as(&stack, &theirs, TICKET).await.status != 404 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("the keys are known");
    *provider.state.status.lock() = StatusCode::INTERNAL_SERVER_ERROR;
    for _ in 0..3 {
        status_as(&stack, &theirs, TICKET).await.assert_problem(404, "TICKET_NOT_FOUND");
    }
    stack.finish().await;
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_and_endless_keys_are_not_believed() {
    for spoil in [
        |provider: &Provider| *provider.state.issuer.lock() = "http://127.0.0.1:1".to_owned(),
        |provider: &Provider| {
            *provider.state.keys.lock() = json!({"keys": [provider.signer.jwk()], "x": "x".repeat(300_000)});
        },
        |provider: &Provider| *provider.state.keys.lock() = json!({"keys": []}),
    ] {
        let provider = Provider::start().await;
        spoil(&provider);
        let stack = start_as(&[], Some(&provider)).await;
        status_as(&stack, &provider.token("ann"), TICKET).await.assert_problem(503, "UNAVAILABLE");
        stack.finish().await;
    }
}

#[tokio::test]
async fn keys_are_fetched_for_strangers_rarely() {
    let provider = Provider::start().await;
    let stack = start_as(&[], Some(&provider)).await;
    status_as(&stack, &provider.token("ann"), TICKET).await.assert_problem(404, "TICKET_NOT_FOUND");
    for number in 0..20 {
        let forged = Signer::new(&format!("made-up-{number}")).sign(&provider.claims("ann"));
        call(&stack, &forged, "GET", &format!("/v1/matchmaking/status/{TICKET}"), None)
            .await
            .assert_problem(401, "UNAUTHENTICATED");
    }
    assert_eq!(provider.reads(), 1, "they were read a moment ago");
    stack.finish().await;
}
