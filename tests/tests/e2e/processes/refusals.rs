//! What a program says when it can't start: a port that is taken, a configuration that can't be.

use std::net::TcpListener;

use tests::Program;

use super::installation::words;

/// What each program needs, on ports that are free.
fn programs(keys: &str) -> [(&'static str, String); 3] {
    [
        (
            "control-plane",
            format!(
                "--grpc-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --state-dir {keys}.state --keys-dir {keys}"
            ),
        ),
        (
            "edge-gateway",
            "--client-addr 127.0.0.1:0 --internal-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0".to_owned(),
        ),
        (
            "provisioning-agent",
            "--http-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --server-id a --port 7001 --land-type demo"
                .to_owned(),
        ),
    ]
}

async fn refused(name: &str, args: &str) -> (Option<i32>, String) {
    Program::start(name, &words(args)).refuses().await
}

#[tokio::test]
async fn a_port_in_use_exits_1_and_names_the_setting() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys").display().to_string();
    let programs = programs(&keys);
    let dev = format!(
        "dev --gateway-addr 127.0.0.1:0 --internal-addr 127.0.0.1:0 --control-plane-addr 127.0.0.1:0 --server-addrs \
         127.0.0.1:0 --agent-addrs 127.0.0.1:0 --state memory --keys {keys}"
    );
    let of = |name: &str| programs.iter().find(|(known, _)| *known == name).unwrap().1.as_str();
    for (name, args, setting) in [
        ("control-plane", of("control-plane"), "--grpc-addr"),
        ("control-plane", of("control-plane"), "--metrics-addr"),
        ("edge-gateway", of("edge-gateway"), "--client-addr"),
        ("edge-gateway", of("edge-gateway"), "--internal-addr"),
        ("edge-gateway", of("edge-gateway"), "--metrics-addr"),
        ("provisioning-agent", of("provisioning-agent"), "--http-addr"),
        ("provisioning-agent", of("provisioning-agent"), "--metrics-addr"),
        ("muster", "demo-server --addr 127.0.0.1:0", "--addr"),
        ("muster", dev.as_str(), "--gateway-addr"),
        ("muster", dev.as_str(), "--server-addrs"),
        ("muster", dev.as_str(), "--agent-addrs"),
    ] {
        let args = args.replace(&format!("{setting} 127.0.0.1:0"), &format!("{setting} {taken}"));
        assert!(args.contains(&taken), "{args}");
        let (code, said) = refused(name, &args).await;
        let names = said.contains(&taken) && said.contains(setting);
        assert!(code == Some(1) && names, "{name} {args}: exit {code:?}: {said}");
        assert!(said.contains("another program holds this port"), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_wrong_configuration_exits_2_and_names_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("muster.toml");
    let programs = programs(&dir.path().join("keys").display().to_string());
    for (name, text, expected) in [
        (
            "control-plane",
            "grcp_addr = '127.0.0.1:1'",
            "muster.toml:1: grcp_addr: unknown setting; did you mean",
        ),
        ("control-plane", "\nqueue_limit = 'many'", "muster.toml:2: queue_limit: `many` can't be taken"),
        ("control-plane", "token_lifetime = '0s'", "token_lifetime: must be at least"),
        ("control-plane", "[queues.'demo:2']\nmax_playres = 2", "unknown field `max_playres`"),
        ("control-plane", "grpc_addr = ", "muster.toml: "),
        (
            "edge-gateway",
            "client_adr = '127.0.0.1:1'",
            "client_adr: unknown setting; did you mean `client_addr`?",
        ),
        ("edge-gateway", "request_timeout = 'soon'", "muster.toml:1: request_timeout: `soon` can't be taken"),
        ("edge-gateway", "ping_timeout = '1s'", "ping_timeout: must be at least twice ping_interval"),
        ("edge-gateway", "control_plane = 'ftp://a'", "control_plane: `ftp://a` does not begin with http://"),
        ("provisioning-agent", "server_idd = 'a'", "server_idd: unknown setting; did you mean `server_id`?"),
        ("provisioning-agent", "capacity = 0", "muster.toml:1: capacity: `0` can't be taken"),
        ("provisioning-agent", "connect_host = 'ws://a'", "connect_host: `ws://a` is neither a host name"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (_, args) = programs.iter().find(|(known, _)| *known == name).unwrap();
        let (code, said) = refused(name, &format!("{args} --config {}", file.display())).await;
        assert!(code == Some(2) && said.contains(expected), "{name}: {text}: exit {code:?}: {said}");
    }
    for (name, args, expected) in [
        (
            "control-plane",
            "--config /nowhere/muster.toml",
            "can't read the configuration file /nowhere/muster.toml",
        ),
        ("edge-gateway", "--client-addr here", "--client-addr"),
        (
            "edge-gateway",
            "--allow-client-player-id --client-addr 0.0.0.0:0",
            "allow_client_player_id: would let whoever reaches client_addr 0.0.0.0:0 enqueue as anybody",
        ),
        ("provisioning-agent", "--port 7001 --land-type demo", "--server-id"),
        ("muster", "demo-server --mode sideways", "--mode"),
        ("muster", "demo-server --addr 127.0.0.1:0 --agent 127.0.0.1:1", "agent: "),
        ("muster", "dev --agent-addrs 127.0.0.1:0", "agent_addrs: names 1 addresses for 2 game servers"),
    ] {
        let (code, said) = refused(name, args).await;
        assert!(code == Some(2) && said.contains(expected), "{name} {args}: exit {code:?}: {said}");
    }
}
