//! The replayed terraform: answers as terraform does, from a recording, and really talks to the `http` backend.
//!
//! [`arguments`] reads the command line (pure), [`backend`] reads the backend's settings (pure) and its
//! [`client`] speaks with it, [`run()`] puts them together.

pub mod arguments;
pub mod backend;
pub mod client;

mod run;

pub use run::{Outcome, run};
