//! The key directory: how it comes to be, what it survives, and what it refuses.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{LineEnding, SecretDocument};
use tokens::{Expected, KeyError, KeyRing, Verifier};

use crate::fixture::{
    AHEAD_S, ISSUER, LAND, OURS, THEIRS, at, generate, key_files, pem, public_pem, published, ring, settings,
    sign, write_private,
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn refused(dir: &Path) -> KeyError {
    KeyRing::open(dir, settings(), at(0)).unwrap_err()
}

/// Why a directory whose only key file has this content does not open.
fn refused_content(content: &[u8]) -> (PathBuf, KeyError) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0-60-k.pem");
    write_private(&path, content);
    (path, refused(dir.path()))
}

#[test]
fn the_first_start_makes_a_private_directory_with_one_private_key() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("state/keys");
    let ring = KeyRing::open(&keys, settings(), at(0)).unwrap();
    assert_eq!(mode(&keys), 0o700);
    let files = key_files(&keys);
    assert_eq!(files.len(), 1);
    assert_eq!(mode(&files[0]), 0o600);
    assert_eq!(mode(&keys.join(".lock")), 0o600);
    assert_eq!(fs::read_dir(&keys).unwrap().count(), 2, "nothing unfinished is left");
    assert_eq!(published(&ring, at(0)).len(), 1);
}

#[test]
fn a_restart_keeps_the_key_and_the_tokens_that_it_signed() {
    let dir = tempfile::tempdir().unwrap();
    let before = KeyRing::open(dir.path(), settings(), at(0)).unwrap();
    let token = sign(&before, at(0)).unwrap();
    let kid = before.signing_kid(at(0));
    drop(before);

    let after = KeyRing::open(dir.path(), settings(), at(30)).unwrap();
    assert_eq!(after.signing_kid(at(30)), kid);
    let verifier = Verifier::from_jwks(&after.jwks_json(at(30)), ISSUER).unwrap();
    verifier.verify(token.expose(), &Expected::land(LAND), at(30)).unwrap();
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_that_helps() {
    for exposed in [0o640, 0o604, 0o620, 0o666] {
        let (dir, ring) = ring();
        drop(ring);
        let path = dir.path().join("0-60-ours.pem");
        fs::set_permissions(&path, Permissions::from_mode(exposed)).unwrap();
        let error = refused(dir.path());
        assert!(matches!(error, KeyError::Exposed { mode, .. } if mode == exposed));
        let said = error.to_string();
        assert!(said.contains(&format!("chmod 600 {}", path.display())), "{said}");
    }
}

#[test]
fn what_is_no_whole_pkcs8_key_is_refused_and_named() {
    let whole = pem(&OURS);
    let half = &whole.as_bytes()[..whole.len() / 2];
    // A letter in the middle of the numbers: still PEM, still DER, no longer a key.
    let (head, tail) = whole.split_at(whole.len() / 2);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    let bent = format!("{head}{other}{}", &tail[1..]);
    let pkcs1 = OURS.to_pkcs1_pem(LineEnding::LF).unwrap();
    let long = vec![b'a'; 100_000];
    let contents: [&[u8]; 8] = [
        b"",
        b"hello",
        &[0xff, 0xfe, 0x00],
        half,
        bent.as_bytes(),
        pkcs1.as_bytes(),
        public_pem(&OURS).into_bytes().leak(),
        &long,
    ];
    for content in contents {
        let (path, error) = refused_content(content);
        assert!(matches!(error, KeyError::Broken { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains(&path.display().to_string()) && said.contains("PKCS#8"), "{said}");
    }
}

#[test]
fn a_key_of_another_kind_is_refused() {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let document = SecretDocument::try_from(pkcs8.as_ref()).unwrap();
    let pem = document.to_pem("PRIVATE KEY", LineEnding::LF).unwrap();
    let (_, error) = refused_content(pem.as_bytes());
    assert!(matches!(error, KeyError::OtherKind { .. }), "{error:?}");
    assert!(error.to_string().contains("neither RSA"));
}

#[test]
fn a_short_key_is_refused() {
    let (_, error) = refused_content(pem(&generate(1024)).as_bytes());
    assert!(matches!(error, KeyError::Size { bits: 1024, .. }), "{error:?}");
    assert!(error.to_string().contains("2048"));
}

#[test]
fn a_key_that_cannot_be_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    symlink("/nowhere/key.pem", dir.path().join("0-60-k.pem")).unwrap();
    assert!(matches!(refused(dir.path()), KeyError::Unreadable { .. }));

    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("0-60-k.pem")).unwrap();
    assert!(matches!(refused(dir.path()), KeyError::Unreadable { .. }));
}

#[test]
fn a_key_whose_name_does_not_say_when_it_signs_is_refused_with_an_example() {
    let dir = tempfile::tempdir().unwrap();
    write_private(&dir.path().join("mine.pem"), pem(&OURS).as_bytes());
    let error = refused(dir.path());
    let KeyError::FileName { example, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains(example) && example.ends_with("-60-mine.pem"), "{error}");

    // The way that the sentence shows works.
    fs::rename(dir.path().join("mine.pem"), dir.path().join(example)).unwrap();
    KeyRing::open(dir.path(), settings(), at(0)).unwrap();
}

#[test]
fn a_key_of_the_operators_own_is_published_at_once_and_signs_after_the_wait() {
    let (dir, ring) = ring();
    let ours = ring.signing_kid(at(0));
    write_private(&dir.path().join("mine.pem"), pem(&THEIRS).as_bytes());
    let KeyError::FileName { example, .. } = ring.reload(at(0)).unwrap_err() else {
        panic!("the name says nothing");
    };
    fs::rename(dir.path().join("mine.pem"), dir.path().join(example)).unwrap();
    ring.reload(at(0)).unwrap();
    assert_eq!(published(&ring, at(0)).len(), 2);
    assert_eq!(ring.signing_kid(at(AHEAD_S - 1)), ours);
    assert_ne!(ring.signing_kid(at(AHEAD_S)), ours);
}

#[test]
fn the_same_key_twice_is_refused() {
    let (dir, _ring) = ring();
    write_private(&dir.path().join("5-60-copy.pem"), pem(&OURS).as_bytes());
    let error = refused(dir.path());
    assert!(matches!(&error, KeyError::Duplicate { path } if path.ends_with("5-60-copy.pem")), "{error:?}");
    assert_eq!(key_files(dir.path()).len(), 2, "nothing is removed while anything is wrong");
}

#[test]
fn a_directory_that_is_none_or_not_writable_or_everybodys_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(refused(&file.join("keys")), KeyError::Directory { .. }));
    assert!(matches!(refused(&file), KeyError::Directory { .. }));

    let open_to_all = dir.path().join("open");
    fs::create_dir(&open_to_all).unwrap();
    fs::set_permissions(&open_to_all, Permissions::from_mode(0o777)).unwrap();
    let error = refused(&open_to_all);
    assert!(matches!(error, KeyError::WorldWritable { .. }));
    assert!(error.to_string().contains("chmod 700"));

    // Permission bits do not bind root, so this takes a directory in which the kernel lets nobody make a file.
    let error = refused(Path::new("/proc/self"));
    assert!(matches!(error, KeyError::NotWritable { .. }), "{error:?}");
    assert!(error.to_string().contains("/proc/self is not writable"), "{error}");
}

