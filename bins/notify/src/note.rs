//! The merge request's note: one per state, updated in place.
//!
//! It needs an access token; without one, or without a merge request, the pipeline goes on and says what is missing.

use crate::command::Event;
use crate::documents::{judged, optional};
use crate::gitlab;
use portcullis_evidence::{Approval, ApprovalRequest};
use portcullis_exposure::ExposureReport;
use portcullis_gitlab::Project;
use portcullis_gitlab::ci::Variables;
use portcullis_gitlab::client::{Client, Error};
use portcullis_gitlab::job::newest;
use portcullis_gitlab::merge_request::MergeRequest;
use portcullis_gitlab::note::Written;
use portcullis_report::text::markdown_code;
use portcullis_report::{Limits, Marker, NOTE_LIMIT, Report};
use portcullis_stage::{Artifacts, Stage};
use std::fmt::Write as _;

/// Puts the note in order, when this event has anything to tell there, and gives its address. Never fails the job.
pub(crate) fn put(event: Event, deploy_job: &str, stage: &Stage, artifacts: &Artifacts) -> Option<String> {
    if !matches!(
        event,
        Event::Planned | Event::Violation | Event::Requested | Event::Deployed | Event::Failed
    ) {
        return None;
    }
    let job = stage.ci();
    if job.merge_request_iid.is_none() && stage.variable(gitlab::ACCESS_TOKEN).is_none() {
        // A pipeline of a branch, in a project that wants no notes.
        return None;
    }
    match tell(event, deploy_job, stage, &job, artifacts) {
        Ok(Some(Told { said, url })) => {
            stage.say(format!("gitlab: {said}"));
            url
        }
        Ok(None) => None,
        Err(reason) => {
            stage.say(format!("gitlab: no note in the merge request: {reason}"));
            None
        }
    }
}

/// What became of the note, and where it stands.
struct Told {
    said: String,
    url: Option<String>,
}

fn tell(
    event: Event,
    deploy_job: &str,
    stage: &Stage,
    job: &Variables,
    artifacts: &Artifacts,
) -> Result<Option<Told>, String> {
    let client = gitlab::client(stage, job)?;
    let project = job.require_project().map_err(|error| error.to_string())?;
    let Some(iid) = merge_request(stage, job, &client, &project)? else {
        return Ok(None);
    };
    let state = stage.redact(stage.variable("PORTCULLIS_STATE_NAME").unwrap_or("default"));
    let marker = Marker::new(&state);
    let request: Option<ApprovalRequest> = optional(stage, artifacts, "approval-request.json");
    let link = if event == Event::Requested {
        newest(&gitlab::jobs(stage), deploy_job).and_then(|job| job.web_url.clone())
    } else {
        None
    };
    let news = News {
        event,
        state: &state,
        pipeline: job.pipeline_url.as_ref().map(ToString::to_string),
        commit: stage.redact(job.commit_short_sha.as_deref().unwrap_or_default()),
        deploy_job,
        merged: job.merge_request_iid.is_none(),
        link,
        request: request.as_ref(),
        approval: optional(stage, artifacts, "approval.json"),
        compliance: judged(stage, artifacts),
        exposure: optional(stage, artifacts, "exposure.json"),
    };
    let body = stage.redact(&news.body(&marker));
    let written = stage
        .block_on(client.put_note(&project, iid, &marker.to_string(), &body))
        .map_err(|error| gitlab::said(&error))?;
    let did = match written.how {
        Written::Created => "written",
        Written::Updated => "updated",
        Written::Unchanged => "up to date",
    };
    let project = job.project_url.as_ref();
    Ok(Some(Told {
        said: format!("note {} of merge request !{iid} {did}", written.id),
        url: project.map(|url| format!("{url}/-/merge_requests/{iid}#note_{}", written.id)),
    }))
}

