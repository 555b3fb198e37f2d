//! From the SIGKILL of the process that owns a queue to the next match in that queue: `cargo build --release --workspace --bins && cargo bench -p
//! tests --bench takeover`.
//!
//! A control plane that serves calls, two that form matches, a game server and its agent, as real processes over a Redis of their own.
//! A ticket comes every 20 ms, any two are a match. Whose count of matches grows owns the queue; it is killed at a random moment
//! between two renewals of its lease, and what counts is the first ticket that is enqueued after that and assigned. Then it is started
//! again, and the other one's turn has come. Fails where one round takes longer than the lease and a second.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use proto::matchmaking::v1::{
    EnqueueRequest, GetTicketRequest, Player, TicketStatus, matchmaking_client::MatchmakingClient,
};
use tests::{Program, Servers, eventually, free_port};
use tokio::{sync::watch, task::JoinHandle};
use tonic::transport::{Channel, Endpoint};

/// Rounds with each lease.
const LEASES: [(Duration, usize); 2] = [(Duration::from_secs(2), 8), (Duration::from_secs(10), 4)];
const ASKED: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(20);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut missed = false;
    for (lease, rounds) in LEASES {
        let dir = tempfile::tempdir().unwrap();
        let mut took = measure(dir.path(), lease, rounds).await;
        took.sort_unstable();
        let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
        let share = 100.0 * longest.as_secs_f64() / (lease + ASKED).as_secs_f64();
        println!(
            "lease {lease:?}: next match after {median:.2?} (median), {longest:.2?} (longest of {rounds}); the longest is \
             {share:.0} % of the lease and {ASKED:?}"
        );
        missed |= longest > lease + ASKED;
    }
    if missed {
        println!("missed: every takeover within the lease and {ASKED:?}");
        std::process::exit(1);
    }
}

/// What each round took.
async fn measure(dir: &Path, lease: Duration, rounds: usize) -> Vec<Duration> {
    let redis_port = free_port();
    let mut command = Command::new("redis-server");
    #[rustfmt::skip]
    command.args([
        "--bind", "127.0.0.1", "--port", &redis_port.to_string(), "--dir", dir.to_str().unwrap(), "--appendonly", "yes", "--save", "",
    ]);
    let redis = Program::spawn("redis-server", command);
    eventually("Redis to listen", async || std::net::TcpStream::connect(("127.0.0.1", redis_port)).ok())
        .await;

    let control_plane = |role: &str| {
        format!(
            "--matchmaking-role {role} --state redis --redis-url redis://127.0.0.1:{redis_port} --queue-lease {}ms --keys-dir {}",
            lease.as_millis(),
            dir.join("keys").display()
        )
    };
    let api = start(
        "control-plane",
        &format!("{} --grpc-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0", control_plane("api")),
    );
    let api_addr = api.logged("addr").await;
    let (agent_port, capacity) = (free_port(), 100_000);
    let server = start(
        "muster",
        &format!(
            "demo-server --addr 127.0.0.1:0 --land-type demo --agent http://127.0.0.1:{agent_port} --max-lands {capacity} \
             --join-within 2s"
        ),
    );
    let port = server.logged("addr").await.rsplit(':').next().unwrap().to_owned();
    let agent = start(
        "provisioning-agent",
        &format!(
            "--server-id game-1 --land-type demo --port {port} --http-addr 127.0.0.1:{agent_port} --metrics-addr 127.0.0.1:0 \
             --control-plane http://{api_addr} --capacity {capacity}"
        ),
    );
    Servers::of(format!("http://{api_addr}")).ready(1).await;

    let mut workers =
        [Worker::new(&control_plane("queue-worker")), Worker::new(&control_plane("queue-worker"))];
    for worker in &mut workers {
        worker.start().await;
    }
    let players = Players::start(&api_addr).await;
    let mut took = Vec::new();
    for round in 0..rounds {
        let owner = owner(&workers).await;
        // Anywhere between two renewals, which come three times in a lease.
        tokio::time::sleep(lease / 3 * u32::try_from(round).unwrap() / u32::try_from(rounds).unwrap()).await;
        let killed_at = workers[owner].kill().await;
        took.push(players.next_match(Instant::now(), lease).await - killed_at);
        workers[owner].start().await;
    }
    players.task.abort();
    drop((workers, agent, server, api, redis));
    took
}

