//! How the news of tickets goes out: one ticket on a stream, or many.

use crate::stack::{PATIENCE, Stack, refusal};
use proto::{
    error::Reason,
    matchmaking::v1::{self as mm, watch_request::Action, watch_response::Event},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

#[tokio::test]
async fn one_ticket_is_watched_to_its_end() {
    let stack = Stack::start().await;
    let id = stack.enqueue("demo:2", &["a"]).await;
    let watch = mm::WatchTicketRequest { ticket_id: id.clone() };
    let mut news = stack.matchmaking().watch_ticket(watch).await.unwrap().into_inner();
    assert_eq!(news.message().await.unwrap().unwrap().ticket.unwrap().status(), mm::TicketStatus::Queued);
    stack.cancel(&id).await;
    let last = loop {
        let ticket = news.message().await.unwrap().unwrap().ticket.unwrap();
        if ticket.status() != mm::TicketStatus::Queued {
            break ticket;
        }
    };
    assert_eq!(last.status(), mm::TicketStatus::Cancelled);
    assert!(news.message().await.unwrap().is_none(), "the stream ends after a final status");
    let unknown = mm::WatchTicketRequest { ticket_id: "nobody".to_owned() };
    assert_eq!(refusal(stack.matchmaking().watch_ticket(unknown).await).reason, Reason::TicketNotFound);
    stack.stop().await;
}

#[tokio::test]
async fn many_tickets_are_watched_on_one_stream() {
    let stack = Stack::start().await;
    let (subscribe, requests) = mpsc::channel(16);
    let mut news = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let action = |action| mm::WatchRequest { action: Some(action) };
    let ids = [stack.enqueue("demo:9", &["a"]).await, stack.enqueue("demo:9", &["b"]).await];
    for id in &ids {
        subscribe.send(action(Action::Subscribe(id.clone()))).await.unwrap();
    }
    subscribe.send(action(Action::Subscribe("nobody".to_owned()))).await.unwrap();
    let mut next = async || {
        let next = tokio::time::timeout(PATIENCE, news.message()).await.unwrap();
        next.unwrap().unwrap()
    };
    for id in &ids {
        let state = next().await;
        assert!(
            matches!(&state.event, Some(Event::Ticket(t)) if t.status() == mm::TicketStatus::Queued && state.ticket_id == *id)
        );
    }
    let refused = next().await;
    assert!(
        matches!(&refused.event, Some(Event::Refused(r)) if r.reason == "TICKET_NOT_FOUND"),
        "{refused:?}"
    );

    subscribe.send(action(Action::Unsubscribe(ids[0].clone()))).await.unwrap();
    // The stream is in order: once this is answered, the unsubscription is done.
    subscribe.send(action(Action::Subscribe("nobody".to_owned()))).await.unwrap();
    while !matches!(next().await.event, Some(Event::Refused(_))) {}
    for id in &ids {
        stack.cancel(id).await;
    }
    let state = loop {
        let state = next().await;
        if matches!(&state.event, Some(Event::Ticket(t)) if t.status() != mm::TicketStatus::Queued) {
            break state;
        }
    };
    assert_eq!(state.ticket_id, ids[1], "only what is still subscribed is told");
    drop(subscribe);
    stack.stop().await;
}

#[tokio::test]
async fn a_watch_tells_the_place_in_the_queue() {
    let stack = Stack::start().await;
    let mut ids = Vec::new();
    for player in ["a", "b", "c"] {
        ids.push(stack.enqueue("demo:9", &[player]).await);
    }
    // A watch tells what is there at once, and changes every few seconds.
    stack.place_is(&ids[2], 3).await;
    let (subscribe, requests) = mpsc::channel(16);
    let mut news = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    subscribe.send(mm::WatchRequest { action: Some(Action::Subscribe(ids[2].clone())) }).await.unwrap();
    let mut position = async |wanted: u32| loop {
        let state = tokio::time::timeout(PATIENCE, news.message()).await.unwrap().unwrap().unwrap();
        let Some(Event::Ticket(ticket)) = state.event else { panic!("{state:?}") };
        if ticket.place.is_some_and(|place| place.position == wanted) {
            return;
        }
    };
    position(3).await;
    stack.cancel(&ids[0]).await;
    position(2).await;
    drop(subscribe);
    stack.stop().await;
}
