//! Which servers a request takes, and which of them is best: checked, and in the registry's types.

use std::{collections::BTreeMap, sync::Arc};

use matching::ByName;
use proto::provisioning::v1 as pb;
use smol_str::SmolStr;

use crate::{
    grpc::fields::{Fields, shown},
    queues::{MOST_SELECTORS, Placement},
    registry::{Latencies, Policy, Selector, Use},
};

/// Labels of a selector: as many as a server may have.
const MAX_LABELS: usize = 64;
/// Regions of one player's latencies.
const MAX_REGIONS: usize = 64;
/// The longest latency, in milliseconds.
const MAX_LATENCY: f64 = 60_000.0;

/// The request's selectors and policy, where it has some, else the queue's.
pub(super) fn placement(
    fields: &mut Fields,
    path: &str,
    request: &pb::AllocateRequest,
    queues: &Placement,
) -> Placement {
    let policy = match pb::AllocationPolicy::try_from(request.policy) {
        Ok(pb::AllocationPolicy::Unspecified) => queues.policy,
        Ok(pb::AllocationPolicy::Spread) => Policy::Spread,
        Ok(pb::AllocationPolicy::Packed) => Policy::Packed,
        Err(_) => {
            fields.wrong(format!("{path}policy"), "must be SPREAD or PACKED, or unspecified");
            Policy::default()
        }
    };
    let count = request.selectors.len();
    if count > MOST_SELECTORS {
        let message = format!("has {count} entries; at most {MOST_SELECTORS} are allowed");
        fields.wrong(format!("{path}selectors"), message);
        return Placement::default();
    }
    if count == 0 {
        return Placement { policy, selectors: Arc::clone(&queues.selectors) };
    }
    let selectors = request.selectors.iter().enumerate();
    let selectors = selectors
        .map(|(index, selector)| self::selector(fields, &format!("{path}selectors[{index}]"), selector));
    Placement { policy, selectors: selectors.collect() }
}

fn selector(fields: &mut Fields, path: &str, selector: &pb::ServerSelector) -> Selector {
    fields.names(&format!("{path}.labels"), selector.labels.keys(), MAX_LABELS);
    let labels: BTreeMap<_, _> = selector.labels.clone().into_iter().collect();
    for (name, value) in &labels {
        fields.optional_id(&format!("{path}.labels.{}", shown(name)), value);
    }
    fields.optional_id(&format!("{path}.region"), &selector.region);
    fields.optional_id(&format!("{path}.version"), &selector.version);
    let in_use = match pb::ServerUse::try_from(selector.r#use) {
        Ok(pb::ServerUse::Unspecified) => Use::Any,
        Ok(pb::ServerUse::Empty) => Use::Empty,
        Ok(pb::ServerUse::Occupied) => Use::Occupied,
        Err(_) => {
            fields.wrong(format!("{path}.use"), "must be EMPTY or OCCUPIED, or unspecified");
            Use::Any
        }
    };
    Selector {
        labels,
        region: (!selector.region.is_empty()).then(|| SmolStr::new(&selector.region)),
        version: (!selector.version.is_empty()).then(|| selector.version.clone()),
        in_use,
    }
}

/// The players' latencies; none where the request names a region.
pub(super) fn latencies(fields: &mut Fields, path: &str, request: &pb::AllocateRequest) -> Latencies {
    let count = request.latencies.len();
    if u32::try_from(count).is_ok_and(|count| count <= request.group_size) {
        for (index, player) in request.latencies.iter().enumerate() {
            check(fields, &format!("{path}latencies[{index}]"), player);
        }
    } else {
        let message = format!("has {count} entries, but group_size is {}", request.group_size);
        fields.wrong(format!("{path}latencies"), message);
    }
    if !request.region.is_empty() {
        return Latencies::default();
    }
    let players: Vec<ByName<u32>> = request
        .latencies
        .iter()
        .map(|player| player.ms_by_region.iter().map(|(region, ms)| (region, whole(*ms))).collect())
        .collect();
    Latencies::of(players.iter())
}

fn check(fields: &mut Fields, path: &str, player: &pb::PlayerLatencies) {
    fields.optional_id(&format!("{path}.player_id"), &player.player_id);
    let path = format!("{path}.ms_by_region");
    fields.names(&path, player.ms_by_region.keys(), MAX_REGIONS);
    for (region, ms) in &player.ms_by_region {
        if !(0.0..=MAX_LATENCY).contains(ms) {
            let message = format!("must be 0 to {MAX_LATENCY} milliseconds");
            fields.wrong(format!("{path}.{}", shown(region)), message);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what isn't within the limits is refused, and a cast only brings it to their end"
)]
fn whole(ms: f64) -> u32 {
    ms.round() as u32
}
