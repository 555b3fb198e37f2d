//! The life of a key, moment by moment: published, signing, superseded, gone.

use std::fs;
use std::time::Duration;

use tokens::{Expected, KeyError, KeyRing, KeyRingSettings, Verifier, VerifyError};

use crate::fixture::{
    AHEAD_S, ISSUER, LAND, LIFETIME_S, at, claims, key_files, published, ring, set, settings, sign,
    write_private,
};

/// When the test's rotation happens, and what follows from it.
const ROTATED: u64 = 1_000;
const SIGNS: u64 = ROTATED + AHEAD_S;
const RETIRED: u64 = SIGNS + LIFETIME_S;

#[test]
fn a_new_key_is_published_waits_signs_and_the_old_one_goes_with_its_last_token() {
    let (dir, ring) = ring();
    let old = ring.signing_kid(at(0));
    let rotated = ring.rotate(at(ROTATED)).unwrap();
    let (old, new) = (old.as_str(), rotated.kid.as_str());
    assert_eq!(rotated.signs_from, at(SIGNS));

    let moment = |second: u64| (ring.signing_kid(at(second)).to_string(), published(&ring, at(second)));
    assert_eq!(moment(ROTATED), (old.to_owned(), set([old, new])), "published at once, not signing");
    assert_eq!(moment(SIGNS - 1), (old.to_owned(), set([old, new])), "still waiting");
    assert_eq!(moment(SIGNS), (new.to_owned(), set([old, new])), "signing; the old one's tokens live");
    assert_eq!(moment(RETIRED - 1), (new.to_owned(), set([old, new])), "the last of them");
    assert_eq!(moment(RETIRED), (new.to_owned(), set([new])), "gone");

    assert_eq!(key_files(dir.path()).len(), 2, "looking changes nothing on disk");
    ring.reload(at(RETIRED)).unwrap();
    assert_eq!(key_files(dir.path()).len(), 1, "the retired key's file is removed");
    assert_eq!(moment(RETIRED), (new.to_owned(), set([new])));
}

#[test]
fn no_token_is_refused_by_who_fetched_the_keys_when_told_to() {
    let (_dir, ring) = ring();
    ring.rotate(at(ROTATED)).unwrap();
    // From before the rotation until after the retirement: whoever's set is at most `max_age` old can check every token
    // for as long as it lives.
    let max_age = ring.max_age().as_secs();
    assert_eq!(max_age, AHEAD_S / 2);
    for signed_at in (ROTATED..RETIRED + 10).step_by(5) {
        let token = sign(&ring, at(signed_at)).unwrap();
        for checked_at in [signed_at, signed_at + LIFETIME_S - 1] {
            let fetched_at = (checked_at - max_age).max(ROTATED);
            let verifier = Verifier::from_jwks(&ring.jwks_json(at(fetched_at)), ISSUER).unwrap();
            let checked = verifier.verify(token.expose(), &Expected::land(LAND), at(checked_at));
            assert!(checked.is_ok(), "signed {signed_at}, checked {checked_at}: {checked:?}");
        }
    }
}

#[test]
fn a_set_from_before_the_rotation_says_which_key_it_misses() {
    let (_dir, ring) = ring();
    let stale = Verifier::from_jwks(&ring.jwks_json(at(0)), ISSUER).unwrap();
    let rotated = ring.rotate(at(ROTATED)).unwrap();
    let token = sign(&ring, at(SIGNS)).unwrap();
    let refused = stale.verify(token.expose(), &Expected::land(LAND), at(SIGNS)).unwrap_err();
    let missing = VerifyError::UnknownKey { kid: rotated.kid.to_string() };
    assert_eq!(refused, missing);
    let fresh = Verifier::from_jwks(&ring.jwks_json(at(SIGNS)), ISSUER).unwrap();
    fresh.verify(token.expose(), &Expected::land(LAND), at(SIGNS)).unwrap();
}

