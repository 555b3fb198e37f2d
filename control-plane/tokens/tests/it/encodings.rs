//! One token, written otherwise: there is one way to write it, and no other is taken.
//!
//! Who may write a token in two ways has two names for one entrance, and a list of used or refused tokens misses one of them.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use serde_json::json;
use tokens::{MAX_TOKEN_BYTES, VerifyError};

use crate::fixture::{at, sign};
use crate::forge::{Forge, forges, good, message};

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

#[test]
fn padding_other_alphabets_and_whitespace_are_refused_in_every_part() {
    for forge in forges() {
        let token = sign(&forge.ring, at(0)).unwrap().into_string();
        let parts = parts(&token);
        for place in 0..3 {
            let bytes = URL_SAFE_NO_PAD.decode(&parts[place]).unwrap();
            let mut others =
                vec![URL_SAFE.encode(&bytes), STANDARD.encode(&bytes), STANDARD_NO_PAD.encode(&bytes)];
            others.extend([format!("{}=", parts[place]), format!("{}==", parts[place])]);
            for space in [" ", "\n", "\t", "\r\n", "\0", "\u{a0}", "\u{feff}"] {
                others.extend([format!("{space}{}", parts[place]), format!("{}{space}", parts[place])]);
                let (head, tail) = parts[place].split_at(5);
                others.push(format!("{head}{space}{tail}"));
            }
            for other in others.into_iter().filter(|other| *other != parts[place]) {
                let mut changed = parts.clone();
                changed[place].clone_from(&other);
                forge.refusal(&changed.join("."));
            }
        }
    }
}

#[test]
fn bits_that_base64_leaves_over_are_no_second_spelling() {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']).collect();
    for forge in forges() {
        let token = sign(&forge.ring, at(0)).unwrap().into_string();
        let accepted = alphabet.iter().filter(|last| {
            let changed = format!("{}{last}", &token[..token.len() - 1]);
            forge.verify(&changed).is_ok()
        });
        assert_eq!(accepted.count(), 1, "{}", forge.algorithm);
    }
}

#[test]
fn more_or_fewer_parts_than_three_are_refused() {
    for forge in forges() {
        let token = sign(&forge.ring, at(0)).unwrap().into_string();
        let [header, claims, signature] = parts(&token);
        for odd in [
            format!("{header}.{claims}"),
            format!("{header}.{claims}."),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.{signature}"),
            format!("{header}..{claims}.{signature}"),
            format!("{header}.{claims}.{claims}.{signature}.{signature}"),
            format!("{token} {token}"),
            format!("Bearer {token}"),
            format!("{{\"token\":\"{token}\"}}"),
        ] {
            let refused = forge.refusal(&odd);
            let named = matches!(refused, VerifyError::NotAToken { .. } | VerifyError::BadSignature);
            assert!(named, "{odd}: {refused:?}");
        }
    }
}

#[test]
fn an_oversized_token_is_refused_though_it_is_rightly_signed() {
    let forge = Forge::new(tokens::Algorithm::EdDsa);
    let mut claims = good();
    claims["more"] = json!("x".repeat(MAX_TOKEN_BYTES));
    let token = forge.sign(&claims);
    assert_eq!(forge.refusal(&token), VerifyError::Oversized { bytes: token.len() });
    let mut header = forge.header();
    header["more"] = json!("x".repeat(MAX_TOKEN_BYTES));
    let token = forge.sign_text(&header.to_string(), &good().to_string());
    assert_eq!(forge.refusal(&token), VerifyError::Oversized { bytes: token.len() });
}

#[test]
fn alg_none_is_refused_with_every_kind_of_signature() {
    for forge in forges() {
        let signed = sign(&forge.ring, at(0)).unwrap().into_string();
        let [_, _, signature] = parts(&signed);
        for alg in ["none", "None", "NONE", "nOnE"] {
            let header = json!({ "alg": alg, "kid": forge.kid() }).to_string();
            for signature in ["", &signature] {
                let token = format!("{}.{signature}", message(&header, &good().to_string()));
                assert_eq!(forge.refusal(&token), VerifyError::Unsigned);
            }
        }
    }
}
