//! A stand-in for a studio's own allocation service: it keeps to the contract until it is told not to.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use runtime::{Tasks, tls::ServerTls};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use super::ground::{AT_ONCE, BUDGET, CALL, Ground, Trouble};
use crate::{
    Config,
    allocation::{Allocation, Opening},
};

/// What is done with one request for a land.
#[derive(Debug, Clone)]
pub(super) enum Mood {
    /// What the contract says.
    Good,
    /// The same in the envelope of the REST twin.
    Enveloped,
    /// The land is made, and the answer has this text instead.
    Instead(String),
    /// Nothing is made, and this is the answer: status, headers, body.
    Answers(u16, &'static str, String),
    /// Nothing is made, and these bytes are the answer.
    Raw(Vec<u8>),
    /// Nothing is made, and there is no answer.
    Silent,
    /// The land is made, and the answer comes late.
    Late(Duration),
    /// The land is made, and the connection ends in the middle of the answer.
    Cut,
    /// The same land as the last match's.
    Again,
}

/// One request, as it came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Value,
}

/// The service. Stops when it is dropped.
pub(super) struct HttpStandIn {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
    stop: CancellationToken,
}

#[derive(Default)]
struct State {
    moods: VecDeque<Mood>,
    /// What is done when there is no other mood.
    standing: Option<Mood>,
    /// By idempotency key.
    lands: BTreeMap<String, Value>,
    made: usize,
    seen: Vec<Seen>,
    now: usize,
    most_at_once: usize,
    /// The status of every release.
    release_status: Option<u16>,
    connections: usize,
}

impl HttpStandIn {
    pub(super) async fn start(tls: Option<ServerTls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let (state, stop) = (Arc::<Mutex<State>>::default(), CancellationToken::new());
        let (shared, stopped) = (Arc::clone(&state), stop.clone());
        let serving = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.lock().connections += 1;
                let (tls, shared, stopped) = (tls.clone(), Arc::clone(&shared), stopped.clone());
                tokio::spawn(stopped.run_until_cancelled_owned(async move {
                    let served = async {
                        let stream = runtime::tls::accept(tls.as_ref(), stream).await?;
                        serve(BufReader::new(stream), &shared).await
                    };
                    drop(served.await);
                }));
            }
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
        Self { url, state, stop }
    }

    /// In this mood for one request; the next ones come in order.
    pub(super) fn once(&self, mood: Mood) {
        self.state.lock().moods.push_back(mood);
    }

    /// In this mood from now on.
    pub(super) fn always(&self, mood: Mood) {
        self.state.lock().standing = Some(mood);
    }

    pub(super) fn releases_answer(&self, status: u16) {
        self.state.lock().release_status = Some(status);
    }

    pub(super) fn releases_work(&self) {
        self.state.lock().release_status = None;
    }

    pub(super) fn lands(&self) -> BTreeSet<String> {
        let state = self.state.lock();
        state.lands.values().map(|land| land["landId"].as_str().unwrap().to_owned()).collect()
    }

    /// All lands that were ever made.
    pub(super) fn made(&self) -> usize {
        self.state.lock().made
    }

    pub(super) fn connections(&self) -> usize {
        self.state.lock().connections
    }

    pub(super) fn seen(&self, path: &str) -> Vec<Seen> {
        self.state.lock().seen.iter().filter(|seen| seen.path.ends_with(path)).cloned().collect()
    }
}

