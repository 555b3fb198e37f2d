//! What matching costs under rule sets: `cargo bench -p matching --bench engine`. One thread, release.
//!
//! Skill is uniform in 0..3000, everyone takes anybody within ±50. The times are for matching all of a full queue, the inserts apart;
//! beside each stands how long the same tickets take to be sorted by skill in the same run. Fails where a target is missed,
//! and names it.
#![expect(clippy::unwrap_used, reason = "a panic is the report")]
#![expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
#![expect(clippy::cast_precision_loss, reason = "counts and seconds of a bench")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use matching::{
    Attribute, Engine, GroupId, Player, PlayerId, Proposal, Rules, Ticket, TicketId, Time, rule_set::RuleSet,
};

const NOW: Time = Time(1_000_000);

fn main() {
    let mut missed = Vec::new();
    memory(&mut missed);
    pairs(&mut missed);
    groups(&mut missed);
    full(&mut missed);
    churn(&mut missed);
    if !missed.is_empty() {
        println!("\nmissed:\n  {}", missed.join("\n  "));
        std::process::exit(1);
    }
}

/// 1v1, from a thousand to a million: the curve, its exponent, and how close the pairs are.
fn pairs(missed: &mut Vec<String>) {
    println!("1v1, ±50 of 0..3000      pass     per ticket   x sorting   gap (x sorted neighbours)");
    let mut curve = Vec::new();
    for count in [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000] {
        let tickets = solos(count, 7);
        let sorting = sort(&tickets);
        let mut engine = engine(ONE_ON_ONE, tickets.clone());
        let (proposals, pass) = timed(|| all_matches(&mut engine));
        let gap = mean_gap(&proposals);
        let (times, neighbours) = (pass.as_secs_f64() / sorting.as_secs_f64(), neighbour_gap(&tickets));
        println!(
            "{count:>9}          {:>9.1} ms {:>9.2} us {times:>9.1}   {gap:.4} ({:.2})",
            millis(pass),
            1e6 * pass.as_secs_f64() / f64::from(count),
            gap / neighbours
        );
        check_limits(&proposals, 50.0, missed);
        let limit = match count {
            10_000 => Some(0.05),
            100_000 => Some(0.7),
            1_000_000 => Some(10.0),
            _ => None,
        };
        if limit.is_some_and(|limit| pass.as_secs_f64() > limit) {
            missed.push(format!("1v1 of {count}: {:.1} ms", millis(pass)));
        }
        if count >= 10_000 && times > 20.0 {
            missed.push(format!("1v1 of {count}: {times:.1} times sorting, at most 20"));
        }
        if count >= 10_000 && gap > 2.0 * neighbours {
            missed.push(format!("1v1 of {count}: the gap is {:.2} times the neighbours'", gap / neighbours));
        }
        if proposals.len() * 2 + 20 < count as usize {
            missed.push(format!("1v1 of {count}: only {} matches", proposals.len()));
        }
        curve.push((f64::from(count), pass.as_secs_f64()));
    }
    println!("growth: time ~ n^{:.2}\n", exponent(&curve));
}

/// Matches of ten: solos, parties of five, mixed parties.
fn groups(missed: &mut Vec<String>) {
    let kinds: [(&str, &str, &[usize]); 3] = [
        ("ten solos", TEN, &[1]),
        ("two parties of five", TEN, &[5]),
        ("mixed parties", FIVE_ON_FIVE, &[1, 1, 1, 2, 2, 3, 5]),
    ];
    for (name, rules, sizes) in kinds {
        let tickets = parties(50_000, sizes, 11);
        let players: usize = tickets.iter().map(Ticket::size).sum();
        let mut engine = engine(rules, tickets);
        let (proposals, pass) = timed(|| all_matches(&mut engine));
        check_limits(&proposals, 50.0, missed);
        let matched: usize = proposals.iter().flat_map(|proposal| &proposal.tickets).map(Ticket::size).sum();
        println!(
            "{name:<20} 50000 tickets: {:>8.1} ms, {:.1} % of the players matched",
            millis(pass),
            100.0 * matched as f64 / players as f64
        );
        if pass > Duration::from_secs(1) {
            missed.push(format!("{name}: {:.1} ms for 50000, at most 1 s", millis(pass)));
        }
    }
}

