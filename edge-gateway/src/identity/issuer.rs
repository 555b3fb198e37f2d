//! Who may say who a player is: our own control plane, and identity providers. Each by its issuer, audience and keys.
//!
//! What a token says of itself decides only by whose keys it is checked; nothing of it is believed before that. Algorithms come
//! with the keys (`tokens::Verifier`): no token chooses its own.

use std::time::{Duration, SystemTime};

use proto::error::{Reason, Refusal};
use serde_json::Value;
use tokens::{Verifier, VerifyError};

use super::{KnownPlayer, PlayerId, Secret, keys::Keys, unauthenticated};

/// One issuer of tokens that this gateway believes.
pub(crate) struct Issuer {
    /// The `iss` of its tokens.
    pub(crate) name: String,
    pub(crate) keys: Keys,
    pub(crate) says: Says,
}

/// How an issuer's tokens name a player.
pub(crate) enum Says {
    /// Ours: `sub`, for the audience `edge-gateway`.
    OurPlayer,
    /// A provider's.
    Player {
        /// The audiences of which a token must have one.
        audiences: Vec<String>,
        /// The claim with the player's name.
        claim: String,
        /// What comes before it in the player's id.
        prefix: String,
    },
}

impl Issuer {
    /// The player whom a token proves.
    pub(crate) async fn player(&self, token: &Secret) -> Result<KnownPlayer, Refusal> {
        let verifier = self.keys.get().await?;
        let mut read = self.says.read(&verifier, token);
        if let Err(VerifyError::UnknownKey { .. }) = read
            && let Some(newer) = self.keys.newer_than(&verifier).await
        {
            read = self.says.read(&newer, token);
        }
        known(read)
    }
}

impl Says {
    /// The player's name and until when that is good, where these keys have signed it.
    pub(super) fn read(&self, verifier: &Verifier, token: &Secret) -> Read {
        let now = SystemTime::now();
        match self {
            Self::OurPlayer => {
                let claims = verifier.verify_identity(token.reveal(), now)?;
                Ok((Some(claims.sub), claims.exp))
            }
            Self::Player { audiences, claim, prefix } => {
                let mut read = Err(VerifyError::NotAToken { reason: "no audience is configured" });
                for audience in audiences {
                    read = verifier.verify_provided(token.reveal(), audience, now);
                    if !matches!(read, Err(VerifyError::WrongAudience { .. })) {
                        break;
                    }
                }
                let claims = read?;
                let player = match claims.get(claim) {
                    Some(Value::String(text)) if !text.is_empty() => Some(format!("{prefix}{text}")),
                    Some(Value::Number(number)) if number.is_u64() => Some(format!("{prefix}{number}")),
                    _ => None,
                };
                Ok((player, claims.exp))
            }
        }
    }
}

/// What a token says of its player, where it may be believed.
type Read = Result<(Option<String>, u64), VerifyError>;

/// The player of a token that was read.
pub(super) fn known(read: Read) -> Result<KnownPlayer, Refusal> {
    let (id, exp) = read.map_err(|error| invalid_token(error.brief()))?;
    let id = id.and_then(PlayerId::new);
    let id = id.ok_or_else(|| invalid_token("the token names no player whose id can be one here"))?;
    Ok(KnownPlayer { id, until: SystemTime::UNIX_EPOCH + Duration::from_secs(exp.min(MAX_MOMENT)) })
}

/// The year 9999, which every clock can tell.
const MAX_MOMENT: u64 = 253_402_300_799;

/// The refusal of a token.
pub(crate) fn invalid_token(why: &str) -> Refusal {
    let refusal = unauthenticated(format!("{why}; get a new one"));
    debug_assert_eq!(refusal.reason, Reason::Unauthenticated);
    refusal.with(super::BAD_TOKEN, "true")
}
