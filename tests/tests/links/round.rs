//! One fault on one way: players come while it lasts, and are looked at when it is over.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tests::{Client, Proxy, Socket, eventually, proxy::Fault};
use tokio::{
    task::JoinSet,
    time::{Instant, interval, sleep, timeout},
};

use crate::{
    installation::Installation,
    player::{Habit, Outcome, Player, QUEUE},
};

/// Players of a round.
const PLAYERS: usize = 10;
/// Where two make a match, too, and nobody was left over by a fault.
const QUIET_QUEUE: &str = "demo:1v1";
/// How soon everything is as if nothing had been, once the fault is over: an agent whom several tries failed waits up to 10 s
/// before the next.
const WELL_WITHIN: Duration = Duration::from_secs(15);

/// How long a fault lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lasting {
    For(Duration),
    /// Until all players have what they wanted in spite of it.
    UntilAllIsDone,
}

pub(crate) struct Round<'a> {
    pub(crate) name: &'static str,
    pub(crate) all: &'a Installation,
    pub(crate) links: Vec<&'a Proxy>,
    /// Whether it is the clients' own way, where answers are lost that the gateway gave.
    pub(crate) loses_answers: bool,
}

impl Round<'_> {
    pub(crate) async fn play(&self, fault: Fault, lasting: Lasting) {
        let felt: Vec<u64> = self.links.iter().map(|link| link.felt()).collect();
        let http = reqwest::Client::new();
        let player = |name: String| Player {
            name: format!("{}-{name}", self.name),
            url: self.all.url.clone(),
            http: http.clone(),
            loses_answers: self.loses_answers,
        };
        // Its connection is open when the fault comes.
        let ticket = player("first".to_owned()).enqueue(QUEUE).await;
        for link in &self.links {
            link.hurt(fault);
        }
        let acknowledged = Arc::<AtomicUsize>::default();
        let mut playing = JoinSet::new();
        for number in 0..PLAYERS {
            let habit = match number % 5 {
                0 => Habit::Cancels,
                1 | 2 => Habit::Polls,
                _ => Habit::Follows,
            };
            playing.spawn(player(number.to_string()).play(habit, Arc::clone(&acknowledged)));
        }
        let first = player("first".to_owned());
        playing.spawn(async move {
            let assignment = first.polled(&ticket).await;
            (ticket, Outcome::Assigned(assignment))
        });
        let ended = self.ended(&mut playing);
        let (outcomes, lasted) = match lasting {
            Lasting::For(time) => {
                let begun = Instant::now();
                let health = async {
                    let (watched, ()) = tokio::join!(timeout(time, self.health_is_answered()), sleep(time));
                    watched.unwrap_err();
                    self.heal();
                };
                let (outcomes, ()) = tokio::join!(timeout(time + WELL_WITHIN, ended), health);
                (outcomes, begun.elapsed())
            }
            Lasting::UntilAllIsDone => {
                let begun = Instant::now();
                let outcomes = timeout(WELL_WITHIN * 2, ended).await;
                self.heal();
                (outcomes, begun.elapsed())
            }
        };
        let seen = acknowledged.load(Ordering::Relaxed);
        let outcomes = outcomes.unwrap_or_else(|_| {
            panic!(
                "{}: not all tickets had come to their end after {lasted:?}; {seen} were acknowledged",
                self.name
            )
        });
        for (link, before) in self.links.iter().zip(felt) {
            assert!(link.felt() > before, "{}: the fault met nothing", self.name);
        }
        self.well_again(&player("after".to_owned()), &player("after-too".to_owned())).await;
        self.check(outcomes).await;
    }

    fn heal(&self) {
        for link in &self.links {
            link.heal();
        }
    }

    /// Until every player has come to an end. Somebody may lack a partner, for one cancelled, or a ticket nobody waits for was
    /// made by an enqueue whose answer was lost: so others come, and come as long as it takes.
    async fn ended(&self, playing: &mut JoinSet<(String, Outcome)>) -> Vec<(String, Outcome)> {
        let (mut outcomes, mut others) = (Vec::new(), 0);
        let mut patience = interval(Duration::from_secs(1));
        patience.reset();
        loop {
            tokio::select! {
                next = playing.join_next() => match next {
                    Some(outcome) => outcomes.push(outcome.unwrap()),
                    None => return outcomes,
                },
                _ = patience.tick() => {
                    others += 1;
                    let other = Player {
                        name: format!("{}-other-{others}", self.name),
                        url: self.all.direct.clone(),
                        http: reqwest::Client::new(),
                        loses_answers: false,
                    };
                    other.enqueue(QUEUE).await;
                }
            }
        }
    }

    /// Probes are answered all the time. Ends never.
    async fn health_is_answered(&self) {
        let http = reqwest::Client::new();
        loop {
            let asked = http.get(format!("{}/health", self.all.direct)).send();
            let answer = timeout(Duration::from_secs(4), asked).await.expect("an answer in time").unwrap();
            assert!([200, 503].contains(&answer.status().as_u16()), "{answer:?}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// As if nothing had been: both game servers are there, and two who come are matched and play.
    async fn well_again(&self, one: &Player, two: &Player) {
        let well = async {
            self.all.servers.ready(2).await;
            let direct = Client::new(&self.all.direct);
            eventually("the gateway to be well", async || {
                (direct.get("/health").await.0 == 200).then_some(())
            })
            .await;
            let (first, second) = tokio::join!(one.enqueue(QUIET_QUEUE), two.enqueue(QUIET_QUEUE));
            for (player, ticket) in [(one, first), (two, second)] {
                let assignment = player.polled(&ticket).await;
                Socket::play(&assignment, &player.name).await.next_of("state").await;
            }
        };
        timeout(WELL_WITHIN, well)
            .await
            .unwrap_or_else(|_| panic!("{}: not well after {WELL_WITHIN:?}", self.name));
    }

    /// Read once more, each ticket is what its player was told, and no two matches have anything in common.
    async fn check(&self, outcomes: Vec<(String, Outcome)>) {
        assert_eq!(outcomes.len(), PLAYERS + 1);
        let direct = Client::new(&self.all.direct);
        let mut matches: HashMap<String, (Value, HashSet<String>)> = HashMap::new();
        let mut lands = HashSet::new();
        for (ticket, outcome) in outcomes {
            let now = direct.status(&ticket).await;
            let Outcome::Assigned(told) = outcome else {
                assert_eq!(now["status"], "cancelled", "{}: {now}", self.name);
                continue;
            };
            assert_eq!(now["assignment"]["assignmentId"], told["assignmentId"], "{}: {now}", self.name);
            let text = |field: &str| told[field].as_str().unwrap().to_owned();
            let (land, tickets) =
                matches.entry(text("matchId")).or_insert_with(|| (told["landId"].clone(), HashSet::new()));
            assert_eq!(*land, told["landId"], "{}: one match, two lands", self.name);
            tickets.insert(ticket);
            assert!(tickets.len() <= 2, "{}: {tickets:?} are one match", self.name);
            lands.insert(text("landId"));
        }
        assert_eq!(lands.len(), matches.len(), "{}: matches share a land", self.name);
    }
}
