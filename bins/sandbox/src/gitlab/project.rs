//! What the GitLab stand-in remembers of its one project: people, tokens, jobs, notes and commit statuses.

use crate::gitlab::state::ManagedStates;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A member's role, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// May see.
    Reporter,
    /// May read states.
    Developer,
    /// May lock and write states.
    Maintainer,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Number.
    pub id: u64,
    /// Login, as in `@login`.
    pub login: String,
    /// Full name.
    pub name: String,
    /// Role in the project.
    pub role: Role,
}

impl User {
    /// Their address.
    #[must_use]
    pub fn email(&self) -> String {
        format!("{}@example.com", self.login)
    }

    pub(super) fn json(&self, base: &str) -> Value {
        json!({"id": self.id, "username": self.login, "name": self.name, "state": "active",
               "web_url": format!("{base}/{}", self.login)})
    }
}

/// The statuses this stand-in gives a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStatus {
    /// Not its turn yet.
    Created,
    /// Waits to be played.
    Manual,
    /// At work.
    Running,
    /// Ended well.
    Success,
    /// Ended badly.
    Failed,
    /// Never ran.
    Skipped,
}

impl JobStatus {
    /// GitLab's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Manual => "manual",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A job of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Number, over the whole instance.
    pub id: u64,
    /// Name.
    pub name: String,
    /// Stage.
    pub stage: String,
    /// Status.
    pub status: JobStatus,
    /// Whose rights it has: the pipeline's user, or the one who played it.
    pub user: User,
    /// When it started, RFC 3339.
    pub started_at: Option<String>,
    /// When it ended, RFC 3339.
    pub finished_at: Option<String>,
}

/// A note on a merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Number.
    pub id: u64,
    /// The merge request's number in the project.
    pub merge_request: u64,
    /// Markdown.
    pub body: String,
    /// Who wrote it.
    pub author: User,
    /// When.
    pub created_at: String,
}

/// Who wrote a version of a state.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pub(super) user: User,
    /// The job, when a job's token wrote it.
    pub(super) job: Option<u64>,
    pub(super) at: String,
}

/// Who calls, after the token was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A running job, with its user's rights and fewer doors.
    Job {
        /// The job.
        id: u64,
        /// Whose rights it has.
        user: User,
    },
    /// A personal, project or group access token with the scope `api`.
    Token {
        /// Whose it is.
        user: User,
    },
}

impl Caller {
    /// Whose rights the call has.
    #[must_use]
    pub fn user(&self) -> &User {
        match self {
            Self::Job { user, .. } | Self::Token { user } => user,
        }
    }
}

/// The commit that the merge request begins at.
pub const BASE: &str = "b5e0f1c9be2a74b6f8f3e1a4c7d90b2e6f8a1c3d";

/// The project, its pipeline and all they remember.
#[derive(Debug, Clone)]
pub struct Project {
    /// Number.
    pub id: u64,
    /// `group/name`.
    pub path: String,
    /// The pipeline's number.
    pub pipeline: u64,
    /// The commit it is for.
    pub commit: String,
    /// Its jobs, oldest first.
    pub jobs: Vec<Job>,
    /// The managed states.
    pub states: ManagedStates,
    /// Merge-request notes.
    pub notes: Vec<Note>,
    /// Commit statuses as they were posted.
    pub statuses: Vec<Value>,
    /// The merge requests that exist.
    pub merge_requests: Vec<u64>,
    /// Whether the project has a paid tier: approvals and protected environments are there.
    pub premium: bool,
    /// Who approved which merge request, and when.
    pub approvals: Vec<(u64, User, String)>,
    /// Files that jobs left as artifacts, by job and path.
    pub artifacts: HashMap<(u64, String), Vec<u8>>,
    /// The repository's files as they stand at the pipeline's commit.
    pub files: HashMap<String, Vec<u8>>,
    /// The files that the merge request changed, as they stood before it; `None` for one that it wrote anew.
    pub files_before: HashMap<String, Option<Vec<u8>>>,
    /// Who wrote the merge request's commits, and the commit itself.
    pub author: Option<User>,
    /// What users are in groups: the group's path, the user's number, the role's number.
    pub group_members: Vec<(String, u64, u64)>,
    /// Whether pipeline variables may be set by nobody, as in new projects. (Source: "Restrict pipeline variables".)
    pub restricts_variables: bool,
    /// Who wrote the versions of the states, by name and serial.
    writers: HashMap<(String, u64), Writer>,
    tokens: HashMap<String, Caller>,
    next_id: u64,
}

