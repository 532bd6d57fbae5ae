//! GitLab, as far as a Terraform pipeline meets it.
//!
//! **What it is for.** The job's environment as types ([`ci`]); managed Terraform states, who holds and who wrote them,
//! and the settings terraform needs for them ([`state`]); jobs, pipelines and what plays a manual job ([`job`]); merge
//! requests, their notes and approvals ([`note`], [`merge_request`]); [`commit_status`]; what protects a branch or an
//! environment ([`protection`]); and what GitLab says when it refuses ([`ErrorBody`]). The feature `client` (on by
//! default) adds [`client::Client`], which sends requests, repeats what may be repeated, and says in its errors which
//! role or token is missing, and what goes on without.
//!
//! **What it is not.** No general GitLab library: some thirty calls, each with the fields the stages use. It reads no
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
//! A team that runs something else than Terraform can keep one note per merge request up to date, in ten lines:
//!
//! ```no_run
//! use portcullis_gitlab::{Secret, ci::Variables, client::{Client, Config, Token}};
//!
//! # async fn tell(lookup: impl Fn(&str) -> Option<String>) -> Result<(), Box<dyn std::error::Error>> {
//! let job = Variables::from_lookup(&lookup);
//! let token = Token::Private(Secret::new(lookup("COVERAGE_BOT_TOKEN").unwrap_or_default()));
//! let gitlab = Client::new(Config::new(job.require_api_url()?.clone(), token))?;
//! let marker = "<!-- coverage: backend -->";
//! let body = format!("{marker}\n\nCoverage is now 81 %.");
//! let note = gitlab.put_note(&job.require_project()?, *job.require_merge_request_iid()?, marker, &body).await?;
//! println!("{:?} note {}", note.how, note.id);
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
pub mod commit_status;
mod error_body;
pub mod job;
pub mod merge_request;
pub mod note;
mod null;
mod project;
pub mod protection;
mod secret;
pub mod state;

pub use error_body::ErrorBody;
pub use project::{Member, Project, ProjectFacts};
pub use secret::Secret;