fn start(name: &str, args: &str) -> Program {
    Program::start(name, &args.split_whitespace().collect::<Vec<_>>())
}

/// A control plane that forms matches, and is killed now and then.
struct Worker {
    args: String,
    metrics: String,
    program: Option<Program>,
}

impl Worker {
    fn new(args: &str) -> Self {
        let metrics = format!("127.0.0.1:{}", free_port());
        Self {
            args: format!("{args} --grpc-addr 127.0.0.1:0 --metrics-addr {metrics}"),
            metrics,
            program: None,
        }
    }

    async fn start(&mut self) {
        let program = start("control-plane", &self.args);
        program.logged("addr").await;
        self.program = Some(program);
    }

    /// Returns when it was killed.
    async fn kill(&mut self) -> Instant {
        let mut program = self.program.take().unwrap();
        let killed_at = Instant::now();
        program.signal("KILL");
        program.ended().await;
        killed_at
    }

    /// How many matches it has made.
    async fn matches(&self) -> u64 {
        let page =
            reqwest::get(format!("http://{}/metrics", self.metrics)).await.unwrap().text().await.unwrap();
        let made = page.lines().find_map(|line| line.strip_prefix("control_plane_matches_total "));
        made.map_or(0, |made| made.parse().unwrap())
    }
}

/// Which of the workers makes matches now.
async fn owner(workers: &[Worker; 2]) -> usize {
    let mut before = [workers[0].matches().await, workers[1].matches().await];
    eventually("one of the workers to make matches", async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = [workers[0].matches().await, workers[1].matches().await];
        let grown = [0, 1].map(|worker| now[worker] > before[worker]);
        before = now;
        (grown[0] != grown[1]).then_some(usize::from(grown[1]))
    })
    .await
}

/// A player every 20 ms, each of whom waits for an assignment.
struct Players {
    /// When the newest of those who were assigned had enqueued, and when that was heard.
    assigned: watch::Receiver<Option<(Instant, Instant)>>,
    task: JoinHandle<()>,
}

impl Players {
    async fn start(api: &str) -> Self {
        let channel = Endpoint::from_shared(format!("http://{api}")).unwrap().connect().await.unwrap();
        let (tell, assigned) = watch::channel(None);
        let task = tokio::spawn(async move {
            let mut tick = tokio::time::interval(EVERY);
            for number in 0_u64.. {
                tick.tick().await;
                let (channel, tell) = (channel.clone(), tell.clone());
                tokio::spawn(async move { play(channel, number, &tell).await });
            }
        });
        Self { assigned, task }
    }

    /// When a ticket was assigned that had been enqueued after `since`.
    async fn next_match(&self, since: Instant, lease: Duration) -> Instant {
        let mut assigned = self.assigned.clone();
        let fits = |newest: &Option<(Instant, Instant)>| newest.is_some_and(|(enqueued, _)| enqueued > since);
        let found = tokio::time::timeout(10 * lease, assigned.wait_for(fits)).await;
        let (_, heard) = found.expect("the queue is never taken over").unwrap().unwrap();
        heard
    }
}

async fn play(channel: Channel, number: u64, assigned: &watch::Sender<Option<(Instant, Instant)>>) {
    let mut client = MatchmakingClient::new(channel);
    let player = Player { player_id: format!("player-{number}"), ..Player::default() };
    let request =
        EnqueueRequest { queue_key: "demo:2".to_owned(), players: vec![player], ..EnqueueRequest::default() };
    let enqueued_at = Instant::now();
    let Ok(ticket) = client.enqueue(request).await else { return };
    let ticket_id = ticket.into_inner().ticket_id;
    loop {
        let request = GetTicketRequest { ticket_id: ticket_id.clone(), wait_ms: 20_000 };
        let Ok(answer) = client.get_ticket(request).await else { return };
        if answer.into_inner().ticket.unwrap().status() == TicketStatus::Assigned {
            let heard = Instant::now();
            assigned.send_if_modified(|newest| {
                let newer = newest.is_none_or(|(enqueued, _)| enqueued < enqueued_at);
                if newer {
                    *newest = Some((enqueued_at, heard));
                }
                newer
            });
            return;
        }
    }
}