impl Project {
    /// An empty project with one open merge request, `!7`.
    #[must_use]
    pub fn new(id: u64, path: &str, pipeline: u64, commit: &str) -> Self {
        Self {
            id,
            path: path.to_owned(),
            pipeline,
            commit: commit.to_owned(),
            jobs: Vec::new(),
            states: ManagedStates::default(),
            notes: Vec::new(),
            statuses: Vec::new(),
            merge_requests: vec![7],
            premium: false,
            approvals: Vec::new(),
            artifacts: HashMap::new(),
            files: HashMap::new(),
            files_before: HashMap::new(),
            author: None,
            group_members: Vec::new(),
            restricts_variables: true,
            writers: HashMap::new(),
            tokens: HashMap::new(),
            next_id: 9000,
        }
    }

    /// Makes `token` an access token of `user`.
    pub fn grant(&mut self, token: &str, user: User) {
        self.tokens.insert(token.to_owned(), Caller::Token { user });
    }

    /// The number of the job with this name, which is added when there is none.
    pub fn job_named(&mut self, name: &str, stage: &str, user: &User) -> u64 {
        if let Some(job) = self.jobs.iter().find(|job| job.name == name) {
            return job.id;
        }
        let id = self.new_id();
        self.jobs.push(Job {
            id,
            name: name.to_owned(),
            stage: stage.to_owned(),
            status: JobStatus::Created,
            user: user.clone(),
            started_at: None,
            finished_at: None,
        });
        id
    }

