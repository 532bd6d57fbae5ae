//! Digests, the approval record, and the guard that lets through only what was approved.
//!
//! **What it is for.** People approve a text in Slack; a machine applies a file an hour later. The two are tied
//! together by a digest over everything that was judged: the saved plan, its JSON, the policy, both reports, the
//! commit, the state's lineage and serial, terraform's version and the provider lock file. [`ApprovalRequest::seal`]
//! makes it, [`guard()`] holds the world at deploy time against it and refuses with one sentence that says what
//! changed. [`Manifest`] does the same for all files of a finished run.
//!
//! **What it is not.** It is no signature: whoever may write the artifact can seal another request. That the request
//! in hand is the one people saw is shown by the short digest, which stands in the message and in the deploy log.
//! It reads no file, no clock and no environment.
//!
//! ```
//! use portcullis_evidence::{ApprovalRequest, Circumstances, FourEyes, Materials, Player, guard};
//! use portcullis_report::Verdict;
//!
//! let materials = Materials {
//!     plan_file: b"the saved plan",
//!     plan_json: b"{}",
//!     policy: b"version: 1",
//!     compliance: b"{}",
//!     verdict: Verdict::Pass,
//!     exposure: b"{}",
//!     commit: "0123456789abcdef",
//!     state: (None, None),
//!     terraform_version: "1.11.4",
//!     provider_lock: None,
//! };
//! let bound = materials.bind();
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
//! let swapped = Materials { plan_file: b"another plan", ..materials }.bind();
//! let refusal = guard(&request, &swapped, &circumstances).unwrap_err();
//! assert!(refusal.to_string().starts_with("the plan file is not the approved one"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod digest;
mod document;
mod guard;
mod manifest;
mod materials;
mod seal;
mod sealed_file;

pub use digest::{Digest, digest};
pub use document::{Approval, ApprovalRequest, Bound, RefusalRecord};
pub use guard::{Circumstances, FourEyes, Part, Player, Refusal, guard};
pub use manifest::{Entry, Manifest, ManifestError, Mismatch};
pub use materials::Materials;
pub use sealed_file::{BadKey, NONCE, OpenError, SealKey, is_sealed, open_file, seal_file};
