//! How the pipeline ended.

use crate::approval::how_it_ended;
use crate::pipeline::{agreement, count, services, short, symbol, upper_first};
use crate::{Notice, Pipeline};
use portcullis_evidence::{Approval, RefusalRecord};
use portcullis_report::Verdict;
use portcullis_slack::{RichText, Text};

/// Everything known at the end. A stage that was not reached has left nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Finish<'a> {
    /// The policy's verdict.
    pub compliance: Option<Verdict>,
    /// Who let it through, and what came of it.
    pub approval: Option<&'a Approval>,
    /// Why nothing was deployed, when the guard refused.
    pub refusal: Option<&'a RefusalRecord>,
    /// Whether code, state and cloud agree.
    pub consistency: Option<Verdict>,
    /// Whether the services answer.
    pub services: Option<Verdict>,
    /// Whether the plan changes nothing, so that nobody was asked.
    pub nothing_to_do: bool,
    /// Whether an approval was asked for.
    pub asked: bool,
    /// What GitLab tells of the deploy job, where that has left neither approval nor refusal.
    pub deploy_job: DeployJob,
    /// How many messages of this pipeline could not be delivered.
    pub undelivered: usize,
}

/// What is known of a deploy job that has left no record here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeployJob {
    /// Whether it ran is not known.
    #[default]
    Unknown,
    /// Nobody has played it, or it never came to a runner.
    NotStarted,
    /// It ran, and what it did is not known: it was killed, or its artifacts are not here.
    Ran,
}

impl Finish<'_> {
    /// Whether a change may be applied of which nothing here tells.
    fn is_in_doubt(&self) -> bool {
        let recorded = self.approval.is_some() || self.refusal.is_some();
        self.asked && !recorded && self.deploy_job != DeployJob::NotStarted
    }

    /// Whether all went well, and what came of it in a few words: for the status line.
    #[must_use]
    pub fn outcome(&self) -> (Verdict, &'static str) {
        match (self.approval, self.consistency, self.services) {
            (None, ..) if self.refusal.is_some() => {
                (Verdict::Violation, "not deployed: refused by the approval guard")
            }
            (None, Some(Verdict::Violation), _) if self.nothing_to_do => (
                Verdict::Violation,
                "nothing to deploy, but code, state and cloud do not agree",
            ),
            (None, _, Some(Verdict::Violation)) if self.nothing_to_do => (
                Verdict::Violation,
                "nothing to deploy, but a service does not answer as expected",
            ),
            (None, ..) if self.nothing_to_do => {
                (Verdict::Pass, "nothing to deploy: the plan changes nothing")
            }
            (None, ..) if self.is_in_doubt() => (
                Verdict::Undetermined,
                match self.deploy_job {
                    DeployJob::Ran => "the deploy job left no record, so what it applied is not known",
                    _ => "whether the change was deployed is not known",
                },
            ),
            (None, ..) => match self.compliance {
                Some(Verdict::Violation) => (Verdict::Violation, "not deployed: stopped by the policy"),
                Some(Verdict::Undetermined) => {
                    (Verdict::Undetermined, "not deployed: the policy cannot be judged")
                }
                Some(Verdict::Pass) | None => (Verdict::Undetermined, "not deployed"),
            },
            (Some(approval), ..) if !approval.is_applied() => (Verdict::Violation, "the deploy failed"),
            (_, Some(Verdict::Violation), _) => (
                Verdict::Violation,
                "deployed, but code, state and cloud do not agree",
            ),
            (_, _, Some(Verdict::Violation)) => (
                Verdict::Violation,
                "deployed, but a service does not answer as expected",
            ),
            (_, Some(Verdict::Pass), Some(Verdict::Pass)) => (Verdict::Pass, "deployed and verified"),
            _ => (Verdict::Undetermined, "deployed, but not all of it is verified"),
        }
    }
}

/// The pipeline is over: what came of each stage, and whether messages were lost on the way.
#[must_use]
pub fn finished(pipeline: &Pipeline, finish: Finish<'_>) -> Notice {
    let (verdict, outcome) = finish.outcome();
    let mut text = format!("finished: {outcome}");
    let compliance = finish.compliance.map_or("not judged", |verdict| verdict.as_str());
    let deploy = match finish.approval {
        Some(approval) if approval.is_applied() => {
            format!("applied, approved by {}", short(&approval.approved_by))
        }
        Some(approval) => format!(
            "failed ({}), approved by {}",
            how_it_ended(approval),
            short(&approval.approved_by)
        ),
        None => finish.refusal.map_or_else(
            || {
                match (finish.nothing_to_do, finish.is_in_doubt(), finish.deploy_job) {
                    (true, ..) => "nothing to do",
                    (_, true, DeployJob::Ran) => {
                        "it ran and left no record; its log, and EC2, tell what it did"
                    }
                    (_, true, _) => "not known: there is no record of it here, and GitLab did not tell",
                    (_, false, _) => "not reached",
                }
                .to_owned()
            },
            |refusal| format!("refused, played by {}", short(&refusal.played_by)),
        ),
    };
    let stage = |name: &str, words: &str| Text::new().bold(name).plain(": ").plain(words);
    let mut words = RichText::new()
        .line(
            Text::new()
                .plain(symbol(verdict))
                .plain(" ")
                .bold(upper_first(outcome)),
        )
        .bullets([
            stage("Policy", compliance),
            stage("Deploy", &deploy),
            stage("Verify", finish.consistency.map_or("not reached", agreement)),
            stage("Services", finish.services.map_or("not reached", services)),
        ]);
    if finish.undelivered > 0 {
        let lost = format!(
            "{} of this pipeline could not be delivered here; what they said is in undelivered.json, an artifact of the pipeline",
            count(finish.undelivered, "message")
        );
        words = words.line(Text::new().plain("⚠️ ").plain(&lost));
        text = format!("{text}. {lost}");
    }
    pipeline
        .notice("finished", Some(verdict), "Pipeline finished", &text)
        .part(words)
        .pipeline_link()
}
