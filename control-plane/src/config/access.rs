//! Who may call, and by what connection.

use std::{net::SocketAddr, path::PathBuf};

use runtime::{
    config::Invalid,
    files::Named,
    tls::{ClientAuth, ServerFiles},
};

/// The settings of access to the gRPC port.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Access")]
pub struct Access {
    /// Who may call: one line for each key or client certificate, with its name and scopes; `muster access new` makes them.
    /// Read again when it changes. Without it everybody may do everything, which is refused where strangers can come.
    #[arg(long, env = "ACCESS_FILE", value_name = "FILE")]
    pub access_file: Option<PathBuf>,
    /// Serve everybody on an address that isn't loopback, without asking who they are: whoever reaches it can read every
    /// player's tokens, register servers and end every queue.
    #[arg(
        long,
        env = "ALLOW_UNAUTHENTICATED_CALLERS_ON_EVERY_ADDRESS",
        default_value_t = false,
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true"
    )]
    pub allow_unauthenticated_callers_on_every_address: bool,
    /// Serve by TLS with this certificate (PEM, with the intermediate ones). Read again when it changes.
    #[arg(long, env = "GRPC_TLS_CERTIFICATE", value_name = "FILE")]
    pub grpc_tls_certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    #[arg(long, env = "GRPC_TLS_KEY", value_name = "FILE")]
    pub grpc_tls_key: Option<PathBuf>,
    /// Ask clients for certificates that this authority signed (PEM); the access file says what their names may do.
    #[arg(long, env = "GRPC_TLS_CLIENT_CA", value_name = "FILE")]
    pub grpc_tls_client_ca: Option<PathBuf>,
    /// Whether clients must have such a certificate, or may use a key instead.
    #[arg(long, env = "GRPC_TLS_CLIENT_AUTH", value_enum, default_value = "optional")]
    pub grpc_tls_client_auth: ClientAuth,
}

impl Access {
    /// The access file.
    pub(crate) fn file(&self) -> Option<Named> {
        self.access_file.as_ref().map(|path| Named::new("access_file", path))
    }

    /// The files of TLS, where there are any.
    pub(crate) fn tls(&self) -> Result<Option<ServerFiles>, Invalid> {
        let named = |setting, path: &Option<PathBuf>| path.as_ref().map(|path| Named::new(setting, path));
        let certificate = named("grpc_tls_certificate", &self.grpc_tls_certificate);
        let key = named("grpc_tls_key", &self.grpc_tls_key);
        let clients = named("grpc_tls_client_ca", &self.grpc_tls_client_ca);
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let clients = clients.map(|authority| (authority, self.grpc_tls_client_auth));
                Ok(Some(ServerFiles { certificate, key, clients }))
            }
            (None, None) if clients.is_none() => Ok(None),
            (None, _) => {
                Err(Invalid::new("grpc_tls_certificate", "is needed beside the other settings of TLS"))
            }
            (Some(_), None) => Err(Invalid::new("grpc_tls_key", "is needed beside grpc_tls_certificate")),
        }
    }

    /// Refuses what would serve strangers. `serves_calls`: where nothing but health is served there is nothing to take.
    pub(crate) fn validate(&self, addr: SocketAddr, serves_calls: bool) -> Result<(), Invalid> {
        let tls = self.tls()?;
        if self.access_file.is_some() {
            return Ok(());
        }
        if tls.is_some_and(|tls| tls.clients.is_some()) {
            let message = "is needed beside grpc_tls_client_ca: it says what whose certificate may do";
            return Err(Invalid::new("access_file", message));
        }
        let strangers = serves_calls && !addr.ip().is_loopback();
        if strangers && !self.allow_unauthenticated_callers_on_every_address {
            let message = format!(
                "is needed where strangers can come, and grpc_addr is {addr}: without it whoever reaches that address may do \
                 everything. Make keys with `muster access new`, or serve 127.0.0.1 only; or, where the network itself keeps \
                 strangers out, set allow_unauthenticated_callers_on_every_address"
            );
            return Err(Invalid::new("access_file", message));
        }
        Ok(())
    }

    /// Says what is forced, or dangerous, once at the start.
    pub(crate) fn warn(&self, addr: SocketAddr, serves_calls: bool) {
        if addr.ip().is_loopback() || !serves_calls {
            return;
        }
        if self.access_file.is_none() {
            tracing::warn!(%addr, "everybody who reaches this address may do everything: no caller is asked who they are");
        } else if self.grpc_tls_certificate.is_none() {
            tracing::warn!(%addr, "keys travel unencrypted on this address; set grpc_tls_certificate, or encrypt them on the way");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn checked(flags: &[&str]) -> Result<(), String> {
        let config: Config = runtime::config::defaults(flags);
        config
            .access
            .validate(config.grpc_addr, config.matchmaking_role.serves_calls())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn strangers_are_refused_unless_they_are_named_or_forced() {
        checked(&[]).unwrap();
        checked(&["--grpc-addr", "[::1]:3001"]).unwrap();
        for addr in ["0.0.0.0:3001", "[::]:3001", "10.0.0.1:3001"] {
            let refused = checked(&["--grpc-addr", addr]).unwrap_err();
            assert!(refused.starts_with("access_file: is needed") && refused.contains(addr), "{refused}");
            checked(&["--grpc-addr", addr, "--access-file", "f"]).unwrap();
            checked(&["--grpc-addr", addr, "--allow-unauthenticated-callers-on-every-address"]).unwrap();
        }
        checked(&["--grpc-addr", "0.0.0.0:3001", "--matchmaking-role", "queue-worker"]).unwrap();
    }

    #[test]
    fn half_of_tls_is_refused() {
        let refused = |flags: &[&str]| checked(flags).unwrap_err();
        assert!(refused(&["--grpc-tls-certificate", "c"]).starts_with("grpc_tls_key: "));
        assert!(refused(&["--grpc-tls-key", "k"]).starts_with("grpc_tls_certificate: "));
        assert!(refused(&["--grpc-tls-client-ca", "a"]).starts_with("grpc_tls_certificate: "));
        let both = ["--grpc-tls-certificate", "c", "--grpc-tls-key", "k", "--grpc-tls-client-ca", "a"];
        assert!(refused(&both).starts_with("access_file: is needed beside grpc_tls_client_ca"));
    }
}
