//! What failed.

use crate::Pipeline;
use crate::pipeline::{agreement, at_most, services, short, symbol};
use crate::{findings, verification};
use portcullis_consistency::ConsistencyReport;
use portcullis_evidence::{Approval, RefusalRecord};
use portcullis_probe::ServicesReport;
use portcullis_report::text::{clean, cut};
use portcullis_report::{Report, Verdict};
use portcullis_slack::{Block, Message, RichText, Text};

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
        if let Some(approval) = self.approval.filter(|approval| approval.outcome != "applied") {
            return format!("terraform's exit code is {}", approval.exit_code);
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

/// The pipeline failed: what, and where to look.
#[must_use]
pub fn failed(pipeline: &Pipeline, failure: Failure<'_>) -> Message {
    let what = failure.what();
    let mut words = RichText::new().line(
        Text::new()
            .plain(symbol(Verdict::Violation))
            .plain(" ")
            .bold("Failed: ")
            .plain(&what),
    );
    if !failure.jobs.is_empty() {
        words = words.bullets(at_most(5, failure.jobs.iter().map(job), "the pipeline"));
    }
    let mut text = format!("failed: {what}");
    if let Some(refusal) = failure.refusal {
        let reason = cut(&clean(&refusal.reason), 300);
        text = format!("{text}: {reason}");
        words = words
            .line(Text::new().bold("Not as approved: ").plain(reason))
            .line(Text::new().plain("Played by ").bold(short(&refusal.played_by)));
    }
    let mut blocks = vec![Block::header("Pipeline failed"), Block::rich_text(words)];
    if let Some(report) = failure
        .compliance
        .filter(|report| report.verdict != Verdict::Pass)
    {
        blocks.push(Block::rich_text(findings::verdict(report, 5)));
    }
    if let Some(report) = failure
        .consistency
        .filter(|report| report.verdict != Verdict::Pass)
    {
        blocks.push(Block::rich_text(verification::rules(report, 5)));
    }
    if let Some(report) = failure.services.filter(|report| report.verdict != Verdict::Pass) {
        blocks.push(Block::rich_text(verification::answers(report, 5)));
    }
    blocks.push(Block::actions(pipeline.button()));
    pipeline.message("failed", &text, blocks)
}

fn job(job: &FailedJob) -> Text {
    let text = match &job.url {
        Some(url) => Text::new().link(short(&job.name), url),
        None => Text::new().plain(short(&job.name)),
    };
    match &job.reason {
        Some(reason) => text.plain(": ").plain(short(&reason.replace('_', " "))),
        None => text,
    }
}