#[test]
fn rotating_again_returns_the_key_that_waits_and_then_makes_the_next() {
    let (dir, ring) = ring();
    let first = ring.rotate(at(ROTATED)).unwrap();
    assert_eq!(ring.rotate(at(ROTATED)).unwrap(), first);
    assert_eq!(ring.rotate(at(SIGNS - 1)).unwrap(), first);
    assert_eq!(key_files(dir.path()).len(), 2);
    let second = ring.rotate(at(SIGNS)).unwrap();
    assert_ne!(second.kid, first.kid);
    assert_eq!(published(&ring, at(SIGNS)).len(), 3);
}

#[test]
fn a_restart_at_any_moment_changes_nothing() {
    let (dir, ring) = ring();
    ring.rotate(at(ROTATED)).unwrap();
    for second in [ROTATED, SIGNS - 1, SIGNS, RETIRED - 1, RETIRED, RETIRED + 1_000_000] {
        let again = KeyRing::open(dir.path(), settings(), at(second)).unwrap();
        assert_eq!(again.signing_kid(at(second)), ring.signing_kid(at(second)), "{second}");
        assert_eq!(published(&again, at(second)), published(&ring, at(second)), "{second}");
    }
    assert_eq!(key_files(dir.path()).len(), 1, "opening removes what is retired");
}

#[test]
fn rotating_from_several_threads_makes_one_key() {
    let (dir, ring) = ring();
    let rotated: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| ring.rotate(at(ROTATED)).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(rotated.iter().all(|each| *each == rotated[0]));
    assert_eq!(key_files(dir.path()).len(), 2);
}

#[test]
fn another_process_learns_of_a_rotation_when_it_looks() {
    let (dir, ring) = ring();
    let other = KeyRing::open(dir.path(), settings(), at(0)).unwrap();
    let rotated = ring.rotate(at(ROTATED)).unwrap();
    assert_eq!(published(&other, at(ROTATED)).len(), 1);
    other.reload(at(ROTATED)).unwrap();
    assert_eq!(published(&other, at(ROTATED)), published(&ring, at(ROTATED)));
    assert_eq!(other.rotate(at(ROTATED + 1)).unwrap(), rotated, "it waits for the other's key");
}

#[test]
fn a_look_at_the_directory_finds_what_another_process_rotated_and_nothing_else() {
    let (dir, ring) = ring();
    let other = KeyRing::open(dir.path(), settings(), at(0)).unwrap();
    assert!(!other.follow(at(0)).unwrap(), "nothing has changed");
    ring.rotate(at(ROTATED)).unwrap();
    assert!(other.follow(at(ROTATED)).unwrap());
    assert_eq!(published(&other, at(ROTATED)), published(&ring, at(ROTATED)));
    assert!(!other.follow(at(ROTATED)).unwrap());
    assert!(!ring.follow(at(ROTATED)).unwrap(), "who rotated knows");
    // Files that are no keys are nobody's business, a lock that somebody holds neither.
    fs::write(dir.path().join("notes"), "").unwrap();
    assert!(!other.follow(at(ROTATED)).unwrap());

    // A key that was removed by hand (because it leaked) is gone at once, here too.
    let signing = ring.signing_kid(at(ROTATED));
    fs::remove_file(dir.path().join("0-60-ours.pem")).unwrap();
    assert!(other.follow(at(ROTATED)).unwrap());
    assert!(!published(&other, at(ROTATED)).contains(signing.as_str()));
    assert_ne!(other.signing_kid(at(ROTATED)), signing, "the one that waited signs");
    assert!(!other.follow(at(ROTATED)).unwrap(), "the name that changed by that is known");
    assert!(ring.follow(at(ROTATED)).unwrap());
    assert_eq!(published(&other, at(ROTATED)), published(&ring, at(ROTATED)));
}

#[test]
fn the_lifetime_that_is_promised_is_the_longest_of_both_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let long = KeyRingSettings { identity_lifetime: Duration::from_secs(600), ..settings() };
    let ring = KeyRing::open(dir.path(), long, at(0)).unwrap();
    let old = ring.signing_kid(at(0)).to_string();
    ring.rotate(at(ROTATED)).unwrap();
    assert!(published(&ring, at(SIGNS + 599)).contains(&old));
    assert!(!published(&ring, at(SIGNS + 600)).contains(&old));
    let until: Vec<_> = ring.published(at(SIGNS)).iter().map(|key| key.published_until).collect();
    assert_eq!(until, [Some(at(SIGNS + 600)), None]);
}