    /// Starts a job: its token is good from now on, and it runs with the rights of `user`.
    pub fn start_job(&mut self, id: u64, token: &str, user: User, now: &str) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) {
            job.status = JobStatus::Running;
            job.user = user.clone();
            job.started_at = Some(now.to_owned());
        }
        self.tokens.insert(token.to_owned(), Caller::Job { id, user });
    }

    /// Ends a job: its token dies with it.
    pub fn end_job(&mut self, id: u64, status: JobStatus, now: &str) {
        self.set_status(id, status);
        if let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) {
            job.finished_at = Some(now.to_owned());
        }
        self.tokens
            .retain(|_, caller| !matches!(caller, Caller::Job { id: of, .. } if *of == id));
    }

    /// Gives a job a status.
    pub fn set_status(&mut self, id: u64, status: JobStatus) {
        if let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) {
            job.status = status;
        }
    }

    /// Remembers who wrote a version of a state.
    pub fn wrote(&mut self, state: &str, serial: u64, caller: &Caller, now: &str) {
        let writer = Writer {
            user: caller.user().clone(),
            job: match caller {
                Caller::Job { id, .. } => Some(*id),
                Caller::Token { .. } => None,
            },
            at: now.to_owned(),
        };
        self.writers.insert((state.to_owned(), serial), writer);
    }

    pub(super) fn writer(&self, state: &str, serial: u64) -> Option<&Writer> {
        self.writers.get(&(state.to_owned(), serial))
    }

    /// Plays a manual job for `user`. `None` when there is no such job, `Some(false)` when it cannot be played.
    pub fn play(&mut self, id: u64, user: &User) -> Option<bool> {
        let job = self.jobs.iter_mut().find(|job| job.id == id)?;
        if job.status != JobStatus::Manual {
            return Some(false);
        }
        job.status = JobStatus::Running;
        job.user = user.clone();
        Some(true)
    }

    /// Who calls with this token.
    #[must_use]
    pub fn caller(&self, token: &str) -> Option<&Caller> {
        self.tokens.get(token)
    }

    /// A new number, different from all given before.
    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The address of a job's page.
    #[must_use]
    pub fn job_url(&self, base: &str, id: u64) -> String {
        format!("{base}/{}/-/jobs/{id}", self.path)
    }

    /// The address of the pipeline's page.
    #[must_use]
    pub fn pipeline_url(&self, base: &str) -> String {
        format!("{base}/{}/-/pipelines/{}", self.path, self.pipeline)
    }

    /// A job as the Jobs API shows it. (Source: "Jobs API".)
    #[must_use]
    pub fn job_json(&self, base: &str, job: &Job) -> Value {
        json!({
            "id": job.id, "name": job.name, "stage": job.stage, "status": job.status.as_str(),
            "ref": "main", "tag": false, "allow_failure": false, "coverage": null,
            "failure_reason": (job.status == JobStatus::Failed).then_some("script_failure"),
            "started_at": job.started_at, "finished_at": job.finished_at, "archived": false,
            "web_url": self.job_url(base, job.id),
            "user": job.user.json(base),
            "commit": self.commit_json(),
            "pipeline": {"id": self.pipeline, "project_id": self.id, "ref": "main", "sha": self.commit,
                         "status": "running", "web_url": self.pipeline_url(base)},
            "project": {"ci_job_token_scope_enabled": false},
            "artifacts": [], "artifacts_file": null, "runner": null, "tag_list": []
        })
    }

    /// The commit as the Commits API shows it.
    #[must_use]
    pub fn commit_json(&self) -> Value {
        let mut commit = json!({"id": self.commit, "short_id": self.commit.get(..8), "parent_ids": [BASE]});
        if let Some(author) = &self.author {
            commit["author_name"] = author.name.clone().into();
            commit["author_email"] = author.email().into();
        }
        commit
    }

    /// A file as it stands at the commit, at its branch, or before the merge request.
    #[must_use]
    pub fn file(&self, path: &str, at: &str) -> Option<&Vec<u8>> {
        let now = self.files.get(path);
        match at {
            BASE => match self.files_before.get(path) {
                Some(before) => before.as_ref(),
                None => now,
            },
            "main" | "HEAD" => now,
            commit if commit == self.commit => now,
            _ => None,
        }
    }

    /// The pipeline as the Pipelines API shows it.
    #[must_use]
    pub fn pipeline_json(&self, base: &str) -> Value {
        let has = |status: JobStatus| self.jobs.iter().any(|job| job.status == status);
        let status = if has(JobStatus::Running) {
            "running"
        } else if has(JobStatus::Failed) {
            "failed"
        } else if has(JobStatus::Manual) {
            "manual"
        } else if has(JobStatus::Created) {
            "created"
        } else {
            "success"
        };
        json!({"id": self.pipeline, "iid": 12, "project_id": self.id, "ref": "main", "sha": self.commit,
               "status": status, "source": "push", "web_url": self.pipeline_url(base),
               "user": self.jobs.first().map(|job| job.user.json(base))})
    }

    /// A merge request as the Merge requests API shows it.
    #[must_use]
    pub fn merge_request_json(&self, base: &str, iid: u64) -> Value {
        let author = self.jobs.first().map(|job| job.user.json(base));
        json!({"id": 7000 + iid, "iid": iid, "project_id": self.id, "title": "A change", "state": "merged",
               "target_branch": "main", "source_branch": "change", "sha": self.commit, "merge_commit_sha": self.commit,
               "author": author, "merge_user": author,
               "diff_refs": {"base_sha": BASE, "head_sha": self.commit, "start_sha": BASE},
               "web_url": format!("{base}/{}/-/merge_requests/{iid}", self.path)})
    }

    /// A note as the Notes API shows it.
    #[must_use]
    pub fn note_json(&self, base: &str, note: &Note) -> Value {
        json!({"id": note.id, "body": note.body, "author": note.author.json(base), "system": false,
               "created_at": note.created_at, "updated_at": note.created_at,
               "noteable_type": "MergeRequest", "noteable_iid": note.merge_request,
               "project_id": self.id, "resolvable": false, "internal": false})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(login: &str) -> User {
        User {
            id: 1,
            login: login.to_owned(),
            name: login.to_owned(),
            role: Role::Developer,
        }
    }

    fn project() -> Project {
        let mut project = Project::new(42, "harbour/estate", 1042, "0123456789abcdef");
        project.jobs.push(Job {
            id: 5,
            name: "deploy".to_owned(),
            stage: "deploy".to_owned(),
            status: JobStatus::Manual,
            user: user("ada"),
            started_at: None,
            finished_at: None,
        });
        project
    }

    #[test]
    fn a_job_token_dies_with_its_job() {
        let mut project = project();
        project.start_job(5, "token", user("grace"), "now");
        assert_eq!(
            project.caller("token").map(|caller| caller.user().login.as_str()),
            Some("grace")
        );
        project.end_job(5, JobStatus::Success, "later");
        assert_eq!(project.caller("token"), None);
    }

    #[test]
    fn playing_a_job_makes_it_the_players() {
        let mut project = project();
        assert_eq!(project.play(5, &user("grace")), Some(true));
        assert_eq!(project.jobs[0].user.login, "grace");
        assert_eq!(
            project.play(5, &user("grace")),
            Some(false),
            "a running job cannot be played"
        );
        assert_eq!(project.play(6, &user("grace")), None);
    }
}
