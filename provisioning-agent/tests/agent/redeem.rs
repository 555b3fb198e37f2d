//! Tokens that are used up at the door, through the agent.

use std::time::{Duration, Instant};

use proto::error::{Reason, Refusal};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, eventually},
};

async fn redeem(agent: &Agent, body: Value) -> Response {
    agent.call(Method::POST, "/v1/tokens/redeem", Some(body)).await
}

fn asked() -> Value {
    json!({ "token": "t.t.t", "landId": "arena:1", "redemptionId": "r-1" })
}

async fn problem(answer: Response) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_token_is_redeemed_for_this_server_and_the_answer_tells_whose_it_was() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    let answer = redeem(&agent, asked()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let expected = json!({
        "playerId": "ann", "assignmentId": "a-1", "matchId": "m-1", "landId": "arena:1", "serverId": "game-1",
        "expiresAtUnixMs": 1_700_000_000_000_u64,
    });
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    let request = control_plane.shared.redemptions.lock().pop().unwrap();
    assert_eq!((request.token.as_str(), request.land_id.as_str()), ("t.t.t", "arena:1"));
    assert_eq!((request.server_id.as_str(), request.redemption_id.as_str()), ("game-1", "r-1"));
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_control_plane_refuses_is_told_with_its_reason() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    for (reason, status) in [
        (Reason::TokenInvalid, StatusCode::FORBIDDEN),
        (Reason::TokenAlreadyRedeemed, StatusCode::CONFLICT),
        (Reason::InvalidRequest, StatusCode::BAD_REQUEST),
    ] {
        control_plane.shared.refuse_redemptions.lock().push_back(Refusal::new(reason, "because"));
        let answer = redeem(&agent, asked()).await;
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key("retry-after"));
        let problem = problem(answer).await;
        assert_eq!((&problem["code"], &problem["detail"]), (&json!(reason.name()), &json!("because")));
    }
    assert_eq!(control_plane.shared.redemptions.lock().len(), 3, "nothing that is final is asked twice");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_field_and_asked_of_nobody() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    let long = "x".repeat(8 * 1024 + 1);
    for (body, field) in [
        (json!({ "landId": "arena:1" }), "token"),
        (json!({ "token": "", "landId": "arena:1" }), "token"),
        (json!({ "token": long, "landId": "arena:1" }), "token"),
        (json!({ "token": "t.t.t" }), "landId"),
        (json!({ "token": "t.t.t", "landId": "" }), "landId"),
        (json!({ "token": "t.t.t", "landId": "arena:1", "redemptionId": "a\nb" }), "redemptionId"),
        // Which server it is, the agent says and nobody else.
        (json!({ "token": "t.t.t", "landId": "arena:1", "serverId": "game-2" }), "serverId"),
    ] {
        let answer = redeem(&agent, body.clone()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let problem = problem(answer).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert!(!problem.to_string().contains(&long));
    }
    assert!(control_plane.shared.redemptions.lock().is_empty());
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_under_the_same_name() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    let lost = Refusal::new(Reason::Unavailable, "somewhere between");
    control_plane.shared.refuse_redemptions.lock().push_back(lost);
    let nameless = json!({ "token": "t.t.t", "landId": "arena:1" });
    assert_eq!(redeem(&agent, nameless).await.status(), StatusCode::OK);
    let names: Vec<_> =
        control_plane.shared.redemptions.lock().drain(..).map(|request| request.redemption_id).collect();
    assert!(names.len() == 2 && !names[0].is_empty() && names[0] == names[1], "{names:?}");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn while_the_control_plane_is_away_the_answer_is_503_and_when_to_ask_again() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &[]).await;
    assert_eq!(redeem(&agent, asked()).await.status(), StatusCode::OK);
    let away = control_plane.go_down().await;
    let begun = Instant::now();
    let answer = redeem(&agent, asked()).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "1");
    let problem = problem(answer).await;
    assert_eq!((&problem["code"], &problem["retryable"]), (&json!("UNAVAILABLE"), &json!(true)));

    let _back = ControlPlane::come_back(away).await;
    eventually("the redemption", async || {
        (redeem(&agent, asked()).await.status() == StatusCode::OK).then_some(())
    })
    .await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_replica_that_is_gone_is_passed_over() {
    let (gone, _) = ControlPlane::start().await.go_down().await;
    let alive = ControlPlane::start().await;
    let agent = Agent::start(gone, &["--control-plane", &format!("http://{}", alive.addr)]).await;
    for _ in 0..4 {
        assert_eq!(redeem(&agent, asked()).await.status(), StatusCode::OK);
    }
    assert_eq!(alive.shared.redemptions.lock().len(), 4);
    agent.stop().await.unwrap();
}
