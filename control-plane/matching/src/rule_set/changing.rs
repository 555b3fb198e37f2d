//! Numbers that loosen as tickets wait.

use std::time::Duration;

/// A number of a rule or a team, and how it changes with the age that the rule goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct Changing {
    /// Until the first step.
    pub first: f64,
    /// By age, the earliest first; no two at the same age.
    pub steps: Vec<Step>,
    /// Whether the number moves in a straight line from one step to the next, instead of jumping when the next is
    /// reached. It moves in whole seconds, so that there are moments at which it changes.
    pub linear: bool,
}

/// From this age on, the number is this.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The age.
    pub after: Duration,
    /// The number.
    pub value: f64,
}

impl Changing {
    /// A number that stays as it is.
    pub fn fixed(value: f64) -> Self {
        Self { first: value, steps: Vec::new(), linear: false }
    }

    /// The number at an age.
    pub fn at(&self, age: Duration) -> f64 {
        let passed = self.steps.partition_point(|step| step.after <= age);
        let (from, start) = match passed.checked_sub(1).map(|last| self.steps[last]) {
            Some(step) => (step.value, step.after),
            None => (self.first, Duration::ZERO),
        };
        match self.steps.get(passed) {
            Some(next) if self.linear => {
                let whole = |span: Duration| span.as_secs() as f64;
                let way = whole(age.saturating_sub(start)) / (next.after - start).as_secs_f64();
                from + (next.value - from) * way
            }
            _ => from,
        }
    }

    /// The greatest that it ever is.
    pub fn most(&self) -> f64 {
        self.steps.iter().map(|step| step.value).fold(self.first, f64::max)
    }

    /// The first age after `age` at which the number is another. `None`: it stays.
    pub fn next_change(&self, age: Duration) -> Option<Duration> {
        let passed = self.steps.partition_point(|step| step.after <= age);
        let next = self.steps.get(passed)?;
        if !self.linear {
            return Some(next.after);
        }
        let start = passed.checked_sub(1).map_or(Duration::ZERO, |last| self.steps[last].after);
        let moved = age.saturating_sub(start).as_secs() + 1;
        Some((start + Duration::from_secs(moved)).min(next.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn number(linear: bool) -> Changing {
        let step = |after, value| Step { after: seconds(after), value };
        Changing { first: 10.0, steps: vec![step(5, 20.0), step(9, 40.0)], linear }
    }

    #[test]
    fn a_step_holds_from_its_age_on() {
        let number = number(false);
        let just_before = seconds(5) - Duration::from_millis(1);
        let at = [Duration::ZERO, just_before, seconds(5), seconds(8), seconds(9), seconds(1_000)];
        assert_eq!(at.map(|age| number.at(age)), [10.0, 10.0, 20.0, 20.0, 40.0, 40.0]);
        assert_eq!(number.next_change(Duration::ZERO), Some(seconds(5)));
        assert_eq!(number.next_change(seconds(5)), Some(seconds(9)));
        assert_eq!(number.next_change(seconds(9)), None);
    }

    #[test]
    fn a_straight_line_moves_each_second() {
        let number = number(true);
        let at = [0, 1, 5, 7, 9, 10].map(|age| number.at(seconds(age)));
        assert_eq!(at, [10.0, 12.0, 20.0, 30.0, 40.0, 40.0]);
        assert_eq!(number.at(Duration::from_millis(1_999)), 12.0);
        assert_eq!(number.next_change(Duration::from_millis(500)), Some(seconds(1)));
        assert_eq!(number.next_change(seconds(4)), Some(seconds(5)));
        assert_eq!(number.next_change(seconds(9)), None);
    }
}
