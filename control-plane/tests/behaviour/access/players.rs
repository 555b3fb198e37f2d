//! A gateway acts for a player, who sees their own tickets and no others.

use control_plane::access::{NewKey, Scope};
use proto::{
    error::{Reason, Refusal},
    matchmaking::v1::{
        self as mm, matchmaking_client::MatchmakingClient, watch_request::Action, watch_response::Event,
    },
};
use runtime::control_plane::Calls;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;

use super::{Guarded, line};
use crate::{
    sessions::Gateway,
    stack::{Stack, refusal, request},
};

fn by<T>(player: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("muster-player", player.parse().unwrap());
    request
}

/// What a ticket's stranger is told by each of the calls.
async fn looks(calls: &Calls, player: &str, ticket: &str) -> Vec<Result<(), Refusal>> {
    let mut client = MatchmakingClient::new(calls.clone());
    let ticket_id = ticket.to_owned();
    let told = |answer: Result<(), tonic::Status>| answer.map_err(|status| Refusal::from_status(&status));
    let id = || ticket_id.clone();
    let get = mm::GetTicketRequest { ticket_id: id(), wait_ms: 0 };
    // Long, so that a stranger who is made to wait is noticed.
    let wait = mm::GetTicketRequest { ticket_id: id(), wait_ms: 60_000 };
    let watch = mm::WatchTicketRequest { ticket_id: id() };
    let explain = mm::ExplainTicketRequest { ticket_id: id() };
    let mut answers = vec![
        told(client.get_ticket(by(player, get)).await.map(drop)),
        told(client.watch_ticket(by(player, watch)).await.map(drop)),
        told(client.explain_ticket(by(player, explain)).await.map(drop)),
    ];
    let (subscribe, requests) = mpsc::channel(1);
    subscribe.send(mm::WatchRequest { action: Some(Action::Subscribe(id())) }).await.unwrap();
    let mut events = client.watch(by(player, ReceiverStream::new(requests))).await.unwrap().into_inner();
    answers.push(match events.message().await.unwrap().unwrap().event.unwrap() {
        Event::Ticket(_) => Ok(()),
        Event::Refused(refused) => {
            Err(Refusal::new(Reason::from_name(&refused.reason).unwrap(), refused.message))
        }
        Event::Session(session) => panic!("nobody asked for {session:?}"),
    });
    if answers[0].is_err() {
        answers.push(told(client.get_ticket(by(player, wait)).await.map(drop)));
    }
    let cancel = mm::CancelRequest { ticket_id: id() };
    answers.push(told(client.cancel(by(player, cancel)).await.map(drop)));
    answers
}

#[tokio::test]
async fn a_stranger_is_told_of_a_ticket_what_they_are_told_of_none() {
    let key = NewKey::make();
    let guarded = Guarded::start(&line(Scope::Gateway, &key)).await;
    let gateway = guarded.with_key(key.secret()).await;
    let mut matchmaking = MatchmakingClient::new(gateway.clone());
    // Percent-encoded, as `ann é` has to be.
    let enqueued = matchmaking.enqueue(by("ann%20%C3%A9", request("a:3", &["bob", "ann é"]))).await.unwrap();
    let ticket = enqueued.into_inner().ticket_id;

    let strangers = looks(&gateway, "eve", &ticket).await;
    let nobodys = looks(&gateway, "eve", "01890a5d-0000-7000-8000-000000000000").await;
    assert!(strangers.iter().all(Result::is_err), "{strangers:?}");
    assert_eq!(strangers, nobodys, "a stranger can tell a ticket from none");
    assert!(strangers.iter().flatten_err().all(|refusal| refusal.reason == Reason::TicketNotFound));

    let owners = looks(&gateway, "ann%20%C3%A9", &ticket).await;
    assert!(owners.iter().all(Result::is_ok), "{owners:?}");
    guarded.stop().await;
}

trait FlattenErr<'a> {
    fn flatten_err(self) -> impl Iterator<Item = &'a Refusal>;
}

