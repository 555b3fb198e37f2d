//! What is the Agones port's own: what it asks for, and by whom it is known.

use proto::agones::allocation::game_server_selector::GameServerState;
use tonic::Status;

use super::{
    agones_service::{AgonesGround, AgonesStandIn, Mood, ground},
    certificates::Authority,
    match_of,
};
use crate::allocation::{Allocated, AllocationError};

async fn allocated(ground: &AgonesGround, id: &str) -> Result<Allocated, AllocationError> {
    ground.port.allocate(&match_of("demo", id)).await
}

async fn refused(ground: &AgonesGround, id: &str) -> String {
    allocated(ground, id).await.unwrap_err().to_string()
}

#[tokio::test]
async fn the_game_server_knows_its_land() {
    let ground = ground().await;
    let land = allocated(&ground, "m-1").await.unwrap();
    assert_eq!(land.connect_url, format!("ws://192.0.2.1:7000/game/demo?landId={}", land.land));
    let taken = ground.service.taken().pop().unwrap();
    assert_eq!((taken.name.as_str(), land.server.as_str()), ("arena-0", "arena-0"));
    assert_eq!(taken.annotations["muster.dev/land-id"], land.land.as_str());
    assert_eq!(taken.annotations["muster.dev/players"], r#"["m-1-a","m-1-b"]"#);
}

#[tokio::test]
async fn a_game_server_is_taken_by_its_labels() {
    let service = AgonesStandIn::start(None).await;
    service.game_server("a-us", &[("muster.dev/region", "us")]);
    service.game_server("b-eu", &[("muster.dev/region", "eu"), ("fleet", "arena")]);
    service.game_server("c-eu", &[("muster.dev/region", "eu")]);
    let ground = AgonesGround::on(service, "").unwrap();
    let mut request = match_of("demo", "m-1");
    request.region = Some("eu".into());
    assert_eq!(ground.port.allocate(&request).await.unwrap().server.as_str(), "b-eu");
    assert_eq!(ground.port.allocate(&request).await.unwrap().server.as_str(), "c-eu");
    assert_eq!(ground.port.allocate(&request).await.unwrap().server.as_str(), "a-us", "better than none");
    assert_eq!(refused(&ground, "m-4").await, "the allocation service has no game server for `demo`");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_a_first_try_asks_for_nothing_earlier() {
    let ground = ground().await;
    for status in
        [Status::aborted("a"), Status::unavailable("b"), Status::internal("c"), Status::unknown("d")]
    {
        ground.service.once(Mood::Refuses(status));
        allocated(&ground, "m-1").await.unwrap();
    }
    let allocated_first = ground
        .service
        .seen()
        .iter()
        .map(|request| request.game_server_selectors[0].game_server_state() == GameServerState::Allocated)
        .collect::<Vec<_>>();
    assert_eq!(allocated_first, [false, true].repeat(4));
    assert_eq!(ground.service.taken().len(), 4);
}

#[tokio::test]
async fn an_answer_that_can_not_be_used_is_none() {
    let ground = ground().await;
    for (odd, said) in [
        (Mood::Odd(|answer| answer.address = "evil/path".to_owned()), "no host"),
        (Mood::Odd(|answer| answer.ports.clear()), "has not one port"),
        (Mood::Odd(|answer| answer.game_server_name.clear()), "gameServerName"),
        (Mood::Odd(|answer| answer.node_name = "x".repeat(600_000)), "too large"),
    ] {
        ground.service.once(odd);
        let error = refused(&ground, "m-1").await;
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_asked_of_who_can_not_be_believed() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let service = || async {
        let service = AgonesStandIn::start(Some(ours.server("h2"))).await;
        service.game_server("arena-0", &[]);
        service
    };
    let good = AgonesGround::on(service().await, &(ours.believed() + &ours.known())).unwrap();
    assert_eq!(allocated(&good, "m-1").await.unwrap().server.as_str(), "arena-0");
    for (flags, what) in [
        (theirs.believed() + &ours.known(), "another authority"),
        (ours.believed() + &theirs.known(), "a certificate of another authority"),
        (ours.believed(), "no certificate"),
    ] {
        let ground = AgonesGround::on(service().await, &flags).unwrap();
        let error = refused(&ground, "m-1").await;
        assert!(error.starts_with("the allocation service "), "{what}: {error}");
        assert_eq!(ground.service.seen().len(), 0, "{what}");
    }
}

#[tokio::test]
async fn it_goes_on_when_the_service_does() {
    let ground = ground().await;
    ground.service.always(Some(Mood::Silent));
    assert!(refused(&ground, "m-1").await.contains("didn't answer"));
    ground.service.always(None);
    allocated(&ground, "m-2").await.unwrap();
}

#[tokio::test]
async fn a_land_that_was_chosen_before_keeps_its_id() {
    let ground = ground().await;
    let mut request = match_of("demo", "m-1");
    request.land = Some(storage::LandId::new("demo:chosen"));
    for again in [false, true] {
        request.may_be_there = again;
        let land = ground.port.allocate(&request).await.unwrap();
        assert_eq!((land.land.as_str(), land.server.as_str()), ("demo:chosen", "arena-0"));
    }
}
