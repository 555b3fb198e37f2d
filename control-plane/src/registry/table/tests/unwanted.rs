//! Lands that were given back, and are still there.

use super::*;
use crate::registry::table::unwanted::{KEEP, MOST};

fn reminded(table: &mut Table) -> Vec<String> {
    let ended = table.remind(&ServerId::new("a"), NOW).ended;
    ended.into_iter().map(|ended| ended.land.to_string()).collect()
}

#[test]
fn a_land_that_was_given_back_is_ended_whenever_its_server_reports_it() {
    let mut table = table(&["a"]);
    let (a, l1) = (ServerId::new("a"), LandId::new("l1"));
    reserve(&mut table, "l1");
    table.land_ready(&l1, None);
    table.free(&l1);
    table.unwant(&a, &l1, NOW);
    assert_eq!(reminded(&mut table), Vec::<String>::new());
    for sequence in 1..3 {
        table.heartbeat(&a, beat(sequence, &["l1", "l2"]), SOON, NOW);
        assert_eq!((reminded(&mut table), table.places("hero")), (vec!["l1".to_owned()], 1));
    }
    let lands = beat(0, &["l1"]).lands;
    table.hello(arrival(server("a", "i-1"), lands), SOON, NOW).unwrap();
    assert_eq!((reminded(&mut table), table.places("hero")), (vec!["l1".to_owned()], 2));
    assert_eq!(reserve(&mut table, "l1").as_deref(), Some("a"), "it is wanted after all");
    table.heartbeat(&a, beat(1, &["l1"]), SOON, NOW);
    assert_eq!(reminded(&mut table), Vec::<String>::new());
}

#[test]
fn a_land_that_was_made_elsewhere_in_the_meantime_stays_there() {
    let mut table = table(&["a", "b"]);
    let l1 = LandId::new("l1");
    assert_eq!(reserve(&mut table, "l1").as_deref(), Some("a"));
    table.unwant(&ServerId::new("b"), &l1, NOW);
    table.heartbeat(&ServerId::new("b"), beat(1, &["l1"]), SOON, NOW);
    let ended = table.remind(&ServerId::new("b"), NOW).ended;
    assert_eq!((ended.len(), table.is_there(&l1), table.places("hero")), (1, true, 3));
}

#[test]
fn it_is_forgotten_in_time() {
    let (mut table, a) = (table(&["a"]), ServerId::new("a"));
    for number in 0..MOST + 10 {
        table.unwant(&a, &LandId::new(format!("l{number}")), NOW);
    }
    assert_eq!(table.unwanted.len(), (MOST, MOST));
    table.unwant(&a, &LandId::new("late"), NOW + KEEP);
    assert_eq!(table.unwanted.len(), (1, 1));
}
