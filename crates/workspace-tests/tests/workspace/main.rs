//! What ARCHITECTURE.md promises about the workspace, held as tests.
//!
//! Two sources: `cargo metadata --no-deps` (what each package declares; it needs no download) and `Cargo.lock` (what
//! that pulls in, over all features and platforms).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod files;
mod layers;
mod lock;
mod workspace;
