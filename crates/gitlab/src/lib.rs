//! GitLab, as far as a Terraform pipeline meets it.
//!
//! **What it is for.** The job's environment as types ([`ci`]), the address of a managed Terraform state and the
//! settings terraform needs for it ([`state`]), jobs and merge-request notes ([`job`], [`note`]), and what GitLab says
//! when it refuses ([`ErrorBody`]). The feature `client` (on by default) adds [`client::Client`], which sends requests,
//! repeats what may be repeated, and says in its errors which role or token is missing.
//!
//! **What it is not.** No general GitLab library: about ten calls, each with the fields the stages use. It reads no
//! environment and no file, writes no state (terraform does), and depends on no other crate of this workspace.
//!
//! ```no_run
//! use portcullis_gitlab::{ci::Variables, client::{Client, Config, Token}, state::StateAddress};
//!
//! # async fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<(), Box<dyn std::error::Error>> {
//! let job = Variables::from_lookup(lookup);
//! let token = Token::Job(job.require_job_token()?.clone());
//! let gitlab = Client::new(Config::new(job.require_api_url()?.clone(), token))?;
//! let address = StateAddress::new(job.require_project()?, "production")?;
//! match gitlab.state(&address).await? {
//!     Some(bytes) => println!("{} bytes of state", bytes.len()),
//!     None => println!("no state yet"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Types alone, without a network and without the feature:
//!
//! ```
//! use portcullis_gitlab::ci::Variables;
//!
//! let job = Variables::from_lookup(|_| None);
//! let missing = job.require_api_url().unwrap_err();
//! assert_eq!(missing.to_string(), "the variable CI_API_V4_URL is not set");
//! assert!(missing.hint().contains("every CI/CD job"));
//! ```

pub mod ci;
#[cfg(feature = "client")]
pub mod client;
mod error_body;
pub mod job;
pub mod note;
mod project;
mod secret;
pub mod state;

pub use error_body::ErrorBody;
pub use project::Project;
pub use secret::Secret;
