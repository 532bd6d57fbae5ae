//! What failed.

use crate::approval::how_it_ended;
use crate::pipeline::{agreement, services, short, symbol, time};
use crate::{Notice, Pipeline};
use portcullis_consistency::ConsistencyReport;
use portcullis_evidence::{Approval, RefusalRecord};
use portcullis_probe::ServicesReport;
use portcullis_report::text::{clean, cut};
use portcullis_report::{Report, Verdict};
use portcullis_slack::{RichText, Text};

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedJob {
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: Option<String>,
    /// Why, in GitLab's words: `script_failure`, `runner_system_failure`, ….
    pub reason: Option<String>,
}

/// Everything known about a failed pipeline. What is not a failure is left out of the message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failure<'a> {
    /// The jobs that failed, where GitLab could say.
    pub jobs: &'a [FailedJob],
    /// What the policy says.
    pub compliance: Option<&'a Report>,
    /// What came of the deploy.
    pub approval: Option<&'a Approval>,
    /// Why nothing was deployed, when the guard refused.
    pub refusal: Option<&'a RefusalRecord>,
    /// Whether code, state and cloud agree.
    pub consistency: Option<&'a ConsistencyReport>,
    /// Whether the services answer.
    pub services: Option<&'a ServicesReport>,
}

impl Failure<'_> {
    /// What failed, in a few words: for the status line.
    #[must_use]
    pub fn what(&self) -> String {
        if let Some(report) = self.services.filter(|report| report.verdict != Verdict::Pass) {
            return services(report.verdict).to_owned();
        }
        if let Some(report) = self.consistency.filter(|report| report.verdict != Verdict::Pass) {
            return agreement(report.verdict).to_owned();
        }
        if let Some(approval) = self.approval.filter(|approval| !approval.is_applied()) {
            return how_it_ended(approval);
        }
        if self.refusal.is_some() {
            return "refused by the approval guard".to_owned();
        }
        match (self.compliance.map(|report| report.verdict), self.jobs) {
            (Some(Verdict::Violation), _) => "stopped by the policy".to_owned(),
            (Some(Verdict::Undetermined), _) => "the policy cannot be judged".to_owned(),
            (_, []) => "a job failed".to_owned(),
            (_, jobs) => {
                let names: Vec<String> = jobs.iter().take(3).map(|job| short(&job.name)).collect();
                format!("job {}", names.join(", "))
            }
        }
    }
}

/// A job failed: what, and where to look. Results that have a message of their own are not repeated.
#[must_use]
pub fn failed(pipeline: &Pipeline, failure: Failure<'_>) -> Notice {
    let what = failure.what();
    let words = RichText::new().line(
        Text::new()
            .plain(symbol(Verdict::Violation))
            .plain(" ")
            .bold("Failed: ")
            .plain(&what),
    );
    pipeline
        .notice(
            "failed",
            Some(Verdict::Violation),
            "Pipeline failed",
            &format!("failed: {what}"),
        )
        .part(words)
        .part(list(failure.jobs))
        .pipeline_link()
}

/// The approval guard refused: nothing was deployed, and why.
#[must_use]
pub fn refused(pipeline: &Pipeline, refusal: &RefusalRecord) -> Notice {
    let digest: String = short(&refusal.digest).chars().take(12).collect();
    let by = short(&refusal.played_by);
    let reason = cut(&clean(&refusal.reason), 300);
    let text = format!("refused, nothing was deployed: {reason}. Played by {by}, approved digest {digest}");
    let words = RichText::new()
        .line(
            Text::new()
                .plain(symbol(Verdict::Violation))
                .plain(" ")
                .bold("Nothing was deployed"),
        )
        .line(Text::new().bold("Not as approved: ").plain(reason))
        .line(
            Text::new()
                .plain("Played by ")
                .bold(by)
                .plain(", ")
                .plain(time(&refusal.refused_at)),
        )
        .line(match &refusal.hint {
            Some(hint) => format!("To go on: {}.", cut(&clean(hint), 300)),
            None => "To go on, run a new pipeline and let its plan be approved.".to_owned(),
        });
    let notice = pipeline
        .notice("refused", Some(Verdict::Violation), "Refused", &text)
        .part(words)
        .small(format!("Approved digest {digest}"));
    match &refusal.job_url {
        Some(url) => notice.link("Open the deploy job", Some(url), false),
        None => notice.pipeline_link(),
    }
}

/// The failed jobs as a list.
pub(crate) fn list(jobs: &[FailedJob]) -> RichText {
    let mut points: Vec<Text> = jobs.iter().take(5).map(job).collect();
    if jobs.len() > points.len() {
        let left_out = jobs.len() - points.len();
        points.push(Text::new().italic(format!("and {left_out} more in the pipeline")));
    }
    RichText::new().bullets(points)
}

fn job(job: &FailedJob) -> Text {
    let text = match &job.url {
        Some(url) => Text::new().plain("Job ").link(short(&job.name), url),
        None => Text::new().plain("Job ").plain(short(&job.name)),
    };
    match job.reason.as_deref() {
        // That a command ended with an error is what a failed job is.
        None | Some("script_failure") => text,
        Some(reason) => text.plain(": ").plain(short(&reason.replace('_', " "))),
    }
}
