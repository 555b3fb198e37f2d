//! What is made of answers, and when the function is called.

use matching::{GroupId, Player, PlayerId, QueueConfig, Rules, Ticket, TicketId};
use proto::match_function::v1 as pb;
use storage::TicketRecord;

use super::{answer::Collector, refusals::Reason, *};
use crate::ids::MAX_ID;

fn rules() -> Rules {
    Rules::new(&QueueKey::new("demo:2"), &QueueConfig::default()).unwrap()
}

fn ticket(order: u64) -> Arc<TicketRecord> {
    let ticket = Ticket {
        id: TicketId::new(format!("t{order}")),
        group: GroupId::new(format!("t{order}")),
        players: [Player::new(PlayerId::new(format!("p{order}")))].into(),
        order,
        enqueued_at: Time(0),
        expires_at: Time(600_000),
    };
    Arc::new(TicketRecord { ticket, queue: QueueKey::new("demo:2"), region: None, constraints: None })
}

/// A queue with tickets `t0`, `t1`, …
fn queue(tickets: u64) -> Waiting {
    let mut waiting = Waiting::new(rules());
    for order in 0..tickets {
        assert!(waiting.came(ticket(order)));
    }
    waiting
}

fn proposal(score: f64, tickets: &[&str]) -> pb::Proposal {
    let ticket_ids = tickets.iter().map(|&id| id.to_owned()).collect();
    pb::Proposal { teams: vec![pb::Team { name: String::new(), ticket_ids }], score }
}

fn message(proposals: Vec<pb::Proposal>) -> pb::ProposeResponse {
    pb::ProposeResponse { proposals, again_in_ms: 0 }
}

fn collector(waiting: &Waiting) -> Collector {
    Collector::new(waiting.oldest(1_000).0.into())
}

fn answer(waiting: &Waiting, proposals: Vec<pb::Proposal>) -> Answer {
    let mut collector = collector(waiting);
    collector.take(message(proposals)).unwrap();
    collector.finish()
}

/// The tickets of each match.
fn shown(matches: &[Match]) -> Vec<String> {
    let ids = |one: &Match| one.records.iter().map(|record| record.ticket.id.to_string()).collect::<Vec<_>>();
    matches.iter().map(|one| ids(one).join(" ")).collect()
}

#[test]
fn the_best_proposal_has_a_ticket_and_of_equal_ones_the_first() {
    let mut waiting = queue(8);
    let proposals = vec![
        proposal(-0.0, &["t0", "t1"]),
        proposal(2.0, &["t1", "t2"]),
        proposal(0.0, &["t0", "t3"]),
        proposal(0.0, &["t3", "t4"]),
        proposal(-1.0, &["t5", "t6"]),
    ];
    let mut answer = answer(&waiting, proposals);
    let looked = answer.matches(&rules(), &mut waiting, Time(1), 100);
    assert_eq!(shown(&looked.matches), ["t1 t2", "t0 t3", "t5 t6"]);
    assert_eq!(looked.refusals.counts(), [(Reason::TicketTaken, 2)]);
}

#[test]
fn a_refused_proposal_keeps_no_ticket_from_the_next() {
    let mut waiting = queue(4);
    let mut answer = answer(&waiting, vec![proposal(2.0, &["t0", "t1", "t2"]), proposal(1.0, &["t1", "t2"])]);
    let looked = answer.matches(&rules(), &mut waiting, Time(1), 100);
    assert_eq!(shown(&looked.matches), ["t1 t2"]);
    assert_eq!(looked.refusals.counts(), [(Reason::Size, 1)]);
    assert!(answer.is_empty());
}

#[test]
fn what_can_never_be_a_match_is_not_kept() {
    let waiting = queue(4);
    let named = |name: &str| pb::Proposal {
        teams: vec![pb::Team { name: name.to_owned(), ticket_ids: Vec::new() }],
        score: 0.0,
    };
    let proposals = vec![
        proposal(0.0, &["t0", "\u{1b}[2J"]),
        proposal(0.0, &["t0", "t0"]),
        proposal(f64::NAN, &["t0", "t1"]),
        named(&"x".repeat(MAX_ID + 1)),
    ];
    let answer = answer(&waiting, proposals);
    assert!(answer.is_empty());
    let reasons = [Reason::UnknownTicket, Reason::TicketTwice, Reason::Teams, Reason::Score];
    assert_eq!(answer.refusals.counts(), reasons.map(|reason| (reason, 1)));
}

