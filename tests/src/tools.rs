//! What is around a test: the repository, the machine's tools, ports.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A port that was free a moment ago, for programs that can't be told to take any.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The Python that Debian's packages install their modules for, which may not be the first on the path.
pub fn debian_python() -> PathBuf {
    let python = PathBuf::from("/usr/bin/python3");
    assert!(python.exists(), "python3 is missing; tests/run installs it");
    python
}
