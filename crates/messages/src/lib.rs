//! What each event of a pipeline says, in Slack and elsewhere.
//!
//! **What it is for.** One function per event, from the documents that the stages leave to a [`Notice`]: [`started`]
//! (the thread's first message, whose [`Status`] line always says how far the pipeline is), [`violation`], [`requested`] (and
//! [`decided`], which stands in its place afterwards), [`deployed`], [`refused`], [`failed`], [`consistency`], [`checked`],
//! [`stacks`], [`finished`]. A notice becomes a Slack message, a text for Mattermost, an Adaptive Card for Teams, or JSON. Its text alone tells what
//! happened, for notifications, screen readers and sinks that show no blocks; a symbol never stands without its word.
//!
//! **What it is not.** It sends nothing and reads nothing, and it judges nothing: it repeats what the reports say. Text from
//! outside (commit titles, branch names, descriptions) only ever becomes plain words, never markup.
//!
//! ```
//! use portcullis_messages::{Pipeline, Status, started};
//!
//! let pipeline = Pipeline {
//!     project: "infra/estate".to_owned(),
//!     commit: "3f2a1b0c".to_owned(),
//!     commit_title: "Move the web service to port 8000".to_owned(),
//!     author: "Ada".to_owned(),
//!     branch: "main".to_owned(),
//!     ..Pipeline::default()
//! };
//! let message = started(&pipeline, &Status::WaitingForApproval);
//! assert_eq!(
//!     message.text(),
//!     "infra/estate: waiting for approval. Move the web service to port 8000 (3f2a1b0c by Ada on main)"
//! );
//! ```

mod approval;
mod failure;
mod findings;
mod finish;
mod notice;
mod pipeline;
mod plan;
mod sinks;
mod stacks;
mod verification;

pub use approval::{Decision, Request, decided, deployed, requested};
pub use failure::{FailedJob, Failure, failed, refused};
pub use findings::violation;
pub use finish::{DeployJob, Finish, finished};
pub use notice::Notice;
pub use pipeline::{Pipeline, Status, Topic, started};
pub use plan::plan_file;
pub use stacks::stacks;
pub use verification::{checked, consistency};
