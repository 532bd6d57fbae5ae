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
}

/// Everything an approval is bound to. A change of any of it is another request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// SHA-256 of the saved plan, `plan.tfplan`.
    pub plan_file: String,
    /// SHA-256 of the plan's JSON.
    pub plan_json: String,
    /// SHA-256 of the policy file.
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
    /// `terraform 1.11.4`: the version that wrote the plan. OpenTofu's is written so, too.
    pub terraform: String,
    /// SHA-256 of `.terraform.lock.hcl`, when the folder holds one.
    pub provider_lock: Option<String>,
}

/// Who let it through (`portcullis/approval.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `applied`, or `apply_failed` with terraform's exit code in `exit_code`.
    pub outcome: String,
    /// Terraform's exit code.
    pub exit_code: i32,
}

/// That the guard refused (`portcullis/refusal.json`). Field names are the JSON contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}
