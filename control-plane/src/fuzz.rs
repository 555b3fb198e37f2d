//! What gateways, agents, services and operators' files say, tried with inputs that a machine makes up: the bodies of the fuzz
//! targets, which no program contains.
//!
//! Each takes any bytes, does with them what the door would, and panics where something doesn't hold: what was accepted is within
//! the contract's limits and comes back from storage as it was, each refusal names its fields and fits into a status, and the
//! registry knows of a server what it said last. `tests/fuzz` runs them under libFuzzer, the tests below on saved inputs and
//! mutations of them.

mod refused;

pub use crate::{
    access::fuzz::access_file,
    grpc::{
        matchmaking::fuzz::enqueue_request,
        provisioning::fuzz::{agent_stream, register_request},
    },
    queues::fuzz::queue_file,
};
pub(crate) use refused::{check_refusal, is_id};

#[cfg(test)]
mod tests {
    use mutations::run;

    use super::*;

    #[test]
    fn requests_of_enqueues() {
        run("enqueue_request", enqueue_request, 2_000);
    }

    #[test]
    fn streams_of_agents() {
        run("agent_stream", agent_stream, 2_000);
    }

    #[test]
    fn requests_of_servers_without_an_agent() {
        run("register_request", register_request, 2_000);
    }

    #[test]
    fn files_of_queues() {
        run("queue_file", queue_file, 2_000);
    }

    #[test]
    fn files_of_access() {
        run("access_file", access_file, 3_000);
    }
}
