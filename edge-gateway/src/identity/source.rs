//! Where an issuer's public keys are read: our own at the control plane, an identity provider's at an address of its own.

use std::time::Duration;

use anyhow::{Context as _, bail};
use runtime::address::Address;
use serde::Deserialize;

use super::fetch::Fetcher;
use crate::{
    http::RequestId,
    upstream::{Calls, Origin},
};

/// How long a provider's keys are kept: providers publish a key long before it signs, and a key that isn't known is fetched at
/// once.
const KEEP: Duration = Duration::from_secs(600);

/// Unknown keys are asked for no more often than this: of a provider, whose patience is not ours; and of our control plane.
const LEAST_INTERVAL: Duration = Duration::from_secs(10);
const OUR_LEAST_INTERVAL: Duration = Duration::from_secs(1);

/// Between our own programs, and between us and anybody.
const OUR_LEEWAY: Duration = tokens::DEFAULT_LEEWAY;
const LEEWAY: Duration = Duration::from_secs(30);

/// Where the keys are.
pub(crate) enum Source {
    /// Our own.
    ControlPlane(Calls),
    /// At this address.
    Jwks(Fetcher, Address),
    /// At an address that the issuer's discovery document names (OpenID Connect Discovery 1.0).
    Discovery(Fetcher, Address),
}

/// A JWK Set.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Its text.
    pub(crate) jwks: String,
    /// After how long it is fetched again.
    pub(crate) keep: Duration,
}

#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    /// Reads the keys of `issuer`.
    pub(crate) async fn fetch(&self, issuer: &str) -> anyhow::Result<Fetched> {
        match self {
            Self::ControlPlane(calls) => {
                let answer = calls.jwks(&Origin::from(&RequestId::new())).await;
                let answer = answer
                    .map_err(|refusal| anyhow::anyhow!("{}: {}", refusal.reason.name(), refusal.message))?;
                // Half of what caches may do: a key that begins to sign is known by then for sure.
                let keep = Duration::from_secs(answer.max_age_s.into()) / 2;
                Ok(Fetched { jwks: answer.jwks_json, keep: keep.max(OUR_LEAST_INTERVAL) })
            }
            Self::Jwks(fetcher, address) => {
                let jwks = fetcher.get(address).await.with_context(|| format!("the keys at {address}"))?;
                Ok(Fetched { jwks, keep: KEEP })
            }
            Self::Discovery(fetcher, address) => {
                let text =
                    fetcher.get(address).await.with_context(|| format!("the document at {address}"))?;
                let document: DiscoveryDocument =
                    serde_json::from_str(&text).with_context(|| format!("the document at {address}"))?;
                if document.issuer != issuer {
                    bail!("the document at {address} is of the issuer {:?}", document.issuer);
                }
                let keys = Address::parse(&document.jwks_uri).map_err(anyhow::Error::msg);
                let keys = keys.with_context(|| format!("`jwks_uri` in the document at {address}"))?;
                if address.is_https() && !keys.is_https() {
                    bail!("the document at {address} names keys that are not at an https:// address");
                }
                let jwks = fetcher.get(&keys).await.with_context(|| format!("the keys at {keys}"))?;
                Ok(Fetched { jwks, keep: KEEP })
            }
        }
    }

    /// The shortest time between two fetches because of an unknown key.
    pub(crate) fn least_interval(&self) -> Duration {
        match self {
            Self::ControlPlane(_) => OUR_LEAST_INTERVAL,
            Self::Jwks(..) | Self::Discovery(..) => LEAST_INTERVAL,
        }
    }

    /// How far the issuer's clock may be off.
    pub(crate) fn leeway(&self) -> Duration {
        match self {
            Self::ControlPlane(_) => OUR_LEEWAY,
            Self::Jwks(..) | Self::Discovery(..) => LEEWAY,
        }
    }
}
