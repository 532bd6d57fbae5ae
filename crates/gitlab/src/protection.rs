//! What protects a branch and an environment, and what a token may do.
//!
//! Sources: GitLab docs, "Branches API", "Protected branches API", "Protected environments API", "Personal access tokens
//! API".

use crate::{job::Commit, null};
use serde::Deserialize;

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Branch {
    /// Its name. Text from outside.
    pub name: String,
    /// Whether a rule protects it, by name or by wildcard.
    #[serde(default, deserialize_with = "null::is_default")]
    pub protected: bool,
    /// The commit it stands at.
    #[serde(default)]
    pub commit: Option<Commit>,
    /// Whether it is the default branch.
    #[serde(default, deserialize_with = "null::is_default")]
    pub default: bool,
    /// Whether Developers may push to it all the same.
    #[serde(default, deserialize_with = "null::is_default")]
    pub developers_can_push: bool,
    /// Whether Developers may merge to it all the same.
    #[serde(default, deserialize_with = "null::is_default")]
    pub developers_can_merge: bool,
}

/// The rule that protects a branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProtectedBranch {
    /// The rule's name: a branch, or a wildcard.
    pub name: String,
    /// Who may push.
    #[serde(default, deserialize_with = "null::is_default")]
    pub push_access_levels: Vec<Access>,
    /// Who may merge.
    #[serde(default, deserialize_with = "null::is_default")]
    pub merge_access_levels: Vec<Access>,
    /// Whether history may be rewritten.
    #[serde(default, deserialize_with = "null::is_default")]
    pub allow_force_push: bool,
}

/// The rule that protects an environment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProtectedEnvironment {
    /// The environment's name.
    pub name: String,
    /// Who may deploy.
    #[serde(default, deserialize_with = "null::is_default")]
    pub deploy_access_levels: Vec<Access>,
    /// Whose approvals a deployment needs.
    #[serde(default, deserialize_with = "null::is_default")]
    pub approval_rules: Vec<Access>,
}

/// Who is let in: everybody of a role, one user, or one group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Access {
    /// 0 nobody, 30 Developer, 40 Maintainer, 60 administrator; `None` for a user or a group.
    #[serde(default)]
    pub access_level: Option<u64>,
    /// GitLab's words for it. Text from outside: a user's or a group's name.
    #[serde(default)]
    pub access_level_description: Option<String>,
    /// The user.
    #[serde(default)]
    pub user_id: Option<u64>,
    /// The group.
    #[serde(default)]
    pub group_id: Option<u64>,
    /// In an approval rule, how many must approve.
    #[serde(default)]
    pub required_approvals: Option<u64>,
}

/// An access token, as it may see itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenFacts {
    /// What it is called.
    #[serde(default, deserialize_with = "null::is_default")]
    pub name: String,
    /// `api`, `read_api`, ….
    #[serde(default, deserialize_with = "null::is_default")]
    pub scopes: Vec<String>,
    /// Its last day, such as `2027-01-31`.
    #[serde(default)]
    pub expires_at: Option<String>,
}

impl TokenFacts {
    /// Whether the token's scopes open calls that need `scope`: `api` opens all that `read_api` does.
    ///
    /// ```
    /// use portcullis_gitlab::protection::TokenFacts;
    /// let token: TokenFacts = serde_json::from_str(r#"{"name": "notes", "scopes": ["read_api"]}"#)?;
    /// assert!(token.has_scope("read_api") && !token.has_scope("api"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes
            .iter()
            .any(|has| has == scope || (scope == "read_api" && has == "api"))
    }
}
