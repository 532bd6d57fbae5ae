//! The child pipeline's report, brought to the parent.

use crate::report::{JSON, cleared, show};
use portcullis_gitlab::Project;
use portcullis_gitlab::client::Client;
use portcullis_gitlab::job::newest;
use portcullis_stacks::StacksReport;
use portcullis_stage::{ArtifactArgs, Exit, Failure, FormatArgs, Stage};

/// Brings the child pipeline's report to a job of the parent
///
/// GitLab hands files from a parent to its child and not back, and opens the list of child pipelines to no job's token: needs
/// PORTCULLIS_GITLAB_TOKEN, an access token with the scope read_api and the role Reporter. Without it the report is an artifact of the child's
/// job `report`. Writes stacks.json and stacks.txt.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the trigger job
    #[arg(long, value_name = "NAME", default_value = "stacks")]
    trigger: String,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    artifacts: ArtifactArgs,
}

/// The largest report, in bytes: ten thousand stacks have a few million.
const LARGEST: usize = 64 << 20;
/// The child's job that has it.
const JOB: &str = "report";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let artifacts = cleared(&args.format, &args.artifacts.folder, stage)?;
    let job = stage.ci();
    let (project, pipeline) = (job.require_project()?, *job.require_pipeline_id()?);
    let client = match stage.gitlab_with_access_token()? {
        Some(client) => client,
        // Says itself that this token is not enough, and what is.
        None => stage.gitlab()?,
    };
    let bytes = stage.block_on(report(&client, &project, pipeline, &args.trigger))?;
    let report: StacksReport = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::unreadable_in(format!("{JSON} of the child pipeline"), error))?;
    show(&report, &args.format, &artifacts, stage)
}

async fn report(
    client: &Client,
    project: &Project,
    pipeline: u64,
    trigger: &str,
) -> Result<Vec<u8>, Failure> {
    let bridges = client.bridges(project, pipeline).await?;
    let missing = |what: String| {
        Failure::unavailable(NoReport { what })
            .hint("look at the trigger job and at the child pipeline it started")
    };
    let child = bridges
        .iter()
        .filter(|bridge| bridge.name == trigger)
        .filter_map(|bridge| Some((bridge.id, bridge.downstream_pipeline.as_ref()?.id)))
        // Tried again, the newest counts.
        .max()
        .map(|(_, child)| child)
        .ok_or_else(|| missing(format!("the trigger job {trigger} has started no child pipeline")))?;
    let jobs = client.jobs(project, child).await?;
    let job =
        newest(&jobs, JOB).ok_or_else(|| missing(format!("the child pipeline {child} has no job {JOB}")))?;
    Ok(client
        .artifact(project, job.id, &format!("portcullis/{JSON}"), LARGEST)
        .await?)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no report to fetch: {what}")]
struct NoReport {
    what: String,
}
