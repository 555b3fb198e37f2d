//! `muster dev` as a real process, on ports of its own.

use tempfile::TempDir;
use tests::{Client, Program};

/// A running `muster dev` that has said that it is ready.
pub(crate) struct Dev {
    pub(crate) program: Program,
    /// The gateway's URL, as it was printed.
    pub(crate) gateway: String,
    _keys: TempDir,
}

impl Dev {
    pub(crate) async fn start() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let dir = keys.path().join("keys").display().to_string();
        let (any, two) = ("127.0.0.1:0", "127.0.0.1:0,127.0.0.1:0");
        #[rustfmt::skip]
        let program = Program::start("muster", &[
            "dev", "--gateway-addr", any, "--internal-addr", any, "--control-plane-addr", any,
            "--server-addrs", two, "--agent-addrs", two, "--keys", &dir, "--state-dir", &dir,
        ]);
        let row = |line: &str| {
            let address = line.trim_start().strip_prefix("gateway  ")?;
            address.split_whitespace().next().map(str::to_owned)
        };
        let gateway = program.printed("the gateway's address", row).await;
        program.printed("how to stop it", |line| line.contains("Ctrl-C").then_some(())).await;
        Self { program, gateway, _keys: keys }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.gateway)
    }
}
