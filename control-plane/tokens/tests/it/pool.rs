//! Signing many tokens away from the threads that serve requests.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokens::{Claims, Expected, SignError, SignedToken, SigningPool, Verifier};

use crate::fixture::{ISSUER, LAND, claims, ring};

fn pool(threads: usize) -> (TempDir, SigningPool) {
    let (dir, ring) = ring();
    (dir, SigningPool::with_threads(Arc::new(ring), NonZeroUsize::new(threads).unwrap()))
}

fn many(count: usize) -> Vec<Claims> {
    (0..count).map(|_| claims(SystemTime::now())).collect()
}

fn ids(pool: &SigningPool, tokens: &[SignedToken]) -> Vec<String> {
    let now = SystemTime::now();
    let verifier = Verifier::from_jwks(&pool.ring().jwks_json(now), ISSUER).unwrap();
    let verify =
        |token: &SignedToken| verifier.verify(token.expose(), &Expected::land(LAND), now).unwrap().jti;
    tokens.iter().map(verify).collect()
}

async fn within<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it should be done by now")
}

#[tokio::test]
async fn tokens_come_back_in_the_order_of_their_claims() {
    for threads in [1, 2, 7] {
        let (_dir, pool) = pool(threads);
        for count in [0, 1, 6, 7, 150] {
            let claims = many(count);
            let wanted: Vec<String> = claims.iter().map(|claims| claims.jti.clone()).collect();
            let tokens = within(pool.sign_all(claims)).await.unwrap();
            assert_eq!(ids(&pool, &tokens), wanted, "{count} on {threads} threads");
        }
    }
}

#[tokio::test]
async fn one_bad_one_fails_the_call_and_not_the_pool() {
    let (_dir, pool) = pool(2);
    let mut claims = many(5);
    claims[3].exp += 1_000_000;
    let refused = within(pool.sign_all(claims)).await.unwrap_err();
    assert!(matches!(refused, SignError::LivesTooLong { .. }));
    assert_eq!(within(pool.sign_all(many(5))).await.unwrap().len(), 5);
}

#[tokio::test(flavor = "current_thread")]
async fn the_thread_that_serves_requests_is_free_while_tokens_are_signed() {
    let (_dir, pool) = pool(1);
    let signing = pool.sign_all(many(20));
    tokio::pin!(signing);
    // Were the tokens signed where the future is polled, its first poll would complete it.
    tokio::select! {
        biased;
        _ = &mut signing => panic!("signed on the request's thread"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(within(signing).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_caller_that_goes_away_at_any_moment_leaves_the_pool_whole() {
    let (_dir, pool) = pool(2);
    for patience_us in (0..5_000).step_by(250) {
        let patience = Duration::from_micros(patience_us);
        // Whether it was in time does not matter here.
        drop(tokio::time::timeout(patience, pool.sign_all(many(200))).await);
    }
    let claims = many(10);
    let wanted: Vec<String> = claims.iter().map(|claims| claims.jti.clone()).collect();
    let tokens = within(pool.sign_all(claims)).await.unwrap();
    assert_eq!(ids(&pool, &tokens), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_share_the_threads() {
    let (_dir, pool) = pool(2);
    let callers: Vec<_> = (0..10)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.sign_all(many(10)).await.unwrap().len() })
        })
        .collect();
    for caller in callers {
        assert_eq!(within(caller).await.unwrap(), 10);
    }
}
