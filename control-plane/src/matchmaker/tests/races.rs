//! Everything at once: tickets come and are cancelled while servers are asked, refuse, are silent, answer late, lose their
//! streams and come back. At the end, every match was whole, every cancel was kept, and no place is missing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use matching::{PlayerId, TicketId};
use parking_lot::Mutex;
use storage::{Assignment, Cancelled, LandId, ServerId, Status};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::world::{ANSWER_WITHIN, FakeServer, World};
use crate::registry::{Answer, Command, LandState, Registry};

/// The queues, and how many players a match of each has; in the first, any number.
const QUEUES: [(&str, usize); 3] = [("demo", 0), ("demo:2", 2), ("demo:2v2", 4)];

/// Numbers that look random and are the same in every run.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn millis(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}

/// What the servers were told.
#[derive(Debug, Default)]
struct Log {
    /// The roster of each land that was made.
    made: HashMap<LandId, (ServerId, BTreeSet<PlayerId>)>,
    taken_back: HashSet<LandId>,
    /// Lands of which a server may not have been told, because it lost its stream.
    untold: HashSet<LandId>,
}

/// A game server with moods.
struct Moody {
    registry: Arc<Registry>,
    name: String,
    capacity: usize,
    dice: Dice,
    log: Arc<Mutex<Log>>,
    /// Lands that live, and when they end by themselves; those without are not decided.
    lands: BTreeMap<LandId, Option<Instant>>,
    /// Answers to be given later.
    answers: Vec<(Instant, String, LandId)>,
}

impl Moody {
    /// Lives until `closing`, then ends all its lands and says so.
    async fn live(mut self, mut closing: watch::Receiver<bool>) {
        let mut link = FakeServer::connect(&self.registry, &self.name, self.capacity, Vec::new());
        let mut beat = tokio::time::interval(Duration::from_millis(100));
        while !*closing.borrow_and_update() {
            let next = self.answers.iter().map(|(at, ..)| *at).min();
            let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(60));
            tokio::select! {
                command = link.command() => match command {
                    Some(command) => self.take(command, &link),
                    None => link = self.come_back(),
                },
                () = tokio::time::sleep_until(next) => self.answer(&link),
                _ = beat.tick() => {
                    let now = Instant::now();
                    self.lands.retain(|_, ends_at| ends_at.is_none_or(|at| at > now));
                    link.beat(self.lands.keys().cloned());
                    if self.dice.chance(2) {
                        // Broken first and then opened anew, or replaced while the old stream seems to live.
                        if self.dice.chance(50) {
                            link.disconnect();
                            tokio::time::sleep(self.dice.millis(300)).await;
                        }
                        link = self.come_back();
                    }
                }
                changed = closing.changed() => if changed.is_err() { return },
            }
        }
        // What was on its way when it closed is taken in first.
        while let Ok(Some(command)) = tokio::time::timeout(ANSWER_WITHIN * 2, link.command()).await {
            self.take(command, &link);
        }
        link.beat([]);
    }

    fn take(&mut self, command: Command, link: &FakeServer) {
        match command {
            Command::Allocate { id, land, order } => {
                if self.dice.chance(15) {
                    return link.answer(&id, Answer::Refused("no mood".to_owned()));
                }
                self.lands.insert(land.clone(), None);
                assert!(self.lands.len() <= self.capacity, "{}: more lands than it can hold", self.name);
                let made = (link.id.clone(), order.players.iter().cloned().collect());
                self.log.lock().made.insert(land.clone(), made);
                let late = match self.dice.below(100) {
                    0..20 => Duration::ZERO,
                    20..90 => self.dice.millis(50),
                    90..95 => ANSWER_WITHIN + self.dice.millis(100),
                    // Silent.
                    _ => return,
                };
                self.answers.push((Instant::now() + late, id, land));
                self.answer(link);
            }
            Command::Release { land, .. } => {
                self.log.lock().taken_back.insert(land.clone());
                self.lands.remove(&land);
            }
            Command::Drain { .. } | Command::SeatsFreed { .. } | Command::Superseded { .. } => {}
        }
    }

    fn answer(&mut self, link: &FakeServer) {
        let now = Instant::now();
        for (_, command, land) in self.answers.extract_if(.., |(at, ..)| *at <= now) {
            let lives = self.dice.millis(3_000);
            // One that was taken back meanwhile is answered all the same.
            self.lands.entry(land).and_modify(|ends_at| *ends_at = Some(now + lives));
            link.answer(&command, Answer::Ready);
        }
    }

    /// Like a real agent, it brings what is decided and forgets the rest.
    fn come_back(&mut self) -> FakeServer {
        self.answers.clear();
        self.log.lock().untold.extend(self.lands.keys().cloned());
        self.lands.retain(|_, ends_at| ends_at.is_some());
        FakeServer::connect(&self.registry, &self.name, self.capacity, self.lands.keys().cloned().collect())
    }
}

