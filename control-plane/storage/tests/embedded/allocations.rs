//! Allocations over a restart.

use std::time::Duration;

use storage::{AllocationId, AttemptId, Begun, LandId, MadeAllocation, NewAttempt};

use crate::fixture::{LIFETIME, NOW, Subject};

fn attempt(allocation: &str, attempt: &str) -> NewAttempt {
    NewAttempt {
        allocation: AllocationId::new(allocation),
        content: "3f".to_owned(),
        land: LandId::new(format!("demo:{attempt}")),
        attempt: AttemptId::new(attempt),
        lasting: Duration::from_secs(3600),
        instead_of: None,
        limit: 10,
    }
}

fn made() -> MadeAllocation {
    MadeAllocation { land: LandId::new("demo:1"), answer: "{}".to_owned() }
}

/// One that was made, one that is under way, and one that came to nothing.
pub(crate) async fn fill(storage: &Subject) {
    let all = storage.allocations();
    for name in ["made", "under way", "nothing"] {
        all.begin(attempt(name, "1"), NOW).await.unwrap();
    }
    let [one, nothing] = ["made", "nothing"].map(AllocationId::new);
    assert!(all.made(&one, &AttemptId::new("1"), &made(), NOW + LIFETIME).await.unwrap());
    all.give_up(&nothing, &AttemptId::new("1")).await.unwrap();
}

/// What was made is known; who made the other one is dead, and its land may be there.
pub(crate) async fn came_back(storage: &Subject) {
    let all = storage.allocations();
    let begin = async |name| all.begin(attempt(name, "2"), NOW).await.unwrap();
    assert_eq!(begin("made").await, Begun::Made(made()));
    assert_eq!(begin("under way").await, Begun::First { land: LandId::new("demo:1"), again: true });
    assert_eq!(begin("nothing").await, Begun::First { land: LandId::new("demo:2"), again: false });
}

pub(crate) async fn are_forgotten(storage: &Subject) {
    let begun = storage.allocations().begin(attempt("made", "2"), NOW).await.unwrap();
    assert_eq!(begun, Begun::First { land: LandId::new("demo:2"), again: false });
}
