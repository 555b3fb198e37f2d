//! Functions whose calls fail, in every way: the queue says so, goes on otherwise, and is matched when the function is well again.

use std::time::Duration;

use proto::{
    match_function::v1 as pb,
    matchmaking::v1::{self as mm, TicketStatus},
};
use tonic::Status;

use super::{
    QUEUE, first_two,
    server::{Answer, Function, proposal, proposals},
    stack, stack_with,
};
use crate::stack::{PATIENCE, Stack};

/// Waits until the queue says that something like this is in its way.
async fn held_up_by(stack: &Stack, part: &str) -> String {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let queues = stack.matchmaking().list_queues(mm::ListQueuesRequest {}).await.unwrap().into_inner();
        let queue = queues.queues.into_iter().find(|queue| queue.queue_key == QUEUE).unwrap();
        if queue.held_up_by.contains(part) {
            return queue.held_up_by;
        }
        assert!(tokio::time::Instant::now() < deadline, "held up by `{}`, not `{part}`", queue.held_up_by);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The queue of a function that fails: it says so, goes on otherwise, and is matched when the function is well again.
async fn fails(part: &str, answer: impl Fn(&[pb::Ticket]) -> Result<Answer, Status> + Send + Sync + 'static) {
    let function = Function::start().await;
    function.answers(move |_, tickets| answer(tickets));
    let stack = stack(&function).await;
    let (a, b) = (stack.enqueue(QUEUE, &["a"]).await, stack.enqueue(QUEUE, &["b"]).await);
    let said = held_up_by(&stack, part).await;
    assert!(said.starts_with("its match function doesn't answer: "), "{said}");
    assert!(!said.contains("secret"), "{said}");
    let c = stack.enqueue(QUEUE, &["c"]).await;
    assert!(stack.cancel(&c).await.cancelled);
    assert_eq!(stack.ticket(&c).await.status(), TicketStatus::Cancelled);
    for id in [&a, &b] {
        assert_eq!(stack.ticket(id).await.status(), TicketStatus::Queued);
    }
    function.behaves();
    assert_eq!(stack.assignment(&a).await.match_id, stack.assignment(&b).await.match_id);
    assert_eq!(function.most_at_once(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn one_that_is_silent() {
    fails("no answer within 1s", |_| Ok(Box::pin(tokio_stream::pending()))).await;
}

#[tokio::test]
async fn one_that_never_comes_to_an_end() {
    use tokio_stream::StreamExt as _;
    fails("no answer within 1s", |tickets| {
        let first = tokio_stream::once(Ok(first_two(tickets)));
        Ok(Box::pin(first.chain(tokio_stream::pending())))
    })
    .await;
}

#[tokio::test]
async fn one_that_talks_without_end() {
    fails("it sent too many messages", |_| {
        let endless = tokio_stream::iter(std::iter::repeat_with(|| Ok(pb::ProposeResponse::default())));
        Ok(Box::pin(endless))
    })
    .await;
}

#[tokio::test]
async fn one_that_proposes_without_end() {
    fails("more proposals than tickets", |tickets| {
        let message = first_two(tickets);
        let many = pb::ProposeResponse { proposals: vec![proposal(&[]); 1_000], ..message };
        Ok(Box::pin(tokio_stream::once(Ok(many))))
    })
    .await;
}

#[tokio::test]
async fn one_that_sends_giant_messages() {
    fails("a message that is too large", |_| {
        let giant = proposal(&[("team-1", &[&"x".repeat(2 * 1024 * 1024)])]);
        Ok(proposals(vec![giant]))
    })
    .await;
}

#[tokio::test]
async fn one_that_breaks_off_in_the_middle() {
    fails("the call failed (Internal)", |tickets| {
        let parts = [Ok(first_two(tickets)), Err(Status::internal("secret: 10.1.2.3"))];
        Ok(Box::pin(tokio_stream::iter(parts)))
    })
    .await;
}

#[tokio::test]
async fn one_that_refuses() {
    fails("can't be reached", |_| Err(Status::unavailable("secret: 10.1.2.3"))).await;
}

#[tokio::test]
async fn one_that_is_not_there_and_then_gone() {
    let function = Function::start().await;
    let queue = function.queue();
    function.dies();
    let stack = stack_with(&[(QUEUE, queue)]).await;
    let a = stack.enqueue(QUEUE, &["a"]).await;
    assert_eq!(
        held_up_by(&stack, "match function").await,
        "its match function doesn't answer: it can't be reached"
    );
    assert!(stack.cancel(&a).await.cancelled);
    stack.stop().await;
}
