//! Who a caller is, and what they may do.
//!
//! Handlers ask for a [`Caller`] and never look at headers themselves: how a caller proves who they are is decided here and
//! nowhere else.
//!
//! * Mode B, the default: a player brings a token, ours or an identity provider's ([`issuer`]); a backend brings a key
//!   ([`backends`]). Public keys and hashes are all that is known here, so nothing that this gateway holds makes anybody a player.
//! * Mode A, for development: who brings nothing is believed whatever player ids they send. Who brings something is held to it.
//!
//! Each request, and each socket once, is looked at anew; that a token was verified a moment ago is remembered ([`remembered`]).

mod backends;
mod caller;
mod credentials;
mod extract;
mod fetch;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod issuer;
mod keys;
mod members;
mod player;
mod provider;
mod remembered;
mod secret;
mod source;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use proto::error::{Reason, Refusal};
use runtime::{
    config::Invalid,
    files::{Named, Watched},
    tls::{ClientFiles, ClientTls},
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, upstream::Calls};
use backends::Backends;
use fetch::Fetcher;
use issuer::{Issuer, Says, invalid_token};
use keys::Keys;
use remembered::{Remembered, TokenHash};
use source::Source;

pub(crate) use caller::{Caller, no_such_ticket, without_a_hint};
pub(crate) use credentials::{Credentials, SUBPROTOCOL};
pub(crate) use extract::TrustedDoor;
pub(crate) use members::Party;
pub(crate) use player::{KnownPlayer, PlayerId};
pub use provider::{IdentityProvider, OneOrMore, Sections};
pub(crate) use secret::Secret;

/// In a refusal's metadata: a token was there, and was not good. Decides what `WWW-Authenticate` says.
pub(crate) const BAD_TOKEN: &str = "badToken";

/// How callers are identified.
pub(crate) struct Identity {
    /// Mode A.
    trust_clients: bool,
    /// Ours, and the providers.
    issuers: Vec<Issuer>,
    remembered: Remembered,
    backends: Backends,
    backend_keys: Option<Named>,
}

impl Identity {
    /// As configured. Reads files, and nothing over the network.
    pub(crate) fn new(config: &Config, sections: &Sections, calls: &Calls) -> Result<Self, Invalid> {
        let ours = &config.identity.token_issuer;
        provider::check(&sections.identity_providers, ours)?;
        let keys = Keys::new(ours, Source::ControlPlane(calls.clone()));
        let mut issuers = vec![Issuer { name: ours.clone(), keys, says: Says::OurPlayer }];
        for provider in &sections.identity_providers {
            issuers.push(issuer_of(provider)?);
        }
        let backend_keys = config.identity.backend_keys.as_ref().map(|path| Named::new("backend_keys", path));
        let backends = match &backend_keys {
            Some(file) => Backends::of_file(file, &Watched::open(vec![file.clone()])?.contents()[0])?,
            None => Backends::default(),
        };
        Ok(Self {
            trust_clients: config.allow_client_player_id,
            issuers,
            remembered: Remembered::default(),
            backends,
            backend_keys,
        })
    }

