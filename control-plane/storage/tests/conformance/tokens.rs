//! Tokens that were used.

use std::time::Duration;

use storage::{RedemptionId, TokenId};

use crate::fixture::{NOW, Subject};

pub(crate) async fn a_token_is_redeemed_once(storage: Subject) {
    let (token, other) = (TokenId::new("a"), TokenId::new("b"));
    let (ours, theirs) = (RedemptionId::new("ours"), RedemptionId::new("theirs"));
    let expires_at = NOW + Duration::from_secs(60);
    assert!(storage.redeem(&token, &ours, expires_at, NOW).await.unwrap());
    assert!(!storage.redeem(&token, &theirs, expires_at, NOW).await.unwrap());
    assert!(!storage.redeem(&token, &theirs, expires_at, NOW).await.unwrap(), "however often they ask");
    assert!(storage.redeem(&other, &theirs, expires_at, NOW).await.unwrap());
}

pub(crate) async fn a_redemption_may_be_repeated(storage: Subject) {
    let (token, ours) = (TokenId::new("a"), RedemptionId::new("ours"));
    let expires_at = NOW + Duration::from_secs(60);
    for later in 0..3 {
        let later = Duration::from_secs(later);
        assert!(storage.redeem(&token, &ours, expires_at + later, NOW + later).await.unwrap());
    }
    assert_eq!(
        storage.sweep(expires_at, 10).await.unwrap(),
        1,
        "it is one redemption, and the first one's time counts"
    );
}

pub(crate) async fn of_many_redemptions_at_once_one_is_it(storage: Subject) {
    let expires_at = NOW + Duration::from_secs(60);
    let tries = (0..20).map(|number| {
        let storage = storage.clone();
        tokio::spawn(async move {
            let by = RedemptionId::new(format!("r{number}"));
            storage.redeem(&TokenId::new("a"), &by, expires_at, NOW).await.unwrap()
        })
    });
    let mut redeemed = 0;
    for tried in tries.collect::<Vec<_>>() {
        redeemed += usize::from(tried.await.unwrap());
    }
    assert_eq!(redeemed, 1);
}

pub(crate) async fn redeemed_tokens_are_forgotten_when_they_expire(storage: Subject) {
    let (token, ours) = (TokenId::new("a"), RedemptionId::new("ours"));
    let theirs = RedemptionId::new("theirs");
    let expires_at = NOW + Duration::from_secs(60);
    storage.redeem(&token, &ours, expires_at, NOW).await.unwrap();
    assert_eq!(storage.sweep(expires_at - Duration::from_millis(1), 10).await.unwrap(), 0);
    assert!(!storage.redeem(&token, &theirs, expires_at, NOW).await.unwrap());
    assert_eq!(storage.sweep(expires_at, 10).await.unwrap(), 1);
    assert!(storage.redeem(&token, &theirs, expires_at, NOW).await.unwrap(), "by whom is forgotten too");
}
