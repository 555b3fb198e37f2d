//! Legal histories, made by a small matchmaking that does everything right, in an order that a seed decides.

use std::collections::{BTreeMap, HashMap};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use crate::chaos::{
    check::{Rules, Shape, can_match},
    history::{Assignment, Entry, Event, LandId, Op, PlayerId, QueueKey, Seen, ServerId, TicketId, Watcher},
};

const QUEUES: [&str; 3] = ["demo", "demo:2", "demo:2v2"];
const CAPACITY: usize = 3;

/// Gives the events times, a millisecond apart.
pub(super) fn timed(events: &[Event]) -> Vec<Entry> {
    let entry =
        |(number, event): (usize, &Event)| Entry { at: number as u64 * 1_000_000, event: event.clone() };
    events.iter().enumerate().map(entry).collect()
}

/// A legal round with about `parties` tickets.
pub(super) fn legal(seed: u64, parties: usize) -> Vec<Event> {
    let mut world = World::new(seed);
    world.round(parties);
    world.events
}

struct World {
    rng: StdRng,
    events: Vec<Event>,
    next: u64,
    /// Tickets that wait, by queue, oldest first.
    waiting: BTreeMap<&'static str, Vec<Waiting>>,
    /// Groups whose enqueue got no answer and will be asked for again.
    unanswered: Vec<(&'static str, String, Vec<PlayerId>)>,
    watchers: HashMap<TicketId, Vec<Watcher>>,
    ends: Vec<(TicketId, Seen)>,
    lands: Vec<(ServerId, LandId)>,
}

#[derive(Clone)]
struct Waiting {
    ticket: TicketId,
    players: Vec<PlayerId>,
}

impl World {
    fn new(seed: u64) -> Self {
        let events = vec![Event::Round { number: 1, seed }];
        let mut world = Self {
            rng: StdRng::seed_from_u64(seed),
            events,
            next: 1,
            waiting: BTreeMap::new(),
            unanswered: Vec::new(),
            watchers: HashMap::new(),
            ends: Vec::new(),
            lands: Vec::new(),
        };
        for number in 1..=3 {
            world.server_up(number);
        }
        world
    }

