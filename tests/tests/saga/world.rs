//! All programs of one installation, two game servers among them, and a match that can be stopped at every step.

use proto::{
    matchmaking::v1::{GetTicketRequest, TicketStatus, matchmaking_client::MatchmakingClient},
    provisioning::v1::{LandState, Server, ServerState},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Client, Program, Servers, Socket, eventually, free_port};
use tonic::transport::Endpoint;

/// How far the match is when somebody dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A place is reserved, and the agent hasn't read the order.
    Reserved,
    /// The agent has told its game server, which hasn't answered.
    Told,
    /// The server has accepted, and the control plane hasn't heard it.
    Accepted,
    /// The ticket is assigned, and its player hasn't been told.
    Assigned,
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    GameServer,
    Agent,
    ControlPlane,
}

/// A program that can be started again as it was.
struct Part {
    name: &'static str,
    args: Vec<String>,
    program: Program,
}

impl Part {
    fn start(name: &'static str, line: &str) -> Self {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let program = Program::start(name, &args);
        Self { name, args, program }
    }

    fn restart(&mut self) {
        self.program = Program::start(self.name, &self.args);
    }
}

/// A game server with its agent.
struct GameServer {
    server: Part,
    agent: Part,
    /// The agent's local API.
    local: String,
}

pub(crate) struct World {
    _dir: TempDir,
    control_plane: Part,
    gateway: Part,
    /// `game-1`, which is given the first land, and `game-2`. One land each.
    game_servers: [GameServer; 2],
    client: Client,
    servers: Servers,
    url: String,
    http: reqwest::Client,
}

/// A player who waits on a socket.
pub(crate) struct Waiting {
    pub(crate) ticket: String,
    socket: Socket,
}

