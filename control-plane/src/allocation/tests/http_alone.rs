//! What is the HTTP port's own: what it says, and what it makes of answers that no service should give.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use tokio::time::Instant;

use super::{
    PATIENCE,
    certificates::Authority,
    eventually,
    ground::{BUDGET, CALL},
    http_service::{HttpGround, HttpStandIn, Mood, ground},
    match_of,
};
use crate::allocation::{Allocated, AllocationError};

const ALLOCATE: &str = "/v1/provisioning/allocate";
const RELEASE: &str = "/v1/provisioning/release";

async fn allocated(ground: &HttpGround, id: &str) -> Result<Allocated, AllocationError> {
    ground.port.allocate(&match_of("demo", id)).await
}

async fn refused(ground: &HttpGround, id: &str) -> String {
    allocated(ground, id).await.unwrap_err().to_string()
}

async fn nothing_is_left(ground: &HttpGround) {
    eventually("a land was left over", || ground.service.lands().is_empty()).await;
}

#[tokio::test]
async fn the_contracts_fields_are_sent_and_more_behind_them() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "secret\n").unwrap();
    let mut service = HttpStandIn::start(None).await;
    service.url += "/muster/";
    let flags = format!("--allocation-key-file {}", file.path().display());
    let ground = HttpGround::on(service, &flags).unwrap();
    let mut request = match_of("demo", "m-1");
    request.region = Some("eu".into());
    ground.port.allocate(&request).await.unwrap();
    let seen = &ground.service.seen(ALLOCATE)[0];
    assert_eq!(seen.path, "/muster/v1/provisioning/allocate");
    assert_eq!(
        seen.body,
        json!({
            "queueKey": "demo:2", "groupId": "m-1", "groupSize": 2, "region": "eu",
            "constraints": {"m-1": {"map": "reef"}},
            "matchId": "m-1", "landType": "demo", "players": ["m-1-a", "m-1-b"],
            "teams": [{"name": "red", "players": ["m-1-a"]}, {"name": "blue", "players": ["m-1-b"]}],
            "policy": "spread", "selectors": [], "regionsByLatency": [], "lastsMs": 300_000,
        })
    );
    let header = |name: &str| seen.headers[name].as_str();
    assert_eq!((header("idempotency-key"), header("authorization")), ("m-1", "Bearer secret"));
    assert_eq!((header("content-type"), header("accept")), ("application/json", "application/json"));
    let within: u64 = header("request-timeout").parse().unwrap();
    assert!((1..=CALL.as_millis() as u64).contains(&within), "{within}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let ground = ground().await;
    for n in 0..10 {
        allocated(&ground, &format!("m-{n}")).await.unwrap();
    }
    assert_eq!(ground.service.connections(), 1);
}

#[tokio::test]
async fn an_answer_in_its_envelope_is_one() {
    let ground = ground().await;
    ground.service.once(Mood::Enveloped);
    allocated(&ground, "m-1").await.unwrap();
}

#[tokio::test]
async fn what_passes_is_tried_again_with_the_same_key() {
    let ground = ground().await;
    let trouble = [
        Mood::Answers(500, "", String::new()),
        Mood::Answers(503, "retry-after: 0\r\n", "<html>".to_owned()),
        Mood::Raw(Vec::new()),
        Mood::Answers(409, "", json!({ "code": "BUSY", "message": "m", "retryable": true }).to_string()),
    ];
    for (n, mood) in trouble.into_iter().enumerate() {
        ground.service.once(mood.clone());
        let id = format!("m-{n}");
        allocated(&ground, &id).await.unwrap_or_else(|error| panic!("{mood:?}: {error}"));
        let seen = ground.service.seen(ALLOCATE);
        let keys: Vec<_> =
            seen.iter().rev().take(2).map(|seen| seen.headers["idempotency-key"].clone()).collect();
        assert_eq!(keys, [id.clone(), id]);
    }
    assert_eq!(ground.service.made(), 4);
}

#[tokio::test]
async fn a_reply_that_comes_late_is_the_same_land() {
    let ground = ground().await;
    ground.service.once(Mood::Late(CALL * 2));
    let land = allocated(&ground, "m-1").await.unwrap();
    assert_eq!((ground.service.made(), ground.service.lands()), (1, BTreeSet::from([land.land.to_string()])));
}