    fn server_up(&mut self, number: usize) {
        self.events.push(Event::ServerUp { server: server(number), capacity: CAPACITY });
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn round(&mut self, parties: usize) {
        let mut begun = 0;
        while begun < parties || !self.unanswered.is_empty() {
            match self.rng.random_range(0..10) {
                0..4 if begun < parties => {
                    begun += 1;
                    self.begin();
                }
                4 => self.enqueue_again(),
                5 => self.cancel(),
                6 => self.end_a_land(),
                7 => self.lose_a_server(),
                _ => drop(self.match_some()),
            }
        }
        self.events.push(Event::Rest);
        while self.match_some() {}
        let left: Vec<Waiting> = std::mem::take(&mut self.waiting).into_values().flatten().collect();
        for waiting in left {
            self.take_out(waiting.ticket, true);
        }
        self.tell();
        for (ticket, seen) in std::mem::take(&mut self.ends) {
            self.events.push(Event::Read { ticket, since: 0, seen });
        }
        self.events.push(Event::Over);
    }

    /// A new group asks for a ticket, and gets it unless the answer is lost.
    fn begin(&mut self) {
        let queue = QUEUES[self.rng.random_range(0..QUEUES.len())];
        let number = self.number();
        let players: Vec<PlayerId> =
            (0..self.rng.random_range(1..3)).map(|place| format!("p{number}-{place}").into()).collect();
        let group = format!("g{number}");
        let op = self.ask(queue, &group, &players);
        if self.rng.random_bool(0.2) {
            self.events.push(Event::Unknown { op, why: "timeout".to_owned() });
            if self.rng.random_bool(0.5) {
                // It happened: the ticket waits and nobody knows its name.
                self.wait(queue, players.clone(), None);
            }
            self.unanswered.push((queue, group, players));
        } else if self.rng.random_bool(0.05) {
            self.events.push(Event::Refused { op, code: "QUEUE_FULL".to_owned() });
        } else {
            self.wait(queue, players, Some(op));
        }
    }

    fn ask(&mut self, queue: &str, group: &str, players: &[PlayerId]) -> Op {
        let op = Op(self.number());
        let (queue, group, players) = (queue.into(), group.to_owned(), players.to_vec());
        self.events.push(Event::Enqueue { op, queue, group, players, by: "rest".to_owned() });
        op
    }

    fn enqueue_again(&mut self) {
        let Some((queue, group, players)) = self.unanswered.pop() else { return };
        let op = self.ask(queue, &group, &players);
        // Its first attempt may be waiting: then it is that ticket.
        let waiting = self.waiting.get(queue).into_iter().flatten();
        let first = waiting.clone().find(|waiting| waiting.players == players).cloned();
        match first {
            Some(first) => self.acknowledge(op, &first.ticket),
            None => self.wait(queue, players, Some(op)),
        }
    }

    fn wait(&mut self, queue: &'static str, players: Vec<PlayerId>, op: Option<Op>) {
        let ticket = TicketId::from(format!("t{}", self.number()));
        if let Some(op) = op {
            self.acknowledge(op, &ticket);
        }
        self.waiting.entry(queue).or_default().push(Waiting { ticket, players });
    }

    fn acknowledge(&mut self, op: Op, ticket: &TicketId) {
        self.events.push(Event::Enqueued { op, ticket: ticket.clone() });
        for _ in 0..self.rng.random_range(1..3) {
            let watcher = Watcher(self.number());
            self.events.push(Event::Watch { watcher, ticket: ticket.clone(), by: "socket".to_owned() });
            self.watchers.entry(ticket.clone()).or_default().push(watcher);
        }
    }

    /// A waiting ticket is cancelled; sometimes nobody hears the answer, sometimes the cancel was lost on the way.
    fn cancel(&mut self) {
        let known: Vec<TicketId> = self.watchers.keys().cloned().collect();
        let waiting = self.waiting.values().flatten().map(|waiting| waiting.ticket.clone());
        let mut waiting: Vec<TicketId> = waiting.filter(|ticket| known.contains(ticket)).collect();
        waiting.shuffle(&mut self.rng);
        let Some(ticket) = waiting.pop() else { return };
        if self.rng.random_bool(0.2) {
            let op = Op(self.number());
            let (by, why) = ("rest".to_owned(), "timeout".to_owned());
            self.events.push(Event::Cancel { op, ticket, at_rest: false, by });
            self.events.push(Event::Unknown { op, why });
            return;
        }
        self.waiting.values_mut().for_each(|all| all.retain(|waiting| waiting.ticket != ticket));
        self.take_out(ticket, false);
    }

    fn take_out(&mut self, ticket: TicketId, at_rest: bool) {
        if !self.watchers.contains_key(&ticket) {
            return;
        }
        let op = Op(self.number());
        self.events.push(Event::Cancel { op, ticket: ticket.clone(), at_rest, by: "rest".to_owned() });
        self.events.push(Event::Cancelled { op, cancelled: true, status: None });
        self.ends.push((ticket, Seen::Cancelled));
    }

    /// Makes one match where one can be made and there is room for it.
    fn match_some(&mut self) -> bool {
        let rules = Rules::default();
        for queue in QUEUES {
            let shape = rules.shape(&QueueKey::from(queue));
            let waiting = self.waiting.get(queue).cloned().unwrap_or_default();
            if can_match(&shape, waiting.iter().map(|waiting| waiting.players.len())) {
                let teams = pick(&shape, waiting);
                self.waiting
                    .entry(queue)
                    .or_default()
                    .retain(|waiting| !teams.iter().flatten().any(|taken| taken.ticket == waiting.ticket));
                while self.lands.iter().filter(|(on, _)| *on == server(1)).count() >= CAPACITY {
                    self.end_a_land();
                }
                self.place(&teams);
                return true;
            }
        }
        false
    }

    fn place(&mut self, teams: &[Vec<Waiting>]) {
        let number = self.number();
        let (server, land) = (server(1), LandId::from(format!("demo:{number}")));
        let players = |team: &[Waiting]| team.iter().flat_map(|one| one.players.clone()).collect::<Vec<_>>();
        let roster: Vec<PlayerId> = teams.iter().flat_map(|team| players(team)).collect();
        self.lands.push((server.clone(), land.clone()));
        let made = Event::LandOpened { server: server.clone(), land: land.clone(), players: roster.clone() };
        self.events.push(made);
        for waiting in teams.iter().flatten().filter(|waiting| self.watchers.contains_key(&waiting.ticket)) {
            let assignment = Assignment {
                assignment: format!("a-{}", waiting.ticket).into(),
                match_id: format!("m{number}").into(),
                land: land.clone(),
                server: server.clone(),
                teams: if teams.len() > 1 {
                    teams.iter().map(|team| players(team)).collect()
                } else {
                    vec![]
                },
                tokens: waiting.players.iter().map(|player| (player.clone(), land.clone())).collect(),
            };
            self.ends.push((waiting.ticket.clone(), Seen::Assigned(assignment)));
        }
        for player in roster.first().into_iter() {
            let (land, player, players) = (land.clone(), player.clone(), roster.clone());
            self.events.push(Event::Present { land, player, players });
        }
        if self.rng.random_bool(0.7) {
            self.tell();
        }
    }

    /// Tells every watcher whose ticket has ended.
    fn tell(&mut self) {
        for (ticket, seen) in &self.ends {
            for watcher in self.watchers.get_mut(ticket).map(std::mem::take).into_iter().flatten() {
                self.events.push(Event::Told { watcher, ticket: ticket.clone(), seen: seen.clone() });
            }
        }
    }

    fn end_a_land(&mut self) {
        if let Some((server, land)) = self.lands.pop() {
            self.events.push(Event::LandOver { server, land });
        }
    }

    fn lose_a_server(&mut self) {
        let number = self.rng.random_range(1..4);
        let lost = server(number);
        self.events.push(Event::Fault { what: format!("SIGKILL {lost}") });
        self.lands.retain(|(on, _)| *on != lost);
        self.events.push(Event::ServerDown { server: lost });
        self.server_up(number);
    }
}

fn server(number: usize) -> ServerId {
    format!("server-{number}").into()
}

/// Takes groups that are a match: one by one those without which the others still are one.
fn pick(shape: &Shape, mut groups: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    let sizes = |groups: &[Waiting]| groups.iter().map(|one| one.players.len()).collect::<Vec<_>>();
    for place in (0..groups.len()).rev() {
        let mut fewer = groups.clone();
        fewer.remove(place);
        if can_match(shape, sizes(&fewer)) {
            groups = fewer;
        }
    }
    // What is left fills the teams exactly; the largest first, so that each team comes out even.
    groups.sort_by_key(|one| std::cmp::Reverse(one.players.len()));
    let Shape::Teams(teams) = shape else { return vec![groups] };
    let mut filled: Vec<Vec<Waiting>> = teams.iter().map(|_| Vec::new()).collect();
    for group in groups {
        let room = |(place, team): (usize, &Vec<Waiting>)| {
            let taken: usize = sizes(team).iter().sum();
            (taken + group.players.len() <= teams[place]).then_some(place)
        };
        let place = filled.iter().enumerate().find_map(room).unwrap();
        filled[place].push(group);
    }
    filled
}
