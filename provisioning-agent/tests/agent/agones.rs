//! The agent as a server of the Agones SDK.

mod grpc;
mod published;
mod rest;
