//! Who allocates: the settings of `--allocation`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use runtime::{
    address::Address,
    config::{Invalid, duration},
    files::Named,
    tls::ClientFiles,
};

/// The most calls at once that may be configured.
const MOST_CONCURRENT: usize = 10_000;
/// The longest budget: a match that waits longer than this for its land had better be made anew.
const LONGEST_BUDGET: Duration = Duration::from_secs(120);

/// The settings of allocation.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Allocation")]
pub struct AllocationSettings {
    /// Who allocates: finds the server that a match is played on, and reserves its land.
    #[arg(long = "allocation", id = "allocation", env = "ALLOCATION", default_value = "own", value_enum)]
    pub allocator: Allocator,
    /// Where the service is that allocates. With `--allocation http` an `http://` or `https://` URL, behind which
    /// `/v1/provisioning/allocate` comes; with `agones` the `https://host:port` of Agones' allocation service.
    #[arg(long, env = "ALLOCATION_URL", value_name = "URL")]
    pub allocation_url: Option<String>,
    /// How long one call of that service may take.
    #[arg(long, env = "ALLOCATION_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub allocation_timeout: Duration,
    /// How long a match is tried, its calls and the pauses between them; then its tickets wait in their queue again.
    #[arg(long, env = "ALLOCATION_BUDGET", default_value = "8s", value_parser = duration)]
    pub allocation_budget: Duration,
    /// How many calls of that service are under way at once.
    #[arg(long, env = "ALLOCATION_CONCURRENCY", default_value_t = 64)]
    pub allocation_concurrency: usize,
    /// A file with the key that `--allocation http` sends as `Authorization: Bearer …`, and nothing else. Read again when it
    /// changes, as the certificates are.
    #[arg(long, env = "ALLOCATION_KEY_FILE", value_name = "FILE")]
    pub allocation_key_file: Option<PathBuf>,
    /// With `https://`: who signs that service's certificate (PEM). Without it, who the machine believes.
    #[arg(long, env = "ALLOCATION_CA", value_name = "FILE")]
    pub allocation_ca: Option<PathBuf>,
    /// With `https://`: the certificate by which that service knows the control plane (PEM, with the intermediate ones).
    #[arg(long, env = "ALLOCATION_CERTIFICATE", value_name = "FILE")]
    pub allocation_certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    #[arg(long, env = "ALLOCATION_CERTIFICATE_KEY", value_name = "FILE")]
    pub allocation_certificate_key: Option<PathBuf>,
    /// With `--allocation agones`: the Kubernetes namespace of the game servers.
    #[arg(long, env = "AGONES_NAMESPACE", default_value = "default")]
    pub agones_namespace: String,
    /// Labels that every game server must have, such as `agones.dev/fleet=arena`. Several are separated by commas.
    #[arg(long, env = "AGONES_LABELS", value_name = "NAME=VALUE", value_delimiter = ',')]
    pub agones_labels: Vec<String>,
    /// The label of a game server that names its land type. Empty: a game server hosts all of them.
    #[arg(long, env = "AGONES_LAND_TYPE_LABEL", default_value = "muster.dev/land-type")]
    pub agones_land_type_label: String,
    /// The label of a game server that names its region.
    #[arg(long, env = "AGONES_REGION_LABEL", default_value = "muster.dev/region")]
    pub agones_region_label: String,
    /// The label of a game server that names its version.
    #[arg(long, env = "AGONES_VERSION_LABEL", default_value = "muster.dev/version")]
    pub agones_version_label: String,
    /// The name of the port that players connect to, where a game server has several. Without it, its only one.
    #[arg(long, env = "AGONES_PORT_NAME", value_name = "NAME")]
    pub agones_port_name: Option<String>,
    /// How players connect. Without it, `wss` where the port is 443 and `ws` elsewhere.
    #[arg(long, env = "AGONES_SCHEME", value_enum)]
    pub agones_scheme: Option<Scheme>,
}

/// Who allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Allocator {
    /// The control plane, on the servers that register with it.
    Own,
    /// A service of your own, at `--allocation-url`.
    Http,
    /// Agones' allocation service, at `--allocation-url`.
    Agones,
}

/// How players connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheme {
    /// Plain WebSocket.
    Ws,
    /// WebSocket by TLS.
    Wss,
}

