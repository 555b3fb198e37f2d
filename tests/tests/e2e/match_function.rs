//! The example of a match function, as it stands, in a stack where players wait for it.

#[expect(dead_code, reason = "a test starts it in its own way")]
#[path = "../../../cli/examples/match_function.rs"]
mod example;

use std::net::SocketAddr;

use control_plane::QueueEntry;
use proto::match_function::v1::match_function_server::MatchFunctionServer;
use serde_json::{Value, json};
use tests::{Client, Socket, Stack, free_port};
use tonic::transport::Server;

async fn enqueue(client: &Client, players: &[(&str, f64)]) -> String {
    let player = |(id, skill): &(&str, f64)| json!({ "playerId": id, "attributes": { "skill": skill } });
    let players: Vec<Value> = players.iter().map(player).collect();
    let body = json!({ "queueKey": "demo:2v2", "players": players });
    let (status, answer) = client.post("/v1/matchmaking/enqueue", &body).await;
    assert_eq!(status, 201, "{answer}");
    answer["ticketId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_example_is_a_queues_strategy() {
    let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let queue = QueueEntry { match_function: Some(format!("http://{addr}")), ..QueueEntry::default() };
    let stack = Stack::builder().queue("demo:2v2", queue).start().await;
    let client = stack.client();
    let low = enqueue(&client, &[("low", 1.0)]).await;
    let high = enqueue(&client, &[("high", 3_000.0)]).await;
    let party = enqueue(&client, &[("ann", 1_500.0), ("bob", 1_520.0)]).await;
    let (cat, dan) =
        (enqueue(&client, &[("cat", 1_490.0)]).await, enqueue(&client, &[("dan", 1_530.0)]).await);
    // They wait for it, and it sees all of them when it comes.
    let example = Server::builder().add_service(MatchFunctionServer::new(example::BySkill)).serve(addr);
    let example = tokio::spawn(example);
    let assignment = client.assignment(&cat).await;
    for ticket in [&party, &dan] {
        assert_eq!(client.assignment(ticket).await["matchId"], assignment["matchId"]);
    }
    let team = |name: &str, players: [&str; 2]| json!({ "name": name, "players": players });
    assert_eq!(assignment["teams"], json!([team("team-1", ["cat", "dan"]), team("team-2", ["ann", "bob"])]));
    Socket::play(&assignment, "cat").await.next_of("state").await;
    for ticket in [&low, &high] {
        assert_eq!(client.status(ticket).await["status"], "queued");
    }
    example.abort();
}
