//! What can be wrong with a key directory, in sentences for the person who runs the program.

use std::io;
use std::path::PathBuf;

/// Why the key ring could not be opened or rotated.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A setting is out of its range.
    #[error("{field} {problem}")]
    Settings {
        /// The setting's name in `KeyRingSettings`.
        field: &'static str,
        /// What is wrong and what would be right.
        problem: &'static str,
    },
    /// The directory does not exist and can't be made, or can't be read.
    #[error(
        "the key directory {path} cannot be made or read ({source}): name a directory that this user owns"
    )]
    Directory {
        /// The key directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing can be written into the directory.
    #[error(
        "the key directory {path} is not writable ({source}): keys are made and retired there, so give this user write \
         permission"
    )]
    NotWritable {
        /// The key directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anybody on the machine could put a key into the directory.
    #[error(
        "anybody can write into the key directory {path} and so add a key of their own: run `chmod 700 {path}`"
    )]
    WorldWritable {
        /// The key directory.
        path: PathBuf,
    },
    /// Another process holds the directory's lock and does not let go.
    #[error(
        "another process has been working on the key directory {path} for too long: stop it and try again"
    )]
    Locked {
        /// The key directory.
        path: PathBuf,
    },
    /// A key file can't be read.
    #[error("the key file {path} cannot be read ({source}): make it readable for this user, or remove it")]
    Unreadable {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner may read or change a private key.
    #[error("the private key {path} is open to other users (mode {mode:03o}): run `chmod 600 {path}`")]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file's name does not say when the key signs.
    #[error(
        "the name of the key file {path} does not say when it signs: name it `<from>-<lifetime>-<name>.pem`, where <from> \
         is the moment from which it signs in unix milliseconds and <lifetime> how long its tokens live in seconds, for \
         example `{example}`"
    )]
    FileName {
        /// The key file.
        path: PathBuf,
        /// A name that would do: the key is published at once and signs after the usual wait.
        example: String,
    },
    /// The file is no PKCS#8 PEM private key.
    #[error(
        "the key file {path} is no private key in PKCS#8 PEM ({reason}): restore it from a copy, convert it with \
         `openssl pkcs8 -topk8 -nocrypt`, or remove it"
    )]
    Broken {
        /// The key file.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// The key is of another kind.
    #[error(
        "the key file {path} holds a key that is neither RSA (for RS256), P-256 (ES256) nor Ed25519 (EdDSA): put one of \
         these there or remove it"
    )]
    OtherKind {
        /// The key file.
        path: PathBuf,
    },
    /// The key is too short to be safe, or longer than is supported.
    #[error(
        "the key file {path} holds an RSA key of {bits} bits: 2048 to 4096 are accepted, so put another key there or \
         remove it"
    )]
    Size {
        /// The key file.
        path: PathBuf,
        /// The length of its modulus.
        bits: usize,
    },
    /// Another file holds the same key.
    #[error("the key file {path} holds a key that another file in its directory holds too: remove it")]
    Duplicate {
        /// One of the files.
        path: PathBuf,
    },
    /// No key could be made.
    #[error("no key could be made: {reason}")]
    Generate {
        /// What the library said.
        reason: String,
    },
    /// A file of the ring could not be written, renamed or removed.
    #[error("{path} cannot be written ({source}): check the disk's space and the directory's permissions")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