impl World {
    /// Starts everything, and returns when both servers take lands.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (grpc, files) = (free_port(), dir.path().display());
        let control_plane = Part::start(
            "control-plane",
            &format!(
                "--grpc-addr 127.0.0.1:{grpc} --metrics-addr 127.0.0.1:0 --keys-dir {files}/keys --state-dir {files}/state \
                 --heartbeat-interval 200ms --heartbeat-expiry 3s --land-answer-timeout 4s"
            ),
        );
        let url = format!("http://{}", control_plane.program.logged("addr").await);
        let gateway = Part::start(
            "edge-gateway",
            &format!(
                "--client-addr 127.0.0.1:0 --internal-addr 127.0.0.1:0 --metrics-addr 127.0.0.1:0 --control-plane {url} \
                 --allow-client-player-id"
            ),
        );
        let servers = Servers::of(&url);
        let first = GameServer::start("game-1", &url);
        servers.ready(1).await;
        let second = GameServer::start("game-2", &url);
        servers.ready(2).await;
        let client = Client::new(format!("http://{}", gateway.program.logged("clients").await));
        let http = reqwest::Client::new();
        Self { _dir: dir, control_plane, gateway, game_servers: [first, second], client, servers, url, http }
    }

    /// Stops whoever would take the match beyond the step, and enqueues the player.
    pub(crate) async fn enqueue(&mut self, player: &str, step: Step) -> Waiting {
        let first = &self.game_servers[0];
        match step {
            Step::Reserved => first.agent.program.signal("STOP"),
            _ => first.server.program.signal("STOP"),
        }
        self.queue(player).await
    }

    async fn queue(&self, player: &str) -> Waiting {
        let mut socket = self.client.socket("/realtime").await;
        socket.send(&json!({ "action": "enqueue", "queueKey": "demo", "members": [player] })).await;
        let ticket = socket.next_of("enqueued").await["data"]["ticketId"].as_str().unwrap().to_owned();
        Waiting { ticket, socket }
    }

    /// Waits until the match has come to the step; it goes no further.
    pub(crate) async fn reach(&self, step: Step, waiting: &Waiting) {
        let first = &self.game_servers[0];
        eventually("a place to be reserved", async || {
            let servers = self.servers.list().await?;
            let lands =
                servers.iter().find(|server| server.server_id == "game-1").map(|server| &server.lands)?;
            lands.iter().any(|land| land.state() == LandState::Reserved).then_some(())
        })
        .await;
        if step == Step::Reserved {
            return;
        }
        eventually("the agent to have the order", async || self.agents_land(0).await).await;
        match step {
            Step::Reserved | Step::Told => {}
            Step::Accepted => {
                self.control_plane.program.signal("STOP");
                first.server.program.signal("CONT");
                let accepted = async || (self.agents_land(0).await?["state"] == "ready").then_some(());
                eventually("the server to accept", accepted).await;
            }
            Step::Assigned => {
                self.gateway.program.signal("STOP");
                first.server.program.signal("CONT");
                eventually("the ticket to be assigned", async || {
                    let channel = Endpoint::from_shared(self.url.clone()).unwrap().connect().await.ok()?;
                    let mut control_plane = MatchmakingClient::new(channel);
                    let ask = GetTicketRequest { ticket_id: waiting.ticket.clone(), wait_ms: 0 };
                    let ticket = control_plane.get_ticket(ask).await.ok()?.into_inner().ticket?;
                    (ticket.status() == TicketStatus::Assigned).then_some(())
                })
                .await;
            }
        }
    }

    /// The land that an agent knows of, as its status shows it.
    async fn agents_land(&self, index: usize) -> Option<Value> {
        let status =
            self.http.get(format!("{}/v1/status", self.game_servers[index].local)).send().await.ok()?;
        let status: Value = status.json().await.ok()?;
        status["lands"].as_array()?.first().cloned()
    }

    fn victim(&mut self, victim: Victim) -> &mut Part {
        match victim {
            Victim::GameServer => &mut self.game_servers[0].server,
            Victim::Agent => &mut self.game_servers[0].agent,
            Victim::ControlPlane => &mut self.control_plane,
        }
    }

    pub(crate) async fn kill(&mut self, victim: Victim) {
        let part = self.victim(victim);
        part.program.signal("KILL");
        part.program.ended().await;
    }

    /// Lets everybody who lives go on; a control plane that died is started again, because nobody is told anything without one.
    pub(crate) async fn go_on(&mut self, killed: Victim) {
        let [first, _] = &self.game_servers;
        let parts = [
            (&first.server, Some(Victim::GameServer)),
            (&first.agent, Some(Victim::Agent)),
            (&self.control_plane, Some(Victim::ControlPlane)),
            (&self.gateway, None),
        ];
        for (part, _) in parts.into_iter().filter(|(_, victim)| *victim != Some(killed)) {
            part.program.signal("CONT");
        }
        if killed == Victim::ControlPlane {
            self.restart(killed).await;
        }
    }

    /// Starts the victim again where it doesn't run, and waits until both servers take lands, or hold one.
    pub(crate) async fn restart(&mut self, victim: Victim) {
        let part = self.victim(victim);
        part.restart();
        if victim == Victim::ControlPlane {
            part.program.logged("addr").await;
        }
    }

    /// The assignment that the player is told.
    pub(crate) async fn pushed(&self, waiting: &mut Waiting) -> Value {
        let pushed = waiting.socket.next_of("match.assigned").await;
        assert_eq!(pushed["data"]["ticketId"], waiting.ticket.as_str());
        pushed["data"]["assignment"].clone()
    }

    /// Whoever reads the ticket finds what was pushed, and no other assignment.
    pub(crate) async fn assert_assigned_once(&self, waiting: &Waiting, pushed: &Value) {
        let read = eventually("the ticket to be read", async || {
            let (status, answer) =
                self.client.get(&format!("/v1/matchmaking/status/{}", waiting.ticket)).await;
            (status == 200).then_some(answer)
        })
        .await;
        for field in ["assignmentId", "matchId", "landId", "serverId", "connectUrl"] {
            assert_eq!(read["assignment"][field], pushed[field], "{field} of {read}");
        }
    }

    /// The ticket's player comes to the server, which takes them. Their connection ends with this.
    pub(crate) async fn plays(&self, waiting: &Waiting, player: &str) {
        eventually(&format!("{player} to play"), async || {
            // Each time that it is read it has a new token: one that nobody could check, because somebody was away, is given up.
            let (_, answer) = self.client.get(&format!("/v1/matchmaking/status/{}", waiting.ticket)).await;
            let token = answer["assignment"]["matchToken"].as_str()?;
            Socket::try_play_with(&answer["assignment"], token).await.map(drop)
        })
        .await;
    }

    /// Waits until both servers are there and nothing is on them.
    pub(crate) async fn all_places_are_free(&self) {
        let is_free = |server: &Server| server.state() == ServerState::Ready && server.lands_used == 0;
        eventually("every place to be free", async || {
            let servers = self.servers.list().await?;
            (servers.len() == 2 && servers.iter().all(is_free)).then_some(())
        })
        .await;
    }

    /// There are as many places as there were.
    pub(crate) async fn two_others_play(&self) {
        let mut bob = self.queue("bob").await;
        let mut cyd = self.queue("cyd").await;
        let (first, second) = (self.pushed(&mut bob).await, self.pushed(&mut cyd).await);
        assert_ne!(first["serverId"], second["serverId"], "each has one place");
        self.plays(&bob, "bob").await;
        self.plays(&cyd, "cyd").await;
    }
}

impl GameServer {
    fn start(id: &str, control_plane: &str) -> Self {
        let (port, agent_port) = (free_port(), free_port());
        let local = format!("http://127.0.0.1:{agent_port}");
        let server = Part::start(
            "muster",
            &format!(
                "demo-server --addr 127.0.0.1:{port} --land-type demo --agent {local} --join-within 6s --empty-grace 500ms"
            ),
        );
        let agent = Part::start(
            "provisioning-agent",
            &format!(
                "--server-id {id} --land-type demo --port {port} --capacity 1 --http-addr 127.0.0.1:{agent_port} --metrics-addr \
                 127.0.0.1:0 --control-plane {control_plane}"
            ),
        );
        Self { server, agent, local }
    }
}
