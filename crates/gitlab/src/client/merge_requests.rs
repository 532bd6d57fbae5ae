//! Merge requests: their notes, who approved them, which commit belongs to them, and what a commit is said to be.

use super::{Client, Error, ErrorKind, Operation, below, exchange::Repeat};
use crate::{
    commit_status::{CommitStatus, StatusSet},
    job::{Commit, User},
    merge_request::{Approvals, MergeRequest},
    note::{self, Note, NoteBody, NoteWritten, Written},
    project::Project,
};
use reqwest::Method;

impl Client {
    /// A merge request, by its number within the project.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a merge request.
    pub async fn merge_request(&self, project: &Project, iid: u64) -> Result<MergeRequest, Error> {
        let (project, iid) = (project.segment(), iid.to_string());
        self.get(
            Operation::ReadMergeRequest,
            &below(&project, &["merge_requests", &iid]),
        )
        .await
    }

    /// The merge requests that brought a commit, over all pages: how a pipeline on the default branch finds the one
    /// that was merged.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a list of merge requests.
    pub async fn merge_requests_of(
        &self,
        project: &Project,
        commit: &str,
    ) -> Result<Vec<MergeRequest>, Error> {
        let project = project.segment();
        let path = below(&project, &["repository", "commits", commit, "merge_requests"]);
        self.list(Operation::FindMergeRequests, &path, &[]).await
    }

    /// Who approved a merge request. A paid feature, though some Free instances answer; see
    /// [`if_available`](super::if_available).
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something unexpected.
    pub async fn approvals(&self, project: &Project, iid: u64) -> Result<Approvals, Error> {
        let (project, iid) = (project.segment(), iid.to_string());
        let path = below(&project, &["merge_requests", &iid, "approvals"]);
        self.get(Operation::ReadApprovals, &path).await
    }

    /// The commits that a merge request brings, newest first, over all pages. Not with a job's token.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a list of commits.
    pub async fn merge_request_commits(&self, project: &Project, iid: u64) -> Result<Vec<Commit>, Error> {
        let (project, iid) = (project.segment(), iid.to_string());
        let path = below(&project, &["merge_requests", &iid, "commits"]);
        self.list(Operation::ListMergeRequestCommits, &path, &[]).await
    }

    /// Every note of a merge request, oldest first, over all pages.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a list of notes.
    pub async fn merge_request_notes(&self, project: &Project, iid: u64) -> Result<Vec<Note>, Error> {
        let (project, iid) = (project.segment(), iid.to_string());
        let path = below(&project, &["merge_requests", &iid, "notes"]);
        let query = [("sort", "asc"), ("order_by", "created_at")];
        self.list(Operation::ListNotes, &path, &query).await
    }

    /// Writes a new note. A job's token may not: GitLab wants a token with the scope `api`.
    ///
    /// # Errors
    /// When GitLab cannot be asked or refuses. After a lost answer the note may stand there all the same.
    pub async fn create_note(&self, project: &Project, iid: u64, body: &str) -> Result<Note, Error> {
        let (project, iid) = (project.segment(), iid.to_string());
        let path = below(&project, &["merge_requests", &iid, "notes"]);
        self.write_note(Method::POST, &path, Repeat::UnlessItMayHaveHappened, body)
            .await
    }

    /// Replaces the text of a note. Doing it twice is doing it once, so it is repeated like a read.
    ///
    /// # Errors
    /// As [`Client::create_note`].
    pub async fn update_note(
        &self,
        project: &Project,
        iid: u64,
        note: u64,
        body: &str,
    ) -> Result<Note, Error> {
        let (project, iid, note) = (project.segment(), iid.to_string(), note.to_string());
        let path = below(&project, &["merge_requests", &iid, "notes", &note]);
        self.write_note(Method::PUT, &path, Repeat::Freely, body).await
    }

    async fn write_note(
        &self,
        method: Method,
        path: &[&str],
        repeat: Repeat,
        body: &str,
    ) -> Result<Note, Error> {
        let operation = Operation::WriteNote;
        let call = self.call(operation, repeat)?;
        if body.chars().count() > note::BODY_LIMIT {
            return Err(self.error(operation, ErrorKind::NoteTooLong));
        }
        let request = self.request(method, path).json(&NoteBody { body });
        let answer = self.exchange(call, request).await?;
        self.read(operation, &answer)
    }

    /// Sees to it that the merge request has this one note: changes the token's own note that begins with `marker`, else
    /// writes one. `body` begins with the marker. Run again after a lost answer, it finds the note it wrote.
    ///
    /// Of several such notes (two jobs at once) the oldest is kept up to date. Notes of others are never touched,
    /// whatever they begin with.
    ///
    /// # Errors
    /// As [`Client::create_note`]; with a job's token at once, before anything is read.
    pub async fn put_note(
        &self,
        project: &Project,
        iid: u64,
        marker: &str,
        body: &str,
    ) -> Result<NoteWritten, Error> {
        // What cannot be written need not be looked for.
        self.call(Operation::WriteNote, Repeat::Freely)?;
        let me = self.own_user().await?;
        let notes = self.merge_request_notes(project, iid).await?;
        let own = notes.iter().find(|note| note.is_own(&me, marker));
        if let Some(note) = own {
            // GitLab gives the text back without white space at its end.
            if note.body.trim_end() == body.trim_end() {
                return Ok(NoteWritten {
                    id: note.id,
                    how: Written::Unchanged,
                });
            }
            match self.update_note(project, iid, note.id, body).await {
                // Somebody deleted it a moment ago.
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                other => {
                    return other.map(|note| NoteWritten {
                        id: note.id,
                        how: Written::Updated,
                    });
                }
            }
        }
        let note = self.create_note(project, iid, body).await?;
        Ok(NoteWritten {
            id: note.id,
            how: Written::Created,
        })
    }

    /// Says what a commit is worth, on the pipeline it belongs to. That it was so already is no error, so it is repeated
    /// like a read.
    ///
    /// # Errors
    /// When GitLab cannot be asked or refuses.
    pub async fn set_commit_status(
        &self,
        project: &Project,
        commit: &str,
        status: &CommitStatus,
    ) -> Result<StatusSet, Error> {
        let call = self.call(Operation::SetCommitStatus, Repeat::Freely)?;
        let project = project.segment();
        let request = self
            .request(Method::POST, &below(&project, &["statuses", commit]))
            .json(status);
        match self.exchange(call, request).await {
            Ok(_) => Ok(StatusSet::Set),
            Err(error) if error.says("Cannot transition status") => Ok(StatusSet::WasSo),
            Err(error) => Err(error),
        }
    }

    /// The user the access token belongs to; a project's token has a user of its own, a bot. Not with a job's token.
    ///
    /// # Errors
    /// When GitLab cannot be asked, refuses, or answers something that is not a user.
    pub async fn own_user(&self) -> Result<User, Error> {
        self.get(Operation::OwnUser, &["user"]).await
    }
}
