//! What GitLab knows of this pipeline.

use portcullis_gitlab::Secret;
use portcullis_gitlab::ci::{Author, MissingVariable, Variables};
use portcullis_gitlab::client::{Client, Config, Error, Retry, Timeouts, Token};
use portcullis_gitlab::job::Job;
use portcullis_messages::Pipeline;
use portcullis_stage::Stage;
use std::time::Duration;

/// The variable with an access token, for what GitLab opens to no job token.
pub(crate) const ACCESS_TOKEN: &str = "PORTCULLIS_GITLAB_TOKEN";

/// The pipeline as messages speak of it. Outside a job, what is not known is left out.
pub(crate) fn pipeline(stage: &Stage) -> Pipeline {
    let job = stage.ci();
    let text = |value: &Option<String>| stage.redact(value.as_deref().unwrap_or_default());
    Pipeline {
        project: job
            .project_path
            .as_deref()
            .map_or_else(|| "(no project)".to_owned(), |path| stage.redact(path)),
        id: job.pipeline_id,
        url: job.pipeline_url.as_ref().map(ToString::to_string),
        commit: text(&job.commit_short_sha),
        commit_title: text(&job.commit_title),
        author: stage.redact(
            &job.commit_author
                .as_deref()
                .map(Author::parse)
                .map(name)
                .unwrap_or_default(),
        ),
        branch: text(&job.commit_ref_name),
        state: stage
            .variable("PORTCULLIS_STATE_NAME")
            .map(|name| stage.redact(name)),
        ..Pipeline::default()
    }
}

/// The pipeline whose thread it is. A child pipeline speaks in its parent's, and the first message there links the parent.
pub(crate) fn of_thread(stage: &Stage, pipeline: &Pipeline) -> Pipeline {
    let number = stage
        .variable("PORTCULLIS_PARENT_PIPELINE")
        .and_then(|number| number.trim().parse::<u64>().ok());
    let (Some(number), Some(project)) = (number, stage.ci().project_url) else {
        return pipeline.clone();
    };
    let project = project.as_str().trim_end_matches('/');
    Pipeline {
        id: Some(number),
        url: Some(format!("{project}/-/pipelines/{number}")),
        ..pipeline.clone()
    }
}

fn name(author: Author) -> String {
    if author.name.is_empty() {
        author.email.unwrap_or_default()
    } else {
        author.name
    }
}

/// The pipeline's jobs, or nothing and a line that says why: no message waits for GitLab.
pub(crate) fn jobs(stage: &Stage) -> Vec<Job> {
    let jobs = ask(stage, &stage.ci());
    jobs.unwrap_or_else(|reason| {
        stage.say(format!("gitlab: the message links the pipeline only: {reason}"));
        Vec::new()
    })
}

fn ask(stage: &Stage, job: &Variables) -> Result<Vec<Job>, String> {
    let project = job.require_project().map_err(missing)?;
    let pipeline = *job.require_pipeline_id().map_err(missing)?;
    let client = client(stage, job)?;
    stage
        .block_on(client.jobs(&project, pipeline))
        .map_err(|error| said(&error))
}

/// A connection with the access token, or else with the job's own.
pub(crate) fn client(stage: &Stage, job: &Variables) -> Result<Client, String> {
    let token = match stage.variable(ACCESS_TOKEN) {
        Some(token) => Token::Private(Secret::new(token)),
        None => Token::Job(job.require_job_token().map_err(missing)?.clone()),
    };
    let mut config = Config::new(job.require_api_url().map_err(missing)?.clone(), token);
    // A link or a note is not worth a long wait.
    config.timeouts = Timeouts {
        connect: Duration::from_secs(5),
        request: Duration::from_secs(10),
    };
    config.retry = Retry {
        times: 1,
        retry_after_max: Duration::from_secs(5),
        deadline: Duration::from_secs(30),
        ..Retry::default()
    };
    Client::new(config).map_err(|error| said(&error))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn missing(error: MissingVariable) -> String {
    error.to_string()
}

/// The error and what to do about it, on one line.
pub(crate) fn said(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}
