//! Lands that services ask for by an id of their own.

use std::time::Duration;

use matching::Time;
use proptest::prelude::*;
use storage::{AllocationId, AttemptId, Begun, KEEP_ATTEMPTS, LandId, MadeAllocation, NewAttempt};

use crate::fixture::{NOW, Subject, memory};

const LASTING: Duration = Duration::from_secs(10);

pub(crate) fn id(text: &str) -> AllocationId {
    AllocationId::new(text)
}

pub(crate) fn by(attempt: &str) -> AttemptId {
    AttemptId::new(attempt)
}

/// Of the allocation `a`; the land that it would make is named after it.
pub(crate) fn attempt(name: &str) -> NewAttempt {
    NewAttempt {
        allocation: id("a"),
        content: "3f".to_owned(),
        land: LandId::new(format!("demo:{name}")),
        attempt: by(name),
        lasting: LASTING,
        instead_of: None,
        limit: 1_000,
    }
}

pub(crate) fn first(name: &str) -> Begun {
    Begun::First { land: LandId::new(format!("demo:{name}")), again: false }
}

pub(crate) fn made(land: &str) -> MadeAllocation {
    MadeAllocation { land: LandId::new(format!("demo:{land}")), answer: format!("{{\"land\":\"{land}\"}}\n") }
}

pub(crate) async fn an_allocation_is_made_once_and_its_answer_repeated(storage: Subject) {
    let all = storage.allocations();
    assert_eq!(all.begin(attempt("x"), NOW).await.unwrap(), first("x"));
    assert_eq!(all.begin(attempt("x"), NOW).await.unwrap(), first("x"), "its answer may have been lost");
    assert_eq!(all.begin(attempt("y"), NOW).await.unwrap(), Begun::UnderWay(NOW + LASTING));
    let keep_until = NOW + LASTING * 2;
    for _ in 0..2 {
        assert!(all.made(&id("a"), &by("x"), &made("x"), keep_until).await.unwrap());
    }
    assert!(!all.made(&id("a"), &by("y"), &made("y"), keep_until).await.unwrap());
    for name in ["x", "y"] {
        let later = NOW + LASTING * 3;
        assert_eq!(all.begin(attempt(name), later).await.unwrap(), Begun::Made(made("x")));
    }
    let other = NewAttempt { allocation: id("b"), ..attempt("z") };
    assert_eq!(all.begin(other, NOW).await.unwrap(), first("z"), "each for itself");
}

pub(crate) async fn an_allocation_with_other_content_is_refused(storage: Subject) {
    let all = storage.allocations();
    let other = || NewAttempt { content: "40".to_owned(), ..attempt("y") };
    all.begin(attempt("x"), NOW).await.unwrap();
    assert_eq!(all.begin(other(), NOW).await.unwrap(), Begun::OtherContent);
    all.made(&id("a"), &by("x"), &made("x"), NOW + LASTING).await.unwrap();
    assert_eq!(all.begin(other(), NOW).await.unwrap(), Begun::OtherContent);
}

pub(crate) async fn an_attempt_that_came_to_nothing_leaves_nothing(storage: Subject) {
    let all = storage.allocations();
    all.begin(attempt("x"), NOW).await.unwrap();
    all.give_up(&id("a"), &by("y")).await.unwrap();
    assert_eq!(all.begin(attempt("y"), NOW).await.unwrap(), Begun::UnderWay(NOW + LASTING), "not its own");
    all.give_up(&id("a"), &by("x")).await.unwrap();
    all.give_up(&id("a"), &by("x")).await.unwrap();
    assert!(!all.made(&id("a"), &by("x"), &made("x"), NOW + LASTING).await.unwrap(), "it gave up");
    let other = NewAttempt { content: "40".to_owned(), ..attempt("y") };
    assert_eq!(all.begin(other, NOW).await.unwrap(), first("y"));
    all.made(&id("a"), &by("y"), &made("y"), NOW + LASTING).await.unwrap();
    all.give_up(&id("a"), &by("y")).await.unwrap();
    assert_eq!(all.forget(&LandId::new("demo:y")).await.unwrap(), Some(made("y")), "what was made stays");
}