/// The merge request the pipeline is for; on a branch, the one that brought the commit.
fn merge_request(
    stage: &Stage,
    job: &Variables,
    client: &Client,
    project: &Project,
) -> Result<Option<u64>, String> {
    if let Some(iid) = job.merge_request_iid {
        return Ok(Some(iid));
    }
    let Some(commit) = &job.commit_sha else {
        return Ok(None);
    };
    let found: Vec<MergeRequest> = stage
        .block_on(client.merge_requests_of(project, commit))
        .map_err(|error: Error| gitlab::said(&error))?;
    let merged = found.iter().find(|request| request.state == "merged");
    Ok(merged.map(|request| request.iid))
}

/// What the note tells.
struct News<'a> {
    event: Event,
    state: &'a str,
    pipeline: Option<String>,
    commit: String,
    deploy_job: &'a str,
    /// Whether the pipeline is of the branch that the request was merged to.
    merged: bool,
    /// The page of the job to play.
    link: Option<String>,
    request: Option<&'a ApprovalRequest>,
    approval: Option<Approval>,
    compliance: Option<Report>,
    exposure: Option<ExposureReport>,
}

impl News<'_> {
    fn body(&self, marker: &Marker) -> String {
        let mut out = format!("{marker}\n\n### Portcullis: {}\n\n", markdown_code(self.state));
        let _ = writeln!(out, "{}\n", self.status());
        if let Some(exposure) = &self.exposure {
            let _ = writeln!(out, "{}", exposure.to_markdown());
        }
        // The exposure's table has an end of its own; the compliance table is cut to what is left.
        let last = self.last();
        if let Some(compliance) = &self.compliance {
            let used = out.chars().count() + last.chars().count();
            let left = Limits::characters(NOTE_LIMIT.saturating_sub(used + 1));
            let _ = writeln!(out, "{}", compliance.to_markdown(&left));
        }
        out + &last
    }

    fn status(&self) -> String {
        let digest = self
            .request
            .map(|request| format!(" Digest {}.", markdown_code(&request.short_digest())))
            .unwrap_or_default();
        match (self.event, &self.approval) {
            (Event::Deployed | Event::Failed, Some(approval)) => {
                let who = markdown_code(&approval.approved_by);
                let failed = if self.event == Event::Failed {
                    " The pipeline failed afterwards; its page says which job."
                } else {
                    ""
                };
                if approval.outcome == "applied" {
                    format!("**Deployed**, approved by {who}.{digest}{failed}")
                } else {
                    format!("**The apply failed** after the approval by {who}.{digest}")
                }
            }
            (Event::Requested, _) => {
                let name = markdown_code(self.deploy_job);
                let job = self
                    .link
                    .as_deref()
                    .map_or_else(|| name.clone(), |url| link(&name, url));
                format!("**Waiting for approval**: look at this, then play {job}.{digest}")
            }
            (Event::Violation, _) => "**The policy does not let this change through.**".to_owned(),
            (Event::Failed, _) => "**The pipeline failed**; its page says which job.".to_owned(),
            _ if self.merged => "**Planned and judged** after the merge.".to_owned(),
            _ => "**Planned and judged.** Nothing is applied from a merge request.".to_owned(),
        }
    }

    fn last(&self) -> String {
        let commit = markdown_code(&self.commit);
        match &self.pipeline {
            Some(url) => format!("Of commit {commit}, {}.\n", link("this pipeline", url)),
            None => format!("Of commit {commit}.\n"),
        }
    }
}

/// A link, or its words alone when the address could end the link and start something else.
fn link(words: &str, url: &str) -> String {
    let plain = url.starts_with("https://") || url.starts_with("http://");
    if plain
        && url
            .chars()
            .all(|c| c.is_ascii_graphic() && !"<>()[]\\`\"".contains(c))
    {
        format!("[{words}]({url})")
    } else {
        words.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_end_its_link_is_left_out() {
        assert_eq!(
            link("job", "https://a.example/-/jobs/9"),
            "[job](https://a.example/-/jobs/9)"
        );
        for url in [
            "https://a.example/) @all",
            "https://a.example/)[x](https://b.example",
            "javascript:alert(1)",
            "https://a.example/\n/approve",
            "",
        ] {
            assert_eq!(link("job", url), "job", "{url}");
        }
    }
}