impl Drop for HttpStandIn {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Requests on one connection, until it ends.
async fn serve(
    mut stream: BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    while let Some(seen) = request(&mut stream).await? {
        state.lock().seen.push(seen.clone());
        if seen.path.ends_with("/v1/provisioning/release") {
            let status = released(&mut state.lock(), &seen.body);
            stream.write_all(&answer(status, "", "{}")).await?;
            continue;
        }
        assert!(seen.path.ends_with("/v1/provisioning/allocate"), "{seen:?}");
        let mood = {
            let mut state = state.lock();
            state.now += 1;
            state.most_at_once = state.most_at_once.max(state.now);
            let standing = state.standing.clone();
            state.moods.pop_front().or(standing).unwrap_or(Mood::Good)
        };
        let answered = allocate(&mut stream, state, &seen, mood).await;
        state.lock().now -= 1;
        if !answered? {
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the connection goes on.
async fn allocate(
    stream: &mut (impl AsyncWrite + Unpin),
    state: &Mutex<State>,
    seen: &Seen,
    mood: Mood,
) -> std::io::Result<bool> {
    let make = || land(&mut state.lock(), seen);
    match mood {
        Mood::Good => stream.write_all(&answer(200, "", &make().to_string())).await?,
        Mood::Enveloped => {
            let body = json!({ "success": true, "result": make() }).to_string();
            stream.write_all(&answer(200, "", &body)).await?;
        }
        Mood::Instead(body) => {
            make();
            stream.write_all(&answer(200, "", &body)).await?;
        }
        Mood::Answers(status, headers, body) => stream.write_all(&answer(status, headers, &body)).await?,
        Mood::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            return Ok(false);
        }
        Mood::Silent => std::future::pending().await,
        Mood::Late(after) => {
            let body = make().to_string();
            tokio::time::sleep(after).await;
            stream.write_all(&answer(200, "", &body)).await?;
        }
        Mood::Cut => {
            let whole = answer(200, "", &make().to_string());
            stream.write_all(&whole[..whole.len() / 2]).await?;
            stream.shutdown().await?;
            return Ok(false);
        }
        Mood::Again => {
            let last = state.lock().lands.values().next_back().unwrap().to_string();
            stream.write_all(&answer(200, "", &last)).await?;
        }
    }
    Ok(true)
}

fn land(state: &mut State, seen: &Seen) -> Value {
    let key = seen.headers["idempotency-key"].clone();
    if let Some(known) = state.lands.get(&key) {
        return known.clone();
    }
    state.made += 1;
    let land_type = seen.body["landType"].as_str().unwrap();
    let id = format!("{land_type}:{}", state.made);
    let url = format!("ws://stand-in:7000/game/{land_type}?landId={id}");
    let land = json!({ "serverId": "stand-in", "landId": id, "connectUrl": url });
    state.lands.insert(key, land.clone());
    land
}

fn released(state: &mut State, body: &Value) -> u16 {
    if let Some(status) = state.release_status {
        return status;
    }
    let before = state.lands.len();
    state.lands.retain(|key, land| {
        let by_key = body["idempotencyKey"].as_str() == Some(key);
        !by_key && (body["landId"].is_null() || body["landId"] != land["landId"])
    });
    if state.lands.len() < before { 200 } else { 404 }
}

async fn request(stream: &mut BufReader<impl AsyncRead + Unpin>) -> std::io::Result<Option<Seen>> {
    let (mut first, mut headers) = (String::new(), BTreeMap::new());
    if stream.read_line(&mut first).await? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).await?;
    let path = first.split(' ').nth(1).unwrap().to_owned();
    assert!(first.starts_with("POST "), "{first}");
    Ok(Some(Seen { path, headers, body: serde_json::from_slice(&body).unwrap() }))
}

/// `headers` are lines, each with its end.
fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

/// The port on a stand-in.
pub(super) struct HttpGround {
    pub(super) service: HttpStandIn,
    pub(super) port: Arc<dyn Allocation>,
    pub(super) tasks: Tasks,
}

/// On a stand-in that is not in TLS.
pub(super) async fn ground() -> HttpGround {
    HttpGround::on(HttpStandIn::start(None).await, "").unwrap()
}

impl HttpGround {
    /// With more flags.
    pub(super) fn on(service: HttpStandIn, flags: &str) -> Result<Self, runtime::config::Invalid> {
        let tasks = Tasks::new(CancellationToken::new());
        let port = opened("http", &service.url, flags, &tasks)?;
        Ok(Self { service, port, tasks })
    }
}

impl Drop for HttpGround {
    fn drop(&mut self) {
        self.tasks.stopping().cancel();
    }
}

/// The port that the flags choose.
pub(super) fn opened(
    allocator: &str,
    url: &str,
    flags: &str,
    tasks: &Tasks,
) -> Result<Arc<dyn Allocation>, runtime::config::Invalid> {
    let usual = format!(
        "--allocation {allocator} --allocation-url {url} --allocation-timeout {}ms --allocation-budget {}ms \
         --allocation-concurrency {AT_ONCE} {flags}",
        CALL.as_millis(),
        BUDGET.as_millis()
    );
    let flags: Vec<_> = usual.split_whitespace().collect();
    let config: Config = runtime::config::defaults(&flags);
    config.allocation.validate()?;
    Ok(Opening::of(&config.allocation, config.allocation_tries)?.unwrap().open(tasks)?.allocation)
}

impl Ground for HttpGround {
    fn port(&self) -> Arc<dyn Allocation> {
        Arc::clone(&self.port)
    }

    fn trouble(&self, trouble: Trouble) {
        let no = |code| json!({ "code": code, "message": "as told", "retryable": false }).to_string();
        self.service.once(match trouble {
            Trouble::NoServer => Mood::Answers(503, "", no("NO_SERVER_AVAILABLE")),
            Trouble::Refuses => Mood::Answers(409, "", no("NOT_IN_THE_MOOD")),
            Trouble::Silent => Mood::Silent,
            Trouble::LosesReply => Mood::Cut,
        });
    }

    fn lands(&self) -> BTreeSet<String> {
        self.service.lands()
    }

    fn takes_back(&self) -> bool {
        true
    }

    fn most_at_once(&self) -> Option<usize> {
        Some(self.service.state.lock().most_at_once)
    }
}
