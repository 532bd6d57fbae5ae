//! The GitLab stand-in.
//!
//! [`state`] is the managed Terraform state, [`project`] everything else that GitLab remembers; both are pure.
//! [`wire`] puts them on HTTP.

pub mod project;
pub mod state;
pub mod wire;

mod access;
mod answer;
mod facts;
mod graphql;
mod routes;
mod runner;
mod state_routes;

pub use project::{Job, JobStatus, Project, Role, User};
pub use state::{Lock, ManagedStates};
pub use wire::Gitlab;
