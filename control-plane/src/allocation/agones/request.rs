//! A match's wish in Agones' words: which game servers will do, and what is put on the one that is taken.

use std::{collections::HashMap, time::Duration};

use matching::PlayerId;
use proto::agones::allocation::{
    AllocationRequest as Wire, GameServerSelector, MetaPatch, allocation_request::SchedulingStrategy,
    game_server_selector::GameServerState,
};
use serde::Serialize;
use storage::LandId;

use super::settings::Settings;
use crate::{
    allocation::AllocationRequest,
    config::is_label_value,
    registry::{Policy, Selector, Use},
};

/// The label by which a game server is found again that was taken for a land, when the reply was lost.
const LAND_LABEL: &str = "muster.dev/land";
/// The land's id, by which an answer is known to be about it.
pub(super) const LAND_ID: &str = "muster.dev/land-id";
/// Kubernetes takes 256 KiB of annotations, and others put some there as well.
const LARGEST_ANNOTATIONS: usize = 192 * 1_024;
/// The most selectors of a request: some for each region and each selector of the queue.
const MOST_SELECTORS: usize = 64;

#[derive(Serialize)]
struct Team<'a> {
    name: &'a str,
    players: &'a [PlayerId],
}

/// The request for `land`. `again`: it was asked for before, and may have been taken then.
pub(super) fn request(
    settings: &Settings,
    request: &AllocationRequest,
    land: &LandId,
    again: bool,
    now: jiff::Timestamp,
) -> Result<Wire, String> {
    let mut labels = settings.labels.clone();
    if let Some(label) = &settings.land_type_label {
        if !is_label_value(&request.land_type) {
            return Err(format!(
                "can't be asked for `{}`, which is no value of a Kubernetes label",
                request.land_type
            ));
        }
        labels.insert(label.clone(), request.land_type.to_string());
    }
    let base: HashMap<_, _> = labels.into_iter().collect();
    let mut selectors = Vec::new();
    let mark = mark(land);
    if again {
        let match_labels = base.clone().into_iter().chain([(LAND_LABEL.to_owned(), mark.to_owned())]);
        selectors.push(GameServerSelector {
            match_labels: match_labels.collect(),
            game_server_state: GameServerState::Allocated.into(),
            ..GameServerSelector::default()
        });
    }
    let wanted = wanted(settings, request, &base);
    if wanted.is_empty() {
        return Err("can't be asked for servers that are occupied, or whose labels no game server can have"
            .to_owned());
    }
    selectors.extend(wanted.into_iter().take(MOST_SELECTORS));
    Ok(Wire {
        namespace: settings.namespace.clone(),
        scheduling: match request.policy {
            Policy::Packed => SchedulingStrategy::Packed,
            Policy::Spread => SchedulingStrategy::Distributed,
        }
        .into(),
        metadata: Some(MetaPatch {
            labels: HashMap::from([(LAND_LABEL.to_owned(), mark.to_owned())]),
            annotations: annotations(request, land, now),
        }),
        game_server_selectors: selectors,
        ..Wire::default()
    })
}

/// The land's id as the value of a label: its UUID.
fn mark(land: &LandId) -> &str {
    land.as_str().rsplit_once(':').map_or(land.as_str(), |(_, id)| id)
}

/// In order: for each selector the regions that are preferred, then any.
fn wanted(
    settings: &Settings,
    request: &AllocationRequest,
    base: &HashMap<String, String>,
) -> Vec<GameServerSelector> {
    let any = [Selector::default()];
    let selectors = if request.selectors.is_empty() { &any[..] } else { &request.selectors };
    let by_latency = request.latencies.ranks().flatten().map(|(region, _)| region);
    let regions: Vec<_> = request.region.iter().chain(by_latency).map(Some).chain([None]).collect();
    let mut all = Vec::new();
    for selector in selectors {
        // A game server of Agones has one land.
        if selector.in_use == Use::Occupied {
            continue;
        }
        for region in &regions {
            if selector.region.is_some() && region.is_some() && selector.region.as_ref() != *region {
                continue;
            }
            let region =
                region.or(selector.region.as_ref()).map(|region| (&settings.region_label, region.as_str()));
            let version = selector.version.as_deref().map(|version| (&settings.version_label, version));
            let own = selector.labels.iter().map(|(name, value)| (name, value.as_str()));
            let added: Vec<_> = own.chain(region).chain(version).collect();
            // What is no label no game server has; and what every game server has is not to be changed.
            let can_be = |(name, value): &(&String, &str)| {
                is_label_value(value) && base.get(*name).is_none_or(|base| base == value)
            };
            if !added.iter().all(can_be) {
                continue;
            }
            let added = added.into_iter().map(|(name, value)| (name.clone(), value.to_owned()));
            let one = GameServerSelector {
                match_labels: base.clone().into_iter().chain(added).collect(),
                game_server_state: GameServerState::Ready.into(),
                ..GameServerSelector::default()
            };
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

/// What the game server is told. What would be more than Kubernetes takes is left out, the least needed first, and named.
fn annotations(request: &AllocationRequest, land: &LandId, now: jiff::Timestamp) -> HashMap<String, String> {
    let json = |value: serde_json::Result<String>| value.expect("texts are JSON");
    let teams: Vec<_> =
        request.teams.iter().map(|team| Team { name: &team.name, players: &team.players }).collect();
    let lasting = request.lasting.min(Duration::from_secs(10 * 365 * 86_400));
    let until = now.checked_add(lasting).map_or_else(|_| String::new(), |until| until.to_string());
    let small = [
        (LAND_ID, land.to_string()),
        ("muster.dev/land-type", request.land_type.to_string()),
        ("muster.dev/match-id", request.match_id.to_string()),
        ("muster.dev/queue", request.queue.to_string()),
        ("muster.dev/expires-at", until),
    ];
    let large = [
        ("muster.dev/players", json(serde_json::to_string(&*request.players))),
        ("muster.dev/teams", json(serde_json::to_string(&teams))),
        ("muster.dev/constraints", request.constraints_by_group()),
    ];
    let (mut bytes, mut all, mut left_out) = (0, HashMap::new(), Vec::new());
    for (name, value) in small.into_iter().chain(large) {
        if bytes + value.len() > LARGEST_ANNOTATIONS {
            left_out.push(name.trim_start_matches("muster.dev/"));
        } else if !value.is_empty() {
            bytes += value.len();
            all.insert(name.to_owned(), value);
        }
    }
    if !left_out.is_empty() {
        all.insert("muster.dev/left-out".to_owned(), left_out.join(","));
    }
    all
}

#[cfg(test)]
pub(super) mod tests;
