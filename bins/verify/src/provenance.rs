//! Whether the newest version of the state is what this pipeline's deploy job left.

use crate::command::Args;
use crate::views::Recorded;
use portcullis_consistency::{Provenance, StateOrigin};
use portcullis_evidence::Approval;
use portcullis_gitlab::state::VersionFacts;
use portcullis_stage::{Failure, Stage};

const APPROVAL: &str = "approval.json";

/// Who wrote the state; `None` when none was read.
///
/// GitLab knows, but tells it to access tokens only. Without one, the serial that deploy wrote down tells whether anybody
/// wrote after it, and no more.
pub(crate) fn of(args: &Args, recorded: &Recorded, stage: &Stage) -> Result<Option<Provenance>, Failure> {
    let approval = approval(args, stage);
    if recorded.view.is_none() || (!args.managed_state && approval.is_none()) {
        return Ok(None);
    }
    let mut found = Provenance {
        origin: StateOrigin::Unknown,
        serial: recorded.serial,
        lineage: recorded.lineage.clone(),
        by: None,
        job: None,
        at: None,
        why: None,
    };
    let left = approval
        .as_ref()
        .and_then(|approval| Some((approval.state_lineage.as_ref()?, approval.state_serial?)));
    let as_left = left.map(|(lineage, serial)| {
        recorded.lineage.as_ref() == Some(lineage) && recorded.serial == Some(serial)
    });
    if as_left == Some(true) {
        found.origin = StateOrigin::ThisPipeline;
        return Ok(Some(found));
    }
    let facts = if args.managed_state {
        facts(args, stage)?
    } else {
        Err("it was not read from GitLab".to_owned())
    };
    match facts {
        Ok(version) => told(&mut found, &version, approval.as_ref()),
        Err(why) => {
            found.why = Some(match left {
                Some((_, serial)) => {
                    // Somebody did, whoever it was.
                    found.origin = StateOrigin::AnotherWriter;
                    format!(
                        "this pipeline's deploy job left serial {serial}; by whom it was written since is not known: {why}"
                    )
                }
                None => why,
            });
        }
    }
    Ok(Some(found))
}

fn approval(args: &Args, stage: &Stage) -> Option<Approval> {
    let artifacts = stage.artifacts(args.artifacts()?);
    if !artifacts.exists(APPROVAL) {
        return None;
    }
    let read = artifacts
        .read_text(APPROVAL)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    read.inspect_err(|error| stage.say(format!("{APPROVAL} is not read: {error}")))
        .ok()
}

/// What GitLab knows of the newest version, or why it can't be known.
fn facts(args: &Args, stage: &Stage) -> Result<Result<VersionFacts, String>, Failure> {
    let Some(gitlab) = stage.gitlab_with_access_token()? else {
        return Ok(Err(format!(
            "GitLab tells it to an access token only, and {} is not set",
            Stage::GITLAB_TOKEN
        )));
    };
    let Some(project) = stage.ci().project_path.clone() else {
        return Ok(Err("CI_PROJECT_PATH is not set".to_owned()));
    };
    let answer = stage.block_on(gitlab.state_facts(&project, &args.managed.state_name));
    Ok(match answer {
        Ok(Some(facts)) => facts
            .latest_version
            .ok_or_else(|| "GitLab knows no version of it".to_owned()),
        Ok(None) => Err("GitLab knows no such state".to_owned()),
        Err(error) => Err(match error.hint() {
            Some(hint) => format!("{error} ({hint})"),
            None => error.to_string(),
        }),
    })
}

fn told(found: &mut Provenance, version: &VersionFacts, approval: Option<&Approval>) {
    found.by = version.created_by_user.as_ref().map(|user| user.username.clone());
    found.at.clone_from(&version.created_at);
    if version.serial.is_some() && version.serial != found.serial {
        found.why = Some(format!(
            "GitLab's newest version is serial {}: it was written while this was read",
            version.serial.unwrap_or_default()
        ));
    }
    let Some(job) = &version.job else {
        found.origin = StateOrigin::Outside;
        return;
    };
    let name = job.name.as_deref().unwrap_or("a job");
    found.job = Some(match job.id {
        Some(id) => format!("{name} #{id}"),
        None => name.to_owned(),
    });
    let deployed = approval
        .and_then(|approval| approval.job_url.as_deref())
        .and_then(|url| url.rsplit('/').next()?.parse::<u64>().ok());
    found.origin = match (deployed, job.id) {
        (Some(ours), Some(id)) if ours == id => StateOrigin::ThisPipeline,
        (Some(_), _) => StateOrigin::AnotherWriter,
        // There was nothing to deploy in this pipeline.
        (None, _) => StateOrigin::AJob,
    };
}