pub(crate) async fn an_attempt_whose_maker_died_is_taken_over_with_its_land(storage: Subject) {
    let all = storage.allocations();
    all.begin(attempt("x"), NOW).await.unwrap();
    let late = NOW + LASTING;
    let again = Begun::First { land: LandId::new("demo:x"), again: true };
    assert_eq!(all.begin(attempt("y"), late).await.unwrap(), again);
    assert_eq!(all.begin(attempt("y"), late).await.unwrap(), again, "also when it is asked twice");
    assert!(!all.made(&id("a"), &by("x"), &made("x"), late).await.unwrap(), "it is another's now");
    // The next one comes at once, and still looks for that land.
    all.give_up(&id("a"), &by("y")).await.unwrap();
    assert!(!all.made(&id("a"), &by("y"), &made("x"), late).await.unwrap(), "it gave up");
    assert_eq!(all.begin(attempt("z"), late).await.unwrap(), again);
    assert!(all.made(&id("a"), &by("z"), &made("x"), late + LASTING).await.unwrap());
    assert_eq!(all.begin(attempt("x"), late).await.unwrap(), Begun::Made(made("x")));
}

pub(crate) async fn a_land_that_is_gone_is_made_anew_once(storage: Subject) {
    let all = storage.allocations();
    all.begin(attempt("x"), NOW).await.unwrap();
    all.made(&id("a"), &by("x"), &made("x"), NOW + LASTING).await.unwrap();
    let instead = |name| NewAttempt { instead_of: Some(LandId::new("demo:x")), ..attempt(name) };
    assert_eq!(all.begin(instead("y"), NOW).await.unwrap(), first("y"));
    assert_eq!(all.begin(instead("z"), NOW).await.unwrap(), Begun::UnderWay(NOW + LASTING));
    assert_eq!(all.forget(&LandId::new("demo:x")).await.unwrap(), None);
    all.made(&id("a"), &by("y"), &made("y"), NOW + LASTING).await.unwrap();
    assert_eq!(all.begin(instead("z"), NOW).await.unwrap(), Begun::Made(made("y")), "that one is there");
}

pub(crate) async fn an_allocation_is_forgotten_by_its_land(storage: Subject) {
    let all = storage.allocations();
    let odd = MadeAllocation { land: LandId::new("theirs: \n\"1\""), answer: String::new() };
    all.begin(attempt("x"), NOW).await.unwrap();
    assert_eq!(all.forget(&LandId::new("demo:x")).await.unwrap(), None, "it isn't made");
    all.made(&id("a"), &by("x"), &odd, NOW + LASTING).await.unwrap();
    assert_eq!(all.forget(&LandId::new("demo:x")).await.unwrap(), None, "another land was made");
    assert_eq!(all.forget(&odd.land).await.unwrap(), Some(odd.clone()));
    assert_eq!(all.forget(&odd.land).await.unwrap(), None);
    assert_eq!(all.begin(attempt("y"), NOW).await.unwrap(), first("y"));
}

pub(crate) async fn no_more_allocations_are_remembered_than_may_be(storage: Subject) {
    let all = storage.allocations();
    let of = |name: &str| NewAttempt { allocation: id(name), limit: 2, ..attempt("x") };
    all.begin(of("a"), NOW).await.unwrap();
    all.begin(of("b"), NOW).await.unwrap();
    assert_eq!(all.begin(of("c"), NOW).await.unwrap(), Begun::TooMany);
    all.give_up(&id("a"), &by("x")).await.unwrap();
    assert_eq!(all.begin(of("c"), NOW).await.unwrap(), first("x"));
}

pub(crate) async fn allocations_are_forgotten_at_their_time_unless_they_are_kept(storage: Subject) {
    let all = storage.allocations();
    for name in ["a", "b", "c"] {
        all.begin(NewAttempt { allocation: id(name), ..attempt(name) }, NOW).await.unwrap();
    }
    let (soon, late) = (NOW + LASTING, NOW + LASTING + KEEP_ATTEMPTS);
    for name in ["a", "b"] {
        assert!(all.made(&id(name), &by(name), &made(name), soon).await.unwrap());
    }
    let ending = |names: &[&str]| {
        names.iter().map(|name| (id(name), LandId::new(format!("demo:{name}")))).collect::<Vec<_>>()
    };
    assert_eq!(all.ending(soon, 0, 10).await.unwrap(), ending(&["a", "b"]));
    assert_eq!(all.ending(late, 1, 1).await.unwrap(), ending(&["b"]));
    assert_eq!(all.ending(late, 0, 10).await.unwrap(), ending(&["a", "b", "c"]));

    assert!(!all.keep(&id("a"), &LandId::new("demo:b"), late).await.unwrap());
    assert!(!all.keep(&id("c"), &LandId::new("demo:c"), late).await.unwrap(), "it isn't made");
    for until in [late, soon] {
        assert!(all.keep(&id("b"), &LandId::new("demo:b"), until).await.unwrap());
    }
    assert_eq!(storage.sweep(soon, 10).await.unwrap(), 1);
    assert_eq!(all.begin(attempt("y"), soon).await.unwrap(), first("y"), "a is forgotten");
    let b = NewAttempt { allocation: id("b"), ..attempt("y") };
    assert_eq!(all.begin(b.clone(), soon).await.unwrap(), Begun::Made(made("b")));
    assert_eq!(storage.sweep(late, 10).await.unwrap(), 2, "b, and c that nobody went on with");
    assert_eq!(all.begin(b, late).await.unwrap(), first("y"));
}

