//! A queue that doesn't wait for who is gone, through the whole stack: who goes, who comes back, who polls, who falls silent.

use std::time::Duration;

use control_plane::QueueEntry;
use serde_json::{Value, json};
use tests::{Client, Socket, Stack, eventually};

const QUEUE: &str = "demo:2";
const AFTER: Duration = Duration::from_secs(2);

/// Without a game server, so that nobody plays before the test wants it.
async fn start(gateway: impl Fn(&mut edge_gateway::Config) + Send + Sync + 'static) -> Stack {
    let entry = QueueEntry { drop_absent_after: Some(AFTER), ..QueueEntry::default() };
    let gateway = move |config: &mut edge_gateway::Config| {
        // The test asks again and again whether somebody is gone.
        config.limits.requests_per_player = 0;
        gateway(config);
    };
    Stack::builder().servers(0).queue(QUEUE, entry).gateway(gateway).start().await
}

/// A player's socket, with a ticket.
async fn enqueue(client: &Client, player: &str) -> (Socket, String) {
    let mut socket = client.socket("/realtime").await;
    socket.send(&json!({ "action": "enqueue", "queueKey": QUEUE, "members": [player] })).await;
    let ticket = socket.next_of("enqueued").await["data"]["ticketId"].as_str().unwrap().to_owned();
    (socket, ticket)
}

/// Waits until the player is in no ticket, without asking for the one that they had: who asks is there.
async fn is_free(client: &Client, player: &str) {
    eventually(&format!("{player} to be free"), async || {
        let body = json!({ "queueKey": "demo:9", "members": [player] });
        let (status, answer) = client.post("/v1/matchmaking/enqueue", &body).await;
        assert!(status == 201 || answer["code"] == "PLAYER_ALREADY_QUEUED", "{status} {answer}");
        (status == 201).then_some(())
    })
    .await;
}

async fn was_dropped(client: &Client, ticket: &str) {
    let status = client.status(ticket).await;
    assert_eq!((&status["status"], &status["reason"]), (&json!("cancelled"), &json!("absent")), "{status}");
}

/// Comes and goes, half of the time that it may be gone each, until `until`; then it is there.
async fn comes_and_goes(client: &Client, ticket: &str, until: impl Future<Output = ()>) -> Socket {
    let back = || async { client.socket(&format!("/realtime?ticketId={ticket}")).await };
    let flapping = async {
        loop {
            // Told where it stands, it is there for certain.
            back().await.next_of("queue.update").await;
            tokio::time::sleep(AFTER / 2).await;
        }
    };
    tokio::select! {
        () = flapping => unreachable!("it never stops"),
        () = until => back().await,
    }
}

#[tokio::test]
async fn who_goes_is_dropped_and_who_comes_back_or_polls_is_matched_in_order() {
    let stack = start(|_| ()).await;
    let client = stack.client();
    let (socket, anns) = enqueue(&client, "ann").await;
    let (bobs_first, bobs) = enqueue(&client, "bob").await;
    let cys = client.enqueue(QUEUE, &["cy"]).await;
    let (mut dans_socket, dans) = enqueue(&client, "dan").await;
    drop((socket, bobs_first));
    // Of a party, one is enough.
    let party = client.enqueue(QUEUE, &["eve", "fay"]).await;
    let mut fays = client.socket(&format!("/realtime?ticketId={party}")).await;

    let others = async {
        loop {
            let polled = client.get(&format!("/v1/matchmaking/status/{cys}?wait=1")).await.1;
            assert_eq!(polled["status"], "queued", "{polled}");
        }
    };
    let listen = async {
        tokio::join!(dans_socket.next_of("match.assigned"), fays.next_of("match.assigned"));
        unreachable!("there is no server yet");
    };
    // Two are dropped one after the other: whoever is kept meanwhile is kept.
    let gone = async {
        is_free(&client, "ann").await;
        let (socket, gils) = enqueue(&client, "gil").await;
        drop(socket);
        is_free(&client, "gil").await;
        was_dropped(&client, &gils).await;
    };
    let mut bobs_socket = tokio::select! {
        () = others => unreachable!("it polls for ever"),
        () = listen => unreachable!("nothing comes"),
        socket = comes_and_goes(&client, &bobs, gone) => socket,
    };
    was_dropped(&client, &anns).await;
    let mut late = client.socket(&format!("/realtime?ticketId={anns}")).await;
    let told = late.next_of("ticket.cancelled").await;
    assert_eq!(told["data"], json!({ "ticketId": anns, "reason": "absent" }));

    let agent = stack.agent("s-1").await;
    let mut commands = agent.ready().await;
    for players in [["bob", "cy"], ["eve", "fay"]] {
        let asked = commands.next().await;
        let mut asked_for: Vec<_> =
            asked["players"].as_array().unwrap().iter().map(Value::to_string).collect();
        asked_for.sort();
        assert_eq!(asked_for, players.map(|player| json!(player).to_string()), "in the order of the queue");
        agent.land_ready(&asked).await;
    }
    bobs_socket.next_of("match.assigned").await;
    fays.next_of("match.assigned").await;
    client.assignment(&cys).await;
    assert_eq!(client.status(&dans).await["status"], "queued");
}

#[tokio::test]
async fn a_socket_that_fell_silent_is_nobody_and_one_that_answers_pings_is() {
    let stack = start(|config| {
        config.ping_interval = Duration::from_millis(200);
        config.ping_timeout = Duration::from_secs(1);
    })
    .await;
    let client = stack.client();
    let (mut answers, kept) = enqueue(&client, "ann").await;
    // Nobody reads it, so no ping is answered; the connection lives.
    let (_silent, dropped) = enqueue(&client, "bob").await;
    let listen = async {
        answers.next_of("match.assigned").await;
    };
    tokio::select! {
        () = listen => unreachable!("there is no server"),
        () = is_free(&client, "bob") => {}
    }
    was_dropped(&client, &dropped).await;
    assert_eq!(client.status(&kept).await["status"], "queued");
}
