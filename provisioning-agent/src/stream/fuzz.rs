//! Part of the fuzz targets: see [`crate::fuzz`].

use prost::Message as _;
use proto::provisioning::v1::ConnectResponse;

pub(crate) use super::wire::{request, response};
use crate::fuzz::World;

/// How many messages are looked at.
const MESSAGES: usize = 200;

/// The messages of the control plane to an agent, each with its length before it. Between two, some time passes.
pub fn control_plane_messages(mut data: &[u8]) {
    let mut world = World::new().open();
    for _ in 0..MESSAGES {
        let left = data.len();
        let Ok(message) = ConnectResponse::decode_length_delimited(&mut data) else { return };
        world.hear(message);
        world.pass(match (left - data.len()) % 5 {
            0 => 10_000,
            1 => 700,
            _ => 0,
        });
        assert!(world.machine.land_count() <= crate::fuzz::CAPACITY);
        if world.has_ended {
            return;
        }
    }
}