pub(crate) async fn of_many_attempts_at_once_one_is_first(storage: Subject) {
    let tries = (0..20).map(|number| {
        let storage = storage.clone();
        tokio::spawn(
            async move { storage.allocations().begin(attempt(&number.to_string()), NOW).await.unwrap() },
        )
    });
    let mut firsts = 0;
    for tried in tries.collect::<Vec<_>>() {
        match tried.await.unwrap() {
            Begun::First { again: false, .. } => firsts += 1,
            begun => assert_eq!(begun, Begun::UnderWay(NOW + LASTING)),
        }
    }
    assert_eq!(firsts, 1);
}

#[derive(Debug, Clone)]
enum Step {
    Begin { id: u8, attempt: u8, content: u8, instead_of: Option<u8> },
    Made { id: u8, attempt: u8, land: u8 },
    GiveUp { id: u8, attempt: u8 },
    Forget(u8),
    Keep { id: u8, land: u8 },
    Wait(Duration),
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let (ids, few) = (|| 0..3_u8, || 0..4_u8);
    let waits = [Duration::from_millis(1), LASTING / 2, LASTING, KEEP_ATTEMPTS];
    prop_oneof![
        6 => (ids(), few(), 0..2_u8, proptest::option::of(few()))
            .prop_map(|(id, attempt, content, instead_of)| Step::Begin { id, attempt, content, instead_of }),
        4 => (ids(), few(), few()).prop_map(|(id, attempt, land)| Step::Made { id, attempt, land }),
        2 => (ids(), few()).prop_map(|(id, attempt)| Step::GiveUp { id, attempt }),
        1 => few().prop_map(Step::Forget),
        1 => (ids(), few()).prop_map(|(id, land)| Step::Keep { id, land }),
        2 => proptest::sample::select(waits.to_vec()).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ]
}

/// What a step comes to, in words.
async fn take(storage: &Subject, step: &Step, now: Time) -> String {
    let (id, by) = (|of: &u8| id(&of.to_string()), |attempt: &u8| by(&format!("x{attempt}")));
    let land = |land: &u8| made(&land.to_string()).land;
    let all = storage.allocations();
    match step {
        Step::Begin { id: of, attempt: name, content, instead_of } => {
            let new = NewAttempt {
                allocation: id(of),
                content: content.to_string(),
                land: land(name),
                attempt: by(name),
                instead_of: instead_of.as_ref().map(land),
                limit: 2,
                lasting: LASTING,
            };
            format!("{:?}", all.begin(new, now).await.unwrap())
        }
        Step::Made { id: of, attempt, land } => all
            .made(&id(of), &by(attempt), &made(&land.to_string()), now + LASTING)
            .await
            .unwrap()
            .to_string(),
        Step::GiveUp { id: of, attempt } => {
            format!("{:?}", all.give_up(&id(of), &by(attempt)).await.unwrap())
        }
        Step::Forget(of) => format!("{:?}", all.forget(&land(of)).await.unwrap()),
        Step::Keep { id: of, land: at } => {
            all.keep(&id(of), &land(at), now + LASTING * 2).await.unwrap().to_string()
        }
        Step::Wait(_) => String::new(),
        Step::Sweep => storage.sweep(now, 10).await.unwrap().to_string(),
    }
}

/// The same steps come to the same as in memory, and leave the same behind.
pub(crate) fn random_steps_come_to_the_same_everywhere<Ground>(
    new: impl Fn() -> (Subject, Ground),
    histories: u32,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    proptest!(ProptestConfig::with_cases(histories), |(steps in proptest::collection::vec(step(), 1..40))| {
        runtime.block_on(async {
            let ((storage, _ground), (expected, ())) = (new(), memory());
            let mut now = NOW;
            for step in &steps {
                if let Step::Wait(wait) = step { now = now + *wait; }
                let comes_to = take(&storage, step, now).await;
                assert_eq!(comes_to, take(&expected, step, now).await, "{step:?}");
                let [left, right] = [&storage, &expected].map(|storage| storage.allocations());
                let all = Time(u64::from(u32::MAX));
                let left = left.ending(all, 0, 10).await.unwrap();
                assert_eq!(left, right.ending(all, 0, 10).await.unwrap(), "after {step:?}");
                let expected: std::collections::BTreeSet<_> = left.iter().map(|(id, _)| id).collect();
                assert!(expected.len() == left.len() && left.len() <= 2, "{left:?}");
            }
        });
    });
}
