//! What game servers and the control plane say to an agent, tried with inputs that a machine makes up: the bodies of the fuzz
//! targets, which no program contains.
//!
//! Each takes any bytes, does with them what the door would, and panics where something doesn't hold: what is refused names a field
//! and is short, a command gets one answer, and what goes up can be said. `tests/fuzz` runs them under libFuzzer, the tests below on
//! saved inputs and mutations of them.

mod world;

pub use crate::{local_api::fuzz::game_server_requests, stream::fuzz::control_plane_messages};
pub(crate) use world::{CAPACITY, World};

#[cfg(test)]
mod tests {
    use mutations::run;

    use super::*;

    #[test]
    fn requests_of_game_servers() {
        run("game_server_requests", game_server_requests, 800);
    }

    #[test]
    fn messages_of_the_control_plane() {
        run("control_plane_messages", control_plane_messages, 2_000);
    }
}
