//! Wishes of all kinds, one by one.

use std::collections::BTreeMap;

use matching::ByName;

use super::*;
use crate::{Config, allocation::tests::match_of, registry::Latencies};

pub(in crate::allocation::agones) fn settings() -> Settings {
    settings_with("")
}

pub(in crate::allocation::agones) fn settings_with(flags: &str) -> Settings {
    let flags: Vec<_> =
        "--allocation agones --allocation-url http://a".split(' ').chain(flags.split_whitespace()).collect();
    let config: Config = runtime::config::defaults(&flags);
    Settings::of(&config.allocation).unwrap()
}

fn land() -> LandId {
    LandId::new("hero:0192")
}

fn now() -> jiff::Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// The selectors as `state a=b,c=d`.
fn selectors(flags: &str, again: bool, change: impl FnOnce(&mut AllocationRequest)) -> Vec<String> {
    let mut wish = match_of("hero", "m-1");
    change(&mut wish);
    let wire = request(&settings_with(flags), &wish, &land(), again, now()).unwrap();
    let one = |selector: &GameServerSelector| {
        let labels: BTreeMap<_, _> = selector.match_labels.iter().collect();
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", selector.game_server_state().as_str_name(), labels.join(","))
    };
    wire.game_server_selectors.iter().map(one).collect()
}

fn selector(region: Option<&str>, labels: &[(&str, &str)]) -> Selector {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Selector { region: region.map(Into::into), labels: labels.collect(), ..Selector::default() }
}

#[test]
fn a_game_server_has_the_land_type_and_every_label() {
    assert_eq!(selectors("", false, |_| ()), ["READY muster.dev/land-type=hero"]);
    let flags = "--agones-labels agones.dev/fleet=arena --agones-land-type-label=";
    assert_eq!(selectors(flags, false, |_| ()), ["READY agones.dev/fleet=arena"]);
}

#[test]
fn a_second_try_asks_for_what_the_first_may_have_taken() {
    let asked = selectors("", true, |_| ());
    assert_eq!(
        asked,
        ["ALLOCATED muster.dev/land=0192,muster.dev/land-type=hero", "READY muster.dev/land-type=hero"]
    );
}

#[test]
fn regions_come_in_order_and_then_any() {
    let flags = "--agones-land-type-label= --agones-region-label r";
    assert_eq!(selectors(flags, false, |wish| wish.region = Some("eu".into())), ["READY r=eu", "READY "]);
    let by_latency = |wish: &mut AllocationRequest| {
        let players: Vec<ByName<u32>> = vec![[("us", 20), ("eu", 10)].into_iter().collect()];
        wish.latencies = Latencies::of(players.iter());
    };
    assert_eq!(selectors(flags, false, by_latency), ["READY r=eu", "READY r=us", "READY "]);
    let odd = selectors(flags, false, |wish| wish.region = Some("eu west!".into()));
    assert_eq!(odd, ["READY "], "no game server can have it");
}

#[test]
fn selectors_come_in_order_each_with_its_regions() {
    let flags = "--agones-land-type-label= --agones-region-label r --agones-version-label v";
    let asked = selectors(flags, false, |wish| {
        wish.region = Some("eu".into());
        let newest = Selector { version: Some("2".to_owned()), ..Selector::default() };
        let occupied = Selector { in_use: Use::Occupied, ..Selector::default() };
        let empty = Selector { in_use: Use::Empty, ..selector(Some("us"), &[]) };
        wish.selectors = [newest, selector(None, &[("gpu", "yes")]), empty, occupied].into();
    });
    assert_eq!(
        asked,
        ["READY r=eu,v=2", "READY v=2", "READY gpu=yes,r=eu", "READY gpu=yes", "READY r=us"],
        "a selector's own region is the only one that will do"
    );
}

#[test]
fn what_no_game_server_can_be_is_refused() {
    let refused = |change: fn(&mut AllocationRequest)| {
        let mut wish = match_of("hero", "m-1");
        change(&mut wish);
        request(&settings_with("--agones-labels gpu=no"), &wish, &land(), false, now()).unwrap_err()
    };
    let said = refused(|wish| wish.land_type = "a hero".into());
    assert!(said.contains("`a hero`, which is no value of a Kubernetes label"), "{said}");
    let occupied = |wish: &mut AllocationRequest| {
        wish.selectors = [Selector { in_use: Use::Occupied, ..Selector::default() }].into();
    };
    assert!(refused(occupied).contains("occupied"));
    assert!(refused(|wish| wish.selectors = [selector(None, &[("gpu", "yes")])].into()).contains("labels"));
}

#[test]
fn the_game_server_is_told_its_land_and_who_comes() {
    let wish = match_of("hero", "m-1");
    let wire = request(&settings(), &wish, &land(), false, now()).unwrap();
    let metadata = wire.metadata.clone().unwrap();
    assert_eq!(metadata.labels, HashMap::from([(LAND_LABEL.to_owned(), "0192".to_owned())]));
    let told = |name: &str| metadata.annotations[&format!("muster.dev/{name}")].as_str();
    assert_eq!((told("land-id"), told("land-type"), told("match-id")), ("hero:0192", "hero", "m-1"));
    assert_eq!((told("queue"), told("players")), ("hero:2", r#"["m-1-a","m-1-b"]"#));
    assert_eq!(told("teams"), r#"[{"name":"red","players":["m-1-a"]},{"name":"blue","players":["m-1-b"]}]"#);
    assert_eq!(told("constraints"), r#"{"m-1":{"map":"reef"}}"#);
    assert_eq!(told("expires-at"), "2026-01-02T03:09:05Z");
    assert_eq!((wire.namespace.as_str(), wire.scheduling()), ("default", SchedulingStrategy::Distributed));
    let packed = AllocationRequest { policy: Policy::Packed, ..wish };
    let wire = request(&settings(), &packed, &land(), false, now()).unwrap();
    assert_eq!(wire.scheduling(), SchedulingStrategy::Packed);
}

#[test]
fn no_more_is_told_than_kubernetes_takes() {
    let mut wish = match_of("hero", "m-1");
    wish.players = (0..1_000).map(|n| PlayerId::new(format!("{n:0>128}"))).collect();
    wish.teams = [matching::Team { name: "all".into(), players: wish.players.to_vec() }].into();
    let annotations =
        request(&settings(), &wish, &land(), false, now()).unwrap().metadata.unwrap().annotations;
    assert_eq!(annotations["muster.dev/left-out"], "teams");
    assert!(annotations.contains_key("muster.dev/players") && annotations.contains_key(LAND_ID));
    let bytes: usize = annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes < 256 * 1_024, "{bytes}");
}
