//! A player who won't be put off: what got no answer is asked again, word by word, until it is answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use reqwest::{RequestBuilder, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use tests::PATIENCE;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::installation::REQUEST_TIMEOUT;

/// Where two make a match.
pub(crate) const QUEUE: &str = "demo:2";
/// What a busy machine may add to any time.
const SLACK: Duration = Duration::from_secs(2);
/// Between two tries: a player who is told to wait a second waits less here, to be more of a nuisance.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub(crate) struct Player {
    pub(crate) name: String,
    /// Where the gateway is.
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    /// Whether the way to the gateway is one that loses answers.
    pub(crate) loses_answers: bool,
}

/// What a ticket came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Assigned(Value),
    Cancelled,
}

/// How a player waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Asks again and again.
    Polls,
    /// Has a socket, and another one where that broke.
    Follows,
    /// Goes.
    Cancels,
}

impl Player {
    /// From the enqueue to the end of the ticket.
    pub(crate) async fn play(self, habit: Habit, acknowledged: Arc<AtomicUsize>) -> (String, Outcome) {
        let ticket = self.enqueue(QUEUE).await;
        acknowledged.fetch_add(1, Ordering::Relaxed);
        let outcome = match habit {
            Habit::Cancels if self.cancel(&ticket).await => Outcome::Cancelled,
            Habit::Cancels | Habit::Polls => Outcome::Assigned(self.polled(&ticket).await),
            Habit::Follows => Outcome::Assigned(self.pushed(&ticket).await),
        };
        (ticket, outcome)
    }

    /// Until it is acknowledged; the ticket's id.
    pub(crate) async fn enqueue(&self, queue: &str) -> String {
        let body =
            json!({ "queueKey": queue, "groupId": format!("group-{}", self.name), "members": [self.name] });
        let request = self.http.post(format!("{}/v1/matchmaking/enqueue", self.url)).json(&body);
        let answer = self.answered(request, StatusCode::CREATED, Duration::ZERO).await;
        answer["ticketId"].as_str().unwrap().to_owned()
    }

    async fn cancel(&self, ticket: &str) -> bool {
        let body = json!({ "ticketId": ticket });
        let request = self.http.post(format!("{}/v1/matchmaking/cancel", self.url)).json(&body);
        self.answered(request, StatusCode::OK, Duration::ZERO).await["cancelled"] == json!(true)
    }

    pub(crate) async fn polled(&self, ticket: &str) -> Value {
        loop {
            let url = format!("{}/v1/matchmaking/status/{ticket}?wait=1", self.url);
            let status =
                self.answered(self.http.get(url), StatusCode::OK, Duration::from_secs(1) + REQUEST_TIMEOUT);
            let status = status.await;
            match status["status"].as_str().unwrap() {
                "assigned" => return status["assignment"].clone(),
                "queued" => {}
                other => panic!("{} waits for a match and is {other}", self.name),
            }
        }
    }

    async fn pushed(&self, ticket: &str) -> Value {
        loop {
            if let Some(assignment) = self.pushed_on_one_socket(ticket).await {
                return assignment;
            }
            assert!(self.loses_answers, "{}'s socket broke", self.name);
            sleep(PAUSE).await;
        }
    }

    async fn pushed_on_one_socket(&self, ticket: &str) -> Option<Value> {
        let url = format!("{}/realtime?ticketId={ticket}", self.url.replacen("http", "ws", 1));
        let (mut socket, _) = timeout(PATIENCE, connect_async(url)).await.unwrap().ok()?;
        loop {
            match timeout(PATIENCE, socket.next()).await.expect("the gateway pings")?.ok()? {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] == "match.assigned" {
                        return Some(message["data"]["assignment"].clone());
                    }
                }
                Message::Close(close) => {
                    let code = close.map_or(1005, |close| u16::from(close.code));
                    assert!([1001, 1013].contains(&code), "{}'s socket was closed with {code}", self.name);
                    return None;
                }
                _ => {}
            }
        }
    }

    /// Asks until this is the answer. Any other must be a documented one that says to try again, and come in time.
    async fn answered(&self, request: RequestBuilder, wanted: StatusCode, held: Duration) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let within = held + REQUEST_TIMEOUT + SLACK;
        loop {
            let asked = request.try_clone().unwrap();
            match timeout(within, one_answer(asked)).await {
                Ok(Ok((status, _, body))) if status == wanted => return body,
                Ok(Ok((status, wait, body))) => {
                    let documented = match body["code"].as_str() {
                        Some("UNAVAILABLE") => {
                            status == 503 && wait.is_some_and(|seconds| (1..=60).contains(&seconds))
                        }
                        Some("DEADLINE_EXCEEDED") => status == 504,
                        _ => false,
                    };
                    assert!(
                        documented && body["retryable"] == true,
                        "{} was told {status}: {body}",
                        self.name
                    );
                }
                Ok(Err(error)) => assert!(self.loses_answers, "{} got no answer: {error:?}", self.name),
                Err(_) => {
                    assert!(self.loses_answers, "{} was left without an answer for {within:?}", self.name);
                }
            }
            assert!(Instant::now() < deadline, "{} was turned away for {PATIENCE:?}", self.name);
            sleep(PAUSE).await;
        }
    }
}

/// The status, `Retry-After` in seconds, and the body.
async fn one_answer(request: RequestBuilder) -> reqwest::Result<(StatusCode, Option<u64>, Value)> {
    let answer = request.send().await?;
    let wait = answer.headers().get(RETRY_AFTER).map(|wait| wait.to_str().unwrap().parse().unwrap());
    Ok((answer.status(), wait, answer.json().await?))
}
