//! The repository's commits and files, and who belongs to the project.

use super::{Client, Error, ErrorKind, Operation, below, exchange::Repeat};
use crate::{
    job::Commit,
    project::{Member, Project, ProjectFacts, segment},
};

impl Client {
    /// The project. Not with a job's token.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a project.
    pub async fn project(&self, project: &Project) -> Result<ProjectFacts, Error> {
        let project = project.segment();
        self.get(Operation::ReadProject, &below(&project, &[])).await
    }

    /// A commit, by its id.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a commit.
    pub async fn commit(&self, project: &Project, sha: &str) -> Result<Commit, Error> {
        let project = project.segment();
        let path = below(&project, &["repository", "commits", sha]);
        self.get(Operation::ReadCommit, &path).await
    }

    /// A file of the repository as it stands at a commit, a branch or a tag; at most `limit` bytes. `None` when GitLab
    /// shows none there: it has none, or the token may not see it.
    ///
    /// # Errors
    /// When GitLab cannot be asked or refuses; [`ErrorKind::AnswerTooLong`] for a longer file.
    pub async fn file(
        &self,
        project: &Project,
        path: &str,
        at: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        let operation = Operation::ReadFile;
        let project = project.segment();
        let path = below(&project, &["repository", "files", path, "raw"]);
        let call = self.call(operation, Repeat::Freely)?.within(limit);
        let mut url = segment::join(&self.config.api_url, &path);
        url.query_pairs_mut().append_pair("ref", at);
        let request = self.http.get(url).headers(self.token_header.clone());
        match self.exchange(call, request).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The user as a member of the project, also by a group above it; `None` when they are none, or the token may not
    /// see it. Not with a job's token.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a member.
    pub async fn project_member(&self, project: &Project, user: u64) -> Result<Option<Member>, Error> {
        self.member("projects", &project.segment(), user).await
    }

    /// The user as a member of the group, by its path, also by a group above it; `None` as for
    /// [`Client::project_member`].
    ///
    /// # Errors
    /// As [`Client::project_member`].
    pub async fn group_member(&self, group: &str, user: u64) -> Result<Option<Member>, Error> {
        self.member("groups", group, user).await
    }

    async fn member(&self, of: &str, name: &str, user: u64) -> Result<Option<Member>, Error> {
        let user = user.to_string();
        let path = [of, name, "members", "all", &user];
        match self.get(Operation::ReadMember, &path).await {
            Ok(member) => Ok(Some(member)),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