/// 5v5 with skill distance, latency in a common region, and a shared map.
fn full(missed: &mut Vec<String>) {
    let mut random = Random(13);
    let regions = ["eu-west", "eu-east", "us-west", "us-east"];
    let maps = ["dust", "ice", "jungle", "city", "desert"];
    let tickets: Vec<_> = (0..10_000)
        .map(|order| {
            let home = random.below(4);
            let latency = |n: usize| 20.0 + 70.0 * (home.abs_diff(n)) as f64;
            let mut player = solo(order, 3_000.0 * random.unit());
            player.latencies =
                regions.iter().enumerate().map(|(n, region)| (*region, latency(n) as u32)).collect();
            let chosen = (0..2).map(|_| maps[random.below(5)].into()).collect();
            let skill = player.attributes.get("skill").unwrap().clone();
            player.attributes =
                [("skill", skill), ("maps", Attribute::StringList(chosen))].into_iter().collect();
            ticket(order, vec![player])
        })
        .collect();
    let mut engine = engine(FULL, tickets);
    let (proposals, pass) = timed(|| all_matches(&mut engine));
    println!(
        "5v5, skill, latency, map: 10000 tickets in {:.1} ms, {:.1} % matched",
        millis(pass),
        proposals.len() as f64 / 10.0
    );
    if pass > Duration::from_secs(2) {
        missed.push(format!("5v5 with everything: {:.1} ms for 10000, at most 2 s", millis(pass)));
    }
}

/// Inserts and removes a second, in a queue of a hundred thousand where nobody is matched meanwhile.
fn churn(missed: &mut Vec<String>) {
    let tickets = solos(100_000, 17);
    let ids: Vec<_> = tickets.iter().map(|ticket| ticket.id.clone()).collect();
    let mut engine = engine(ONE_ON_ONE, Vec::new());
    let ((), inserts) = timed(|| tickets.into_iter().for_each(|ticket| assert!(engine.insert(ticket))));
    let ((), removes) = timed(|| ids.iter().for_each(|id| assert!(engine.remove(id).is_some())));
    let rate = |took: Duration| 100_000.0 / took.as_secs_f64();
    println!("\ninserts/s {:.0}, removes/s {:.0}", rate(inserts), rate(removes));
    for (what, took) in [("inserts", inserts), ("removes", removes)] {
        if rate(took) < 500_000.0 {
            missed.push(format!("{what}: {:.0}/s, at least 500000", rate(took)));
        }
    }
}

/// Resident bytes a waiting ticket, its own included. First of all, while nothing was freed that could be used again.
fn memory(missed: &mut Vec<String>) {
    const COUNT: u64 = 1_000_000;
    let mut engine = engine(ONE_ON_ONE, Vec::new());
    let mut random = Random(19);
    let before = resident();
    for order in 0..COUNT {
        // So far apart that nobody is matched.
        engine.insert(ticket(order, vec![solo(order, 1e12 * random.unit())]));
        if order % 1_000 == 0 {
            assert!(engine.next_matches(NOW, usize::MAX).len() < 10);
        }
    }
    let each = (resident() - before) / engine.len();
    println!("resident: {each} bytes a ticket of one player with one number");
    if each >= 600 {
        missed.push(format!("memory: {each} bytes a ticket, under 600"));
    }
}

