//! The fleet's Redis: where its program is, how it is configured, and whether it answers.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Either will do.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];

/// The program, from the PATH.
pub(super) fn program() -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found = PROGRAMS.iter().flat_map(|name| env::split_paths(&path).map(move |dir| dir.join(name)));
    match found.find(|file| file.is_file()) {
        Some(program) => Ok(program),
        None => bail!(
            "redis-server is not on the PATH. Install it (Debian and Ubuntu: `sudo apt-get install redis-server`; macOS: `brew \
             install redis`; Fedora: `sudo dnf install valkey`), or name one that runs already: --redis-url redis://127.0.0.1:6379"
        ),
    }
}

/// As in production: nothing is evicted, and what is acknowledged is in a log that is flushed every second.
pub(super) fn args(addr: SocketAddr, dir: &Path) -> Vec<String> {
    let (host, port, dir) = (addr.ip().to_string(), addr.port().to_string(), dir.display().to_string());
    #[rustfmt::skip]
    let args = [
        "--bind", &host, "--port", &port, "--dir", &dir, "--daemonize", "no", "--maxmemory-policy", "noeviction",
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
    ];
    args.map(str::to_owned).to_vec()
}

/// Whether it answers, within `patience`.
pub(super) async fn answers(addr: SocketAddr, patience: Duration) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(&answer == b"+PONG")
    };
    matches!(tokio::time::timeout(patience, ask).await, Ok(Ok(true)))
}