#[test]
fn a_ticket_that_moved_meanwhile_is_in_no_match() {
    let mut waiting = queue(8);
    let pairs = [["t0", "t1"], ["t2", "t3"], ["t4", "t5"], ["t6", "t7"]];
    let mut answer = answer(&waiting, pairs.iter().map(|pair| proposal(0.0, pair)).collect());
    waiting.went(&TicketId::new("t1"));
    // Another ticket of the same id is another ticket.
    waiting.went(&TicketId::new("t3"));
    let again = Ticket { order: 99, ..ticket(3).ticket.clone() };
    waiting.came(Arc::new(TicketRecord { ticket: again, ..(*ticket(3)).clone() }));
    let elsewhere = Match { records: vec![ticket(5)], teams: [].into() };
    assert!(waiting.take(&elsewhere));
    let looked = answer.matches(&rules(), &mut waiting, Time(1), 100);
    assert_eq!(shown(&looked.matches), ["t6 t7"]);
    assert_eq!(looked.refusals.counts(), [(Reason::NotQueued, 3)]);
}

#[test]
fn an_answer_is_taken_in_parts() {
    let mut waiting = queue(6);
    let pairs = [["t0", "t1"], ["t2", "t3"], ["t4", "t5"]];
    let mut answer = answer(&waiting, pairs.iter().map(|pair| proposal(0.0, pair)).collect());
    for pair in ["t0 t1", "t2 t3", "t4 t5"] {
        assert!(!answer.is_empty());
        let looked = answer.matches(&rules(), &mut waiting, Time(1), 1);
        assert_eq!(shown(&looked.matches), [pair]);
        assert!(!looked.goes_on, "it waits for a place, not for its turn");
    }
    assert!(answer.is_empty());
}

#[test]
fn a_look_at_very_many_proposals_ends_and_goes_on() {
    let mut waiting = queue(40_000);
    let ids: Vec<String> = (0..40_000).map(|n| format!("t{n}")).collect();
    // Of three players each: none is a match.
    let wrong =
        ids.chunks_exact(3).map(|three| proposal(0.0, &three.iter().map(String::as_str).collect::<Vec<_>>()));
    let mut collector = Collector::new(waiting.oldest(usize::MAX).0.into());
    collector.take(message(wrong.collect())).unwrap();
    let mut answer = collector.finish();
    let mut looks = 0;
    while !answer.is_empty() {
        let looked = answer.matches(&rules(), &mut waiting, Time(1), 100);
        assert_eq!((looked.matches.len(), looked.goes_on), (0, !answer.is_empty()));
        looks += 1;
    }
    assert_eq!(looks, 6);
}

#[test]
fn more_than_makes_sense_ends_the_call() {
    let waiting = queue(2);
    let mut many = collector(&waiting);
    let proposals = vec![proposal(0.0, &["t0", "t1"]); 3];
    assert!(many.take(message(proposals)).unwrap_err().contains("more proposals than tickets"));
    let mut large = collector(&waiting);
    let ids = ["t0"; 64];
    assert!(
        large.take(message(vec![proposal(0.0, &ids)])).unwrap_err().contains("too many tickets and teams")
    );
    let mut endless = collector(&waiting);
    let empty = || message(Vec::new());
    let taken = (0..100).take_while(|_| endless.take(empty()).is_ok()).count();
    assert_eq!(taken, 3);
}

/// A function that is never reached: nobody waits for its calls here.
fn outside(tickets: usize) -> Outside {
    let function = MatchFunction {
        url: "http://127.0.0.1:1".to_owned(),
        deadline: Duration::from_secs(1),
        tickets,
        interval: Duration::from_secs(1),
        fallback: true,
    };
    Outside::new(QueueKey::new("demo:2"), &Arc::new(function))
}

fn settings() -> QueueSettings {
    QueueSettings {
        land_type: "demo".to_owned(),
        rules: rules(),
        judge: None,
        function: None,
        ticket_lifetime: Duration::from_secs(60),
        placement: crate::queues::Placement::default(),
        absence: None,
    }
}

