//! How many tokens a second one thread signs, against the bare RS256 signatures of the same parsed key.
//!
//! `cargo bench -p tokens --bench sign` prints four rates and the share of ours in the bare rate, and fails where that is
//! under 85 %. The four take turns in slices of some milliseconds, and each figure is the median of many rounds, because
//! the machine may have other things to do meanwhile.
#![expect(clippy::print_stdout, reason = "a bench speaks to who runs it")]
#![expect(clippy::unwrap_used, reason = "a panic is the report")]

use std::fs;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs8::SecretDocument;
use tokens::{Admission, Claims, DEFAULT_BITS, Expected, KeyRing, KeyRingSettings, Verifier};

const ROUNDS: usize = 41;
const SLICE: Duration = Duration::from_millis(50);
const WANTED_SHARE: f64 = 0.85;
const ISSUER: &str = "https://muster.example";
const LAND: &str = "hero-defense:0190a5c2-7f4e-7c3a-9d53-3d9a1f7b2c10";

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("rates of unoptimized code mean nothing: run `cargo bench -p tokens --bench sign`");
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().unwrap();
    let settings = KeyRingSettings {
        algorithm: tokens::Algorithm::Rs256,
        token_lifetime: Duration::from_secs(600),
        identity_lifetime: Duration::from_secs(600),
        publish_ahead: Duration::ZERO,
        bits: DEFAULT_BITS,
    };
    let now = SystemTime::now();
    let ring = KeyRing::open(dir.path(), settings, now).unwrap();
    let pem = the_only_key(dir.path());

    let pair = RsaKeyPair::from_pkcs8(SecretDocument::from_pem(&pem).unwrap().1.as_bytes()).unwrap();
    let token = ring.sign(&claims(now), now).unwrap().into_string();
    let message = token.rsplit_once('.').unwrap().0;
    let mut signature = vec![0; pair.public_modulus_len()];
    let mut bare = || {
        let signed =
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), black_box(message.as_bytes()), &mut signature);
        signed.unwrap();
        black_box(&signature);
    };

    let mut ours = || drop(black_box(ring.sign(&claims(now), now).unwrap()));

    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(ring.signing_kid(now).to_string());
    let encoding_key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    let mut plain = || {
        let token = jsonwebtoken::encode(&header, &claims(now), &encoding_key).unwrap();
        drop(black_box(token));
    };

    let verifier = Verifier::from_jwks(&ring.jwks_json(now), ISSUER).unwrap();
    let mut verify = || {
        let claims = verifier.verify(black_box(&token), &Expected::land(LAND), now).unwrap();
        drop(black_box(claims));
    };

    let mut rounds: Vec<[f64; 4]> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        rounds.push([rate(&mut bare), rate(&mut ours), rate(&mut plain), rate(&mut verify)]);
    }
    let of = |column: usize| median(rounds.iter().map(|round| round[column]).collect());
    // Compared within a round: what slows one slice down slows its neighbour down too.
    let share = median(rounds.iter().map(|[bare, ours, ..]| ours / bare).collect());

    println!("RSA-{DEFAULT_BITS}, one thread, median of {ROUNDS} rounds of {} ms each", SLICE.as_millis());
    println!("{:>10.0}  bare aws-lc-rs RS256 signatures/s", of(0));
    println!("{:>10.0}  tokens/s (claims made, encoded and signed)", of(1));
    println!("{:>10.0}  tokens/s with jsonwebtoken's own encode", of(2));
    println!("{:>10.0}  verifications/s", of(3));
    println!(
        "{:>9.1}%  of the bare rate reach the tokens (wanted: {:.0}%)",
        share * 100.0,
        WANTED_SHARE * 100.0
    );
    if share < WANTED_SHARE { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// How often a second it runs, measured for one slice.
fn rate(work: &mut dyn FnMut()) -> f64 {
    let begun = Instant::now();
    let mut times = 0_u32;
    while begun.elapsed() < SLICE {
        work();
        times += 1;
    }
    f64::from(times) / begun.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn the_only_key(dir: &std::path::Path) -> String {
    let mut paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let path = paths.find(|path| path.extension().is_some_and(|extension| extension == "pem")).unwrap();
    fs::read_to_string(path).unwrap()
}

fn claims(now: SystemTime) -> Claims {
    let admission = Admission {
        player_id: "0190a5c2-7f4e-7c3a-9d53-3d9a1f7b2c11",
        assignment_id: "0190a5c2-7f4e-7c3a-9d53-3d9a1f7b2c12",
        match_id: "0190a5c2-7f4e-7c3a-9d53-3d9a1f7b2c13",
        land_id: LAND,
        server_id: "game-server-eu-central-1-0042",
    };
    Claims::admit(ISSUER, admission, now, Duration::from_secs(600))
}
