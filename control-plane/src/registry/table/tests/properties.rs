//! Whatever happens to a table, in whatever order: it never gives away what isn't there, its indexes say what looking at
//! every server says, and the same happening makes the same choices.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*, sample::select, test_runner::TestCaseError};
use storage::ReplicaId;

use super::{naive, *};
use crate::registry::wish::{Selector, Use};

const SERVERS: [&str; 5] = ["a", "b", "c", "d", "e"];
const LANDS: [&str; 12] = ["l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9", "m0", "m1"];
const REGIONS: [&str; 2] = ["eu", "us"];
const PLAYERS: [&str; 6] = ["p0", "p1", "p2", "p3", "p4", "p5"];

#[derive(Debug, Clone)]
enum Event {
    Comes { server: Registration, lands: Vec<Land>, draining: bool },
    Registers(Registration),
    Beats { server: ServerId, beat: Heartbeat },
    Breaks(ServerId),
    Goes(ServerId),
    Wants { land: &'static str, wants: Wants },
    Ready { land: LandId, due: Option<u64> },
    Ends(LandId),
    Fails(ServerId),
    Drains { server: ServerId, after: Option<u64> },
    Announced { server: Registration, free: usize, free_seats: Option<usize>, avoided: bool },
    Silent,
    Heard,
    Passes(u64),
}

fn id() -> impl Strategy<Value = ServerId> {
    select(&SERVERS).prop_map(ServerId::new)
}

fn land() -> impl Strategy<Value = LandId> {
    select(&LANDS).prop_map(LandId::new)
}

fn region() -> impl Strategy<Value = Option<smol_str::SmolStr>> {
    option::of(select(&REGIONS).prop_map(Into::into))
}

prop_compose! {
    fn registration(agent: bool)(
        server in id(),
        instance in select(&["i-1", "i-2"]),
        both in any::<bool>(),
        region in region(),
        capacity in 0_usize..5,
        player_capacity in option::of(0_usize..8),
        canary in any::<bool>(),
    ) -> Registration {
        Registration {
            server,
            instance: agent.then(|| instance.to_owned()),
            connect_base: "ws://x".to_owned(),
            land_types: if both { vec!["hero".into(), "demo".into()] } else { vec!["hero".into()] },
            region,
            capacity,
            player_capacity: player_capacity.filter(|_| agent),
            labels: canary.then(|| ("canary".to_owned(), String::new())).into_iter().collect(),
            version: String::new(),
        }
    }
}

prop_compose! {
    fn lands()(of in vec((land(), vec(select(&PLAYERS), 0..4)), 0..4)) -> Vec<Land> {
        of.into_iter().map(|(id, players)| Land { id, players: players.into_iter().map(PlayerId::new).collect(), awaited: Vec::new() }).collect()
    }
}

prop_compose! {
    fn wants()(
        seats in 0_usize..5,
        named in 0_usize..4,
        selectors in vec((region(), any::<bool>(), select(&[Use::Any, Use::Empty, Use::Occupied])), 0..3),
        packed in any::<bool>(),
        latencies in vec(vec((select(&REGIONS), 1_u32..4), 0..3), 0..3),
        prefer in option::of(id()),
        except in vec(id(), 0..2),
        demo in any::<bool>(),
    ) -> Wants {
        let players: Vec<matching::ByName<u32>> =
            latencies.into_iter().map(|player| player.into_iter().collect()).collect();
        let selector = |(region, canary, in_use): (_, bool, _)| {
            let labels = canary.then(|| ("canary".to_owned(), String::new())).into_iter().collect();
            Selector { labels, region, version: None, in_use }
        };
        Wants {
            seats: seats.max(named),
            roster: PLAYERS[..named].iter().map(PlayerId::new).collect(),
            selectors: selectors.into_iter().map(selector).collect(),
            policy: if packed { Policy::Packed } else { Policy::Spread },
            regions: Latencies::of(players.iter()),
            prefer,
            except,
            ..Wants::any(if demo { "demo" } else { "hero" })
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    let beat = (
        0_u64..40,
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
        lands(),
        option::of(0_usize..5),
        option::of(option::of(0_usize..8)),
    );
    let beat = beat.prop_map(|(sequence, healthy, draining, lands, capacity, player_capacity)| Heartbeat {
        sequence,
        healthy,
        draining,
        lands,
        capacity,
        player_capacity,
    });
    prop_oneof![
        3 => (registration(true), lands(), prop::bool::weighted(0.1))
            .prop_map(|(server, lands, draining)| Event::Comes { server, lands, draining }),
        1 => registration(false).prop_map(Event::Registers),
        5 => (id(), beat).prop_map(|(server, beat)| Event::Beats { server, beat }),
        1 => id().prop_map(Event::Breaks),
        1 => id().prop_map(Event::Goes),
        9 => (select(&LANDS), wants()).prop_map(|(land, wants)| Event::Wants { land, wants }),
        5 => (land(), option::of(0_u64..4_000)).prop_map(|(land, due)| Event::Ready { land, due }),
        3 => land().prop_map(Event::Ends),
        2 => id().prop_map(Event::Fails),
        1 => (id(), option::of(0_u64..4_000)).prop_map(|(server, after)| Event::Drains { server, after }),
        2 => (registration(true), 0_usize..4, option::of(0_usize..6), prop::bool::weighted(0.2))
            .prop_map(|(server, free, free_seats, avoided)| Event::Announced { server, free, free_seats, avoided }),
        1 => Just(Event::Silent),
        1 => Just(Event::Heard),
        3 => (0_u64..3_000).prop_map(Event::Passes),
    ]
}

/// A table, and what has happened to it so far.
#[derive(Default)]
struct World {
    table: Table,
    now: u64,
    term: u64,
}

impl World {
    /// What came of it, as text.
    fn happen(&mut self, event: &Event) -> String {
        let (table, now) = (&mut self.table, Time(self.now));
        let replica = ReplicaId::new("far");
        self.term += 1;
        match event {
            Event::Comes { server, lands, draining } => {
                let arrival = Arrival {
                    registration: server.clone(),
                    term: self.term,
                    lands: lands.clone(),
                    draining: *draining,
                };
                format!("{:?}", table.hello(arrival, now + SHOWN, now))
            }
            Event::Registers(server) => {
                format!("{:?}", table.register(server.clone(), self.term, now + SHOWN, now))
            }
            Event::Beats { server, beat } => {
                let room = table.heartbeat(server, beat.clone(), now + SHOWN, now);
                format!("{room:?} {:?}", table.remind(server, now))
            }
            Event::Breaks(server) => format!("{:?}", table.lose(server, now + SHOWN)),
            Event::Goes(server) => format!("{:?}", table.remove(server)),
            Event::Wants { land, wants } => {
                format!("{:?}", wants.with(land, |pick| table.reserve(pick, now)))
            }
            Event::Ready { land, due } => {
                let due = due.map(|after| Time(now.0 + after));
                format!("{:?}", table.land_ready(land, due))
            }
            Event::Ends(land) => format!("{:?}", table.free(land)),
            Event::Fails(server) => format!("{:?}", table.failed(server, Duration::ZERO, now)),
            Event::Drains { server, after } => {
                let deadline = after.map(|after| Time(now.0 + after));
                format!("{:?}", table.drain(server, "", deadline, now))
            }
            Event::Announced { server, free, free_seats, avoided } => {
                let notice = Notice {
                    registration: Arc::new(server.clone()),
                    term: self.term,
                    number: self.term,
                    free: *free,
                    free_seats: *free_seats,
                    occupied: false,
                    avoided_for_ms: avoided.then_some(500),
                    state: ServerState::Ready,
                    registered_at: now,
                    last_heard: now,
                };
                format!("{:?}", table.announced(&replica, notice, now))
            }
            Event::Silent => format!("{:?}", table.replica_silent(&replica)),
            Event::Heard => format!("{:?}", table.replica_heard(&replica)),
            Event::Passes(span) => {
                self.now += span;
                let now = Time(self.now);
                format!("{:?}", table.expire(now, now + SHOWN))
            }
        }
    }

    /// Takes a land for these wants where the plain look at all servers takes it, and never where nothing fits.
    fn check_pick(&mut self, land: &str, wants: &Wants) -> Result<(), TestCaseError> {
        let table = &mut self.table;
        let land_id = LandId::new(land);
        if table.servers.values().any(|server| server.lands.contains_key(&land_id))
            || table.is_there(&land_id)
        {
            return Ok(());
        }
        table.pardon(Time(self.now));
        let expected = wants.with(land, |pick| naive::pick(table, pick));
        let picked = wants.with(land, |pick| table.room.pick(pick));
        prop_assert_eq!(&picked, &expected);
        let Some(id) = picked else { return Ok(()) };
        let reserved = wants.with(land, |pick| table.reserve(pick, Time(self.now)));
        prop_assert_eq!(reserved.map(|reserved| reserved.server), expected);
        if let Some(server) = table.servers.get(&id) {
            let registration = &server.registration;
            prop_assert!(server.lands.len() <= registration.capacity, "{} is over its capacity", id);
            let seats = registration.player_capacity.unwrap_or(usize::MAX);
            prop_assert!(server.seats_taken <= seats, "{} has more players than it can", id);
        }
        table.free(&LandId::new(land));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn indexes_say_what_every_server_says(events in vec(event(), 1..60), probe in wants()) {
        let (mut world, mut twin) = (World::default(), World::default());
        for event in &events {
            if let Event::Wants { land, wants } = event {
                world.check_pick(land, wants)?;
            }
            prop_assert_eq!(world.happen(event), twin.happen(event), "the same happening, and another choice");
            world.check_pick("probe", &probe)?;
            naive::check(&world.table);
            for land_type in ["hero", "demo"] {
                prop_assert_eq!(world.table.places(land_type), naive::places(&world.table, land_type));
            }
        }
    }

    /// What nobody confirmed and nobody gave back is given back by itself.
    #[test]
    fn no_reservation_outlives_its_deadline(events in vec(event(), 1..40)) {
        let mut world = World::default();
        for event in &events {
            world.happen(event);
        }
        world.happen(&Event::Passes(ANSWER_WITHIN.as_millis() as u64 + 2_000));
        let lands = world.table.servers.values().flat_map(|server| &server.lands);
        let left = lands.filter(|(_, placed)| !placed.confirmed);
        prop_assert_eq!(left.count(), 0);
        let asked = world.table.elsewhere.servers.values().map(|far| far.asked.len());
        prop_assert_eq!(asked.sum::<usize>(), 0);
    }
}
