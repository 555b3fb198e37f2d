//! An agent that starts its game server: real processes, and what becomes of them. The game server is a shell that says what it
//! sees; this test makes its calls.

pub(crate) mod program;

use proto::provisioning::v1::{
    Drain, Health, connect_request::Message as Up, connect_response::Message as Down,
};
use serde_json::json;

use crate::control_plane::ControlPlane;
use program::{Program, is_there};

/// Says its process id, and then waits until it is asked to end.
const PATIENT: &str = "echo pid $$; trap 'echo asked; exit 0' TERM; while :; do sleep 0.02; done";
/// The same, but it doesn't listen, and neither does what it starts.
const DEAF: &str =
    "trap '' TERM; sleep 1000 & echo child $!; echo pid $$; wait; while :; do sleep 0.02; done";

#[tokio::test]
async fn it_is_started_again_and_its_lands_end_with_it() {
    let control_plane = ControlPlane::start().await;
    let mut program = Program::start(&control_plane, &[], &["sh", "-c", PATIENT]).await;
    let first = program.number("pid ").await;
    program.with_a_land(&control_plane).await;
    program.signal_to(first, "KILL").await;
    control_plane.refused_afterwards("c-1", "the game server ended: signal: 9 (SIGKILL)").await;
    let unhealthy = i32::from(Health::Unhealthy);
    let told = control_plane.heartbeat("its end", |beat| beat.health == unhealthy).await;
    assert!(told.lands.is_empty() && !is_there(first));
    let second = program.number("pid ").await;
    assert!(second != first && is_there(second));
    program.post("/v1/ready", json!({})).await;
    let well = i32::from(Health::Healthy);
    control_plane.heartbeat("its return", |beat| beat.sequence > told.sequence && beat.health == well).await;
    assert_eq!(control_plane.streams(), 1, "the agent stayed registered");
    assert!(program.stop().await.success());
    assert!(!is_there(second));
}

#[tokio::test]
async fn it_finds_its_agent_in_its_environment_and_no_secret() {
    let control_plane = ControlPlane::start().await;
    let script = "echo $MUSTER_SERVER_ID $MUSTER_SERVER_PORT $MUSTER_AGENT_HTTP $AGONES_SDK_HTTP_PORT; \
                  echo grpc $MUSTER_AGENT_GRPC $AGONES_SDK_GRPC_PORT; echo key=$CONTROL_PLANE_KEY; cat; sleep 1000";
    let flags = ["--grpc-addr", "127.0.0.1:0", "--control-plane-key", "mst_0123456789abcdef0123456789abcdef"];
    let mut program = Program::start(&control_plane, &flags, &["sh", "-c", script]).await;
    let port = program.http.port();
    assert_eq!(program.line().await, format!("game-1 7001 http://127.0.0.1:{port} {port}"));
    let grpc = program.line().await;
    let (url, port) = grpc.strip_prefix("grpc ").unwrap().split_once(' ').unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with(port), "{grpc}");
    assert_eq!(program.line().await, "key=");
    assert!(program.stop().await.success());
}

#[tokio::test]
async fn a_stop_drains_and_asks_it_to_end_when_its_lands_are_over() {
    let control_plane = ControlPlane::start().await;
    let flags = ["--drain-timeout", "10m"];
    let mut program = Program::start(&control_plane, &flags, &["sh", "-c", PATIENT]).await;
    let pid = program.number("pid ").await;
    program.with_a_land(&control_plane).await;
    program.signal("TERM").await;
    let draining = control_plane.heartbeat("the drain", |beat| beat.draining).await;
    assert!(draining.lands.len() == 1 && is_there(pid), "the land goes on");
    program.delete("/v1/lands/arena:1").await;
    assert_eq!(program.line().await, "asked");
    assert!(program.ended().await.success());
    let last = control_plane.all().pop();
    assert!(matches!(last, Some(Up::Goodbye(_))), "{last:?}");
    assert!(!is_there(pid));
}

#[tokio::test]
async fn who_does_not_end_is_killed_with_all_it_started() {
    let control_plane = ControlPlane::start().await;
    let flags = ["--exec-kill-after", "100ms"];
    let mut program = Program::start(&control_plane, &flags, &["sh", "-c", DEAF]).await;
    let (child, pid) = (program.number("child ").await, program.number("pid ").await);
    assert!(program.stop().await.success());
    // Whom nobody waits for, the machine's first process takes away.
    crate::fixture::eventually("their end", async || (!is_there(pid) && !is_there(child)).then_some(()))
        .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_agent_that_is_killed_takes_it_along() {
    let control_plane = ControlPlane::start().await;
    let mut program = Program::start(&control_plane, &[], &["sh", "-c", PATIENT]).await;
    let pid = program.number("pid ").await;
    program.signal("KILL").await;
    crate::fixture::eventually("its end", async || (!is_there(pid)).then_some(())).await;
}

#[tokio::test]
async fn a_second_signal_ends_both_at_once() {
    let control_plane = ControlPlane::start().await;
    let flags = ["--drain-timeout", "10m"];
    let mut program = Program::start(&control_plane, &flags, &["sh", "-c", PATIENT]).await;
    let pid = program.number("pid ").await;
    program.with_a_land(&control_plane).await;
    program.signal("TERM").await;
    control_plane.heartbeat("the drain", |beat| beat.draining).await;
    program.signal("TERM").await;
    assert_eq!(program.ended().await.code(), Some(130));
    crate::fixture::eventually("its end", async || (!is_there(pid)).then_some(())).await;
}

#[tokio::test]
async fn what_is_not_to_be_started_again_ends_the_agent() {
    let control_plane = ControlPlane::start().await;
    let cases = [
        ("never", "exit 0", Some(0), ""),
        ("never", "exit 3", Some(1), "exit status: 3"),
        ("on-failure", "exit 0", Some(0), ""),
    ];
    for (restart, script, code, said) in cases {
        let flags = ["--exec-restart", restart];
        let mut program = Program::start(&control_plane, &flags, &["sh", "-c", script]).await;
        assert_eq!(program.ended().await.code(), code, "{restart}: {script}");
        assert!(program.log().contains(said), "{}", program.log());
    }
    let flags = ["--exec-restart", "never"];
    let mut missing = Program::start(&control_plane, &flags, &["./no-such-game-server"]).await;
    assert_eq!(missing.ended().await.code(), Some(1));
    assert!(missing.log().contains("./no-such-game-server can't be run"), "{}", missing.log());
}

#[tokio::test]
async fn at_the_deadline_of_a_drain_it_ends_and_the_agent_stays() {
    let control_plane = ControlPlane::start().await;
    let mut program = Program::start(&control_plane, &[], &["sh", "-c", PATIENT]).await;
    let pid = program.number("pid ").await;
    program.with_a_land(&control_plane).await;
    control_plane.say(Down::Drain(Drain { reason: "update".to_owned(), deadline_ms: 50 })).await;
    assert_eq!(program.line().await, "asked");
    control_plane.heartbeat("that it is drained", |beat| beat.draining && beat.lands.is_empty()).await;
    crate::fixture::eventually("its end", async || (!is_there(pid)).then_some(())).await;
    assert_eq!(program.get("/v1/status").await["state"], "draining");
    assert!(program.stop().await.success());
}
