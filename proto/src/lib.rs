//! The contract between Muster's programs, and with a studio's own: the generated gRPC code of the services, and the vocabulary
//! of errors.
//!
//! The `.proto` files beside this crate are the truth; what is in `src/generated/` is made from them by the test
//! `generated_code` (`UPDATE_GENERATED=1 cargo test -p proto` writes it anew), so that no build needs a protobuf compiler.
//! No logic lives here: each program turns these messages into its own types at its own door.

pub mod error;

macro_rules! generated {
    ($(#[doc = $doc:literal])+ $name:ident, $file:literal) => {
        $(#[doc = $doc])+
        #[allow(
            missing_docs,
            clippy::all,
            clippy::allow_attributes_without_reason,
            rustdoc::all,
            unreachable_pub,
            unused_qualifications,
            reason = "generated"
        )]
        pub mod $name {
            include!(concat!("generated/", $file));
        }
    };
}

macro_rules! versioned {
    ($(#[doc = $doc:literal])+ $service:ident, $file:literal) => {
        $(#[doc = $doc])+
        pub mod $service {
            generated!(
                /// The first version of the contract; the `.proto` file documents each message and field.
                v1,
                $file
            );
        }
    };
}

versioned!(
    /// Tickets, from `matchmaking/v1/matchmaking.proto`.
    matchmaking,
    "muster.matchmaking.v1.rs"
);
versioned!(
    /// Game servers, from `provisioning/v1/provisioning.proto`.
    provisioning,
    "muster.provisioning.v1.rs"
);
versioned!(
    /// Match tokens' keys, from `keys/v1/keys.proto`.
    keys,
    "muster.keys.v1.rs"
);

versioned!(
    /// Matchmaking strategies outside, from `match_function/v1/match_function.proto`. Muster calls this service and doesn't serve it.
    match_function,
    "muster.match_function.v1.rs"
);

versioned!(
    /// What a game server and its agent say to each other, from `agent/v1/agent.proto`. Agents serve it on the loopback.
    agent,
    "muster.agent.v1.rs"
);

/// What Agones speaks, with the names, numbers and types that it publishes: its SDK, which agents serve to game servers, and
/// its allocation service, which Muster calls where it is told to.
pub mod agones {
    generated!(
        /// The game server's life, from `agones/sdk.proto`.
        sdk,
        "agones.dev.sdk.rs"
    );
    generated!(
        /// Counters and lists, from `agones/beta.proto`.
        beta,
        "agones.dev.sdk.beta.rs"
    );
    generated!(
        /// A game server for a match, from `agones/allocation.proto`.
        allocation,
        "allocation.rs"
    );
}

/// The encoded `google.protobuf.FileDescriptorSet` of the services that the control plane serves, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");
