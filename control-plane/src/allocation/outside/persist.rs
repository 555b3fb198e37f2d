//! One match's calls of a service: tried again where that may help, within a budget.
//!
//! Every try of one match carries the same key, so a reply that was lost is said again, and no second land is made. Pauses grow
//! and differ by chance, so that a service that comes back isn't met by everybody at once.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{Failure, Gate, Then};
use crate::allocation::AllocationError;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a call may still take when the program is told to stop.
const LAST_CALL: Duration = Duration::from_secs(1);

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(in crate::allocation) struct Pace {
    /// One call.
    pub(in crate::allocation) call: Duration,
    /// One match, its calls and pauses.
    pub(in crate::allocation) budget: Duration,
    /// The most calls for one match.
    pub(in crate::allocation) tries: usize,
}

/// What is tried.
pub(in crate::allocation) trait Call: Send {
    type Made: Send;

    /// One try, the `nth` counted from 0, which is given up after `within`.
    fn call(
        &mut self,
        nth: usize,
        within: Duration,
    ) -> impl Future<Output = Result<Self::Made, Failure>> + Send;
}

/// Why there is no land after all.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::allocation) struct GaveUp {
    /// Of the last call.
    pub(in crate::allocation) failure: Failure,
    /// Whether one of the calls may have made a land.
    pub(in crate::allocation) may_have_made: bool,
}

impl From<GaveUp> for AllocationError {
    fn from(GaveUp { failure, .. }: GaveUp) -> Self {
        let pause = match failure.then {
            Then::AgainAfter(pause) => pause,
            Then::Again | Then::Wait => Duration::ZERO,
        };
        Self::Outside { kind: failure.kind.name(), said: failure.said, pause }
    }
}

/// Calls until there is a land, or trying is of no use any more.
pub(in crate::allocation) async fn persist<C: Call>(
    gate: &Gate,
    pace: Pace,
    stop: &CancellationToken,
    call: &mut C,
) -> Result<C::Made, GaveUp> {
    let until = Instant::now() + pace.budget;
    let mut pauses = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(pace.tries.saturating_sub(1))
        .with_jitter()
        .build();
    let (mut nth, mut may_have_made) = (0, false);
    loop {
        let failure = match once(gate, pace, stop, until, nth, call).await {
            Ok(made) => return Ok(made),
            Err(failure) => failure,
        };
        may_have_made |= failure.may_have_made;
        nth += 1;
        let pause = match failure.then {
            Then::Again => pauses.next(),
            Then::AgainAfter(least) => pauses.next().map(|pause| pause.max(least)),
            Then::Wait => None,
        };
        let pause = pause.filter(|pause| Instant::now() + *pause < until && !stop.is_cancelled());
        let Some(pause) = pause else { return Err(GaveUp { failure, may_have_made }) };
        // A program that ends makes its last try at once.
        drop(timeout(pause, stop.cancelled()).await);
    }
}

async fn once<C: Call>(
    gate: &Gate,
    pace: Pace,
    stop: &CancellationToken,
    until: Instant,
    nth: usize,
    call: &mut C,
) -> Result<C::Made, Failure> {
    let permit = gate.enter(until).await.inspect_err(|failure| count(gate, failure.kind.name()))?;
    let began = Instant::now();
    let within = pace.call.min(until.saturating_duration_since(began)).max(Duration::from_millis(1));
    let last_call = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_CALL).await;
    };
    let made = tokio::select! {
        made = timeout(within, call.call(nth, within)) => made.unwrap_or_else(|_| Err(Failure::late(within))),
        () = last_call => Err(Failure::late(began.elapsed())),
    };
    drop(permit);
    metrics::histogram!("control_plane_allocation_call_seconds", "port" => gate.port)
        .record(began.elapsed().as_secs_f64());
    match &made {
        Ok(_) => gate.worked(),
        Err(failure) => gate.failed(failure),
    }
    count(gate, made.as_ref().map_or_else(|failure| failure.kind.name(), |_| "ok"));
    made
}

fn count(gate: &Gate, outcome: &'static str) {
    metrics::counter!("control_plane_allocation_calls_total", "port" => gate.port, "outcome" => outcome)
        .increment(1);
}

#[cfg(test)]
mod tests {
    use super::{super::Kind, *};

    const PACE: Pace = Pace { call: Duration::from_secs(2), budget: Duration::from_secs(8), tries: 8 };

    /// Fails as told, then works.
    struct Fails(Vec<Failure>);

    impl Call for Fails {
        type Made = usize;

        async fn call(&mut self, nth: usize, _within: Duration) -> Result<usize, Failure> {
            if self.0.is_empty() { Ok(nth) } else { Err(self.0.remove(0)) }
        }
    }

    async fn tried(fails: Vec<Failure>) -> (Result<usize, GaveUp>, Duration) {
        let (gate, stop, began) = (Gate::new("http", 1), CancellationToken::new(), Instant::now());
        let made = persist(&gate, PACE, &stop, &mut Fails(fails)).await;
        (made, began.elapsed())
    }

    fn unreachable() -> Failure {
        Failure::nothing(Kind::Unreachable, Then::Again, "can't be reached")
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_the_rest_waits() {
        assert_eq!(tried(vec![unreachable(), unreachable()]).await.0, Ok(2));
        let refused = Failure::nothing(Kind::Refused, Then::Wait, "refused");
        let lost = Failure::unclear(Kind::Broken, "hung up");
        let (gave_up, _) = tried(vec![lost, refused.clone(), unreachable()]).await;
        assert_eq!(gave_up, Err(GaveUp { failure: refused, may_have_made: true }), "an earlier one may have");
    }

    #[tokio::test(start_paused = true)]
    async fn tries_and_time_are_bounded() {
        let (gave_up, took) = tried(vec![unreachable(); 1_000]).await;
        assert_eq!(gave_up, Err(GaveUp { failure: unreachable(), may_have_made: false }));
        assert!((Duration::from_secs(1)..=PACE.budget).contains(&took), "{took:?}");
        let later = Then::AgainAfter(Duration::from_secs(3));
        let (made, took) = tried(vec![Failure::nothing(Kind::Overloaded, later, "is overloaded")]).await;
        assert_eq!(made, Ok(1));
        assert!(took >= Duration::from_secs(3), "{took:?}");
        let later = Then::AgainAfter(Duration::from_secs(30));
        let (gave_up, took) = tried(vec![Failure::nothing(Kind::Overloaded, later, "is overloaded")]).await;
        let error = AllocationError::from(gave_up.unwrap_err());
        assert!(matches!(error, AllocationError::Outside { pause, .. } if pause == Duration::from_secs(30)));
        assert_eq!(took, Duration::ZERO, "nobody waits for what can't come in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_in_time_and_sooner_where_the_program_ends() {
        struct Silent;
        impl Call for Silent {
            type Made = ();
            fn call(
                &mut self,
                _nth: usize,
                _within: Duration,
            ) -> impl Future<Output = Result<(), Failure>> + Send {
                std::future::pending()
            }
        }
        let (gate, stop, began) = (Gate::new("http", 1), CancellationToken::new(), Instant::now());
        let gave_up = persist(&gate, PACE, &stop, &mut Silent).await.unwrap_err();
        assert!(gave_up.may_have_made && gave_up.failure.kind == Kind::Late);
        assert_eq!(began.elapsed().as_secs(), PACE.budget.as_secs());
        stop.cancel();
        let began = Instant::now();
        persist(&gate, PACE, &stop, &mut Silent).await.unwrap_err();
        assert_eq!(began.elapsed(), LAST_CALL);
    }
}
