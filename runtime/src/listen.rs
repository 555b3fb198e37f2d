//! Opening the ports of a program.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_says_which_setting_to_change() {
        let first = listen(([127, 0, 0, 1], 0).into(), "gRPC", "--grpc-addr").await.unwrap();
        let taken = first.local_addr().unwrap();
        let error = listen(taken, "gRPC", "--grpc-addr").await.unwrap_err().to_string();
        assert!(error.contains(&taken.to_string()) && error.contains("--grpc-addr"), "{error}");
    }
}
