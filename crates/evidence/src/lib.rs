//! Digests, the approval record, and the guard that lets through only what was approved.
//!
//! **What it is for.** People approve a text in Slack; a machine applies a file an hour later. The two are tied
//! together by a digest over everything that was judged: the saved plan, its JSON, the policy, both reports, the
//! commit, the state's lineage and serial, terraform's version and the provider lock file. [`ApprovalRequest::seal`]
//! makes it, [`guard`] holds the world at deploy time against it and refuses with one sentence that says what
//! changed. [`Manifest`] does the same for all files of a finished run.
//!
//! **What it is not.** It is no signature: whoever may write the artifact can seal another request. That the request
//! in hand is the one people saw is shown by the short digest, which stands in the message and in the deploy log.
//! It reads no file, no clock and no environment.
//!
//! ```
//! use portcullis_evidence::{ApprovalRequest, Bound, Circumstances, FourEyes, Player, digest, guard};
//! use portcullis_report::Verdict;
//!
//! let bound = Bound {
//!     plan_file: digest(b"the saved plan").to_string(),
//!     plan_json: digest(b"{}").to_string(),
//!     policy: digest(b"version: 1").to_string(),
//!     compliance: digest(b"{}").to_string(),
//!     verdict: Verdict::Pass,
//!     exposure: digest(b"{}").to_string(),
//!     commit: "0123456789abcdef".to_owned(),
//!     state_lineage: None,
//!     state_serial: None,
//!     terraform: "terraform 1.11.4".to_owned(),
//!     provider_lock: None,
//! };
//! let request = ApprovalRequest::seal(
//!     bound.clone(),
//!     "2026-01-31T12:00:00Z".parse()?,
//!     Some("ada".to_owned()),
//!     Some("Ada <ada@example.org>".to_owned()),
//!     "opens tcp 8000 from the internet on web",
//! );
//! let circumstances = Circumstances {
//!     now: "2026-01-31T12:30:00Z".parse()?,
//!     max_age: None,
//!     player: Player { login: Some("grace".to_owned()), mail: Some("grace@example.org".to_owned()) },
//!     four_eyes: FourEyes::Author,
//! };
//! guard(&request, &bound, &circumstances)?;
//!
//! let swapped = Bound { plan_file: digest(b"another plan").to_string(), ..bound };
//! let refusal = guard(&request, &swapped, &circumstances).unwrap_err();
//! assert!(refusal.to_string().starts_with("the plan file is not the approved one"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod digest;
mod document;
mod guard;
mod manifest;
mod seal;

pub use digest::{Digest, digest};
pub use document::{Approval, ApprovalRequest, Bound};
pub use guard::{Circumstances, FourEyes, Part, Player, Refusal, guard};
pub use manifest::{Entry, Manifest, ManifestError, Mismatch};
