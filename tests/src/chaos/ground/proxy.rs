//! A connection that can be cut, stalled and mended.

use std::net::{Ipv4Addr, SocketAddr};

use runtime::Tasks;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

/// Passes bytes on between whoever connects to its port and one address, as long as it is open.
#[derive(Debug)]
pub struct Proxy {
    /// Where to connect instead.
    pub port: u16,
    state: watch::Sender<State>,
}

/// What is done with bytes, and how often everything was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    mode: Mode,
    cuts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    /// Connections live, but nothing gets through.
    Stalled,
    /// Connections break, and new ones break at once.
    Cut,
}

impl Proxy {
    /// Opens a port before `target`.
    pub async fn start(target: SocketAddr, tasks: &Tasks) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (state, seen) = watch::channel(State { mode: Mode::Open, cuts: 0 });
        let (stop, spawner) = (tasks.stopping().clone(), tasks.clone());
        tasks.spawn("proxy", async move {
            while let Some(Ok((client, _))) = stop.run_until_cancelled(listener.accept()).await {
                let stop = stop.clone();
                let seen = seen.clone();
                spawner.spawn("proxied connection", async move {
                    stop.clone().run_until_cancelled(connect(client, target, seen, stop)).await;
                });
            }
        });
        Ok(Self { port, state })
    }

    /// Breaks all connections, and refuses new ones.
    pub fn cut(&self) {
        self.state.send_modify(|state| *state = State { mode: Mode::Cut, cuts: state.cuts + 1 });
    }

    /// Holds back everything, in both directions.
    pub fn stall(&self) {
        self.state.send_modify(|state| state.mode = Mode::Stalled);
    }

    /// Lets everything through again, first what was held back.
    pub fn heal(&self) {
        self.state.send_modify(|state| state.mode = Mode::Open);
    }
}

async fn connect(
    client: TcpStream,
    target: SocketAddr,
    seen: watch::Receiver<State>,
    stop: CancellationToken,
) {
    let cuts = seen.borrow().cuts;
    let mut gate = Gate { seen, cuts };
    if !gate.passed().await {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    for socket in [&client, &server] {
        // As direct as the connection that it stands for.
        drop(socket.set_nodelay(true));
    }
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let other = gate.clone();
    // As soon as one direction breaks, both do.
    tokio::select! {
        () = pass(from_client, to_server, gate) => {}
        () = pass(from_server, to_client, other) => {}
        () = stop.cancelled() => {}
    }
}

async fn pass(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, mut gate: Gate) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            () = gate.cut() => return,
            read = from.read(&mut bytes) => read,
        };
        let Ok(count @ 1..) = read else { return };
        if !gate.passed().await {
            return;
        }
        let written = tokio::select! {
            () = gate.cut() => return,
            written = to.write_all(&bytes[..count]) => written,
        };
        if written.is_err() {
            return;
        }
    }
}

/// What one direction of one connection waits at.
#[derive(Clone)]
struct Gate {
    seen: watch::Receiver<State>,
    cuts: u64,
}

impl Gate {
    /// Waits while the proxy is stalled. False where the connection was cut.
    async fn passed(&mut self) -> bool {
        let cuts = self.cuts;
        let free = self.seen.wait_for(|state| state.mode != Mode::Stalled || state.cuts != cuts).await;
        free.is_ok_and(|state| state.mode == Mode::Open && state.cuts == cuts)
    }

    /// Waits until the connection is cut.
    async fn cut(&mut self) {
        let cuts = self.cuts;
        drop(self.seen.wait_for(|state| state.mode == Mode::Cut || state.cuts != cuts).await);
    }
}