#[test]
fn what_a_crash_left_half_written_is_ignored_and_cleared_away() {
    let (dir, ring) = ring();
    let kid = ring.signing_kid(at(0));
    drop(ring);
    let unfinished = dir.path().join(".unfinished-0190");
    write_private(&unfinished, &pem(&OURS).as_bytes()[..100]);
    let notes = dir.path().join("README");
    fs::write(&notes, "the operator's own").unwrap();

    let ring = KeyRing::open(dir.path(), settings(), at(0)).unwrap();
    assert_eq!(ring.signing_kid(at(0)), kid);
    assert!(!unfinished.exists(), "it may hold half of a secret");
    assert!(notes.exists(), "what is no key is left alone");
}

#[test]
fn threads_that_start_on_an_empty_directory_at_once_share_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let kids: BTreeSet<String> = std::thread::scope(|scope| {
        let open = || KeyRing::open(dir.path(), settings(), at(0)).unwrap().signing_kid(at(0)).to_string();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(kids.len(), 1);
    assert_eq!(key_files(dir.path()).len(), 1);
}

const CHILD_DIRECTORY: &str = "TOKENS_TEST_KEY_DIRECTORY";

#[test]
fn processes_that_start_on_an_empty_directory_at_once_share_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "directory::opens_the_directory_for_another_test", "--ignored", "--nocapture"])
            .env(CHILD_DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| child()).collect();
    let mut kids = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        let kid = said.split_once("kid=").unwrap().1.lines().next().unwrap();
        kids.insert(kid.to_owned());
    }
    let ring = KeyRing::open(dir.path(), settings(), at(0)).unwrap();
    assert_eq!(kids, published(&ring, at(0)));
    assert_eq!(key_files(dir.path()).len(), 1);
}

#[test]
#[ignore = "a process of the test above"]
fn opens_the_directory_for_another_test() {
    let dir = PathBuf::from(std::env::var_os(CHILD_DIRECTORY).unwrap());
    println!("kid={}", KeyRing::open(&dir, settings(), at(0)).unwrap().signing_kid(at(0)));
}