impl<'a, I: Iterator<Item = &'a Result<(), Refusal>>> FlattenErr<'a> for I {
    fn flatten_err(self) -> impl Iterator<Item = &'a Refusal> {
        self.filter_map(|answer| answer.as_ref().err())
    }
}

#[tokio::test]
async fn a_player_enqueues_groups_of_their_own_only_and_learns_nothing_of_others() {
    let key = NewKey::make();
    let guarded = Guarded::start(&line(Scope::Gateway, &key)).await;
    let mut gateway = MatchmakingClient::new(guarded.with_key(key.secret()).await);
    let others = refusal(gateway.enqueue(by("eve", request("a:3", &["ann", "bob"]))).await);
    assert_eq!(others.reason, Reason::Forbidden);

    let group =
        |players: &[&str]| mm::EnqueueRequest { group_id: "den".to_owned(), ..request("a:3", players) };
    let ticket = gateway.enqueue(by("ann", group(&["ann"]))).await.unwrap().into_inner().ticket_id;
    let taken = refusal(gateway.enqueue(by("eve", group(&["eve"]))).await);
    assert_eq!((taken.reason, taken.metadata.get("ticketId")), (Reason::GroupAlreadyQueued, None));
    let own = refusal(gateway.enqueue(by("ann", group(&["ann", "bob"]))).await);
    assert_eq!(own.metadata.get("ticketId"), Some(&ticket), "their own they may know");
    guarded.stop().await;
}

#[tokio::test]
async fn only_a_gateway_names_a_player() {
    let keys = Scope::ALL.map(|scope| (scope, NewKey::make()));
    let lines: String = keys.iter().map(|(scope, key)| line(*scope, key)).collect();
    let guarded = Guarded::start(&lines).await;
    for (scope, key) in &keys {
        let mut client = MatchmakingClient::new(guarded.with_key(key.secret()).await);
        let cancel = mm::CancelRequest { ticket_id: "t".to_owned() };
        let expected = if *scope == Scope::Gateway { Reason::TicketNotFound } else { Reason::Forbidden };
        assert_eq!(refusal(client.cancel(by("ann", cancel)).await).reason, expected, "{scope:?}");
    }
    let mut gateway = MatchmakingClient::new(guarded.with_key(keys[3].1.secret()).await);
    for bad in ["", "%ff", "%00", &"x".repeat(129)] {
        let refused = refusal(gateway.enqueue(by(bad, request("a:1", &["ann"]))).await);
        assert_eq!(
            (refused.reason, refused.fields[0].field.as_str()),
            (Reason::InvalidRequest, "muster-player"),
            "{bad}"
        );
    }
    guarded.stop().await;
}

#[tokio::test]
async fn where_nobody_is_asked_a_player_is_believed_too() {
    let stack = Stack::start().await;
    let ticket = stack.enqueue("a:2", &["ann"]).await;
    let get = |player| by(player, mm::GetTicketRequest { ticket_id: ticket.clone(), wait_ms: 0 });
    stack.matchmaking().get_ticket(get("ann")).await.unwrap();
    assert_eq!(refusal(stack.matchmaking().get_ticket(get("eve")).await).reason, Reason::TicketNotFound);
    stack.stop().await;
}

#[tokio::test]
async fn only_a_gateway_opens_sessions_and_hears_of_them() {
    let [edge, lobby] = [NewKey::make(), NewKey::make()];
    let lines = line(Scope::Gateway, &edge) + &line(Scope::Matchmaking, &lobby);
    let guarded = Guarded::start(&lines).await;
    let mut edge = Gateway::by(&guarded.with_key(edge.secret()).await).await;
    let mut lobby = Gateway::by(&guarded.with_key(lobby.secret()).await).await;
    edge.tell("ann", "a-1", 0, 0).await;
    assert_eq!(edge.hears().await.0, "ann/a-1");
    lobby.tell("ann", "a-2", 0, 0).await;
    lobby.hears_nothing().await;
    edge.tell("ann", "a-3", 0, 0).await;
    assert_eq!(edge.hears().await.0, "ann/a-3");
    lobby.hears_nothing().await;
    drop((edge, lobby));
    guarded.stop().await;
}
