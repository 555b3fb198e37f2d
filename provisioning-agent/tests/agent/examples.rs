//! The documentation's game servers, as they stand there: the Python one is run, the Rust one is this file's own code.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use ::tokens::{Admission, Algorithm, Claims, KeyRing, KeyRingSettings};
use proto::{
    agent::v1::{
        EndLandRequest, LandReadyRequest, PlayersRequest, ReadyRequest, VerifyTokenRequest,
        WatchLandsRequest, game_server_client::GameServerClient, notice::Notice,
    },
    provisioning::v1::{Drain, connect_response::Message as Down},
};
use tokio::{process::Command, time::timeout};
use tonic::transport::Endpoint;

use crate::{
    control_plane::ControlPlane,
    fixture::{Agent, SOON, eventually},
};

const PAGE: &str = include_str!("../../../docs/game-servers.md");

/// The code of the page's blocks in `language`, one after the other.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    PAGE.split(&begin).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// Gives the game server one land, plays it to its end, and lets the server go.
async fn life(control_plane: &ControlPlane, agent: &Agent) {
    control_plane.hello(1).await;
    agent.state("registered").await;
    control_plane.allocate("c-1", "arena:1", 60_000).await;
    assert_eq!(control_plane.answer("c-1").await, None);
    eventually("its end", async || {
        agent.status().await["lands"].as_array().unwrap().is_empty().then_some(())
    })
    .await;
    let drain = Drain { reason: "update".to_owned(), deadline_ms: 10 };
    control_plane.say(Down::Drain(drain)).await;
}

/// Keys for the control plane, and a player's token for the land.
struct Ann {
    token: String,
    jwks: String,
    dir: PathBuf,
}

impl Ann {
    fn new() -> Self {
        let name = format!("example-keys-{}", uuid::Uuid::new_v4());
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let (now, lifetime) = (std::time::SystemTime::now(), Duration::from_secs(300));
        let settings = KeyRingSettings {
            algorithm: Algorithm::EdDsa,
            token_lifetime: lifetime,
            identity_lifetime: lifetime,
            publish_ahead: Duration::ZERO,
            bits: ::tokens::DEFAULT_BITS,
        };
        let ring = KeyRing::open(&dir, settings, now).unwrap();
        let admission = Admission {
            player_id: "ann",
            assignment_id: "a-1",
            match_id: "m-1",
            land_id: "arena:1",
            server_id: "game-1",
        };
        let claims = Claims::admit("muster", admission, now, Duration::from_secs(60));
        let token = ring.sign(&claims, now).unwrap().into_string();
        Self { token, jwks: ring.jwks_json(now), dir }
    }
}

impl Drop for Ann {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

#[tokio::test]
async fn the_one_in_python_lives() {
    let (control_plane, ann) = (ControlPlane::start().await, Ann::new());
    *control_plane.shared.jwks.lock() = ann.jwks.clone();
    let agent = Agent::start(control_plane.addr, &[]).await;
    let blocks = blocks("python");
    let [server, game] = blocks.as_slice() else { panic!("{} blocks of Python", blocks.len()) };
    let game = game.replace('\n', "\n    ");
    // The game plays as soon as the land is there: in a thread, as it would.
    let stubs = format!(
        "import threading\ntoken = {:?}\ndef play(land_id):\n    import time\n    while 'ready' not in agent('GET', '/status').read().decode(): time.sleep(0.02)\n    \
         {game}\ndef make_land(land_id, roster):\n    assert roster == ['ann', 'bob'], roster\n    threading.Thread(target=play, args=[land_id]).start()\ndef end_land(land_id): pass\n",
        ann.token
    );
    let program = format!("{stubs}\n{server}\n").replace("127.0.0.1:9358", &agent.http_addr.to_string());
    let mut python = Command::new("python3");
    python.args(["-c", &program]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let python = python.kill_on_drop(true).spawn().unwrap();
    let (ended, ()) =
        tokio::join!(timeout(2 * SOON, python.wait_with_output()), life(&control_plane, &agent));
    let ended = ended.expect("it does not end").unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.is_empty(), "{said}");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn the_one_in_rust_lives() {
    let (control_plane, ann) = (ControlPlane::start().await, Ann::new());
    *control_plane.shared.jwks.lock() = ann.jwks.clone();
    let agent = Agent::start(control_plane.addr, &["--grpc-addr", "127.0.0.1:0"]).await;
    let url = format!("http://{}", agent.grpc_addr.unwrap());
    let server = async { serve(url, ann.token.clone()).await.unwrap() };
    let life = async {
        tokio::join!(server, life(&control_plane, &agent));
    };
    timeout(2 * SOON, life).await.expect("it does not end");
    agent.stop().await.unwrap();
}

#[test]
fn the_one_in_rust_is_this_code() {
    let words = |code: &str| code.split_whitespace().collect::<Vec<_>>().join(" ");
    let own = words(include_str!("examples.rs"))
        .replace("from_shared(url)?", "from_static(\"http://127.0.0.1:9357\")");
    let ours: Vec<_> = blocks("rust").into_iter().filter(|block| !block.contains("agones")).collect();
    assert_eq!(ours.len(), 2);
    for block in ours {
        // What is formatted otherwise over several lines has other commas.
        let block = words(block).replace(",)", ")");
        assert!(own.replace(", )", ")").contains(&block), "the page says: {block}");
    }
}

#[rustfmt::skip]
async fn serve(url: String, token: String) -> anyhow::Result<()> {
    let (lands, mut made) = tokio::sync::mpsc::channel(4);
    let make_land = |land_id: &str, roster: &[String]| {
        assert_eq!(roster, ["ann", "bob"]);
        lands.try_send(land_id.to_owned()).unwrap();
    };
    let end_land = |_: &str| {};
    let game_url = url.clone();
    let game = tokio::spawn(async move { play(game_url, made.recv().await.unwrap(), token).await.unwrap() });
    let mut agent = GameServerClient::new(Endpoint::from_shared(url)?.connect().await?);
    let mut watch = agent.watch_lands(WatchLandsRequest {}).await?.into_inner();
    agent.ready(ReadyRequest::default()).await?;
    while let Some(told) = watch.message().await? {
        match told.notice {
            Some(Notice::Allocate(order)) => {
                make_land(&order.land_id, &order.players);
                agent.land_ready(LandReadyRequest { land_id: order.land_id }).await?;
            }
            Some(Notice::Release(release)) => end_land(&release.land_id),
            Some(Notice::Shutdown(_)) => break,
            _ => {}
        }
    }
    Ok(game.await?)
}

#[rustfmt::skip]
async fn play(url: String, land_id: String, token: String) -> anyhow::Result<()> {
    let mut agent = GameServerClient::new(Endpoint::from_shared(url)?.connect().await?);
    let ready = |status: &proto::agent::v1::Status| status.lands[0].state() == proto::agent::v1::LandState::Ready;
    while !ready(agent.get_status(proto::agent::v1::GetStatusRequest {}).await?.get_ref()) {
        tokio::task::yield_now().await;
    }
    let request = VerifyTokenRequest { token, land_id: land_id.clone() };
    let player = agent.verify_token(request).await?.into_inner().player_id;
    agent.players_joined(PlayersRequest { land_id: land_id.clone(), players: vec![player.clone()] }).await?;
    agent.players_left(PlayersRequest { land_id: land_id.clone(), players: vec![player] }).await?;
    agent.end_land(EndLandRequest { land_id }).await?;
    Ok(())
}
