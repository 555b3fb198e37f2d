//! What the hub tells whom, without a network: the stream's part is played by hand.

use std::time::SystemTime;

use proto::error::Reason;

use super::{mailbox::Overflowed, *};
use crate::identity::{KnownPlayer, PlayerId};

fn ticket(id: &str, status: pb::TicketStatus) -> pb::Ticket {
    pb::Ticket { ticket_id: id.to_owned(), status: status.into(), ..pb::Ticket::default() }
}

fn requests(hub: &WatchHub) -> Vec<String> {
    use pb::watch_request::Action;
    let mut requests: Vec<String> = hub
        .take_requests(100)
        .into_iter()
        .map(|request| match request.action.unwrap() {
            Action::Subscribe(id) => format!("+{id}"),
            Action::Unsubscribe(id) => format!("-{id}"),
            Action::Session(session) => panic!("{session:?}"),
        })
        .collect();
    requests.sort();
    requests
}

async fn status(mailbox: &Mailbox) -> pb::TicketStatus {
    match mailbox.next().await.unwrap() {
        Event::State(ticket) => ticket.status(),
        Event::Refused(_, refusal) => panic!("{refusal:?}"),
    }
}

#[tokio::test]
async fn two_followers_are_one_subscription() {
    let hub = WatchHub::default();
    let (a, b) = (Arc::new(Mailbox::new(4)), Arc::new(Mailbox::new(4)));
    let first = hub.follow("t", &Caller::Trusted, &a);
    assert_eq!(requests(&hub), ["+t"]);
    hub.tell(ticket("t", pb::TicketStatus::Queued));
    let second = hub.follow("t", &Caller::Trusted, &b);
    assert!(requests(&hub).is_empty(), "the state is known");
    assert_eq!(status(&a).await, pb::TicketStatus::Queued);
    assert_eq!(status(&b).await, pb::TicketStatus::Queued);
    drop(first);
    assert!(requests(&hub).is_empty(), "the second still follows");
    drop(second);
    assert_eq!(requests(&hub), ["-t"]);
    assert_eq!((hub.followers(), hub.subscribed_upstream()), (0, 0));
}

#[tokio::test]
async fn a_final_state_ends_the_subscription_on_both_sides() {
    let hub = WatchHub::default();
    let mailbox = Arc::new(Mailbox::new(4));
    let follow = hub.follow("t", &Caller::Trusted, &mailbox);
    requests(&hub);
    hub.tell(ticket("t", pb::TicketStatus::Assigned));
    assert_eq!(status(&mailbox).await, pb::TicketStatus::Assigned);
    assert_eq!(hub.subscribed_upstream(), 0);
    let again = hub.follow("t", &Caller::Trusted, &mailbox);
    drop(follow);
    assert_eq!(requests(&hub), ["+t"], "who comes later asks for the state again");
    drop(again);
    assert_eq!(requests(&hub), ["-t"]);
}

#[tokio::test]
async fn who_comes_back_before_the_stream_noticed_still_gets_the_state() {
    let hub = WatchHub::default();
    let mailbox = Arc::new(Mailbox::new(4));
    let follow = hub.follow("t", &Caller::Trusted, &mailbox);
    assert_eq!(requests(&hub), ["+t"]);
    hub.tell(ticket("t", pb::TicketStatus::Queued));
    drop(follow);
    let _again = hub.follow("t", &Caller::Trusted, &mailbox);
    assert_eq!(requests(&hub), ["+t"], "not an unsubscription, and the state is asked for");
}

#[tokio::test]
async fn a_new_stream_subscribes_everything_again() {
    let hub = WatchHub::default();
    let mailbox = Arc::new(Mailbox::new(4));
    let _follows = ["a", "b"].map(|id| hub.follow(id, &Caller::Trusted, &mailbox));
    assert_eq!(requests(&hub), ["+a", "+b"]);
    hub.tell(ticket("a", pb::TicketStatus::Queued));
    hub.forget_upstream();
    assert_eq!(requests(&hub), ["+a", "+b"]);
}

#[tokio::test]
async fn who_is_never_told_of_leaves_no_trace() {
    let hub = WatchHub::default();
    drop(hub.follow("t", &Caller::Trusted, &Arc::new(Mailbox::new(4))));
    assert!(requests(&hub).is_empty());
}

#[tokio::test]
async fn a_refusal_reaches_the_followers_and_ends_it() {
    let hub = WatchHub::default();
    let mailbox = Arc::new(Mailbox::new(4));
    let _follow = hub.follow("t", &Caller::Trusted, &mailbox);
    requests(&hub);
    hub.refuse("t", Refusal::new(Reason::TicketNotFound, "gone"));
    let Event::Refused(id, refusal) = mailbox.next().await.unwrap() else { panic!("no refusal") };
    assert_eq!((&*id, refusal.reason), ("t", Reason::TicketNotFound));
    assert_eq!(hub.subscribed_upstream(), 0);
}

#[tokio::test]
async fn a_ticket_is_told_to_its_players_and_is_not_there_for_others() {
    let caller = |id| {
        let player = KnownPlayer { id: PlayerId::new(id).unwrap(), until: SystemTime::now() };
        Caller::Player(Arc::new(player))
    };
    let anns = |status| pb::Ticket { player_ids: vec!["ann".to_owned()], ..ticket("t", status) };
    let hub = WatchHub::default();
    let (ann, mallory, late) =
        (Arc::new(Mailbox::new(4)), Arc::new(Mailbox::new(4)), Arc::new(Mailbox::new(4)));
    let _first = hub.follow("t", &caller("mallory"), &mallory);
    let _second = hub.follow("t", &caller("ann"), &ann);
    requests(&hub);
    hub.tell(anns(pb::TicketStatus::Queued));
    let _third = hub.follow("t", &caller("mallory"), &late);
    hub.tell(anns(pb::TicketStatus::Assigned));
    assert_eq!(status(&ann).await, pb::TicketStatus::Queued);
    assert_eq!(status(&ann).await, pb::TicketStatus::Assigned);
    for mailbox in [mallory, late] {
        for _ in 0..2 {
            let Event::Refused(id, refusal) = mailbox.next().await.unwrap() else { panic!("told") };
            assert_eq!((&*id, &*refusal), ("t", &no_such_ticket()));
        }
    }
}

#[tokio::test]
async fn a_slow_follower_overflows_and_the_others_do_not_notice() {
    let hub = WatchHub::default();
    let (slow, quick) = (Arc::new(Mailbox::new(2)), Arc::new(Mailbox::new(2)));
    let _follows = [hub.follow("t", &Caller::Trusted, &slow), hub.follow("t", &Caller::Trusted, &quick)];
    for _ in 0..3 {
        hub.tell(ticket("t", pb::TicketStatus::Queued));
        status(&quick).await;
    }
    assert_eq!(slow.overflowed().await, Overflowed);
    assert!(matches!(slow.next().await, Err(Overflowed)));
}
