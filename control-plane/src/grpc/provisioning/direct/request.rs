//! What a service asks for: checked whole before anything is done, and in the allocation's words.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write as _,
    sync::Arc,
};

use aws_lc_rs::digest;
use matching::{GroupId, PlayerId, QueueKey};
use prost::Message as _;
use proto::{
    error::{FieldError, Refusal},
    provisioning::v1 as pb,
};
use serde::Serialize;
use smol_str::SmolStr;
use storage::{AllocationId, MatchId, ServerId};

use super::{super::Shared, selectors};
use crate::{
    allocation::{AllocationRequest, GroupWish},
    grpc::fields::Fields,
};

/// Requests of one batch.
const MAX_BATCH: usize = 100;
/// Players of one land.
const MAX_GROUP: u32 = 1_000;

/// A sound request.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) allocation: AllocationId,
    /// The same for requests that ask for the same.
    pub(super) content: String,
    /// Without a land and a match yet.
    pub(super) request: AllocationRequest,
}

pub(super) fn one(shared: &Shared, request: &pb::AllocateRequest) -> Result<Wanted, Refusal> {
    let mut fields = Fields::default();
    let wanted = read(&mut fields, "", shared, request);
    fields.check()?;
    Ok(wanted)
}

pub(super) fn batch(shared: &Shared, batch: &pb::AllocateBatchRequest) -> Result<Vec<Wanted>, Refusal> {
    let mut fields = Fields::default();
    let count = batch.requests.len();
    if count == 0 || count > MAX_BATCH {
        let message = format!("has {count} entries; 1 to {MAX_BATCH} are allowed");
        return Err(Refusal::invalid(vec![FieldError::new("requests", message)]));
    }
    let mut first: HashMap<String, usize> = HashMap::new();
    for (index, request) in batch.requests.iter().enumerate() {
        let known = *first.entry(request.allocation_id.clone()).or_insert(index);
        if known != index && !request.allocation_id.is_empty() {
            let message = format!("is that of requests[{known}] as well; each needs one of its own");
            fields.wrong(format!("requests[{index}].allocation_id"), message);
        }
    }
    let requests = batch.requests.iter().enumerate();
    let wanted: Vec<_> = requests
        .map(|(index, request)| read(&mut fields, &format!("requests[{index}]."), shared, request))
        .collect();
    fields.check()?;
    Ok(wanted)
}

/// Notes what is wrong; what is returned then is not to be used.
fn read(fields: &mut Fields, path: &str, shared: &Shared, request: &pb::AllocateRequest) -> Wanted {
    let at = |field: &str| format!("{path}{field}");
    fields.id(&at("allocation_id"), &request.allocation_id);
    fields.id(&at("queue_key"), &request.queue_key);
    fields.id(&at("group_id"), &request.group_id);
    fields.optional_id(&at("region"), &request.region);
    fields.optional_id(&at("prefer_server_id"), &request.prefer_server_id);
    fields.json_object(&at("constraints_json"), &request.constraints_json);
    roster(fields, path, request);

    let queue = QueueKey::new(&request.queue_key);
    let settings = shared.queues.of(&queue);
    let land_type = if request.land_type.is_empty() { &settings.land_type } else { &request.land_type };
    if land_type.is_empty() {
        fields.wrong(at("land_type"), "is required: the queue names none");
    } else {
        fields.land_type(&at("land_type"), land_type);
    }
    let placement = selectors::placement(fields, path, request, &settings.placement);
    let latencies = selectors::latencies(fields, path, request);
    Wanted {
        allocation: AllocationId::new(&request.allocation_id),
        content: content(request),
        request: AllocationRequest {
            match_id: MatchId::new(""),
            land_type: SmolStr::new(land_type),
            queue,
            groups: vec![GroupWish {
                group: GroupId::new(&request.group_id),
                constraints: (!request.constraints_json.is_empty())
                    .then(|| Arc::from(request.constraints_json.as_str())),
            }],
            players: request.player_ids.iter().map(PlayerId::new).collect(),
            seats: usize::try_from(request.group_size).unwrap_or(usize::MAX),
            teams: Arc::from([]),
            region: (!request.region.is_empty()).then(|| SmolStr::new(&request.region)),
            latencies,
            selectors: placement.selectors,
            policy: placement.policy,
            prefer: (!request.prefer_server_id.is_empty()).then(|| ServerId::new(&request.prefer_server_id)),
            land: None,
            may_be_there: false,
            lasting: shared.assignment_lifetime,
        },
    }
}

