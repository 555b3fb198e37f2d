//! What is published of a key: its JWK (RFC 7517), and the thumbprint that is its id.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType,
    Jwk, OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse, RSAKeyParameters, RSAKeyType,
    ThumbprintHash,
};
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::{RsaPublicKey, traits::PublicKeyParts as _};

use super::pair::Pair;

/// The bytes of a coordinate on P-256.
const COORDINATE: usize = 32;

/// The key's id and its public half.
pub(super) fn identify(pair: &Pair) -> Result<(String, Jwk), Box<dyn std::error::Error>> {
    let mut jwk = Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(pair.algorithm().for_jwk()),
            ..CommonParameters::default()
        },
        algorithm: parameters(pair)?,
    };
    let kid = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.key_id = Some(kid.clone());
    Ok((kid, jwk))
}

fn parameters(pair: &Pair) -> Result<AlgorithmParameters, Box<dyn std::error::Error>> {
    let public = pair.public();
    Ok(match pair {
        Pair::Rsa(_) => {
            let public = RsaPublicKey::from_pkcs1_der(public)?;
            AlgorithmParameters::RSA(RSAKeyParameters {
                key_type: RSAKeyType::RSA,
                n: URL_SAFE_NO_PAD.encode(public.n().to_bytes_be()),
                e: URL_SAFE_NO_PAD.encode(public.e().to_bytes_be()),
            })
        }
        Pair::P256(_) => {
            let [_, point @ ..] = public else { return Err("its public half is empty".into()) };
            let (x, y) = point.split_at_checked(COORDINATE).ok_or("its public half is too short")?;
            AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x: URL_SAFE_NO_PAD.encode(x),
                y: URL_SAFE_NO_PAD.encode(y),
            })
        }
        Pair::Ed25519(_) => AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: URL_SAFE_NO_PAD.encode(public),
        }),
    })
}
