//! The contract between Muster's programs, and with a studio's own: the generated gRPC code of the services, and the vocabulary
//! of errors.
//!
//! The `.proto` files beside this crate are the truth; what is in `src/generated/` is made from them by the test
//! `generated_code` (`UPDATE_GENERATED=1 cargo test -p proto` writes it anew), so that no build needs a protobuf compiler.
//! No logic lives here: each program turns these messages into its own types at its own door.

pub mod error;

macro_rules! generated {
    ($(#[doc = $doc:literal])+ $service:ident, $file:literal) => {
        $(#[doc = $doc])+
        pub mod $service {
            /// The first version of the contract; the `.proto` file documents each message and field.
            #[allow(
                missing_docs,
                clippy::all,
                clippy::allow_attributes_without_reason,
                rustdoc::all,
                unreachable_pub,
                unused_qualifications,
                reason = "generated"
            )]
            pub mod v1 {
                include!(concat!("generated/", $file));
            }
        }
    };
}

generated!(
    /// Tickets, from `matchmaking/v1/matchmaking.proto`.
    matchmaking,
    "muster.matchmaking.v1.rs"
);
generated!(
    /// Game servers, from `provisioning/v1/provisioning.proto`.
    provisioning,
    "muster.provisioning.v1.rs"
);
generated!(
    /// Match tokens' keys, from `keys/v1/keys.proto`.
    keys,
    "muster.keys.v1.rs"
);

generated!(
    /// Matchmaking strategies outside, from `match_function/v1/match_function.proto`. Muster calls this service and doesn't serve it.
    match_function,
    "muster.match_function.v1.rs"
);

/// The encoded `google.protobuf.FileDescriptorSet` of the services that Muster serves, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");