fn roster(fields: &mut Fields, path: &str, request: &pb::AllocateRequest) {
    if !(1..=MAX_GROUP).contains(&request.group_size) {
        fields.wrong(format!("{path}group_size"), format!("must be 1 to {MAX_GROUP}"));
    }
    let count = request.player_ids.len();
    if count > 0 && usize::try_from(request.group_size) != Ok(count) {
        let message = format!("names {count} players, but group_size is {}", request.group_size);
        fields.wrong(format!("{path}player_ids"), message);
        return;
    }
    let mut seen = HashSet::new();
    for (index, player) in request.player_ids.iter().enumerate() {
        let path = format!("{path}player_ids[{index}]");
        fields.id(&path, player);
        if !seen.insert(player) {
            fields.wrong(path, "stands there twice; name every player once");
        }
    }
}

/// A digest of all that a request asks for. Its maps come in an order of their own each time, so they stand beside the message.
fn content(request: &pb::AllocateRequest) -> String {
    #[derive(Serialize)]
    struct Maps<'a> {
        labels: Vec<BTreeMap<&'a String, &'a String>>,
        latencies: Vec<(&'a String, BTreeMap<String, u64>)>,
    }
    let by_region = |player: &'_ pb::PlayerLatencies| -> BTreeMap<_, _> {
        player.ms_by_region.iter().map(|(region, ms)| (region.clone(), ms.to_bits())).collect()
    };
    let maps = Maps {
        labels: request.selectors.iter().map(|selector| selector.labels.iter().collect()).collect(),
        latencies: request.latencies.iter().map(|player| (&player.player_id, by_region(player))).collect(),
    };
    let maps = serde_json::to_vec(&maps).expect("texts and numbers always can be written");
    let mut plain = request.clone();
    plain.latencies.clear();
    for selector in &mut plain.selectors {
        selector.labels.clear();
    }
    let mut digest = digest::Context::new(&digest::SHA256);
    // The message's length says where it ends.
    digest.update(&plain.encode_length_delimited_to_vec());
    digest.update(&maps);
    digest.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(labels: &[(&str, &str)], ms: f64) -> pb::AllocateRequest {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let ms_by_region = [("eu", ms), ("us", 50.0)].map(|(region, ms)| (region.to_owned(), ms)).into();
        pb::AllocateRequest {
            allocation_id: "a".to_owned(),
            selectors: vec![pb::ServerSelector { labels, ..Default::default() }],
            latencies: vec![pb::PlayerLatencies { player_id: "p".to_owned(), ms_by_region }],
            ..Default::default()
        }
    }

    #[test]
    fn the_same_is_known_by_its_content_and_nothing_else_is() {
        let some = request(&[("a", "1"), ("b", "2"), ("c", "3")], 20.0);
        for _ in 0..20 {
            // Each map has an order of its own.
            assert_eq!(content(&request(&[("c", "3"), ("b", "2"), ("a", "1")], 20.0)), content(&some));
        }
        let others = [
            request(&[("a", "1"), ("b", "3"), ("c", "2")], 20.0),
            request(&[("a", "1"), ("b", "2"), ("c", "3")], 20.5),
            pb::AllocateRequest { region: "eu".to_owned(), ..some.clone() },
            pb::AllocateRequest { group_size: 1, ..some.clone() },
            pb::AllocateRequest { selectors: Vec::new(), ..some.clone() },
            pb::AllocateRequest { policy: 1, ..some.clone() },
        ];
        let contents: HashSet<_> = others.iter().chain([&some]).map(content).collect();
        assert_eq!(contents.len(), others.len() + 1);
        assert!(contents.iter().all(|content| content.len() == 64 && !content.contains(' ')));
    }
}
