//! The people, the commit and the pipeline of the recorded estate, as GitLab would know them.

use crate::demo::environment::Commit;
use crate::demo::pipeline::JOBS;
use crate::gitlab::{Job, JobStatus, Project, Role, User};

/// Name of the managed state.
pub const STATE_NAME: &str = "estate";

/// The Slack stand-in's token: it opens nothing.
pub const SLACK_TOKEN: &str = "xoxb-sandbox-not-a-secret";

/// The access token for the merge request's note: it opens nothing but the stand-in.
pub const GITLAB_TOKEN: &str = "glpat-sandbox-not-a-secret";

/// The Slack stand-in's channel.
pub const SLACK_CHANNEL: &str = "#deployments";

const POLICY: &str = include_str!("../../../terraform/policy.yaml");

const PIPELINE_FILE: &str = "include:\n  - component: $CI_SERVER_FQDN/infra/portcullis/pipeline@v0.1.0\n";

/// Who wrote the change. A developer: may read the state, and neither lock nor write it.
#[must_use]
pub fn author() -> User {
    User {
        id: 11,
        login: "nora".into(),
        name: "Nora Okafor".into(),
        role: Role::Developer,
    }
}

/// Who lets it through.
#[must_use]
pub fn approver() -> User {
    User {
        id: 12,
        login: "tomas".into(),
        name: "Tomas Lind".into(),
        role: Role::Maintainer,
    }
}

/// The user of the project's access token.
#[must_use]
pub fn bot() -> User {
    User {
        id: 13,
        login: "project_42_bot".into(),
        name: "Portcullis".into(),
        role: Role::Reporter,
    }
}

/// The commit with this title.
#[must_use]
pub fn commit(title: &str) -> Commit {
    Commit {
        sha: "5d1f0c9be2a74b6f8f3e1a4c7d90b2e6f8a1c3d5".to_owned(),
        title: title.to_owned(),
        author: author(),
    }
}

/// The project with its pipeline, no job of which has run.
#[must_use]
pub fn project(commit: &Commit) -> Project {
    let mut project = Project::new(42, "harbour/estate", 1042, &commit.sha);
    project.author = Some(commit.author.clone());
    // The change touches neither: both stand there as before it.
    for (path, text) in [
        ("terraform/policy.yaml", POLICY),
        (".gitlab-ci.yml", PIPELINE_FILE),
    ] {
        project.files.insert(path.to_owned(), text.into());
    }
    for (id, job) in (501..).zip(&JOBS) {
        project.jobs.push(Job {
            id,
            name: job.name.to_owned(),
            stage: job.stage.to_owned(),
            status: JobStatus::Created,
            user: commit.author.clone(),
            started_at: None,
            finished_at: None,
        });
    }
    project
}
