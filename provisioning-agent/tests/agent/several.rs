//! Several servers behind one agent, from a file.

use std::path::PathBuf;

use proto::provisioning::v1::connect_request::Message as Up;
use provisioning_agent::{Agents, Config, config::Servers, exec::Launcher};
use reqwest::Method;
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    control_plane::ControlPlane,
    exec::program::{Program, is_there},
    fixture::{SOON, eventually},
};

struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        let name = format!("agent-{}.toml", uuid::Uuid::new_v4());
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn flags<'a>(&'a self, control_plane: &'a str) -> [&'a str; 4] {
        ["--config", self.0.to_str().unwrap(), "--control-plane", control_plane]
    }

    fn load(&self, control_plane: &str) -> (Config, Servers) {
        let args = self.flags(control_plane);
        let args = std::iter::once("provisioning-agent").chain(args).map(Into::into);
        runtime::config::load::<Config, Servers>(args).unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

const TWO: &str = r#"
land_type = ["arena"]
drain_timeout = "0s"

[[server]]
server_id = "game-1"
port = 7001
http_addr = "127.0.0.1:0"

[[server]]
server_id = "game-2"
port = 7002
land_type = ["arena", "duel"]
capacity = 3
http_addr = "127.0.0.1:0"
grpc_addr = "127.0.0.1:0"
"#;

#[tokio::test]
async fn each_is_registered_by_itself_and_one_that_fails_leaves_the_other() {
    let control_plane = ControlPlane::start().await;
    let file = File::new(TWO);
    let (config, servers) = file.load(&format!("http://{}", control_plane.addr));
    let agents = Agents::bind(config, servers, Launcher::Plain).await.unwrap();
    let addrs: Vec<_> = agents.all().iter().map(|agent| agent.http_addr()).collect();
    assert!(agents.all()[0].grpc_addr().is_none() && agents.all()[1].grpc_addr().is_some());
    let stop = CancellationToken::new();
    let running = tokio::spawn(agents.run(stop.clone()));

    let http = reqwest::Client::new();
    let call = async |method: Method, n: usize, path: &str| {
        let answer = http.request(method, format!("http://{}{path}", addrs[n])).send().await;
        answer.ok()?.json::<serde_json::Value>().await.ok()
    };
    call(Method::POST, 0, "/v1/ready").await.unwrap();
    let first = control_plane.hello(1).await;
    call(Method::POST, 1, "/v1/ready").await.unwrap();
    let second = control_plane.hello(2).await;
    assert_eq!((first.server_id.as_str(), first.port, first.capacity), ("game-1", 7001, 100));
    assert_eq!((second.server_id.as_str(), second.port, second.capacity), ("game-2", 7002, 3));
    assert_eq!(second.land_types, ["arena", "duel"]);
    assert_ne!(first.instance_id, second.instance_id);

    // The newest stream is the second server's.
    let by_instance_id = "newer".to_owned();
    let superseded = proto::provisioning::v1::Superseded { by_instance_id };
    control_plane.say(proto::provisioning::v1::connect_response::Message::Superseded(superseded)).await;
    eventually("its end", async || call(Method::GET, 1, "/v1/status").await.is_none().then_some(())).await;
    assert_eq!(call(Method::GET, 0, "/v1/status").await.unwrap()["state"], "registered");
    stop.cancel();
    let error = timeout(SOON, running).await.unwrap().unwrap().unwrap_err().to_string();
    assert!(error.contains("newer instance"), "what failed is told in the end: {error}");
    control_plane
        .heard("a goodbye", |stream, up| (stream == 1 && matches!(up, Up::Goodbye(_))).then_some(()))
        .await;
}

#[tokio::test]
async fn each_may_have_a_game_server_that_is_started() {
    let control_plane = ControlPlane::start().await;
    let script = "echo pid $$; exec sleep 1000";
    let table = |n: usize| {
        format!(
            "[[server]]\nserver_id = 'game-{n}'\nport = 700{n}\nhttp_addr = '127.0.0.1:0'\nexec = ['sh', '-c', '{script}']\n"
        )
    };
    let file = File::new(&format!("land_type = 'arena'\n{}{}", table(1), table(2)));
    let mut program = Program::with(&file.flags(&format!("http://{}", control_plane.addr))).await;
    let pids = [program.number("pid ").await, program.number("pid ").await];
    assert_eq!(program.addresses(2).await.len(), 2);
    program.post("/v1/ready", json!({})).await;
    control_plane.hello(1).await;
    assert!(program.stop().await.success());
    assert!(pids.iter().all(|pid| !is_there(*pid)), "{pids:?}");
}
