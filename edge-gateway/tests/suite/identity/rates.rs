//! How often one player may ask, whatever they ask for.

use serde_json::json;

use super::{enqueue_as, start, status_as, token};
use crate::support::socket::Socket;

const RATE: [&str; 2] = ["--requests-per-player", "1"];

#[tokio::test]
async fn a_player_asks_so_often_whatever_for_and_others_are_not_held_up() {
    let stack = start(&RATE).await;
    let (ann, bob) = (token(&stack, "ann"), token(&stack, "bob"));
    let ticket = enqueue_as(&stack, &ann, "ann").await;
    let mut refused = None;
    for _ in 0..6 {
        let answer = status_as(&stack, &ann, &ticket).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("one was too many");
    refused.assert_problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "1");
    status_as(&stack, &bob, &ticket).await.assert_problem(404, "TICKET_NOT_FOUND");
    stack.finish().await;
}

#[tokio::test]
async fn a_socket_is_no_way_round_the_rate_of_its_player() {
    let stack = start(&RATE).await;
    let bearer = format!("Bearer {}", token(&stack, "ann"));
    let url = format!("ws://{}/realtime", stack.client_addr);
    let mut socket = Socket::try_open(&url, &[("authorization", &bearer)]).await.unwrap();
    let mut codes = Vec::new();
    for _ in 0..7 {
        socket.send(&json!({"action": "cancel", "ticketId": "x"})).await;
        codes.push(socket.expect("error").await["code"].clone());
    }
    assert!(codes[..4].iter().all(|code| code == "TICKET_NOT_FOUND"), "{codes:?}");
    assert!(codes.contains(&json!("RATE_LIMITED")), "{codes:?}");
    stack.finish().await;
}
