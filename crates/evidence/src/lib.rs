//! Digests, the approval record, and the guard that lets through only what was approved.
//!
//! **What it is for.** People approve a text in Slack; a machine applies a file an hour later. The two are tied
//! together by a digest over everything that was judged: the saved plan, its JSON, the policy, both reports, the
//! commit, the state's lineage and serial, which of terraform and tofu it is and its version, the version of Portcullis, and
//! the provider lock file. [`ApprovalRequest::seal`]
//! makes it, [`guard()`] holds the world at deploy time against it and refuses with one sentence that says what
//! changed, or who must not be the one ([`GuardRules`]). [`Ground`] tells where the guard itself could be got round. The
//! feature `client` asks GitLab for what it must know. [`Manifest`] holds all files of a finished run.
//!
//! **What it is not.** It is no signature: whoever may write the artifact can seal another request. That the request
//! in hand is the one people saw is shown by the short digest, which stands in the message and in the deploy log.
//! It reads no file, no clock and no environment.
//!
//! ```
//! use portcullis_evidence::{
//!     ApprovalRequest, Circumstances, GuardRules, Materials, Memberships, Origin, Player, Said, guard,
//! };
//! use portcullis_report::Verdict;
//!
//! let materials = Materials {
//!     plan_file: b"the saved plan",
//!     plan_json: b"{}",
//!     policies: &[b"version: 1".to_vec()],
//!     compliance: b"{}",
//!     verdict: Verdict::Pass,
//!     exposure: b"{}",
//!     commit: "0123456789abcdef",
//!     state: (None, None),
//!     terraform: "terraform",
//!     terraform_version: "1.11.4",
//!     provider_lock: None,
//!     portcullis_version: "0.1.0",
//! };
//! let bound = materials.bind();
//! let request = ApprovalRequest::seal(
//!     bound.clone(),
//!     "2026-01-31T12:00:00Z".parse()?,
//!     Some("ada".to_owned()),
//!     Some("Ada <ada@example.org>".to_owned()),
//!     "opens tcp 8000 from the internet on web",
//!     Said::default(),
//! );
//! let circumstances = Circumstances {
//!     now: "2026-01-31T12:30:00Z".parse()?,
//!     rules: &GuardRules::read("{version: 1, approvers: {users: [grace]}, max_age: 1h}")?,
//!     player: Player { id: None, login: Some("grace".to_owned()), mail: Some("grace@example.org".to_owned()) },
//!     memberships: Memberships::default(),
//!     starter: None,
//!     origin: Origin::Pushed,
//!     approvals: None,
//!     remarks: &[],
//! };
//! guard(&request, &bound, &circumstances)?;
//!
//! let swapped = Materials { plan_file: b"another plan", ..materials }.bind();
//! let refusal = guard(&request, &swapped, &circumstances).unwrap_err();
//! assert!(refusal.to_string().starts_with("the plan file is not the approved one"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "client")]
pub mod client;
mod concern;
mod digest;
mod document;
mod guard;
mod manifest;
mod materials;
mod people;
mod pipeline_file;
mod rules;
mod seal;
mod sealed_file;

pub use concern::{Concern, DeployedTo, Ground, Place, Remark, Since, Weight};
pub use digest::{Digest, digest};
pub use document::{
    Approval, ApprovalRequest, Bound, GuardRecord, MergeRequestRecord, PlayerRecord, RefusalRecord,
};
pub use guard::{Circumstances, Part, Refusal, ground, guard};
pub use manifest::{Entry, Manifest, ManifestError, Mismatch};
pub use materials::Materials;
pub use people::{Approvers, FourEyes, GroupApprovers, Hand, Membership, Memberships, Origin, Player, Role};
pub use pipeline_file::local_includes;
pub use rules::{GuardRules, GuardRulesError};
pub use seal::Said;
pub use sealed_file::{BadKey, NONCE, OpenError, SealKey, is_sealed, open_file, seal_file};
