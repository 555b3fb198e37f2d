//! Answers of all kinds, one by one.

use std::sync::Arc;

use hyper::{HeaderMap, header::HeaderValue};

use super::*;
use crate::allocation::tests::match_of;

fn now() -> jiff::Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn answer(status: u16, body: impl Into<String>) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    Answer { status, headers: HeaderMap::new(), body: body.into().into_bytes() }
}

fn read_with(status: u16, body: impl Into<String>) -> Result<Allocated, Unusable> {
    read(&answer(status, body), &match_of("hero", "m-1"), now())
}

fn failure(status: u16, body: impl Into<String>) -> Failure {
    read_with(status, body).unwrap_err().failure
}

fn land(change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> String {
    let land = serde_json::json!({
        "serverId": "s-1", "landId": "hero:1", "connectUrl": "wss://play.example/game/hero?landId=hero:1",
        "expiresAt": "2026-01-02T03:05:05Z", "assignmentHints": {"map": "reef"}, "more": 1,
    });
    let serde_json::Value::Object(mut land) = land else { unreachable!() };
    change(&mut land);
    serde_json::Value::Object(land).to_string()
}

#[test]
fn a_land_is_taken_bare_or_in_its_envelope() {
    let expected = Allocated {
        server: ServerId::new("s-1"),
        land: LandId::new("hero:1"),
        connect_url: "wss://play.example/game/hero?landId=hero:1".to_owned(),
        expires_at: Some(Time(1_767_323_105_000)),
        hints: Some(r#"{"map":"reef"}"#.to_owned()),
    };
    assert_eq!(read_with(200, land(|_| ())).unwrap(), expected);
    assert_eq!(read_with(201, format!(r#"{{"success":true,"result":{}}}"#, land(|_| ()))).unwrap(), expected);
    let least = land(|land| {
        land.insert("expiresAt".to_owned(), serde_json::Value::Null);
        land.remove("assignmentHints");
    });
    assert_eq!(read_with(200, least).unwrap(), Allocated { expires_at: None, hints: None, ..expected });
}

#[test]
fn what_can_not_be_used_is_named_and_its_land_given_back() {
    let known = Release {
        land_id: Some(LandId::new("hero:1")),
        server_id: Some(ServerId::new("s-1")),
        ..Release::default()
    };
    for (field, value, said) in [
        ("connectUrl", "https://play.example/".into(), "connectUrl"),
        ("connectUrl", "ws:///game".into(), "connectUrl"),
        ("connectUrl", "ws://".into(), "connectUrl"),
        ("connectUrl", "play.example".into(), "connectUrl"),
        ("connectUrl", "ws://user:word@play.example/".into(), "connectUrl"),
        ("connectUrl", "ws://play.example:/".into(), "connectUrl"),
        ("connectUrl", "ws://play.example/\r\nx: y".into(), "connectUrl"),
        ("connectUrl", "ws://play.example/#x".into(), "connectUrl"),
        ("connectUrl", format!("ws://play.example/{}", "x".repeat(2_048)), "connectUrl"),
        ("expiresAt", "2026-01-02T03:04:05Z".into(), "expiresAt that is over"),
    ] {
        let unusable = read_with(200, land(|land| drop(land.insert(field.to_owned(), value.clone().into()))))
            .unwrap_err();
        assert!(unusable.failure.said.contains(said), "{field} = {value}: {:?}", unusable.failure);
        assert_eq!(*unusable.land, known, "{field} = {value}");
        assert!(unusable.failure.may_have_made && unusable.failure.then == Then::Wait);
    }
    for hints in
        [serde_json::json!([1]), serde_json::json!("x"), serde_json::json!({ "x": "y".repeat(20_000) })]
    {
        let unusable =
            read_with(200, land(|land| drop(land.insert("assignmentHints".to_owned(), hints)))).unwrap_err();
        assert!(unusable.failure.said.contains("assignmentHints"));
    }
    for (field, value) in [
        ("serverId", String::new()),
        ("serverId", "x".repeat(129)),
        ("serverId", "s\n1".to_owned()),
        ("landId", String::new()),
        ("landId", "hero:".to_owned()),
        ("landId", "hero".to_owned()),
        ("landId", "other:1".to_owned()),
        ("landId", format!("hero:{}", "x".repeat(128))),
        ("landId", "hero:\u{7f}".to_owned()),
    ] {
        let unusable = read_with(200, land(|land| drop(land.insert(field.to_owned(), value.clone().into()))))
            .unwrap_err();
        assert!(unusable.failure.said.contains(field), "{field} = {value}: {:?}", unusable.failure);
        let shown = if field == "serverId" {
            unusable.land.server_id.is_some()
        } else {
            unusable.land.land_id.is_some()
        };
        assert!(!shown, "nothing that is no id is sent back");
    }
}

#[test]
fn what_is_no_answer_is_said_without_its_words() {
    for (status, body, said) in [
        (200, "", "is no land"),
        (200, "<html>secret</html>", "is no land"),
        (200, "{}", "is no land"),
        (200, "[]", "is no land"),
        (200, r#"{"success":true}"#, "has no result"),
        (200, r#"{"success":true,"result":{"serverId":"secret"}}"#, "is no land"),
        (204, "", "is no land"),
        (302, "", "redirects (302), and that isn't followed"),
        (404, "secret", "answered with the status 404"),
        (400, r#"{"code":"secret words","message":"secret"}"#, "answered with the status 400"),
        (400, r#"{"code":"NOT_WANTED","message":"secret"}"#, "answered with `NOT_WANTED`"),
    ] {
        let failure = failure(status, body);
        assert!(failure.said.contains(said), "{status} {body}: {failure:?}");
        assert!(!failure.said.contains("secret"), "{failure:?}");
        assert_eq!(failure.then, Then::Wait, "{status} {body}");
    }
    let invalid = Answer { body: vec![0xff, 0xfe], ..answer(200, "") };
    assert_eq!(read(&invalid, &match_of("hero", "m"), now()).unwrap_err().failure.kind, Kind::BadAnswer);
}

#[test]
fn a_refusal_says_whether_it_passes() {
    let no = |retryable: bool| format!(r#"{{"code":"X","message":"m","retryable":{retryable}}}"#);
    let in_envelope = |retryable| format!(r#"{{"success":false,"error":{}}}"#, no(retryable));
    for (status, body, kind, then) in [
        (400, no(true), Kind::Refused, Then::Again),
        (400, no(false), Kind::Refused, Then::Wait),
        (200, no(true), Kind::Refused, Then::Again),
        (200, in_envelope(true), Kind::Refused, Then::Again),
        (409, in_envelope(false), Kind::Refused, Then::Wait),
        (500, no(false), Kind::Failed, Then::Wait),
        (500, String::new(), Kind::Failed, Then::Again),
        (502, String::new(), Kind::Failed, Then::Again),
        (501, String::new(), Kind::Failed, Then::Wait),
        (503, String::new(), Kind::Overloaded, Then::Again),
        (503, no(false), Kind::Overloaded, Then::Wait),
        (429, String::new(), Kind::Overloaded, Then::Again),
        (408, String::new(), Kind::Refused, Then::Again),
        (401, String::new(), Kind::Refused, Then::Wait),
    ] {
        let failure = failure(status, body.clone());
        assert_eq!((failure.kind, failure.then), (kind, then), "{status} {body}");
    }
    let failure = failure(503, r#"{"code":"NO_SERVER_AVAILABLE","message":"m","retryable":true}"#);
    assert_eq!((failure.kind, failure.then), (Kind::NoServer, Then::Wait));
    assert_eq!(failure.said, "has no server for `hero`");
}

#[test]
fn retry_after_counts_where_it_passes() {
    let after = |status, body: &str| {
        let headers = HeaderMap::from_iter([(hyper::header::RETRY_AFTER, HeaderValue::from_static("7"))]);
        let answer = Answer { headers, ..answer(status, body) };
        read(&answer, &match_of("hero", "m"), now()).unwrap_err().failure.then
    };
    assert_eq!(after(429, ""), Then::AgainAfter(Duration::from_secs(7)));
    assert_eq!(after(503, ""), Then::AgainAfter(Duration::from_secs(7)));
    assert_eq!(after(503, r#"{"code":"X","retryable":false}"#), Then::Wait);
    assert_eq!(after(500, ""), Then::Again);
}

#[test]
fn a_land_type_of_all_kinds_of_letters_has_its_lands() {
    let body = land(|land| drop(land.insert("landId".to_owned(), "held:en:1".into())));
    let mut request = match_of("held:en", "m");
    assert!(read(&answer(200, body.clone()), &request, now()).is_ok());
    request.teams = Arc::from([]);
    request.land_type = "held".into();
    assert!(read(&answer(200, body), &request, now()).is_ok(), "`en:1` is an id as well");
}
