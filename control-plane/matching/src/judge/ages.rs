//! Whose age a rule goes by, and what a number can be at most or least while an age is not known exactly.

use std::time::Duration;

use crate::{
    Time,
    rule_set::{AgeBasis, Changing},
};

/// The ages of a match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ages {
    newest: Duration,
    oldest: Duration,
}

impl Ages {
    /// Of a match of tickets that were enqueued at these times.
    pub(super) fn of(enqueued: impl Iterator<Item = Time>, now: Time) -> Self {
        let mut ages: Option<Self> = None;
        for at in enqueued {
            let age = now.since(at);
            let known = ages.get_or_insert(Self { newest: age, oldest: age });
            known.newest = known.newest.min(age);
            known.oldest = known.oldest.max(age);
        }
        ages.unwrap_or(Self { newest: Duration::ZERO, oldest: Duration::ZERO })
    }

    pub(super) fn by(self, basis: AgeBasis) -> Duration {
        match basis {
            AgeBasis::Newest => self.newest,
            AgeBasis::Oldest => self.oldest,
        }
    }
}

/// The ages that a match may have, of which only some tickets are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    newest: Span,
    oldest: Span,
}

/// From an age to an age, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Duration,
    pub(super) to: Duration,
}

impl Spans {
    /// Any match at any time.
    pub(super) const ALL: Self = {
        let all = Span { from: Duration::ZERO, to: Duration::MAX };
        Self { newest: all, oldest: all }
    };

    /// Of a match with tickets of the ages `younger` and `older`, in which nobody is older than `limit`.
    pub(super) fn with(younger: Duration, older: Duration, limit: Duration) -> Self {
        Self {
            newest: Span { from: Duration::ZERO, to: younger },
            oldest: Span { from: older, to: older.max(limit) },
        }
    }

    /// Of a match of just two tickets.
    pub(super) fn exactly(younger: Duration, older: Duration) -> Self {
        Self { newest: Span { from: younger, to: younger }, oldest: Span { from: older, to: older } }
    }

    pub(super) fn by(self, basis: AgeBasis) -> Span {
        match basis {
            AgeBasis::Newest => self.newest,
            AgeBasis::Oldest => self.oldest,
        }
    }
}

/// The most that the number is anywhere in the span.
pub(super) fn most(number: &Changing, span: Span) -> f64 {
    extreme(number, span, f64::max)
}

/// The least that the number is anywhere in the span.
pub(super) fn least(number: &Changing, span: Span) -> f64 {
    extreme(number, span, f64::min)
}

/// Between its steps a number moves in one direction, so its extremes are at steps and at the ends.
fn extreme(number: &Changing, span: Span, choose: fn(f64, f64) -> f64) -> f64 {
    if number.steps.is_empty() {
        return number.first;
    }
    let mut value = choose(number.at(span.from), number.at(span.to));
    for step in &number.steps {
        if span.from < step.after && step.after <= span.to {
            value = choose(value, step.value);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_set::Step;

    #[test]
    fn extremes_lie_at_steps_or_ends() {
        let seconds = Duration::from_secs;
        let step = |after, value| Step { after: seconds(after), value };
        let number = Changing { first: 10.0, steps: vec![step(5, 30.0), step(10, 20.0)], linear: true };
        let over = |from, to| {
            let span = Span { from: seconds(from), to: seconds(to) };
            (least(&number, span), most(&number, span))
        };
        assert_eq!(over(0, 20), (10.0, 30.0));
        assert_eq!(over(0, 2), (10.0, 18.0));
        assert_eq!(over(4, 6), (26.0, 30.0));
        assert_eq!(over(10, 900), (20.0, 20.0));
        assert_eq!(most(&number, Spans::ALL.by(AgeBasis::Newest)), 30.0);
    }

    #[test]
    fn a_match_is_as_new_as_its_newest_ticket() {
        let ages = Ages::of([Time(1_000), Time(4_000), Time(2_000)].into_iter(), Time(5_000));
        assert_eq!(ages.by(AgeBasis::Newest), Duration::from_secs(1));
        assert_eq!(ages.by(AgeBasis::Oldest), Duration::from_secs(4));
    }
}