impl AllocationSettings {
    /// Looks at the settings together.
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        if self.allocator == Allocator::Own {
            return match self.allocation_url {
                None => Ok(()),
                Some(_) => {
                    let message =
                        "is not used with allocation = own; set allocation to http or agones as well";
                    Err(Invalid::new("allocation_url", message))
                }
            };
        }
        let address = self.address()?;
        let files = self.files()?;
        if !address.is_https() && (files.authority.is_some() || files.identity.is_some()) {
            let message = "must begin with https:// where certificates are configured, or they are not used";
            return Err(Invalid::new("allocation_url", message));
        }
        if self.allocation_timeout < Duration::from_millis(1) {
            return Err(Invalid::new("allocation_timeout", "must be at least 1ms"));
        }
        if !(self.allocation_timeout..=LONGEST_BUDGET).contains(&self.allocation_budget) {
            let message = format!(
                "must be from allocation_timeout, {:?}, to {LONGEST_BUDGET:?}",
                self.allocation_timeout
            );
            return Err(Invalid::new("allocation_budget", message));
        }
        if !(1..=MOST_CONCURRENT).contains(&self.allocation_concurrency) {
            let message = format!("must be from 1 to {MOST_CONCURRENT}");
            return Err(Invalid::new("allocation_concurrency", message));
        }
        if self.allocator == Allocator::Agones { self.validate_agones(&address) } else { Ok(()) }
    }

    fn validate_agones(&self, address: &Address) -> Result<(), Invalid> {
        if address.path() != "/" {
            let message = "has something behind its port: gRPC has paths of its own";
            return Err(Invalid::new("allocation_url", message));
        }
        if self.allocation_key_file.is_some() {
            let message = "is for allocation = http; Agones knows its callers by allocation_certificate";
            return Err(Invalid::new("allocation_key_file", message));
        }
        if !is_name(&self.agones_namespace) || self.agones_namespace.contains(['.', '_']) {
            return Err(Invalid::new("agones_namespace", "must be the name of a Kubernetes namespace"));
        }
        if self.agones_port_name.as_ref().is_some_and(String::is_empty) {
            return Err(Invalid::new("agones_port_name", "must not be empty"));
        }
        for (setting, label) in [
            ("agones_land_type_label", &self.agones_land_type_label),
            ("agones_region_label", &self.agones_region_label),
            ("agones_version_label", &self.agones_version_label),
        ] {
            let may_be_empty = setting == "agones_land_type_label";
            if !(is_label(label) || may_be_empty && label.is_empty()) {
                return Err(Invalid::new(setting, "must be the name of a Kubernetes label"));
            }
        }
        self.labels().map(|_| ())
    }

    /// Where the service is.
    pub(crate) fn address(&self) -> Result<Address, Invalid> {
        let invalid = |why: String| Invalid::new("allocation_url", why);
        let Some(url) = &self.allocation_url else {
            let message =
                "is required with allocation = http or agones, for example https://allocator.example";
            return Err(invalid(message.to_owned()));
        };
        let address = Address::parse(url.trim()).map_err(invalid)?;
        if address.path().contains('?') {
            return Err(invalid("must not have a query (`?`)".to_owned()));
        }
        Ok(address)
    }

    /// The files of TLS.
    pub(crate) fn files(&self) -> Result<ClientFiles, Invalid> {
        let pair = ("allocation_certificate", "allocation_certificate_key");
        let identity = match (&self.allocation_certificate, &self.allocation_certificate_key) {
            (Some(certificate), Some(key)) => {
                Some((Named::new(pair.0, certificate), Named::new(pair.1, key)))
            }
            (None, None) => None,
            (Some(_), None) => return Err(Invalid::new(pair.1, "is needed beside allocation_certificate")),
            (None, Some(_)) => {
                return Err(Invalid::new(pair.0, "is needed beside allocation_certificate_key"));
            }
        };
        let authority = self.allocation_ca.as_ref().map(|path| Named::new("allocation_ca", path));
        Ok(ClientFiles { authority, identity })
    }

    /// The file of the key.
    pub(crate) fn key_file(&self) -> Option<Named> {
        self.allocation_key_file.as_ref().map(|path| Named::new("allocation_key_file", path))
    }

    /// The labels that every game server must have.
    pub(crate) fn labels(&self) -> Result<BTreeMap<String, String>, Invalid> {
        let pair = |text: &String| {
            let (name, value) = text.trim().split_once('=')?;
            (is_label(name) && is_label_value(value)).then(|| (name.to_owned(), value.to_owned()))
        };
        let wrong = |text: &String| {
            let message = format!("`{text}` is no label; write name=value, as agones.dev/fleet=arena");
            Invalid::new("agones_labels", message)
        };
        self.agones_labels.iter().map(|text| pair(text).ok_or_else(|| wrong(text))).collect()
    }
}