    /// Keeps keys up to date until `stop`.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let keys = join_all(self.issuers.iter().map(|issuer| issuer.keys.clone().run(stop.clone())));
        tokio::join!(keys, self.follow_backends(stop.clone()));
    }

    async fn follow_backends(&self, stop: CancellationToken) {
        let Some(file) = &self.backend_keys else { return };
        match Watched::open(vec![file.clone()]) {
            Ok(watched) => {
                let take = |contents: &[Vec<u8>]| self.backends.change(file, &contents[0]);
                watched.follow("the backends' keys", stop, take).await;
            }
            Err(error) => tracing::error!(%error, "the backends' keys are not read again"),
        }
    }

    /// Whether an identity provider's token can be exchanged.
    pub(crate) fn has_providers(&self) -> bool {
        self.issuers.len() > 1
    }

    /// Whether being inside is enough to be trusted: where no backend has a key, and nothing was brought to be held to.
    pub(crate) fn trusts_inside(&self, credentials: &Credentials) -> bool {
        self.backend_keys.is_none() && *credentials == Credentials::None
    }

    /// Who carries these credentials.
    pub(crate) async fn caller(&self, credentials: &Credentials) -> Result<Caller, Refusal> {
        match credentials {
            Credentials::None if self.trust_clients => Ok(Caller::Trusted),
            Credentials::None => Err(unauthenticated(
                "this gateway can't tell who you are: send an identity token, as `Authorization: Bearer <token>` (for \
                 development, its operator can set ALLOW_CLIENT_PLAYER_ID=true)",
            )),
            Credentials::Unreadable => {
                Err(invalid_token("the token can't be read: send one, as `Authorization: Bearer <token>`"))
            }
            Credentials::Bearer(secret) if is_token(secret) => Ok(Caller::Player(self.player(secret).await?)),
            Credentials::Bearer(key) => match self.backends.with_key(key) {
                Some(backend) => {
                    tracing::debug!(backend, "a trusted backend calls");
                    Ok(Caller::Trusted)
                }
                None => Err(invalid_token("this is neither an identity token nor a key that is known here")),
            },
        }
    }

    /// The player whom a token proves, whoever of those whom we believe signed it.
    pub(crate) async fn player(&self, token: &Secret) -> Result<Arc<KnownPlayer>, Refusal> {
        let hash = TokenHash::of(token);
        if let Some(player) = self.remembered.player(hash) {
            return Ok(player);
        }
        let player = Arc::new(self.issuer_of(token)?.player(token).await?);
        self.remembered.insert(hash, &player);
        Ok(player)
    }

    /// The player whom an identity provider's token proves.
    pub(crate) async fn provided_player(&self, token: &Secret) -> Result<KnownPlayer, Refusal> {
        let issuer = self.issuer_of(token)?;
        if matches!(issuer.says, Says::OurPlayer) {
            return Err(invalid_token("the token is of this gateway's own kind, not an identity provider's"));
        }
        issuer.player(token).await
    }

    /// By whose keys a token is to be checked.
    fn issuer_of(&self, token: &Secret) -> Result<&Issuer, Refusal> {
        let name = claimed_issuer(token).ok_or_else(|| invalid_token("this is no token"))?;
        let issuer = self.issuers.iter().find(|issuer| issuer.name == name);
        issuer.ok_or_else(|| invalid_token("the token was issued by nobody who is believed here"))
    }
}

fn issuer_of(provider: &IdentityProvider) -> Result<Issuer, Invalid> {
    let authority = provider.ca.as_ref().map(|path| Named::new("identity_providers.ca", path));
    let files = ClientFiles { authority, identity: None };
    let tls = ClientTls::new(&files, Watched::open(files.all())?.contents(), "http/1.1")?;
    let fetcher = Fetcher::new(tls);
    let (address, is_discovery) = provider.keys().map_err(|why| Invalid::new("identity_providers", why))?;
    let source =
        if is_discovery { Source::Discovery(fetcher, address) } else { Source::Jwks(fetcher, address) };
    Ok(Issuer {
        name: provider.issuer.clone(),
        keys: Keys::new(&provider.issuer, source),
        says: Says::Player {
            audiences: provider.audience.to_vec(),
            claim: provider.player_claim.clone(),
            prefix: provider.player_prefix.clone(),
        },
    })
}

/// Whether it is a JWT, and not a key.
fn is_token(secret: &Secret) -> bool {
    secret.reveal().contains('.')
}

/// Whom a token names as its issuer; nothing is verified yet.
fn claimed_issuer(token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    let token = Some(token.reveal()).filter(|token| token.len() <= tokens::MAX_TOKEN_BYTES)?;
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    Some(serde_json::from_slice::<Claimed>(&claims).ok()?.iss)
}

/// The refusal of who didn't prove who they are.
fn unauthenticated(message: impl Into<String>) -> Refusal {
    Refusal::new(Reason::Unauthenticated, message)
}
