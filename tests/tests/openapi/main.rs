//! The API's description, tried against the programs by somebody else's tool: whatever it says may be sent is taken, whatever it
//! doesn't is refused, and each answer is one that it names.
//!
//! Schemathesis makes requests from the description that the gateway itself serves, good ones and bad ones, and follows its
//! links. What it can't see in a schema is in `schemathesis/hooks.py`. A seed that is fixed makes each run the same.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use control_plane::access::NewKey;
use serde_json::Value;
use tempfile::TempDir;
use tests::{Client, Program, eventually, repository};

/// The gateway, the control plane behind it, and the directory that they live in.
struct Programs {
    dir: TempDir,
    url: String,
    gateway: Program,
    control_plane: Program,
}

impl Programs {
    async fn start(gateway_flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys").display().to_string();
        let any = "127.0.0.1:0";
        #[rustfmt::skip]
        let control_plane = Program::start("control-plane", &[
            "--grpc-addr", any, "--metrics-addr", any, "--keys-dir", &keys, "--state", "memory",
        ]);
        let grpc = format!("http://{}", control_plane.logged("addr").await);
        // With a provider, so that exchanging tokens is tried and not only forbidden. Nobody has a token of it.
        let file = dir.path().join("gateway.toml").display().to_string();
        let provider = "[[identity_providers]]\nissuer = \"https://id.example\"\naudience = \"game\"\n\
            jwks_url = \"http://127.0.0.1:1/jwks\"\n";
        std::fs::write(&file, provider).unwrap();
        #[rustfmt::skip]
        let common = [
            "--config", &file, "--client-addr", any, "--internal-addr", any, "--metrics-addr", any, "--control-plane", &grpc,
            "--guest-identity",
        ];
        let gateway = Program::start("edge-gateway", &[&common, gateway_flags].concat());
        let url = format!("http://{}", gateway.logged("clients").await);
        let client = Client::new(&url);
        eventually("the gateway to serve", async || (client.get("/health").await.0 == 200).then_some(()))
            .await;
        Self { dir, url, gateway, control_plane }
    }

    /// Tries the description. `examples` is how many requests are made up for each call.
    async fn tried(self, examples: u32, flags: &[&str], player: Option<&str>) {
        let ours = repository().join("tests/schemathesis");
        let mut command = Command::new(schemathesis());
        command
            .arg("--config-file")
            .arg(ours.join("schemathesis.toml"))
            .arg("run")
            .arg(format!("{}/api/openapi.json", self.url))
            .args(["--checks", "all", "--no-color", "--max-examples", &examples.to_string()])
            .args(flags)
            .env("SCHEMATHESIS_HOOKS", ours.join("hooks.py"))
            // Its files stay out of the repository, and no proxy comes between.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "*")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        if let Some(player) = player {
            command.env("MUSTER_PLAYER", player);
        }
        let said = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (out, errors) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success(), "{out}\n{errors}");
        // It tried something: all the calls that there are.
        assert!(out.contains("Selected: 9/9") && out.contains("Tested: 9"), "{out}");
        self.gateway.stop().await;
        self.control_plane.stop().await;
    }
}

/// The program, where `tests/run` puts it: beside what cargo builds.
fn schemathesis() -> PathBuf {
    let pinned = include_str!("../../schemathesis/requirements.txt");
    let version = pinned.lines().find_map(|line| line.strip_prefix("schemathesis==")).unwrap();
    let version = version.trim_end_matches([' ', '\\']);
    // This is target/<profile>/deps/openapi-….
    let this = std::env::current_exe().unwrap();
    let program = this.ancestors().nth(3).unwrap().join(format!("schemathesis-{version}/bin/schemathesis"));
    assert!(program.exists(), "{} is missing; tests/run installs it", program.display());
    program
}

#[tokio::test]
async fn in_mode_a_what_the_description_says_is_so() {
    let programs = Programs::start(&["--allow-client-player-id"]).await;
    // The description says that a token is needed; here it isn't.
    let flags = ["--exclude-checks", "ignored_auth", "--generation-with-security-parameters", "false"];
    programs.tried(50, &flags, None).await;
}

#[tokio::test]
async fn in_mode_b_it_is_so_for_a_player() {
    let programs = Programs::start(&[]).await;
    let (status, made) = Client::new(&programs.url).post("/v1/identity/guest", &Value::Null).await;
    assert_eq!(status, 201, "{made}");
    let text = |field: &str| made[field].as_str().unwrap();
    let authorization = format!("Authorization: Bearer {}", text("token"));
    programs.tried(30, &["-H", &authorization], Some(text("playerId"))).await;
}

#[tokio::test]
async fn in_mode_b_it_is_so_for_a_backend() {
    let key = NewKey::make();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("lobby matchmaking {}\n", key.hash())).unwrap();
    let programs = Programs::start(&["--backend-keys", file.path().to_str().unwrap()]).await;
    let authorization = format!("Authorization: Bearer {}", key.secret());
    programs.tried(30, &["-H", &authorization], None).await;
}
