//! Tokens that were used.

use std::time::Duration;

use storage::TokenId;

use crate::fixture::{NOW, Subject};

pub(crate) async fn a_token_is_redeemed_once(storage: Subject) {
    let (token, other) = (TokenId::new("a"), TokenId::new("b"));
    let expires_at = NOW + Duration::from_secs(60);
    assert!(storage.redeem(&token, expires_at, NOW).await.unwrap());
    assert!(!storage.redeem(&token, expires_at, NOW).await.unwrap());
    assert!(storage.redeem(&other, expires_at, NOW).await.unwrap());
}

pub(crate) async fn redeemed_tokens_are_forgotten_when_they_expire(storage: Subject) {
    let token = TokenId::new("a");
    let expires_at = NOW + Duration::from_secs(60);
    storage.redeem(&token, expires_at, NOW).await.unwrap();
    assert_eq!(storage.sweep(expires_at - Duration::from_millis(1), 10).await.unwrap(), 0);
    assert!(!storage.redeem(&token, expires_at, NOW).await.unwrap());
    assert_eq!(storage.sweep(expires_at, 10).await.unwrap(), 1);
}
