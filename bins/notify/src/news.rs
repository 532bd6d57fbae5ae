//! What there is to tell about an event.

use crate::command::Event;
use crate::documents::{optional, required};
use crate::gitlab;
use crate::undelivered::Undelivered;
use portcullis_consistency::ConsistencyReport;
use portcullis_evidence::{Approval, ApprovalRequest, RefusalRecord};
use portcullis_exposure::ExposureReport;
use portcullis_gitlab::job::{Job, JobStatus};
use portcullis_messages::{self as messages, FailedJob, Finish, Request, Status};
use portcullis_probe::ServicesReport;
use portcullis_report::Report;
use portcullis_slack::Message;
use portcullis_stage::{Artifacts, Failure, Stage};

/// What there is to tell about an event.
pub(crate) struct News {
    /// The thread's first message, with its status line.
    pub(crate) parent: Message,
    /// The message in the thread, unless the first one says it all.
    pub(crate) message: Option<Message>,
    /// A file that goes with it.
    pub(crate) file: Option<Attachment>,
}

/// A file for the thread.
pub(crate) struct Attachment {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its title.
    pub(crate) title: &'static str,
    /// What is in it, masked.
    pub(crate) text: String,
}

const COMPLIANCE: &str = "compliance.json";
const EXPOSURE: &str = "exposure.json";
const REQUEST: &str = "approval-request.json";
const APPROVAL: &str = "approval.json";
const REFUSAL: &str = "refusal.json";
const CONSISTENCY: &str = "consistency.json";
const SERVICES: &str = "services.json";
const PLAN: &str = "plan.txt";

impl News {
    /// Reads what the event needs. A document that the event is about must be there; others may be missing.
    pub(crate) fn read(
        event: Event,
        deploy_job: &str,
        stage: &Stage,
        artifacts: &Artifacts,
    ) -> Result<Self, Failure> {
        let pipeline = gitlab::pipeline(stage);
        let (status, message) = match event {
            Event::Started | Event::Planned => (Status::Running, None),
            Event::Violation => {
                let report: Report = required(stage, artifacts, COMPLIANCE)?;
                let what = messages::Failure {
                    compliance: Some(&report),
                    ..messages::Failure::default()
                }
                .what();
                (
                    Status::Failed { what },
                    Some(messages::violation(&pipeline, &report)),
                )
            }
            Event::Requested => {
                let request: ApprovalRequest = required(stage, artifacts, REQUEST)?;
                let exposure: Option<ExposureReport> = optional(stage, artifacts, EXPOSURE);
                let compliance: Option<Report> = optional(stage, artifacts, COMPLIANCE);
                let jobs = gitlab::jobs(stage);
                let job = jobs.iter().find(|job| job.name == deploy_job);
                if job.is_none() && !jobs.is_empty() {
                    stage.say(format!(
                        "gitlab: the message links the pipeline only: it has no job {deploy_job}"
                    ));
                }
                let shown = Request {
                    exposure: exposure.as_ref(),
                    compliance: compliance.as_ref(),
                    deploy_job: job.and_then(|job| job.web_url.as_deref()),
                };
                (
                    Status::WaitingForApproval,
                    Some(messages::requested(&pipeline, &request, shown)),
                )
            }
            Event::Deployed => {
                let approval: Approval = required(stage, artifacts, APPROVAL)?;
                let failure = messages::Failure {
                    approval: Some(&approval),
                    ..messages::Failure::default()
                };
                let status = if approval.outcome == "applied" {
                    Status::Deployed {
                        approved_by: approval.approved_by.clone(),
                    }
                } else {
                    Status::Failed { what: failure.what() }
                };
                (status, Some(messages::deployed(&pipeline, &approval)))
            }
            Event::Failed => {
                let jobs: Vec<FailedJob> = gitlab::jobs(stage).into_iter().filter_map(failed_job).collect();
                let compliance: Option<Report> = optional(stage, artifacts, COMPLIANCE);
                let approval: Option<Approval> = optional(stage, artifacts, APPROVAL);
                let consistency: Option<ConsistencyReport> = optional(stage, artifacts, CONSISTENCY);
                let services: Option<ServicesReport> = optional(stage, artifacts, SERVICES);
                let refusal: Option<RefusalRecord> = optional(stage, artifacts, REFUSAL);
                let failure = messages::Failure {
                    jobs: &jobs,
                    compliance: compliance.as_ref(),
                    approval: approval.as_ref(),
                    refusal: refusal.as_ref(),
                    consistency: consistency.as_ref(),
                    services: services.as_ref(),
                };
                (
                    Status::Failed { what: failure.what() },
                    Some(messages::failed(&pipeline, failure)),
                )
            }
            Event::Consistency => {
                let report: ConsistencyReport = required(stage, artifacts, CONSISTENCY)?;
                (
                    Status::Compared(report.verdict),
                    Some(messages::consistency(&pipeline, &report)),
                )
            }
            Event::Checked => {
                let report: ServicesReport = required(stage, artifacts, SERVICES)?;
                (
                    Status::Checked(report.verdict),
                    Some(messages::checked(&pipeline, &report)),
                )
            }
            Event::Finished => {
                let approval: Option<Approval> = optional(stage, artifacts, APPROVAL);
                let refusal: Option<RefusalRecord> = optional(stage, artifacts, REFUSAL);
                let finish = Finish {
                    refusal: refusal.as_ref(),
                    compliance: optional::<Report>(stage, artifacts, COMPLIANCE).map(|report| report.verdict),
                    approval: approval.as_ref(),
                    consistency: optional::<ConsistencyReport>(stage, artifacts, CONSISTENCY)
                        .map(|it| it.verdict),
                    services: optional::<ServicesReport>(stage, artifacts, SERVICES)
                        .map(|report| report.verdict),
                    undelivered: Undelivered::read(stage, artifacts).messages.len(),
                };
                let (verdict, outcome) = finish.outcome();
                let status = Status::Finished {
                    verdict,
                    outcome: outcome.to_owned(),
                };
                (status, Some(messages::finished(&pipeline, finish)))
            }
        };
        let file = if event == Event::Requested {
            plan(stage, artifacts)
        } else {
            None
        };
        Ok(Self {
            parent: messages::started(&pipeline, &status),
            message,
            file,
        })
    }

    /// The message that tells the event: what is lost when nothing can be sent.
    pub(crate) fn told(&self) -> &Message {
        self.message.as_ref().unwrap_or(&self.parent)
    }
}

/// Jobs whose failure does not stop the pipeline are not what failed.
fn failed_job(job: Job) -> Option<FailedJob> {
    (job.status == JobStatus::Failed && !job.allow_failure).then_some(FailedJob {
        name: job.name,
        url: job.web_url,
        reason: job.failure_reason,
    })
}

fn plan(stage: &Stage, artifacts: &Artifacts) -> Option<Attachment> {
    match artifacts.read_text(PLAN) {
        Ok(text) => Some(Attachment {
            name: PLAN,
            title: "Terraform plan",
            text: stage.redact(&text),
        }),
        Err(error) => {
            stage.say(format!("slack: the request goes without the plan: {error}"));
            None
        }
    }
}