const ONE_ON_ONE: &str = r#"{"ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "skill", "type": "number"}],
    "teams": [{"name": "side", "minPlayers": 1, "maxPlayers": 1, "quantity": 2}],
    "rules": [{"name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50}]}"#;
const TEN: &str = r#"{"ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "skill", "type": "number"}],
    "teams": [{"name": "all", "minPlayers": 10, "maxPlayers": 10}],
    "rules": [{"name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50}]}"#;
const FIVE_ON_FIVE: &str = r#"{"ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "skill", "type": "number"}],
    "teams": [{"name": "side", "minPlayers": 5, "maxPlayers": 5, "quantity": 2}],
    "rules": [{"name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 50}]}"#;
const FULL: &str = r#"{"ruleLanguageVersion": "1.0",
    "playerAttributes": [{"name": "skill", "type": "number"}, {"name": "maps", "type": "string_list"}],
    "teams": [{"name": "side", "minPlayers": 5, "maxPlayers": 5, "quantity": 2}],
    "rules": [
        {"name": "fair", "type": "distance", "measurements": ["avg(teams[*].players.attributes[skill])"],
         "referenceValue": "avg(flatten(teams[*].players.attributes[skill]))", "maxDistance": 50},
        {"name": "close", "type": "batchDistance", "batchAttribute": "skill", "maxDistance": 300},
        {"name": "map", "type": "collection", "operation": "intersection",
         "measurements": ["flatten(teams[*].players.attributes[maps])"], "minCount": 1},
        {"name": "fast", "type": "latency", "maxLatency": 100}]}"#;

fn engine(rules: &str, tickets: Vec<Ticket>) -> Engine {
    let rules = RuleSet::parse(rules).unwrap().rules;
    let mut engine = Engine::new(Rules::RuleSet(Arc::new(rules)));
    for ticket in tickets {
        assert!(engine.insert(ticket));
    }
    engine
}

/// Passes until one has tried everybody.
fn all_matches(engine: &mut Engine) -> Vec<Proposal> {
    let mut matches = Vec::new();
    for now in NOW.0.. {
        matches.extend(engine.next_matches(Time(now), usize::MAX));
        if engine.next_deadline().is_none_or(|at| at.0 > now + 1) {
            break;
        }
    }
    matches
}

fn solos(count: u32, seed: u64) -> Vec<Ticket> {
    let mut random = Random(seed);
    (0..u64::from(count)).map(|order| ticket(order, vec![solo(order, 3_000.0 * random.unit())])).collect()
}

/// Parties whose members are alike, of these sizes in turn by chance.
fn parties(count: u64, sizes: &[usize], seed: u64) -> Vec<Ticket> {
    let mut random = Random(seed);
    let party = |order: u64| {
        let (size, skill) = (sizes[random.below(sizes.len())], 3_000.0 * random.unit());
        ticket(order, (0..size as u64).map(|n| solo(order * 10 + n, skill)).collect())
    };
    (0..count).map(party).collect()
}

fn solo(number: u64, skill: f64) -> Player {
    let attributes = [("skill", Attribute::Number(skill))].into_iter().collect();
    Player { attributes, ..Player::new(PlayerId::new(format!("player-{number:012}"))) }
}

fn ticket(order: u64, players: Vec<Player>) -> Ticket {
    Ticket {
        // As long as a UUID.
        id: TicketId::new(format!("00000000-0000-7000-8000-{order:012}")),
        group: GroupId::new(format!("group-{order:012}")),
        players: players.into(),
        order,
        enqueued_at: Time(order / 1_000),
        expires_at: Time(u64::MAX),
    }
}

fn skill(ticket: &Ticket) -> f64 {
    match ticket.players[0].attributes.get("skill") {
        Some(Attribute::Number(skill)) => *skill,
        _ => 0.0,
    }
}

fn sort(tickets: &[Ticket]) -> Duration {
    let mut tickets = tickets.to_vec();
    timed(|| tickets.sort_by(|a, b| skill(a).total_cmp(&skill(b)))).1
}

/// Mean of most minus least skill in a match.
fn mean_gap(proposals: &[Proposal]) -> f64 {
    proposals.iter().map(|proposal| spread(&proposal.tickets)).sum::<f64>() / proposals.len() as f64
}

fn spread(tickets: &[Ticket]) -> f64 {
    let skills = || tickets.iter().map(skill);
    skills().fold(f64::MIN, f64::max) - skills().fold(f64::MAX, f64::min)
}

fn neighbour_gap(tickets: &[Ticket]) -> f64 {
    let mut skills: Vec<_> = tickets.iter().map(skill).collect();
    skills.sort_by(f64::total_cmp);
    skills.chunks_exact(2).map(|pair| pair[1] - pair[0]).sum::<f64>() / (skills.len() / 2) as f64
}

fn check_limits(proposals: &[Proposal], limit: f64, missed: &mut Vec<String>) {
    let broken = proposals.iter().filter(|proposal| spread(&proposal.tickets) > limit).count();
    if broken > 0 {
        missed.push(format!("{broken} matches break somebody's limit"));
    }
}

/// The slope of the line through the points, both sides logarithmic.
fn exponent(curve: &[(f64, f64)]) -> f64 {
    let points: Vec<_> = curve.iter().map(|(n, time)| (n.ln(), time.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let rise: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    rise / points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let done = work();
    (done, started.elapsed())
}

fn millis(span: Duration) -> f64 {
    1e3 * span.as_secs_f64()
}

/// The same numbers for the same seed (SplitMix64, Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Resident bytes of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    1024 * line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
}
