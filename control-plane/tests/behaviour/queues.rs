//! Queues from a file: their rule sets, reading them again while tickets wait, and why a ticket waits.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use control_plane::{Config, Role, Sections};
use proto::{
    error::Reason,
    matchmaking::v1::{
        self as mm, ExplainTicketRequest, ListQueuesRequest, ReloadQueuesRequest, TicketStatus,
        attribute_value::Kind, watch_request::Action, watch_response::Event,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    agent::{Agent, hello},
    replicas::Shared,
    stack::{PATIENCE, Stack, config, keys, refusal, request},
};

const QUEUE: &str = "demo:ranked";

/// A configuration file whose queue has a rule set for two who are close in skill.
struct Files(tempfile::TempDir);

impl Files {
    fn new(max_distance: u32) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("muster.toml", "[queues.'demo:ranked']\nrule_set = 'ranked.json'\n");
        files.rules(max_distance, "");
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn rules(&self, max_distance: u32, more: &str) {
        self.write(
            "ranked.json",
            &format!(
                r#"{{
  "name": "ranked", "ruleLanguageVersion": "1.0",
  "playerAttributes": [{{ "name": "skill", "type": "number" }}],
  "teams": [{{ "name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2 }}],
  "rules": [{{ "name": "Fair", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": {max_distance} }}]{more}
}}"#
            ),
        );
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("muster.toml")
    }

    fn config(&self) -> Config {
        Config { config: Some(self.path()), ..config() }
    }

    async fn stack(&self) -> Stack {
        let keys = keys();
        let config = Config { keys_dir: keys.path().join("keys"), ..self.config() };
        Stack::with_sections(config, self.sections()).await.and_keys(keys)
    }

    fn sections(&self) -> Sections {
        runtime::config::sections::<Config, _>(&self.path()).unwrap()
    }
}

fn player(id: &str, skill: f64) -> mm::EnqueueRequest {
    let mut request = request(QUEUE, &[id]);
    let skill = mm::AttributeValue { kind: Some(Kind::Number(skill)) };
    request.players[0].attributes.insert("skill".to_owned(), skill);
    request
}

async fn enqueue(stack: &Stack, id: &str, skill: f64) -> String {
    stack.matchmaking().enqueue(player(id, skill)).await.unwrap().into_inner().ticket_id
}

async fn reload(stack: &Stack) -> mm::ReloadQueuesResponse {
    stack.matchmaking().reload_queues(ReloadQueuesRequest {}).await.unwrap().into_inner()
}

/// Why a ticket waits, once the queue's owner knows it and so many others.
async fn explained(stack: &Stack, id: &str, candidates: u32) -> mm::Explanation {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let request = ExplainTicketRequest { ticket_id: id.to_owned() };
        let answer = stack.matchmaking().explain_ticket(request).await.unwrap().into_inner();
        let explanation = answer.explanation.unwrap();
        if explanation.outlook.as_ref().is_some_and(|outlook| outlook.candidates == candidates) {
            return explanation;
        }
        assert!(tokio::time::Instant::now() < deadline, "still {explanation:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn tickets_in_flight_are_matched_under_rules_that_were_read_again() {
    let files = Files::new(50);
    let stack = files.stack().await;
    let agent = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    let (ann, bob) = (enqueue(&stack, "ann", 0.0).await, enqueue(&stack, "bob", 120.0).await);
    let explanation = explained(&stack, &ann, 1).await;
    assert_eq!(explanation.rules, "rule set `ranked`");
    let outlook = explanation.outlook.unwrap();
    let [exclusion] = &*outlook.exclusions else { panic!("{outlook:?}") };
    assert_eq!((&*exclusion.what, exclusion.is_rule, exclusion.tickets), ("Fair", true, 1));
    assert_eq!(exclusion.nearest_by, Some(70.0));
    assert_eq!(outlook.nearest_miss.unwrap().by, 70.0);
    assert_eq!((outlook.players_needed, outlook.players_missing, outlook.fitting), (2, 1, 0));
    assert!(explanation.summary.contains("`Fair`"), "{}", explanation.summary);

    // What can't be taken changes nothing, and says why.
    files.rules(200, ",");
    let refused = reload(&stack).await;
    assert!(refused.changes.is_empty() && refused.replicas == 0, "{refused:?}");
    assert!(refused.errors.iter().any(|error| error.contains("ranked.json:")), "{refused:?}");
    assert_eq!(stack.ticket(&ann).await.status(), TicketStatus::Queued);

    files.rules(200, "");
    let taken = reload(&stack).await;
    assert_eq!((taken.errors.len(), taken.replicas, taken.changes.len()), (0, 1, 1), "{taken:?}");
    assert_eq!(taken.changes[0].queue_key, QUEUE);
    let (ann, bob) = (stack.assignment(&ann).await, stack.assignment(&bob).await);
    assert_eq!(ann.match_id, bob.match_id);
    assert_eq!(ann.teams.iter().map(|team| &*team.name).collect::<Vec<_>>(), ["side_1", "side_2"]);
    stack.stop().await;
    agent.await.unwrap();
}

#[tokio::test]
async fn a_ticket_that_the_rules_keep_out_is_refused_at_the_door() {
    let stack = Files::new(50).stack().await;
    let without_skill = stack.refused(request(QUEUE, &["ann"])).await;
    assert_eq!(without_skill.reason, Reason::InvalidRequest);
    let [field] = &*without_skill.fields else { panic!("{without_skill:?}") };
    assert!(field.field == "players" && field.message.contains("skill"), "{field:?}");
    let party = stack.refused(request(QUEUE, &["ann", "bob"])).await;
    assert_eq!(party.fields[0].field, "players", "no team has room for two");
    stack.stop().await;
}

#[tokio::test]
async fn a_ticket_that_new_rules_keep_out_is_told_so_and_fits_again_later() {
    let files = Files::new(50);
    let stack = files.stack().await;
    let ann = enqueue(&stack, "ann", 0.0).await;
    explained(&stack, &ann, 0).await;
    // No rule looks at the other attribute yet, and then nobody has it.
    files.rules(50, "");
    let text = fs::read_to_string(files.0.path().join("ranked.json")).unwrap();
    files.write("ranked.json", &text.replace("\"skill\"", "\"rank\""));
    assert_eq!(reload(&stack).await.errors, Vec::<String>::new());
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let request = ExplainTicketRequest { ticket_id: ann.clone() };
        let answer = stack.matchmaking().explain_ticket(request).await.unwrap().into_inner();
        let explanation = answer.explanation.unwrap();
        if explanation.outlook.is_some_and(|outlook| outlook.unfit.contains("rank")) {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{}", explanation.summary);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    files.rules(50, "");
    assert_eq!(reload(&stack).await.changes.len(), 1);
    explained(&stack, &ann, 0).await;
    stack.stop().await;
}

#[tokio::test]
async fn an_estimate_that_changes_is_told_and_comes_with_its_range() {
    let stack = Files::new(50).stack().await;
    let agent = Agent::start(&stack, hello("s-1")).await.make_all_lands();
    let waits = enqueue(&stack, "waits", 9_000.0).await;
    stack.place_is(&waits, 1).await;
    let (subscribe, requests) = mpsc::channel(16);
    let mut news = stack.matchmaking().watch(ReceiverStream::new(requests)).await.unwrap().into_inner();
    subscribe.send(mm::WatchRequest { action: Some(Action::Subscribe(waits.clone())) }).await.unwrap();
    let mut next_place = async || {
        let state = tokio::time::timeout(PATIENCE, news.message()).await.unwrap().unwrap().unwrap();
        let Some(Event::Ticket(ticket)) = state.event else { panic!("{state:?}") };
        ticket.place.unwrap()
    };
    let first = next_place().await;
    assert_eq!((first.position, first.estimated_wait_ms, first.estimated_wait_low_ms), (1, None, None));
    let pair = [enqueue(&stack, "ann", 0.0).await, enqueue(&stack, "bob", 5.0).await];
    for ticket in &pair {
        stack.assignment(ticket).await;
    }
    let later = next_place().await;
    assert_eq!(later.position, 1, "it is where it was; what is new is the estimate");
    let (low, high) = (later.estimated_wait_low_ms.unwrap(), later.estimated_wait_high_ms.unwrap());
    assert!((low..=high).contains(&later.estimated_wait_ms.unwrap()), "{later:?}");
    drop(subscribe);
    stack.stop().await;
    agent.await.unwrap();
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read_again() {
    let stack = Stack::start().await;
    let answer = reload(&stack).await;
    assert!(answer.errors[0].contains("--config"), "{answer:?}");
    let unknown = ExplainTicketRequest { ticket_id: "nobody".to_owned() };
    assert_eq!(refusal(stack.matchmaking().explain_ticket(unknown).await).reason, Reason::TicketNotFound);
    let ann = stack.enqueue("demo:3v3", &["ann", "bob"]).await;
    let outlook = explained(&stack, &ann, 0).await.outlook.unwrap();
    assert_eq!((outlook.players_needed, outlook.players_missing), (6, 4));
    stack.cancel(&ann).await;
    let request = ExplainTicketRequest { ticket_id: ann };
    let answer = stack.matchmaking().explain_ticket(request).await.unwrap().into_inner();
    assert!(answer.status() == TicketStatus::Cancelled && answer.explanation.is_none(), "{answer:?}");
    stack.stop().await;
}

#[tokio::test]
async fn every_replica_reads_its_file_and_any_explains() {
    let (shared, api_files, worker_files) = (Shared::new(), Files::new(50), Files::new(50));
    let replica = async |role, files: &Files| {
        let config = Config { config: Some(files.path()), ..shared.config(role) };
        Stack::with_sections(config, files.sections()).await
    };
    let api = replica(Role::Api, &api_files).await;
    let worker = replica(Role::QueueWorker, &worker_files).await;
    let agent = Agent::start(&api, hello("s-1")).await.make_all_lands();
    let (ann, bob) = (enqueue(&api, "ann", 0.0).await, enqueue(&api, "bob", 120.0).await);
    explained(&api, &bob, 1).await;

    // One of them can't take its file: so nobody takes any.
    api_files.rules(200, "");
    worker_files.rules(200, ",");
    let refused = reload(&api).await;
    assert!(refused.errors.iter().any(|error| error.starts_with("replica ")), "{refused:?}");
    assert_eq!(explained(&api, &ann, 1).await.outlook.unwrap().exclusions.len(), 1);
    worker_files.rules(200, "");
    let taken = reload(&api).await;
    assert_eq!((taken.replicas, taken.errors.len(), taken.unanswered.len()), (2, 0, 0), "{taken:?}");
    assert_eq!(api.assignment(&ann).await.match_id, api.assignment(&bob).await.match_id);
    worker.stop().await;
    api.stop().await;
    agent.await.unwrap();
}

/// A control plane as a process of its own; it ends with this.
struct Program(std::process::Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        self.0.kill().ok();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_hangup_reads_the_queues_again() {
    let (files, keys) = (Files::new(50), keys());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Program(
        Command::new(env!("CARGO_BIN_EXE_control-plane"))
            .args(["--state", "memory", "--metrics-addr", "127.0.0.1:0", "--grpc-addr", &port.to_string()])
            .args(["--config".as_ref(), files.path().as_os_str()])
            .arg("--keys-dir")
            .arg(keys.path().join("keys"))
            .spawn()
            .unwrap(),
    );
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{port}")).unwrap();
    let client = mm::matchmaking_client::MatchmakingClient::new(endpoint.connect_lazy());
    let queues = async |wanted: &[&str]| {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = client.clone().list_queues(ListQueuesRequest {}).await;
            let queues = answer.map(|answer| answer.into_inner().queues).unwrap_or_default();
            if queues.iter().map(|queue| &*queue.queue_key).eq(wanted.iter().copied()) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "the queues are {queues:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    queues(&[QUEUE]).await;
    let hang_up = || {
        let pid = program.0.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    };
    files.write("muster.toml", "[queues.'demo:ranked']\nrule_set = 'nowhere.json'\n[queues.'demo:new']\n");
    hang_up();
    files.write("muster.toml", "[queues.'demo:ranked']\nrule_set = 'ranked.json'\n[queues.'demo:new']\n");
    hang_up();
    queues(&["demo:new", QUEUE]).await;
}
