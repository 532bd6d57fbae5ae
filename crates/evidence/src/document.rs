//! The approval's two documents: what was asked, and what was approved.

use portcullis_report::Verdict;
use serde::{Deserialize, Serialize};

/// What people are asked to approve (`portcullis/approval-request.json`). Field names are the JSON contract.
///
/// `digest` is computed over all the other fields; see [`ApprovalRequest::content_digest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// The documents' format version.
    pub format_version: String,
    /// SHA-256 over everything else in this document, 64 lower-case hex digits.
    pub digest: String,
    /// What binds.
    pub bound: Bound,
    /// When the request was written, RFC 3339, UTC.
    pub requested_at: String,
    /// Who started the pipeline, as GitLab names them.
    pub requested_by: Option<String>,
    /// Who wrote the commit, as git names them (`Name <mail>`).
    pub author: Option<String>,
    /// What the change opens and closes, one line.
    pub headline: String,
    /// Who may approve, in words; empty when that is left to GitLab.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvers: Vec<String>,
    /// What those who approve should know of the ground the gate stands on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// When the request ends, RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_until: Option<String>,
}

/// Everything an approval is bound to. A change of any of it is another request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// SHA-256 of the saved plan, `plan.tfplan`.
    pub plan_file: String,
    /// SHA-256 of the plan's JSON.
    pub plan_json: String,
    /// SHA-256 of the policy file; of several, over their digests.
    pub policy: String,
    /// SHA-256 of the compliance report.
    pub compliance: String,
    /// The compliance verdict.
    pub verdict: Verdict,
    /// SHA-256 of the exposure report.
    pub exposure: String,
    /// The commit the pipeline runs on.
    pub commit: String,
    /// The state's lineage, when there is a state.
    pub state_lineage: Option<String>,
    /// The state's serial, when there is a state.
    pub state_serial: Option<u64>,
    /// `terraform 1.11.4`, `tofu 1.10.0`: which of the two deploy is to start, and the version of the one that wrote the plan.
    pub terraform: String,
    /// SHA-256 of `.terraform.lock.hcl`, when the folder holds one.
    pub provider_lock: Option<String>,
    /// The version of Portcullis that judged and bound.
    #[serde(default)]
    pub portcullis: Option<String>,
}

/// Who let it through (`portcullis/approval.json`). Field names are the JSON contract.
///
/// It is written just before terraform starts, and once more when it has ended: a job that is killed in between leaves
/// [`Approval::BEGUN`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The documents' format version.
    pub format_version: String,
    /// The digest of the request that was approved.
    pub digest: String,
    /// Who played the deploy job, as GitLab names them.
    pub approved_by: String,
    /// When the deploy job started, RFC 3339, UTC.
    pub approved_at: String,
    /// Where the job's log stands.
    pub job_url: Option<String>,
    /// [`Approval::BEGUN`], [`Approval::APPLIED`], [`Approval::FAILED`] or [`Approval::LOCKED`].
    pub outcome: String,
    /// Terraform's exit code; `None` as long as it runs.
    pub exit_code: Option<i32>,
    /// The player, as GitLab knows them.
    #[serde(default)]
    pub player: Option<PlayerRecord>,
    /// The merge request that brought the change, as far as this job may read it.
    #[serde(default)]
    pub merge_request: Option<MergeRequestRecord>,
    /// The guard's rules that let it through; `None` when there were none but the built-in ones.
    #[serde(default)]
    pub guard: Option<GuardRecord>,
    /// Where the ground was soft.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// The state's lineage after the apply, when it could be read.
    #[serde(default)]
    pub state_lineage: Option<String>,
    /// The state's serial after the apply, when it could be read.
    #[serde(default)]
    pub state_serial: Option<u64>,
}

impl Approval {
    /// Terraform is about to be started, or was, and nobody wrote down how it ended.
    pub const BEGUN: &str = "apply_begun";
    /// All of the plan is applied.
    pub const APPLIED: &str = "applied";
    /// Terraform failed; a part of the plan may be applied.
    pub const FAILED: &str = "apply_failed";
    /// Terraform could not take the state's lock; nothing is applied, and the plan is good for another try.
    pub const LOCKED: &str = "state_locked";

    /// Whether all of the plan is applied.
    #[must_use]
    pub fn is_applied(&self) -> bool {
        self.outcome == Self::APPLIED
    }
}

/// A player, as GitLab knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerRecord {
    /// The name for signing in.
    pub login: String,
    /// The number, unique on the instance.
    pub id: Option<u64>,
    /// The name as shown.
    pub name: Option<String>,
    /// `gitlab`, when GitLab itself named the job's user; `variables`, when the job's variables did.
    pub known_by: String,
}

/// A merge request in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequestRecord {
    /// Number within the project.
    pub iid: u64,
    /// Who opened it.
    pub opened_by: Option<String>,
    /// Who approved it; `None` when this job may not read it.
    pub approved_by: Option<Vec<String>>,
}

/// The guard's rules in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRecord {
    /// The file.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// That the guard refused (`portcullis/refusal.json`). Field names are the JSON contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalRecord {
    /// The documents' format version.
    pub format_version: String,
    /// The digest of the request that was to be deployed.
    pub digest: String,
    /// Who played the deploy job, as GitLab names them.
    pub played_by: String,
    /// When the deploy job started, RFC 3339, UTC.
    pub refused_at: String,
    /// Where the job's log stands.
    pub job_url: Option<String>,
    /// What is not as approved, one sentence.
    pub reason: String,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<String>,
}