/// Whether a call begins at `now`.
fn calls(outside: &mut Outside, waiting: &mut Waiting, now: u64) -> bool {
    assert!(outside.matches(waiting, &settings(), Time(now), 100).is_empty());
    let has_begun = !outside.call.is_empty();
    outside.call.clear();
    has_begun
}

fn hear(outside: &mut Outside, outcome: Result<Answer, CallError>, now: u64) {
    outside.heard(Outcome(outcome), Time(now));
}

#[tokio::test]
async fn it_is_called_when_something_changed_and_not_too_often() {
    let (mut outside, mut waiting) = (outside(100), queue(1));
    assert!(calls(&mut outside, &mut waiting, 10_000), "at first at once");
    let nothing = answer(&waiting, Vec::new());
    hear(&mut outside, Ok(nothing), 10_500);
    assert!(!calls(&mut outside, &mut waiting, 11_000), "nothing has changed");
    waiting.went(&TicketId::new("t0"));
    waiting.came(ticket(1));
    assert_eq!(outside.deadline(waiting.moves()), Some(Time(11_000)));
    assert!(calls(&mut outside, &mut waiting, 11_001));
    waiting.came(ticket(2));
    assert!(!calls(&mut outside, &mut waiting, 11_002), "too soon");
    assert_eq!(outside.deadline(waiting.moves()), Some(Time(12_001)));
    assert!(calls(&mut outside, &mut waiting, 12_001));
    waiting.went(&TicketId::new("t2"));
    assert!(!calls(&mut outside, &mut waiting, 13_001), "all others were sent already");
}

#[tokio::test]
async fn it_is_called_again_after_a_while_or_when_it_wants() {
    let (mut outside, mut waiting) = (outside(100), queue(1));
    assert!(calls(&mut outside, &mut waiting, 10_000));
    let nothing = answer(&waiting, Vec::new());
    hear(&mut outside, Ok(nothing), 10_500);
    assert_eq!(outside.deadline(waiting.moves()), Some(Time(20_500)));
    assert!(!calls(&mut outside, &mut waiting, 20_499));
    assert!(calls(&mut outside, &mut waiting, 20_500));
    let mut collector = collector(&waiting);
    collector.take(pb::ProposeResponse { again_in_ms: 3_000, ..Default::default() }).unwrap();
    hear(&mut outside, Ok(collector.finish()), 20_600);
    assert_eq!(outside.deadline(waiting.moves()), Some(Time(23_600)));
}

#[tokio::test]
async fn it_is_called_when_those_that_were_not_sent_move_up() {
    let (mut outside, mut waiting) = (outside(2), queue(3));
    assert!(calls(&mut outside, &mut waiting, 10_000));
    let nothing = answer(&waiting, Vec::new());
    hear(&mut outside, Ok(nothing), 10_001);
    assert!(!calls(&mut outside, &mut waiting, 11_000));
    waiting.went(&TicketId::new("t0"));
    assert!(calls(&mut outside, &mut waiting, 11_000));
}

#[tokio::test]
async fn failures_are_followed_by_growing_pauses_and_in_the_end_by_our_own_engine() {
    let (mut outside, mut waiting) = (outside(100), queue(2));
    let mut now = 10_000;
    let mut pauses = Vec::new();
    for failures in 1..=8 {
        // From the third failure on our own engine makes the match, which finds no server here.
        let matches = outside.matches(&mut waiting, &settings(), Time(now), 100);
        assert_eq!(matches.len(), usize::from(failures > 3), "after {} failures", failures - 1);
        matches.iter().for_each(|one| waiting.put_back(one));
        outside.call.clear();
        hear(&mut outside, Err(CallError::Deadline(Duration::from_secs(1))), now);
        assert!(outside.trouble().contains("its match function doesn't answer"), "{}", outside.trouble());
        let next = outside.deadline(waiting.moves()).unwrap();
        pauses.push(next.since(Time(now)).as_secs());
        now = next.0;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    let nothing = answer(&waiting, Vec::new());
    hear(&mut outside, Ok(nothing), now);
    assert_eq!(outside.trouble(), "");
    assert_eq!(outside.matches(&mut waiting, &settings(), Time(now), 100).len(), 0);
}
