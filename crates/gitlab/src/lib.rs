//! GitLab's CI variables as types, managed Terraform state, jobs, pipelines and merge-request notes; the `client` feature sends them.

pub mod ci;
mod project;
mod secret;

pub use project::Project;
pub use secret::Secret;