#[tokio::test]
async fn a_service_that_wants_to_be_left_alone_is_by_everybody() {
    let ground = ground().await;
    let leave = |headers| Mood::Answers(429, headers, String::new());
    ground.service.once(leave("retry-after: 1\r\n"));
    let began = Instant::now();
    allocated(&ground, "m-1").await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    ground.service.once(leave("retry-after: 30\r\n"));
    let error = allocated(&ground, "m-2").await.unwrap_err();
    let AllocationError::Outside { kind, pause, .. } = error else { panic!("{error}") };
    assert_eq!((kind, pause), ("overloaded", Duration::from_secs(30)));
    assert_eq!(ground.port.places("demo"), 0);
    let asked = ground.service.seen(ALLOCATE).len();
    let said = refused(&ground, "m-3").await;
    assert!(said.contains("wants to be left alone for 30s"), "{said}");
    assert_eq!(ground.service.seen(ALLOCATE).len(), asked, "nobody asks meanwhile");
}

#[tokio::test]
async fn an_answer_that_can_not_be_used_is_none_and_its_land_is_given_back() {
    let ground = ground().await;
    let land = |server: &str, land: &str, url: &str| {
        Mood::Instead(json!({ "serverId": server, "landId": land, "connectUrl": url }).to_string())
    };
    for (mood, said) in [
        (Mood::Instead("garbage".to_owned()), "is no land"),
        (Mood::Instead("x".repeat(70_000)), "more than 65536 bytes"),
        (land("s", "demo:x", "http://a/"), "connectUrl"),
        (land("s", "other:x", "ws://a/"), "landId"),
        (land("", "demo:x", "ws://a/"), "serverId"),
    ] {
        ground.service.once(mood.clone());
        let error = refused(&ground, "m-1").await;
        assert!(
            error.starts_with("the allocation service gave an answer") && error.contains(said),
            "{error}"
        );
        nothing_is_left(&ground).await;
    }
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
        "8000\r\n".to_owned() + &"x".repeat(0x8000) + "\r\n"
    );
    for (bytes, said) in [
        (b"garbage\r\n\r\n".to_vec(), "is no HTTP"),
        (format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(100_000)).into_bytes(), "is no HTTP"),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(100)).into_bytes(), "is no HTTP"),
        (
            (chunked + &("8001\r\n".to_owned() + &"x".repeat(0x8001) + "\r\n0\r\n\r\n")).into_bytes(),
            "more than 65536 bytes",
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec(), "more than 65536 bytes"),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(50)]).into_owned();
        ground.service.once(Mood::Raw(bytes));
        let error = refused(&ground, "m-1").await;
        assert!(error.contains(said), "{shown}: {error}");
    }
    allocated(&ground, "m-1").await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let ground = ground().await;
    let elsewhere = HttpStandIn::start(None).await;
    let headers: &'static str = format!("location: {}{ALLOCATE}\r\n", elsewhere.url).leak();
    for status in [301, 302, 307, 308] {
        ground.service.once(Mood::Answers(status, headers, String::new()));
        let error = refused(&ground, "m-1").await;
        assert_eq!(error, format!("the allocation service redirects ({status}), and that isn't followed"));
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_land_that_another_match_has_is_not_given_again() {
    let ground = ground().await;
    let first = allocated(&ground, "m-1").await.unwrap();
    ground.service.once(Mood::Again);
    let error = refused(&ground, "m-2").await;
    assert_eq!(error, "the allocation service gave a land that another match has");
    let second = allocated(&ground, "m-3").await.unwrap();
    assert_ne!(first.land, second.land);
    assert_eq!(ground.service.seen(RELEASE).len(), 0, "and it isn't taken from the other");
    assert_eq!(ground.service.lands().len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_to_who_can_not_be_believed() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let service = || HttpStandIn::start(Some(ours.server("http/1.1")));
    let good = HttpGround::on(service().await, &(ours.believed() + &ours.known())).unwrap();
    allocated(&good, "m-1").await.unwrap();
    for (flags, what) in [
        (theirs.believed() + &ours.known(), "another authority"),
        (ours.believed() + &theirs.known(), "a certificate of another authority"),
        (ours.believed(), "no certificate"),
    ] {
        let ground = HttpGround::on(service().await, &flags).unwrap();
        let error = refused(&ground, "m-1").await;
        let expected =
            ["the allocation service can't be reached", "the allocation service hung up before its answer"];
        assert!(expected.contains(&error.as_str()), "{what}: {error}");
        assert_eq!(ground.service.seen(ALLOCATE).len(), 0, "{what}");
    }
}

#[tokio::test]
async fn who_is_away_is_tried_until_the_budget_ends() {
    let mut away = HttpStandIn::start(None).await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    away.url = format!("http://127.0.0.1:{free}");
    let ground = HttpGround::on(away, "").unwrap();
    let began = Instant::now();
    assert_eq!(refused(&ground, "m-1").await, "the allocation service can't be reached");
    assert!(began.elapsed() <= BUDGET + CALL, "{:?}", began.elapsed());
    assert!(ground.tasks.is_empty(), "nothing was sent, so nothing is given back");
}

#[tokio::test]
async fn a_service_without_releases_is_not_asked_twice_for_one() {
    let ground = ground().await;
    for status in [404, 405, 501] {
        ground.service.releases_answer(status);
        let before = ground.service.seen(RELEASE).len();
        let land = allocated(&ground, &format!("m-{status}")).await.unwrap();
        ground.port.release(&land, "the match did not happen").await;
        eventually("it is asked once, and no more is to come", || ground.tasks.is_empty()).await;
        assert_eq!(ground.service.seen(RELEASE).len(), before + 1);
    }
    let seen = ground.service.seen(RELEASE).pop().unwrap();
    assert_eq!(
        seen.body,
        json!({ "landId": "demo:3", "serverId": "stand-in", "reason": "the match did not happen" })
    );
}

#[tokio::test]
async fn a_release_is_tried_again() {
    let ground = ground().await;
    let land = allocated(&ground, "m-1").await.unwrap();
    ground.service.releases_answer(500);
    ground.port.release(&land, "the match did not happen").await;
    eventually("it is asked once", || !ground.service.seen(RELEASE).is_empty()).await;
    assert_eq!(ground.service.lands().len(), 1);
    ground.service.releases_work();
    nothing_is_left(&ground).await;
}

#[tokio::test]
async fn a_land_that_several_calls_go_on_with_is_not_taken_away_by_one() {
    let ground = ground().await;
    let mut request = match_of("demo", "m-1");
    request.land = Some(storage::LandId::new("demo:chosen"));
    request.may_be_there = true;
    ground.service.always(Mood::Cut);
    ground.port.allocate(&request).await.unwrap_err();
    ground.service.always(Mood::Good);
    assert_eq!(ground.service.seen(RELEASE).len(), 0);
    request.match_id = storage::MatchId::new("m-2");
    let land = ground.port.allocate(&request).await.unwrap();
    assert_eq!(ground.service.lands(), BTreeSet::from([land.land.to_string()]));
    assert_eq!((ground.service.made(), ground.service.seen(RELEASE).len()), (1, 0));
    assert_eq!(ground.service.seen(ALLOCATE)[0].headers["idempotency-key"], "demo:chosen");
}

#[tokio::test]
async fn a_key_that_changed_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "first").unwrap();
    let flags = format!("--allocation-key-file {}", file.display());
    let ground = HttpGround::on(HttpStandIn::start(None).await, &flags).unwrap();
    std::fs::write(dir.path().join("new"), "second").unwrap();
    std::fs::rename(dir.path().join("new"), &file).unwrap();
    let changed = async {
        let mut n = 0;
        loop {
            allocated(&ground, &format!("m-{n}")).await.unwrap();
            if ground.service.seen(ALLOCATE)[n].headers["authorization"] == "Bearer second" {
                return;
            }
            n += 1;
            tokio::time::sleep(CALL).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, changed).await.is_ok(), "the first key was sent on and on");
}
