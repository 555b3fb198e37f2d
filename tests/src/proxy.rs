//! A connection between two programs that can be hurt: what a network does to streams, at the moment that a test chooses.
//!
//! It stands before one address and passes bytes on. A stream of TCP can be cut, stalled, delayed, slowed down and reset in the
//! middle of a message. Its bytes can't change their order, so what is reordered here is streams: what one connection holds
//! arrives after what another one, made later, has brought ([`Fault::HoldOpen`]).

mod gate;
#[cfg(test)]
mod tests;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use runtime::Tasks;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp},
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use self::gate::{Broken, Gate};

/// What may be on its way through one direction of a connection, in pieces of at most [`PIECE`] bytes.
const ON_THE_WAY: usize = 64;
const PIECE: usize = 16 * 1024;

/// What is done to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Connections are reset, and new ones are at once.
    Cut,
    /// Connections live and new ones are taken, but nothing gets through.
    Stall,
    /// Everything arrives this much later.
    Delay(Duration),
    /// Each direction of each connection passes on so many bytes a second.
    Throttle(u32),
    /// Each direction of each connection passes on so many bytes more; then the connection is reset, whatever it was in the
    /// middle of. So are new ones.
    Truncate(usize),
    /// Nothing gets through the connections that are open now, which are taken for alive; later ones are free.
    HoldOpen,
}

/// Passes bytes on between whoever connects to its port and one address.
#[derive(Debug)]
pub struct Proxy {
    /// Where to connect instead.
    pub port: u16,
    state: watch::Sender<State>,
    felt: Arc<AtomicU64>,
}

/// What is done with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    fault: Option<Fault>,
    /// How often that changed.
    changes: u64,
    /// How often everything was cut.
    cuts: u64,
}

impl Proxy {
    /// Opens a port before `target`.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn start(target: SocketAddr, tasks: &Tasks) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (state, seen) = watch::channel(State { fault: None, changes: 0, cuts: 0 });
        let felt = Arc::<AtomicU64>::default();
        let (stop, spawner, feeling) = (tasks.stopping().clone(), tasks.clone(), Arc::clone(&felt));
        tasks.spawn("proxy", async move {
            while let Some(Ok((client, _))) = stop.run_until_cancelled(listener.accept()).await {
                let gate = Gate::new(seen.clone(), Arc::clone(&feeling));
                spawner.spawn("proxied connection", connect(client, target, gate, stop.clone()));
            }
        });
        Ok(Self { port, state, felt })
    }

    /// Does this to all connections, instead of whatever was done until now.
    pub fn hurt(&self, fault: Fault) {
        self.change(Some(fault));
    }

    /// Lets everything through again, first what was held back.
    pub fn heal(&self) {
        self.change(None);
    }

    /// How often a fault has met bytes or a connection, since the beginning.
    pub fn felt(&self) -> u64 {
        self.felt.load(Ordering::Relaxed)
    }

    fn change(&self, fault: Option<Fault>) {
        self.state.send_modify(|state| {
            let cuts = state.cuts + u64::from(fault == Some(Fault::Cut));
            *state = State { fault, changes: state.changes + 1, cuts };
        });
    }
}

async fn connect(mut client: TcpStream, target: SocketAddr, mut gate: Gate, stop: CancellationToken) {
    let passed = async {
        gate.opened().await?;
        let mut server = TcpStream::connect(target).await?;
        for socket in [&client, &server] {
            // As direct as the connection that it stands for.
            socket.set_nodelay(true)?;
        }
        let (ours, theirs) = (gate.clone(), gate.clone());
        let ended = {
            let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
            tokio::select! {
                ended = async { tokio::try_join!(pass(from_client, to_server, ours), pass(from_server, to_client, theirs)) } => {
                    ended.map(|_| ())
                }
                broken = gate.cut() => Err(broken),
            }
        };
        if ended.is_err() {
            server.set_zero_linger()?;
        }
        ended
    };
    if let Some(Err(Broken)) = stop.run_until_cancelled(passed).await {
        // What can't be reset has ended by itself.
        drop(client.set_zero_linger());
    }
}

/// One direction of a connection, to its end: the end travels behind the last byte.
async fn pass(mut from: tcp::ReadHalf<'_>, mut to: tcp::WriteHalf<'_>, mut gate: Gate) -> Result<(), Broken> {
    let (read, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let mut arrival = gate.clone();
    let reading = async move {
        let mut piece = vec![0; PIECE];
        loop {
            match from.read(&mut piece).await? {
                0 => return Ok(()),
                count => {
                    let due = arrival.due();
                    if read.send((due, piece[..count].to_vec())).await.is_err() {
                        return Err(Broken);
                    }
                }
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = on_the_way.recv().await {
            sleep_until(due).await;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(gate.admits(rest.len()).await?);
                to.write_all(now).await?;
                rest = later;
            }
        }
        gate.admits(0).await?;
        to.shutdown().await?;
        Ok(())
    };
    tokio::try_join!(reading, writing).map(|_| ())
}
