//! Sessions at one gateway and at two, with the control plane's part played by hand.

use super::*;

fn player(id: &str) -> PlayerId {
    PlayerId::new(id).unwrap()
}

/// What a gateway tells now, in the order of players.
fn told(sessions: &Sessions) -> Vec<pb::Session> {
    let requests = sessions.take_requests(usize::MAX).into_iter();
    let mut told: Vec<_> = requests
        .map(|request| match request.action.unwrap() {
            Action::Session(session) => session,
            other => panic!("no session: {other:?}"),
        })
        .collect();
    told.sort_by(|one, other| one.player_id.cmp(&other.player_id));
    told
}

/// What a gateway tells now, with this time.
fn told_at(sessions: &Sessions, at: u64) -> pb::Session {
    let mut told = told(sessions);
    assert_eq!(told.len(), 1, "{told:?}");
    pb::Session { opened_at_unix_ms: at, open_for_ms: 0, ..told.remove(0) }
}

fn is_replaced(session: &OnlySession) -> bool {
    session.replaced().is_cancelled()
}

#[tokio::test]
async fn here_the_newer_replaces_the_older_and_an_older_end_changes_nothing() {
    let sessions = Sessions::default();
    let ann = player("ann");
    let first = sessions.open(&ann);
    let other = sessions.open(&player("bob"));
    let second = sessions.open(&ann);
    assert!(is_replaced(&first) && !is_replaced(&second));
    drop(first);
    let third = sessions.open(&ann);
    assert!(is_replaced(&second) && !is_replaced(&third));
    assert_eq!(told(&sessions).len(), 2, "those that are open");
    drop((second, third, other));
    let open = sessions.0.open.lock();
    assert!(open.of.is_empty() && open.new.is_empty());
}

#[tokio::test]
async fn of_two_gateways_the_later_session_stays_in_whatever_order_they_hear() {
    // The times, whether the first one's gateway has its own time when it hears of the second, and the other way round.
    for (times, first_knows, second_knows) in [
        ([1, 2], true, true),
        ([1, 2], false, true),
        ([1, 2], true, false),
        ([2, 1], true, true),
        ([2, 1], false, true),
        ([2, 1], true, false),
        ([1, 1], true, true),
        ([1, 1], false, true),
    ] {
        let (one, two) = (Sessions::default(), Sessions::default());
        let (first, second) = (one.open(&player("ann")), two.open(&player("ann")));
        let messages = [told_at(&one, times[0]), told_at(&two, times[1])];
        let hear = |sessions: &Sessions, own: usize, knows: bool| {
            let order = if knows { [own, 1 - own] } else { [1 - own, own] };
            order.into_iter().for_each(|message| sessions.heard(messages[message].clone()));
        };
        hear(&one, 0, first_knows);
        hear(&two, 1, second_knows);
        // Whoever thinks that the other doesn't know tells it.
        for session in told(&one) {
            two.heard(session);
        }
        for session in told(&two) {
            one.heard(session);
        }
        let second_is_later = (times[1], &messages[1].session_id) > (times[0], &messages[0].session_id);
        let case = format!("{times:?} {first_knows} {second_knows}");
        assert_eq!(
            (is_replaced(&first), is_replaced(&second)),
            (second_is_later, !second_is_later),
            "{case}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_new_stream_everything_is_told_with_the_time_that_it_has() {
    let sessions = Sessions::default();
    let (_ann, _bob) = (sessions.open(&player("ann")), sessions.open(&player("bob")));
    let first = told(&sessions);
    assert!(first.iter().all(|session| (session.opened_at_unix_ms, session.open_for_ms) == (0, 0)));
    sessions.heard(pb::Session { opened_at_unix_ms: 7, ..first[0].clone() });
    sessions.heard(pb::Session { opened_at_unix_ms: 9, ..first[0].clone() });
    assert!(told(&sessions).is_empty(), "all of it is told");

    tokio::time::advance(Duration::from_secs(60)).await;
    sessions.tell_all_again();
    let again = told(&sessions);
    assert_eq!(again[0].session_id, first[0].session_id);
    assert_eq!(again[0].opened_at_unix_ms, 7, "the first time stays");
    assert_eq!((again[1].opened_at_unix_ms, again[1].open_for_ms), (0, 60_000), "nobody had heard of it");
    assert!(told(&sessions).is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_whose_time_was_lost_on_the_way_is_not_taken_for_a_new_one() {
    let sessions = Sessions::default();
    let _ann = sessions.open(&player("ann"));
    assert_eq!(told(&sessions)[0].open_for_ms, 0);
    tokio::time::advance(Duration::from_millis(84)).await;
    sessions.tell_all_again();
    let again = told(&sessions).remove(0);
    assert_eq!((again.opened_at_unix_ms, again.open_for_ms), (0, 84));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_lost_is_made_up_for_within_a_round() {
    let (one, two) = (Sessions::default(), Sessions::default());
    let first = one.open(&player("ann"));
    one.heard(told_at(&one, 1));
    let second = two.open(&player("ann"));
    two.heard(told_at(&two, 2));
    one.due().await;
    two.heard(told(&one).remove(0));
    one.heard(told(&two).remove(0));
    assert!(is_replaced(&first) && !is_replaced(&second));
}

#[tokio::test(start_paused = true)]
async fn many_are_told_again_some_at_a_time_and_a_new_one_does_not_wait_for_them() {
    let sessions = Sessions::default();
    let many: Vec<_> =
        (0..AGAIN_AT_ONCE * 2 + 1).map(|n| sessions.open(&player(&format!("p-{n}")))).collect();
    assert_eq!(sessions.take_requests(10).len(), 10);
    assert_eq!(sessions.take_requests(usize::MAX).len(), many.len() - 10);
    sessions.tell_all_again();
    assert_eq!(sessions.take_requests(10).len(), AGAIN_AT_ONCE);
    assert_eq!(sessions.take_requests(10).len(), 0, "not yet");
    let _new = sessions.open(&player("new"));
    assert_eq!(told(&sessions).len(), 1);
    let before = Instant::now();
    for rest in [AGAIN_AT_ONCE, 1] {
        sessions.due().await;
        assert_eq!(sessions.take_requests(10).len(), rest);
    }
    assert!(before.elapsed() < PAUSE * 3);
    sessions.due().await;
    assert!(before.elapsed() >= ROUND, "the next round");
}
