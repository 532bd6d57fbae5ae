//! What protects a branch and an environment, and what the token may do.

use super::{Client, Error, Operation, below};
use crate::{
    project::Project,
    protection::{Branch, ProtectedBranch, ProtectedEnvironment, TokenFacts},
};

impl Client {
    /// A branch; `None` when there is none of this name. It says whether the branch is protected, also by a rule with a
    /// wildcard.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a list of branches.
    pub async fn branch(&self, project: &Project, name: &str) -> Result<Option<Branch>, Error> {
        let project = project.segment();
        // The listing is open to job tokens, the single branch is not. `^` asks for names that begin so.
        let search = format!("^{name}");
        let path = below(&project, &["repository", "branches"]);
        let found: Vec<Branch> = self
            .list(Operation::ReadBranch, &path, &[("search", &search)])
            .await?;
        Ok(found.into_iter().find(|branch| branch.name == name))
    }

    /// Who may push and merge to a protected branch, by the branch's own rule; GitLab does not find rules with a
    /// wildcard by a branch's name, and answers 404. See [`if_available`](super::if_available).
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something unexpected.
    pub async fn protected_branch(&self, project: &Project, name: &str) -> Result<ProtectedBranch, Error> {
        let project = project.segment();
        let path = below(&project, &["protected_branches", name]);
        self.get(Operation::ReadProtectedBranch, &path).await
    }

    /// Who may deploy to a protected environment. A paid feature; see [`if_available`](super::if_available).
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something unexpected.
    pub async fn protected_environment(
        &self,
        project: &Project,
        name: &str,
    ) -> Result<ProtectedEnvironment, Error> {
        let project = project.segment();
        let path = below(&project, &["protected_environments", name]);
        self.get(Operation::ReadProtectedEnvironment, &path).await
    }

    /// The environments that are protected, over all pages. A paid feature; see [`if_available`](super::if_available).
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something unexpected.
    pub async fn protected_environments(
        &self,
        project: &Project,
    ) -> Result<Vec<ProtectedEnvironment>, Error> {
        let project = project.segment();
        let path = below(&project, &["protected_environments"]);
        self.list(Operation::ListProtectedEnvironments, &path, &[]).await
    }

    /// The access token's scopes and its last day. Not with a job's token.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something unexpected.
    pub async fn own_token(&self) -> Result<TokenFacts, Error> {
        self.get(Operation::OwnToken, &["personal_access_tokens", "self"])
            .await
    }
}
