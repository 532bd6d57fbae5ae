//! What GitLab tells a job. (Source: "Predefined CI/CD variables reference".)

use crate::gitlab::{Project, User};

/// The default branch, on which the pipeline runs.
pub const BRANCH: &str = "main";

/// The commit the pipeline is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Full id.
    pub sha: String,
    /// First line of the message.
    pub title: String,
    /// Who wrote it.
    pub author: User,
}

/// A job, as its variables describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts<'a> {
    /// Number.
    pub id: u64,
    /// Name.
    pub name: &'a str,
    /// Stage.
    pub stage: &'a str,
    /// True for one that was played.
    pub manual: bool,
    /// Its token.
    pub token: &'a str,
    /// Whose rights it has.
    pub user: &'a User,
    /// When it started, RFC 3339.
    pub started_at: &'a str,
}

/// The variables of one job. `base` is the instance's address, `folder` the checkout.
#[must_use]
pub fn variables(
    base: &str,
    folder: &str,
    project: &Project,
    commit: &Commit,
    job: &JobFacts<'_>,
) -> Vec<(String, String)> {
    let (namespace, name) = project
        .path
        .split_once('/')
        .unwrap_or(("", project.path.as_str()));
    let host_and_port = base.trim_start_matches("http://");
    let (host, port) = host_and_port.split_once(':').unwrap_or((host_and_port, "80"));
    let project_url = format!("{base}/{}", project.path);
    let mut pairs: Vec<(&str, String)> = vec![
        ("CI", "true".into()),
        ("GITLAB_CI", "true".into()),
        ("CI_SERVER", "yes".into()),
        ("CI_SERVER_NAME", "GitLab".into()),
        ("CI_SERVER_VERSION", "19.6.0".into()),
        ("CI_SERVER_PROTOCOL", "http".into()),
        ("CI_SERVER_HOST", host.into()),
        ("CI_SERVER_PORT", port.into()),
        ("CI_SERVER_FQDN", host_and_port.into()),
        ("CI_SERVER_URL", base.into()),
        ("CI_API_V4_URL", format!("{base}/api/v4")),
        ("CI_PROJECT_ID", project.id.to_string()),
        ("CI_PROJECT_NAME", name.into()),
        ("CI_PROJECT_TITLE", name.into()),
        ("CI_PROJECT_NAMESPACE", namespace.into()),
        ("CI_PROJECT_PATH", project.path.clone()),
        ("CI_PROJECT_PATH_SLUG", project.path.replace('/', "-")),
        ("CI_PROJECT_URL", project_url),
        ("CI_PROJECT_VISIBILITY", "private".into()),
        ("CI_PROJECT_DIR", folder.into()),
        ("CI_DEFAULT_BRANCH", BRANCH.into()),
        ("CI_PIPELINE_ID", project.pipeline.to_string()),
        ("CI_PIPELINE_IID", "12".into()),
        ("CI_PIPELINE_SOURCE", "push".into()),
        ("CI_PIPELINE_URL", project.pipeline_url(base)),
        ("CI_COMMIT_SHA", commit.sha.clone()),
        ("CI_COMMIT_SHORT_SHA", commit.sha.chars().take(8).collect()),
        ("CI_COMMIT_TITLE", commit.title.clone()),
        ("CI_COMMIT_MESSAGE", format!("{}\n", commit.title)),
        (
            "CI_COMMIT_AUTHOR",
            format!("{} <{}>", commit.author.name, commit.author.email()),
        ),
        ("CI_COMMIT_BRANCH", BRANCH.into()),
        ("CI_COMMIT_REF_NAME", BRANCH.into()),
        ("CI_COMMIT_REF_SLUG", BRANCH.into()),
        ("CI_COMMIT_REF_PROTECTED", "true".into()),
        ("CI_JOB_ID", job.id.to_string()),
        ("CI_JOB_NAME", job.name.into()),
        ("CI_JOB_NAME_SLUG", job.name.replace(' ', "-")),
        ("CI_JOB_STAGE", job.stage.into()),
        ("CI_JOB_STATUS", "running".into()),
        ("CI_JOB_URL", project.job_url(base, job.id)),
        ("CI_JOB_STARTED_AT", job.started_at.into()),
        ("CI_JOB_TOKEN", job.token.into()),
        ("CI_NODE_TOTAL", "1".into()),
        ("GITLAB_USER_ID", job.user.id.to_string()),
        ("GITLAB_USER_LOGIN", job.user.login.clone()),
        ("GITLAB_USER_NAME", job.user.name.clone()),
        ("GITLAB_USER_EMAIL", job.user.email()),
    ];
    if job.manual {
        pairs.push(("CI_JOB_MANUAL", "true".into()));
    }
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The variables of a dotenv report: what one job hands to the later ones.
#[must_use]
pub fn dotenv(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::Role;

    #[test]
    fn a_played_job_speaks_with_the_players_name() {
        let user = |login: &str| User {
            id: 7,
            login: login.to_owned(),
            name: login.to_uppercase(),
            role: Role::Maintainer,
        };
        let project = Project::new(42, "harbour/estate", 1042, "0123456789abcdef");
        let commit = Commit {
            sha: "0123456789abcdef".into(),
            title: "T".into(),
            author: user("nora"),
        };
        let player = user("tomas");
        let facts = JobFacts {
            id: 5,
            name: "deploy",
            stage: "deploy",
            manual: true,
            token: "t",
            user: &player,
            started_at: "now",
        };
        let variables = variables("http://127.0.0.1:80", "/p", &project, &commit, &facts);
        let get = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
                .unwrap_or_default()
        };
        assert_eq!(get("GITLAB_USER_LOGIN"), "tomas");
        assert_eq!(get("CI_COMMIT_AUTHOR"), "NORA <nora@example.com>");
        assert_eq!(get("CI_COMMIT_SHORT_SHA"), "01234567");
        assert_eq!(get("CI_JOB_URL"), "http://127.0.0.1:80/harbour/estate/-/jobs/5");
    }

    #[test]
    fn a_dotenv_report_is_read() {
        assert_eq!(
            dotenv("A=1\nB=x=y\n"),
            [
                ("A".to_owned(), "1".to_owned()),
                ("B".to_owned(), "x=y".to_owned())
            ]
        );
    }
}
