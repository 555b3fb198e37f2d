//! The ports of a fleet: all known before anything starts, because what dies has to come back where it was.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, bail};

/// Where free ones are looked for: below those that the system itself gives to outgoing connections, so that nobody takes one
/// while a program is being restarted on it.
const FREE: std::ops::Range<u16> = 20_000..32_000;

/// Gives out ports of this machine, each once.
pub(super) struct Ports {
    next: u16,
    end: u16,
    /// Whether one that is taken is an error: the user said which ones.
    strict: bool,
}

impl Ports {
    /// From `first` on, or any free ones.
    pub(super) fn new(first: Option<u16>) -> Self {
        match first {
            Some(first) => Self { next: first, end: u16::MAX, strict: true },
            None => {
                // Each process begins elsewhere, so that two of them rarely meet.
                let room = u32::from(FREE.end - FREE.start);
                let offset = std::process::id().wrapping_mul(131) % room;
                Self {
                    next: FREE.start + u16::try_from(offset).unwrap_or_default(),
                    end: FREE.end,
                    strict: false,
                }
            }
        }
    }

    /// The next one. Another program may still take it before it is used; who opens it says so then.
    pub(super) fn take(&mut self) -> anyhow::Result<SocketAddr> {
        for _ in FREE {
            let port = self.next;
            self.next = port.checked_add(1).filter(|next| *next < self.end).unwrap_or(FREE.start);
            let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            match TcpListener::bind(addr) {
                Ok(_) => return Ok(addr),
                Err(error) if self.strict => {
                    return Err(error).with_context(|| {
                        format!("--first-port: the port {port} can't be opened; choose another first one, or leave it out")
                    });
                }
                Err(_) => {}
            }
        }
        bail!("no port from {} to {} is free", FREE.start, FREE.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_given_out_once_and_a_taken_one_that_was_asked_for_is_named() {
        let mut ports = Ports::new(None);
        let (one, two) = (ports.take().unwrap(), ports.take().unwrap());
        assert!(one != two && FREE.contains(&one.port()));
        let _held = TcpListener::bind(one).unwrap();
        let error = Ports::new(Some(one.port())).take().unwrap_err().to_string();
        assert!(error.contains(&one.port().to_string()) && error.contains("--first-port"), "{error}");
    }
}