/// Whether Kubernetes takes it as the value of a label.
pub(crate) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_name(text)
}

/// The name of a label: `name`, or `prefix/name`.
fn is_label(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => prefix.len() <= 253 && prefix.split('.').all(is_name) && is_name(name),
        None => is_name(text),
    }
}

fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = [text.bytes().next(), text.bytes().last()];
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn checked(flags: &str) -> Result<(), String> {
        let flags: Vec<_> = flags.split_whitespace().collect();
        let config: Config = runtime::config::defaults(&flags);
        config.allocation.validate().map_err(|error| error.to_string())
    }

    #[test]
    fn a_service_is_named_with_what_it_needs() {
        for good in [
            "",
            "--allocation http --allocation-url http://127.0.0.1:9000",
            "--allocation http --allocation-url https://allocator.example/muster/",
            "--allocation http --allocation-url https://a --allocation-ca c --allocation-certificate d \
             --allocation-certificate-key k --allocation-key-file f",
            "--allocation agones --allocation-url https://a:443 --agones-labels agones.dev/fleet=arena,x=y",
            "--allocation agones --allocation-url http://a --agones-land-type-label= --agones-scheme wss",
        ] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (flags, expected) in [
            ("--allocation-url http://a", "allocation_url: is not used with allocation = own"),
            ("--allocation http", "allocation_url: is required"),
            ("--allocation agones", "allocation_url: is required"),
            ("--allocation http --allocation-url a:1", "allocation_url: must begin with https://"),
            ("--allocation http --allocation-url http://u:p@a", "allocation_url: must not have a user"),
            ("--allocation http --allocation-url http://a/?x=1", "allocation_url: must not have a query"),
            ("--allocation http --allocation-url http://a --allocation-ca c", "allocation_url: must begin"),
            (
                "--allocation http --allocation-url https://a --allocation-certificate c",
                "allocation_certificate_key: is needed",
            ),
            (
                "--allocation http --allocation-url https://a --allocation-certificate-key c",
                "allocation_certificate: is needed",
            ),
            (
                "--allocation http --allocation-url http://a --allocation-timeout 0s",
                "allocation_timeout: must be at least 1ms",
            ),
            (
                "--allocation http --allocation-url http://a --allocation-budget 1s",
                "allocation_budget: must be from allocation_timeout, 2s, to 120s",
            ),
            (
                "--allocation http --allocation-url http://a --allocation-budget 121s",
                "allocation_budget: must be from",
            ),
            (
                "--allocation http --allocation-url http://a --allocation-concurrency 0",
                "allocation_concurrency: must be from 1 to 10000",
            ),
            ("--allocation agones --allocation-url http://a/v1", "allocation_url: has something behind"),
            (
                "--allocation agones --allocation-url http://a --allocation-key-file f",
                "allocation_key_file: is for allocation = http",
            ),
            (
                "--allocation agones --allocation-url http://a --agones-namespace a_b",
                "agones_namespace: must be",
            ),
            (
                "--allocation agones --allocation-url http://a --agones-labels fleet",
                "agones_labels: `fleet` is no label",
            ),
            (
                "--allocation agones --allocation-url http://a --agones-labels a=-",
                "agones_labels: `a=-` is no label",
            ),
            (
                "--allocation agones --allocation-url http://a --agones-region-label=",
                "agones_region_label: must be",
            ),
            (
                "--allocation agones --allocation-url http://a --agones-port-name=",
                "agones_port_name: must not be empty",
            ),
        ] {
            let refused = checked(flags).unwrap_err();
            assert!(refused.starts_with(expected), "{flags}: {refused}");
        }
    }
}
