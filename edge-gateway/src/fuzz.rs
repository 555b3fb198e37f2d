//! What strangers send, tried with inputs that a machine makes up: the bodies of the fuzz targets, which no program contains.
//!
//! Each takes any bytes, does with them what the door would, and panics where something doesn't hold: what was accepted means
//! the same when it is written and read again, each refusal names what it is about and is small, and nobody is believed for more
//! than was signed. `tests/fuzz` runs them under libFuzzer, the tests below on saved inputs and mutations of them.

mod refused;
mod rest;

pub use crate::{
    door::fuzz::forwarded_for,
    identity::fuzz::{backend_keys, credentials},
    realtime::fuzz::socket_message,
};
pub(crate) use refused::check_refusal;
pub use rest::{cancel_body, enqueue_body, exchange_body, register_body};

#[cfg(test)]
mod tests {
    use mutations::run;

    use super::*;

    #[test]
    fn bodies_of_enqueues() {
        run("enqueue_body", enqueue_body, 3_000);
    }

    #[test]
    fn bodies_of_cancels() {
        run("cancel_body", cancel_body, 3_000);
    }

    #[test]
    fn bodies_of_exchanges() {
        run("exchange_body", exchange_body, 3_000);
    }

    #[test]
    fn bodies_of_registrations() {
        run("register_body", register_body, 3_000);
    }

    #[test]
    fn messages_of_sockets() {
        run("socket_message", socket_message, 3_000);
    }

    #[test]
    fn headers_with_credentials() {
        run("credentials", credentials, 3_000);
    }

    #[test]
    fn headers_of_proxies() {
        run("forwarded_for", forwarded_for, 3_000);
    }

    #[test]
    fn files_of_backend_keys() {
        run("backend_keys", backend_keys, 3_000);
    }
}
