//! Opening the ports of a program, and how many connections they can have.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

/// A port that can't be opened, in words that say what to do.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {addr} for {purpose}: {cause}{advice}")]
pub struct ListenError {
    addr: SocketAddr,
    purpose: &'static str,
    cause: io::Error,
    advice: String,
}

/// Opens `addr` for `purpose` ("gRPC"), which the setting `flag` ("--grpc-addr") names. Port 0 takes any free one.
pub async fn listen(addr: SocketAddr, purpose: &'static str, flag: &str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(addr).await.map_err(|cause| {
        let advice = match cause.kind() {
            io::ErrorKind::AddrInUse => {
                format!("; another program holds this port: stop it, or choose another with {flag}")
            }
            io::ErrorKind::PermissionDenied => {
                format!("; choose a port above 1023 with {flag}, or run with the right to open this one")
            }
            io::ErrorKind::AddrNotAvailable => {
                format!("; this machine doesn't have that address: choose another with {flag}")
            }
            _ => String::new(),
        };
        ListenError { addr, purpose, cause, advice }
    })
}

/// `wanted` connections, which the setting `setting` asks for, or as many as leave a quarter of the open files that the system allows
/// for everything else: a listener that has no file left can accept nobody, not even to say so. Says so where that is less.
pub fn within_open_files(setting: &'static str, wanted: usize) -> usize {
    let files = rlimit::Resource::NOFILE.get_soft().unwrap_or(rlimit::INFINITY);
    let room = usize::try_from(files / 4 * 3).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::info!(
            files,
            connections = room,
            setting,
            "the system allows fewer open files than the setting asks for; there will be fewer connections"
        );
    }
    wanted.min(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_connections_than_files() {
        let files = usize::try_from(rlimit::Resource::NOFILE.get_soft().unwrap()).unwrap_or(usize::MAX);
        assert_eq!(within_open_files("max_connections", 5), 5);
        assert!(within_open_files("max_connections", usize::MAX) < files);
    }

    #[tokio::test]
    async fn a_port_in_use_says_which_setting_to_change() {
        let first = listen(([127, 0, 0, 1], 0).into(), "gRPC", "--grpc-addr").await.unwrap();
        let taken = first.local_addr().unwrap();
        let error = listen(taken, "gRPC", "--grpc-addr").await.unwrap_err().to_string();
        assert!(error.contains(&taken.to_string()) && error.contains("--grpc-addr"), "{error}");
    }
}
