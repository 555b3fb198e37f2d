//! Nothing secret is anywhere that it has no business: not in what programs log at their most talkative, not in what they print,
//! answer or measure, and not in the state.
//!
//! A whole scenario, with everything that can go well and much that can't, by all ways on which a secret comes in. Then all that
//! was written is searched for all of them. What programs were started with stands in their command line and environment, which are
//! their owner's.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../../../control-plane/tests/behaviour/access/authority.rs"]
mod authority;
mod dev;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../e2e/guarded/over_tls.rs"]
mod door;
mod installation;
mod provider;
mod refusals;
mod scenario;
mod search;

use self::installation::State;

#[tokio::test]
async fn no_secret_is_anywhere_with_the_state_in_a_file() {
    scenario::play(State::File, "text").await;
}

#[tokio::test]
async fn no_secret_is_anywhere_with_the_state_in_redis() {
    scenario::play(State::Redis, "json").await;
}
