//! Merge requests, and who approved them.

use crate::{job::User, null};
use serde::Deserialize;

/// A merge request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MergeRequest {
    /// Number within the project, as in `!7`.
    pub iid: u64,
    /// Text from outside.
    #[serde(default, deserialize_with = "null::is_default")]
    pub title: String,
    /// `opened`, `merged`, `closed`, `locked`.
    #[serde(default, deserialize_with = "null::is_default")]
    pub state: String,
    /// Its page.
    #[serde(default)]
    pub web_url: Option<String>,
    /// The newest commit of its branch.
    #[serde(default)]
    pub sha: Option<String>,
    /// The commit that merged it, if one did.
    #[serde(default)]
    pub merge_commit_sha: Option<String>,
    /// The branch it goes to. Text from outside.
    #[serde(default)]
    pub target_branch: Option<String>,
    /// Who opened it.
    #[serde(default)]
    pub author: Option<User>,
    /// Who merged it.
    #[serde(default)]
    pub merge_user: Option<User>,
    /// Where it begins and ends; only where one merge request is asked for.
    #[serde(default)]
    pub diff_refs: Option<DiffRefs>,
}

/// Where a merge request begins and ends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DiffRefs {
    /// The commit that it and its target branch have in common.
    #[serde(default)]
    pub base_sha: Option<String>,
}

/// Who approved a merge request. (GitLab docs, "Merge request approvals API".)
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approvals {
    /// How many approvals the rules ask for; `None` on tiers without rules.
    #[serde(default)]
    pub approvals_required: Option<u64>,
    /// How many are missing.
    #[serde(default)]
    pub approvals_left: Option<u64>,
    /// The approvals there are.
    #[serde(default, deserialize_with = "null::is_default")]
    pub approved_by: Vec<Approval>,
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Approval {
    /// Who.
    pub user: User,
    /// When, RFC 3339; newer GitLab only.
    #[serde(default)]
    pub approved_at: Option<String>,
}
