//! The SDK by gRPC, as its own clients use it.

use futures_util::StreamExt as _;
use proto::{
    agones::{
        beta::{GetListRequest, UpdateCounterRequest, sdk_client::SdkClient as BetaClient},
        sdk::{Duration as Seconds, Empty, GameServer, KeyValue, sdk_client::SdkClient},
    },
    provisioning::v1::{Health, connect_request::Message as Up},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Streaming,
    transport::{Channel, Endpoint},
};

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, SOON},
};

pub(super) const GRPC: [&str; 2] = ["--grpc-addr", "127.0.0.1:0"];

fn channel(agent: &Agent) -> Channel {
    Endpoint::from_shared(format!("http://{}", agent.grpc_addr.unwrap())).unwrap().connect_lazy()
}

async fn until(watch: &mut Streaming<GameServer>, state: &str) -> GameServer {
    let seen = async {
        loop {
            let picture = watch.message().await.unwrap().unwrap();
            if picture.status.as_ref().unwrap().state == state {
                return picture;
            }
        }
    };
    timeout(SOON, seen).await.unwrap_or_else(|_| panic!("waited in vain for {state}"))
}

#[tokio::test]
async fn every_watcher_sees_the_whole_life() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &GRPC).await;
    let mut sdk = SdkClient::new(channel(&agent));
    let mut watches = Vec::new();
    for _ in 0..3 {
        let mut watch = sdk.watch_game_server(Empty {}).await.unwrap().into_inner();
        until(&mut watch, "Scheduled").await;
        watches.push(watch);
    }
    sdk.ready(Empty {}).await.unwrap();
    assert_eq!(control_plane.hello(1).await.capacity, 100);
    agent.state("registered").await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    assert_eq!(control_plane.answer("c-1").await, None, "at once, without a word of the game server");
    for watch in &mut watches {
        let picture = until(watch, "Allocated").await;
        let status = picture.status.unwrap();
        assert_eq!((status.address.as_str(), status.ports[0].port), ("127.0.0.1", 7001));
        assert_eq!(picture.object_meta.unwrap().name, "game-1");
    }
    sdk.shutdown(Empty {}).await.unwrap();
    for watch in &mut watches {
        until(watch, "Shutdown").await;
    }
    control_plane.heard("a goodbye", |_, message| matches!(message, Up::Goodbye(_)).then_some(())).await;
    agent.state("starting").await;
    sdk.ready(Empty {}).await.unwrap();
    control_plane.hello(2).await;
    agent.state("registered").await;
    agent.stop().await.unwrap();
    for watch in &mut watches {
        until(watch, "Ready").await;
        let end = timeout(SOON, watch.next()).await.unwrap();
        assert!(end.is_none_or(|end| end.is_err()), "a stop ends the watch");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_suspect_then_unhealthy_then_back() {
    let control_plane = ControlPlane::start().await;
    let flags = [&GRPC[..], &["--health-period", "300ms", "--health-failures", "3"]].concat();
    let agent = Agent::start(control_plane.addr, &flags).await;
    let mut sdk = SdkClient::new(channel(&agent));
    let mut watch = sdk.watch_game_server(Empty {}).await.unwrap().into_inner();
    let (beats, messages) = mpsc::channel(64);
    let mut said = sdk.clone();
    let health = tokio::spawn(async move { said.health(ReceiverStream::new(messages)).await });
    sdk.ready(Empty {}).await.unwrap();
    agent.state("registered").await;
    beats.send(Empty {}).await.unwrap();
    control_plane.heartbeat("silence", |heartbeat| heartbeat.health == i32::from(Health::Unhealthy)).await;
    until(&mut watch, "Unhealthy").await;
    beats.send(Empty {}).await.unwrap();
    until(&mut watch, "Ready").await;
    drop(beats);
    let answer = timeout(SOON, health).await.unwrap().unwrap();
    assert!(answer.is_ok(), "who ends its side gets its answer");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_can_not_be_done_says_so() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &GRPC).await;
    let mut sdk = SdkClient::new(channel(&agent));
    let mut beta = BetaClient::new(channel(&agent));
    let pair = |key: &str, bytes: usize| KeyValue { key: key.to_owned(), value: "x".repeat(bytes) };
    let label = sdk.set_label(pair("", 1)).await.unwrap_err();
    assert_eq!(label.code(), Code::InvalidArgument, "{label}");
    let large = sdk.set_annotation(pair("a", 65 * 1024)).await.unwrap_err();
    assert_eq!(large.code(), Code::InvalidArgument, "{large}");
    let land =
        sdk.set_annotation(KeyValue { key: "muster-land-ready".to_owned(), value: "arena:9".to_owned() });
    assert_eq!(land.await.unwrap_err().code(), Code::NotFound);
    let negative = sdk.reserve(Seconds { seconds: -1 }).await.unwrap_err();
    assert_eq!(negative.code(), Code::InvalidArgument, "{negative}");
    let missing = beta.update_counter(UpdateCounterRequest::default()).await.unwrap_err();
    assert_eq!(missing.code(), Code::InvalidArgument, "{missing}");
    let unknown = beta.get_list(GetListRequest { name: "maps".to_owned() }).await.unwrap_err();
    assert!(unknown.code() == Code::NotFound && unknown.message().contains("--sdk-list"), "{unknown}");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn our_own_watch_goes_before_the_agents_answer() {
    let control_plane = ControlPlane::start().await;
    let agent = Agent::start(control_plane.addr, &GRPC).await;
    let mut watch = agent.watch().await;
    SdkClient::new(channel(&agent)).ready(Empty {}).await.unwrap();
    agent.state("registered").await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    assert_eq!(watch.next().await.unwrap()["landId"], "arena:1");
    assert_eq!(agent.status().await["lands"][0]["state"], "allocating", "who listens is asked");
    agent.stop().await.unwrap();
}
