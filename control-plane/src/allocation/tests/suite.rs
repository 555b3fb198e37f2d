//! What holds for every implementation of the port.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::{
    PATIENCE, eventually,
    ground::{AT_ONCE, BUDGET, Ground, Trouble},
    match_of,
};
use crate::allocation::{Allocated, AllocationError};

macro_rules! on_every_ground {
    ($($name:ident)+) => {
        mod own { $(#[tokio::test] async fn $name() { super::$name(super::super::own_ground::own()).await; })+ }
        mod http { $(#[tokio::test] async fn $name() { super::$name(super::super::http_service::ground().await).await; })+ }
        mod agones { $(#[tokio::test] async fn $name() { super::$name(super::super::agones_service::ground().await).await; })+ }
    };
}

on_every_ground! {
    every_match_gets_a_land_of_its_own
    no_server_is_no_land_and_says_so
    a_failure_passes_and_leaves_nothing_behind
    a_reply_that_was_lost_makes_no_second_land
    silence_ends_in_time
    who_stops_waiting_leaves_nothing_behind
    a_land_is_given_back
    many_at_once_have_their_turn
}

async fn allocated(ground: &impl Ground, id: &str) -> Result<Allocated, AllocationError> {
    let (port, request) = (ground.port(), match_of("demo", id));
    timeout(PATIENCE, port.allocate(&request)).await.expect("it ends")
}

/// What there is at the other end is what was given, and nothing else.
async fn there_are(ground: &impl Ground, given: &[&Allocated]) {
    let expected: BTreeSet<_> = given.iter().map(|land| land.land.to_string()).collect();
    eventually(&format!("there should be {expected:?}"), || ground.lands() == expected).await;
}

async fn every_match_gets_a_land_of_its_own(ground: impl Ground) {
    let one = allocated(&ground, "m-1").await.unwrap();
    let other = allocated(&ground, "m-2").await.unwrap();
    assert_ne!(one.land, other.land);
    for land in [&one, &other] {
        let url = &land.connect_url;
        assert!(land.land.as_str().starts_with("demo:") && !land.server.as_str().is_empty());
        assert!(
            url.starts_with("ws://") && url.ends_with(&format!("/game/demo?landId={}", land.land)),
            "{url}"
        );
    }
    there_are(&ground, &[&one, &other]).await;
}

async fn no_server_is_no_land_and_says_so(ground: impl Ground) {
    ground.trouble(Trouble::NoServer);
    let error = allocated(&ground, "m-1").await.unwrap_err().to_string();
    assert!(error.contains("`demo`"), "{error}");
    there_are(&ground, &[]).await;
}

async fn a_failure_passes_and_leaves_nothing_behind(ground: impl Ground) {
    ground.trouble(Trouble::Refuses);
    let land = match allocated(&ground, "m-1").await {
        Ok(land) => land,
        // Its tickets wait, and are tried again.
        Err(_) => allocated(&ground, "m-2").await.unwrap(),
    };
    there_are(&ground, &[&land]).await;
}

async fn a_reply_that_was_lost_makes_no_second_land(ground: impl Ground) {
    ground.trouble(Trouble::LosesReply);
    let land = allocated(&ground, "m-1").await.unwrap();
    there_are(&ground, &[&land]).await;
}

async fn silence_ends_in_time(ground: impl Ground) {
    let tries = 20;
    (0..tries).for_each(|_| ground.trouble(Trouble::Silent));
    let began = Instant::now();
    allocated(&ground, "m-1").await.unwrap_err();
    assert!(began.elapsed() < BUDGET * 3, "{:?}", began.elapsed());
    there_are(&ground, &[]).await;
}

async fn who_stops_waiting_leaves_nothing_behind(ground: impl Ground) {
    ground.trouble(Trouble::Silent);
    let (port, request) = (ground.port(), match_of("demo", "m-1"));
    let waited = timeout(super::ground::CALL / 3, port.allocate(&request)).await;
    assert!(waited.is_err(), "{waited:?}");
    there_are(&ground, &[]).await;
    let land = allocated(&ground, "m-2").await.unwrap();
    there_are(&ground, &[&land]).await;
}

async fn a_land_is_given_back(ground: impl Ground) {
    let (one, other) = (allocated(&ground, "m-1").await.unwrap(), allocated(&ground, "m-2").await.unwrap());
    ground.port().release(&one, "the match did not happen").await;
    if ground.takes_back() {
        there_are(&ground, &[&other]).await;
    } else {
        there_are(&ground, &[&one, &other]).await;
    }
}

async fn many_at_once_have_their_turn(ground: impl Ground) {
    let ground = Arc::new(ground);
    let all = (0..AT_ONCE * 10).map(|n| {
        let ground = Arc::clone(&ground);
        async move { allocated(&*ground, &format!("m-{n}")).await.unwrap() }
    });
    let all = join_all(all).await;
    let lands: Vec<_> = all.iter().collect();
    assert_eq!(lands.iter().map(|land| &land.land).collect::<BTreeSet<_>>().len(), lands.len());
    there_are(&*ground, &lands).await;
    assert!(
        ground.most_at_once().is_none_or(|most| (1..=AT_ONCE).contains(&most)),
        "{:?}",
        ground.most_at_once()
    );
}
