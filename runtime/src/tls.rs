//! TLS by rustls, with certificates that are read again when their files change.
//!
//! A connection keeps the settings that it began with, so that a change drops none; whoever comes next meets the new ones. What
//! is negotiated is decided here once for all programs: TLS 1.2 and 1.3 with the library's own safe choices.

mod client;
mod pem;
mod server;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use client::{ClientFiles, ClientTls};
pub use server::{ClientAuth, Reload, ServerFiles, ServerStream, ServerTls, accept, peer_names};

/// The one implementation of cryptography in these programs, named so that nothing depends on which crate was linked.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
