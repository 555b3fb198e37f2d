//! How likely the likeliest team is to win, by what is known of its players' skills.
//!
//! The model is Plackett-Luce as in R. C. Weng and C.-J. Lin, "A Bayesian Approximation Method for Online Ranking", Journal of
//! Machine Learning Research 12 (2011), algorithm 4, which OpenSkill follows: a team's skill is the sum of its players',
//! and team i comes first with probability exp(mu_i / c) / sum of all exp(mu_j / c), where c² is the sum over the teams of
//! sigma² + beta². For two teams this is their Bradley-Terry model. Written here because the formula is short and the
//! libraries that have it compute exp(mu / c) as it stands, which is infinite for skills on the scale of Elo.

use super::{Facts, measure::Crew};

/// By how much skill a game is decided: the usual 25/6, on the scale on which a newcomer has 25 ± 25/3.
const BETA: f64 = 25.0 / 6.0;

/// The chance of the team that is most likely to come first, from the slots of the sums of mu and sigma². Teams without players
/// don't play; of fewer than two teams none can be said to win, and it is 0.
pub(super) fn likeliest(crew: &Crew<'_>, mu: usize, variance: usize) -> f64 {
    let sum = |team: &[&Facts], slot: usize| team.iter().map(|facts| facts.numbers[slot]).sum::<f64>();
    let playing = || crew.iter().filter(|team| !team.is_empty());
    if playing().count() < 2 {
        return 0.0;
    }
    let squares: f64 = playing().map(|team| sum(team, variance) + BETA * BETA).sum();
    let scale = squares.sqrt();
    let best = playing().map(|team| sum(team, mu)).fold(f64::NEG_INFINITY, f64::max);
    // Relative to the best, so that nothing overflows: its own term is 1.
    let all: f64 = playing().map(|team| ((sum(team, mu) - best) / scale).exp()).sum();
    1.0 / all
}