#[test]
fn a_lifetime_that_was_lowered_does_not_cut_off_tokens_that_live() {
    let (dir, ring) = ring();
    let old = ring.signing_kid(at(0)).to_string();
    ring.rotate(at(ROTATED)).unwrap();
    let lifetime = Duration::from_secs(5);
    let lower = KeyRingSettings { token_lifetime: lifetime, identity_lifetime: lifetime, ..settings() };
    let lowered = KeyRing::open(dir.path(), lower, at(SIGNS + 1)).unwrap();
    assert!(published(&lowered, at(RETIRED - 1)).contains(&old));
    assert!(!published(&lowered, at(RETIRED)).contains(&old));
}

#[test]
fn a_lifetime_that_was_raised_holds_for_the_key_that_signs_and_survives_restarts() {
    let (dir, ring) = ring();
    let old = ring.signing_kid(at(0)).to_string();
    ring.rotate(at(ROTATED)).unwrap();
    let higher = KeyRingSettings { token_lifetime: Duration::from_secs(600), ..settings() };
    let raised = KeyRing::open(dir.path(), higher, at(ROTATED)).unwrap();
    let mut long = claims(at(SIGNS - 1));
    long.exp = long.iat + 600;
    raised.sign(&long, at(SIGNS - 1)).unwrap();

    // Back to the old setting, after a restart: what was promised is kept.
    let again = KeyRing::open(dir.path(), settings(), at(SIGNS)).unwrap();
    assert!(published(&again, at(SIGNS + 599)).contains(&old));
    assert!(!published(&again, at(SIGNS + 600)).contains(&old));
}

#[test]
fn a_ring_that_cannot_rotate_goes_on_and_leaves_no_key_behind() {
    let (dir, ring) = ring();
    let bad = dir.path().join("1-60-bad.pem");
    write_private(&bad, b"no key");
    assert!(matches!(ring.rotate(at(ROTATED)), Err(KeyError::Broken { .. })));
    assert!(matches!(ring.reload(at(ROTATED)), Err(KeyError::Broken { .. })));
    sign(&ring, at(ROTATED)).unwrap();
    assert_eq!(key_files(dir.path()).len(), 2, "ours and the bad one");
    fs::remove_file(bad).unwrap();
    ring.rotate(at(ROTATED)).unwrap();
}

#[test]
fn a_ring_whose_directory_was_emptied_starts_over() {
    let (dir, ring) = ring();
    let lost = ring.signing_kid(at(0));
    for rotates in [false, true] {
        key_files(dir.path()).iter().for_each(|file| fs::remove_file(file).unwrap());
        if rotates {
            assert_eq!(ring.rotate(at(10)).unwrap().signs_from, at(10), "nobody else could sign");
        } else {
            ring.reload(at(10)).unwrap();
        }
        assert_ne!(ring.signing_kid(at(10)), lost);
        assert_eq!(key_files(dir.path()).len(), 1);
    }
}

#[test]
fn without_a_time_ahead_a_new_key_signs_at_once() {
    let (dir, _ring) = ring();
    let at_once = KeyRingSettings { publish_ahead: Duration::ZERO, ..settings() };
    let ring = KeyRing::open(dir.path(), at_once, at(0)).unwrap();
    let rotated = ring.rotate(at(ROTATED)).unwrap();
    assert_eq!(ring.signing_kid(at(ROTATED)), rotated.kid);
    assert_eq!(ring.max_age(), Duration::ZERO);
}

#[test]
fn a_clock_that_was_set_back_neither_stops_signing_nor_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let ahead = 1_000_000;
    let first = KeyRing::open(dir.path(), settings(), at(ahead)).unwrap().signing_kid(at(ahead));

    let ring = KeyRing::open(dir.path(), settings(), at(0)).unwrap();
    assert_eq!(ring.signing_kid(at(0)), first);
    let rotated = ring.rotate(at(ROTATED)).unwrap();
    assert_ne!(rotated.kid, first);
    assert_eq!((rotated.signs_from, ring.signing_kid(at(SIGNS))), (at(SIGNS), rotated.kid));
    assert_eq!(published(&ring, at(RETIRED)).len(), 1);
}
