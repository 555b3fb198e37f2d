//! Identity providers, as the configuration file names them: `[[identity_providers]]`.

use std::{collections::HashSet, path::PathBuf};

use runtime::{
    address::Address,
    config::{FileSections, Invalid},
};
use serde::Deserialize;

/// What the gateway's file holds beside the settings.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Sections {
    /// Whose tokens players may bring.
    #[serde(default)]
    pub identity_providers: Vec<IdentityProvider>,
}

impl FileSections for Sections {
    const NAMES: &'static [&'static str] = &["identity_providers"];
}

/// Somebody else who says who a player is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` that a token must have; of several, one.
    pub audience: OneOrMore,
    /// Where its keys are, `https://…`. Without it, where `<issuer>/.well-known/openid-configuration` says.
    pub jwks_url: Option<String>,
    /// The claim that names the player: a text or a whole number.
    #[serde(default = "sub")]
    pub player_claim: String,
    /// What comes before that claim in a player's id, so that one provider's players are not taken for another's.
    #[serde(default)]
    pub player_prefix: String,
    /// Who signs its server's certificate (PEM), where the machine doesn't know it.
    pub ca: Option<PathBuf>,
    /// Read keys over `http://` from another machine too: whoever is on the way can make players up.
    #[serde(default)]
    pub allow_keys_over_plain_http_though_anybody_on_the_way_can_change_them: bool,
}

/// A text, or a list of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub(crate) fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::More(more) => more.clone(),
        }
    }
}

fn sub() -> String {
    "sub".to_owned()
}

impl IdentityProvider {
    /// Where its keys are, and whether that is a discovery document that names another place.
    pub(crate) fn keys(&self) -> Result<(Address, bool), String> {
        let (text, is_discovery) = match &self.jwks_url {
            Some(url) => (url.clone(), false),
            None => (format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/')), true),
        };
        let address = Address::parse(&text).map_err(|why| {
            if is_discovery {
                format!("jwks_url is missing, and the issuer has no discovery document: `{text}` {why}")
            } else {
                format!("jwks_url {why}")
            }
        })?;
        if address.is_private() || self.allow_keys_over_plain_http_though_anybody_on_the_way_can_change_them {
            return Ok((address, is_discovery));
        }
        Err(format!("the keys are at `{text}`, where anybody on the way can change them; use https://"))
    }

    fn check(&self, ours: &str) -> Result<(), String> {
        if self.issuer.is_empty() {
            return Err("issuer is empty".to_owned());
        }
        if self.issuer == ours {
            return Err(format!("issuer is `{ours}`, as which our own control plane signs (token_issuer)"));
        }
        let audiences = self.audience.to_vec();
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err("audience is empty; name what its tokens for this game say".to_owned());
        }
        if self.player_claim.is_empty() {
            return Err("player_claim is empty; `sub` is the usual one".to_owned());
        }
        if self.player_prefix.len() > 64 || self.player_prefix.contains(char::is_control) {
            return Err("player_prefix must be at most 64 bytes, without control characters".to_owned());
        }
        self.keys().map(drop)
    }
}

/// Refuses providers that can't be used, or not together.
pub(crate) fn check(providers: &[IdentityProvider], ours: &str) -> Result<(), Invalid> {
    let mut issuers = HashSet::new();
    for (index, provider) in providers.iter().enumerate() {
        let wrong = |why: String| Invalid::new(format!("identity_providers[{index}]"), why);
        provider.check(ours).map_err(wrong)?;
        if !issuers.insert(&provider.issuer) {
            return Err(wrong(format!("issuer `{}` is there twice", provider.issuer)));
        }
        let prefix = &provider.player_prefix;
        let others = providers[..index].iter().map(|other| &other.player_prefix);
        if let Some(other) =
            others.into_iter().find(|other| prefix.starts_with(*other) || other.starts_with(prefix))
        {
            return Err(wrong(format!(
                "player_prefix `{prefix}` and another provider's, `{other}`, don't keep their players apart; give each one \
                 of its own, neither the beginning of the other"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(text: &str) -> IdentityProvider {
        toml::from_str(text).unwrap()
    }

    const LEAST: &str = "issuer = 'https://id.example'\naudience = 'game'\n";

    #[test]
    fn the_least_that_is_said_is_enough() {
        let provider = provider(LEAST);
        check(std::slice::from_ref(&provider), "muster").unwrap();
        let (keys, is_discovery) = provider.keys().unwrap();
        assert_eq!(keys.to_string(), "https://id.example/.well-known/openid-configuration");
        assert!(is_discovery);
        assert_eq!((provider.player_claim.as_str(), provider.player_prefix.as_str()), ("sub", ""));
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (text, part) in [
            ("issuer = ''\naudience = 'game'", "issuer is empty"),
            ("issuer = 'muster'\naudience = 'game'", "our own control plane"),
            ("issuer = 'accounts'\naudience = 'game'", "jwks_url is missing"),
            ("issuer = 'https://id.example'\naudience = []", "audience is empty"),
            (&format!("{LEAST}player_claim = ''"), "player_claim"),
            (&format!("{LEAST}jwks_url = 'ftp://x/'"), "jwks_url must begin with"),
            (&format!("{LEAST}jwks_url = 'http://id.example/keys'"), "use https://"),
        ] {
            let error = check(&[provider(text)], "muster").unwrap_err();
            assert!(error.setting == "identity_providers[0]" && error.message.contains(part), "{error}");
        }
        let local = provider(&format!("{LEAST}jwks_url = 'http://127.0.0.1:8080/keys'"));
        check(&[local], "muster").unwrap();
    }

    #[test]
    fn players_of_several_providers_are_kept_apart() {
        let other = "issuer = 'https://other.example'\naudience = 'game'\n";
        let both = |one: &str, two: &str| {
            let providers = [
                provider(&format!("{LEAST}player_prefix = '{one}'")),
                provider(&format!("{other}player_prefix = '{two}'")),
            ];
            check(&providers, "muster")
        };
        both("a:", "b:").unwrap();
        for (one, two) in [("", ""), ("a:", ""), ("", "b:"), ("a", "ab"), ("a:", "a:")] {
            assert!(both(one, two).unwrap_err().message.contains("player_prefix"), "{one:?} {two:?}");
        }
        assert!(check(&[provider(LEAST), provider(LEAST)], "muster").unwrap_err().message.contains("twice"));
    }
}