/// Tickets come in bursts; some are cancelled a moment later. Returns those whose cancel was acknowledged.
async fn play(world: &World, tickets: usize, dice: &mut Dice) -> HashSet<String> {
    let mut cancels = JoinSet::new();
    for n in 0..tickets {
        let (queue, _) = QUEUES[n % QUEUES.len()];
        let id = format!("t-{n}");
        world.enqueue_ticket(World::ticket(queue, &id, 1 + usize::from(dice.chance(30)))).await;
        if dice.chance(30) {
            let (storage, now, wait) = (Arc::clone(&world.storage), world.now(), dice.millis(200));
            cancels.spawn(async move {
                tokio::time::sleep(wait).await;
                let cancelled = storage.cancel(&TicketId::new(&id), now).await.unwrap();
                (cancelled == Some(Cancelled::Yes)).then_some(id)
            });
        }
        if dice.chance(20) {
            tokio::time::sleep(dice.millis(100)).await;
        }
    }
    cancels.join_all().await.into_iter().flatten().collect()
}

/// Waits until nothing more can happen: what still waits lacks partners. Returns the assignments by ticket.
async fn outcome(
    world: &World,
    tickets: usize,
    cancelled: &HashSet<String>,
) -> BTreeMap<String, Arc<Assignment>> {
    let mut assigned = BTreeMap::new();
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    let deadline = Instant::now() + Duration::from_secs(100);
    for n in 0..tickets {
        let (id, (queue, _)) = (format!("t-{n}"), QUEUES[n % QUEUES.len()]);
        let status = loop {
            let status = world.status(&id).await.unwrap();
            // The last few of a queue may fit no match: a solo, or parties that don't add up.
            if status.is_final() || Instant::now() > deadline {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(status == Status::Cancelled, cancelled.contains(&id), "`{id}` is {status:?}");
        match status {
            Status::Assigned(assignment) => drop(assigned.insert(id, assignment)),
            Status::Queued => *left.entry(queue).or_default() += 1,
            Status::Cancelled | Status::Expired | Status::Absent => {}
        }
    }
    assert!(
        left.values().all(|count| *count <= 3) && !left.contains_key("demo"),
        "too many still wait: {left:?}"
    );
    assigned
}

/// That each match is whole, on a land that was made for it and that nobody took back.
async fn check_matches(world: &World, assigned: &BTreeMap<String, Arc<Assignment>>, log: &Log) {
    let mut players: HashMap<&LandId, BTreeSet<PlayerId>> = HashMap::new();
    for (id, assignment) in assigned {
        let read = world.storage.read(&[TicketId::new(id)]).await.unwrap().remove(0).unwrap();
        let size = QUEUES.iter().find(|(queue, _)| *queue == read.record.queue.as_str()).unwrap().1;
        let (server, roster) = &log.made[&assignment.land];
        assert_eq!(assignment.server, *server);
        assert!(size == 0 || roster.len() == size, "{size} players, not {roster:?}");
        assert!(!log.taken_back.contains(&assignment.land), "{} was taken back", assignment.land);
        players
            .entry(&assignment.land)
            .or_default()
            .extend(read.record.ticket.players.iter().map(|p| p.id.clone()));
    }
    let told = |land: &&LandId| !players.contains_key(*land) && !log.untold.contains(*land);
    let idle: Vec<_> = log.made.keys().filter(told).filter(|land| !log.taken_back.contains(*land)).collect();
    assert!(idle.is_empty(), "made for nobody and not taken back: {idle:?}");
    for (land, players) in players {
        assert_eq!(players, log.made[land].1, "all of a match's tickets, and no others, play on {land}");
    }
}

async fn everything_at_once(seed: u64, tickets: usize) {
    let world = World::new();
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let log = Arc::new(Mutex::new(Log::default()));
    let (close, closing) = watch::channel(false);
    let mut servers = JoinSet::new();
    for n in 0..3 {
        let server = Moody {
            registry: Arc::clone(&world.registry),
            name: format!("s-{n}"),
            capacity: 4 + 4 * n,
            dice: Dice(dice.below(u64::MAX) | 1),
            log: Arc::clone(&log),
            lands: BTreeMap::new(),
            answers: Vec::new(),
        };
        servers.spawn(server.live(closing.clone()));
    }
    let cancelled = play(&world, tickets, &mut dice).await;
    let assigned = outcome(&world, tickets, &cancelled).await;
    close.send_replace(true);
    servers.join_all().await;
    let log = std::mem::take(&mut *log.lock());
    check_matches(&world, &assigned, &log).await;
    let servers = world.registry.list(None);
    let lands: Vec<_> = servers.iter().flat_map(|server| &server.lands).collect();
    assert!(lands.iter().all(|land| land.state != LandState::Reserved), "a place leaked: {lands:?}");
    assert_eq!(lands.len(), 0, "every land has ended: {lands:?}");
    assert!(assigned.len() + cancelled.len() + 9 >= tickets && !cancelled.is_empty());
    world.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_doubled_or_leaked() {
    for seed in 1..=20 {
        everything_at_once(seed, 150).await;
    }
}
