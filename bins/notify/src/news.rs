//! What there is to tell about an event.

use crate::command::{About, Event};
use crate::documents::{judged, nothing_to_do, optional, required};
use crate::gitlab;
use crate::undelivered::Undelivered;
use portcullis_consistency::ConsistencyReport;
use portcullis_evidence::{Approval, ApprovalRequest, RefusalRecord};
use portcullis_exposure::ExposureReport;
use portcullis_gitlab::job::{Job, JobStatus, newest};
use portcullis_messages::{
    self as messages, Decision, DeployJob, FailedJob, Finish, Notice, Pipeline, Request, Status, Topic,
};
use portcullis_probe::ServicesReport;
use portcullis_report::{Report, Verdict};
use portcullis_stacks::StacksReport;
use portcullis_stage::{Artifacts, Failure, Stage};

/// What there is to tell about an event.
pub(crate) struct News {
    /// The thread's first message, with its status line.
    pub(crate) parent: Notice,
    /// The message in the thread, unless the first one says it all.
    pub(crate) message: Option<Notice>,
    /// What to put in the approval request's place, once it is decided.
    pub(crate) decided: Option<Notice>,
    /// Files that go with the message.
    pub(crate) files: Vec<Attachment>,
    /// The page of the job to play, while somebody is asked to.
    pub(crate) deploy_job: Option<String>,
    /// Whether it is a watch's news, which nothing goes before.
    pub(crate) begins: bool,
    /// Whether a watch has found nothing that it had not told before.
    pub(crate) quiet: bool,
}

/// A file for the thread.
pub(crate) struct Attachment {
    /// Its name.
    pub(crate) name: String,
    /// Its title.
    pub(crate) title: String,
    /// What is in it, masked.
    pub(crate) text: String,
}

/// An event in words: how far the pipeline is, and the message.
type Told = (Status, Option<Notice>);

const COMPLIANCE: &str = "compliance.json";
const EXPOSURE: &str = "exposure.json";
const REQUEST: &str = "approval-request.json";
const APPROVAL: &str = "approval.json";
const REFUSAL: &str = "refusal.json";
const CONSISTENCY: &str = "consistency.json";
const SERVICES: &str = "services.json";
const STACKS: &str = "stacks.json";
const PLAN: &str = "plan.txt";

impl News {
    /// Reads what the event needs. A document that the event is about must be there; others may be missing.
    pub(crate) fn read(
        event: Event,
        deploy_job: &str,
        about: Option<About>,
        stage: &Stage,
        artifacts: &Artifacts,
    ) -> Result<Self, Failure> {
        let reader = Reader {
            pipeline: Pipeline {
                topic: topic(event, about, stage, artifacts),
                ..gitlab::pipeline(stage)
            },
            deploy_job: if left_open(event, artifacts) {
                became(&gitlab::jobs(stage), deploy_job)
            } else {
                DeployJob::default()
            },
            stage,
            artifacts,
        };
        let asks = event == Event::Requested && artifacts.exists(REQUEST);
        let deploy_job = asks.then(|| reader.deploy_page(deploy_job)).flatten();
        let (status, message) = reader.told(event, deploy_job.as_deref())?;
        let mut files = Vec::new();
        if event == Event::Requested && message.is_some() {
            files.extend(reader.plan());
        }
        for name in message.iter().flat_map(Notice::documents) {
            files.extend(reader.document(name));
        }
        let compared = (event == Event::Consistency)
            .then(|| optional::<ConsistencyReport>(stage, artifacts, CONSISTENCY))
            .flatten();
        let since = compared.and_then(|report| report.since);
        Ok(Self {
            begins: since.is_some(),
            quiet: since.is_some_and(|since| since.is_quiet()),
            parent: messages::started(&gitlab::of_thread(stage, &reader.pipeline), &status),
            message,
            decided: reader.decided(event),
            files,
            deploy_job,
        })
    }

    /// The message that tells the event: what is lost when nothing can be sent.
    pub(crate) fn told(&self) -> &Notice {
        self.message.as_ref().unwrap_or(&self.parent)
    }
}

struct Reader<'a> {
    pipeline: Pipeline,
    /// What became of the deploy job, where it left no record and should have.
    deploy_job: DeployJob,
    stage: &'a Stage,
    artifacts: &'a Artifacts,
}

impl Reader<'_> {
    /// The page of the job to play.
    fn deploy_page(&self, deploy_job: &str) -> Option<String> {
        let jobs = gitlab::jobs(self.stage);
        let job = newest(&jobs, deploy_job);
        if job.is_none() && !jobs.is_empty() {
            self.stage.say(format!(
                "gitlab: the message links the pipeline only: it has no job {deploy_job}"
            ));
        }
        job.and_then(|job| job.web_url.clone())
    }

    fn told(&self, event: Event, deploy_job: Option<&str>) -> Result<Told, Failure> {
        let (stage, artifacts, pipeline) = (self.stage, self.artifacts, &self.pipeline);
        Ok(match event {
            Event::Started | Event::Planned => (Status::Running, None),
            Event::Violation => {
                let report: Report = required(stage, artifacts, COMPLIANCE)?;
                self.violation(&report, &[])
            }
            Event::Requested | Event::Deployed if nothing_to_do(stage, artifacts) => {
                // The thread's first message says it all.
                let outcome = match event {
                    Event::Requested => {
                        "nothing to do: the plan changes nothing, and the deploy job need not be played"
                    }
                    _ => "nothing was to be done: the plan changes nothing",
                };
                let status = Status::Finished {
                    verdict: Verdict::Pass,
                    outcome: outcome.to_owned(),
                };
                (status, None)
            }
            Event::Requested => {
                let request: ApprovalRequest = required(stage, artifacts, REQUEST)?;
                let shown = self.shown();
                let shown = Request {
                    deploy_job,
                    ..shown.as_request()
                };
                (
                    Status::WaitingForApproval,
                    Some(messages::requested(pipeline, &request, shown)),
                )
            }
            Event::Deployed => {
                let approval: Approval = required(stage, artifacts, APPROVAL)?;
                self.deployed(&approval)
            }
            Event::Refused => {
                let refusal: RefusalRecord = required(stage, artifacts, REFUSAL)?;
                self.refused(&refusal)
            }
            Event::Failed => self.failed(),
            Event::Consistency => {
                let report: ConsistencyReport = required(stage, artifacts, CONSISTENCY)?;
                (
                    Status::Compared {
                        verdict: report.verdict,
                        deployed: self.has_deployed(),
                    },
                    Some(messages::consistency(pipeline, &report)),
                )
            }
            Event::Checked => {
                let report: ServicesReport = required(stage, artifacts, SERVICES)?;
                (
                    Status::Checked {
                        verdict: report.verdict,
                        deployed: self.has_deployed(),
                    },
                    Some(messages::checked(pipeline, &report)),
                )
            }
            Event::Stacks => {
                let report: StacksReport = required(stage, artifacts, STACKS)?;
                let (verdict, counts) = (report.verdict, report.counts());
                (
                    Status::Stacks { verdict, counts },
                    Some(messages::stacks(pipeline, &report)),
                )
            }
            Event::Finished => self.finished(),
        })
    }

    /// Whether this pipeline has applied its change, by the record of it.
    fn has_deployed(&self) -> bool {
        optional::<Approval>(self.stage, self.artifacts, APPROVAL).is_some_and(|it| it.is_applied())
    }

    /// Whatever failed most tellingly has a message of its own.
    fn failed(&self) -> Told {
        let (stage, artifacts) = (self.stage, self.artifacts);
        let jobs: Vec<FailedJob> = gitlab::jobs(stage).into_iter().filter_map(failed_job).collect();
        let compliance = judged(stage, artifacts);
        let approval: Option<Approval> = optional(stage, artifacts, APPROVAL);
        let refusal: Option<RefusalRecord> = optional(stage, artifacts, REFUSAL);
        match (&approval, &refusal, &compliance) {
            (Some(approval), ..) if approval.outcome != "applied" => return self.deployed(approval),
            (None, Some(refusal), _) => return self.refused(refusal),
            (None, None, Some(report)) if report.verdict != Verdict::Pass => {
                return self.violation(report, &jobs);
            }
            _ => {}
        }
        let consistency: Option<ConsistencyReport> = optional(stage, artifacts, CONSISTENCY);
        let services: Option<ServicesReport> = optional(stage, artifacts, SERVICES);
        let failure = messages::Failure {
            jobs: &jobs,
            consistency: consistency.as_ref(),
            services: services.as_ref(),
            ..messages::Failure::default()
        };
        (
            Status::Failed { what: failure.what() },
            Some(messages::failed(&self.pipeline, failure)),
        )
    }

    fn violation(&self, report: &Report, jobs: &[FailedJob]) -> Told {
        let failure = messages::Failure {
            compliance: Some(report),
            ..messages::Failure::default()
        };
        (
            Status::Failed { what: failure.what() },
            Some(messages::violation(&self.pipeline, report, jobs)),
        )
    }

    fn deployed(&self, approval: &Approval) -> Told {
        let status = if approval.outcome == "applied" {
            Status::Deployed {
                approved_by: approval.approved_by.clone(),
            }
        } else {
            let failure = messages::Failure {
                approval: Some(approval),
                ..messages::Failure::default()
            };
            Status::Failed { what: failure.what() }
        };
        (status, Some(messages::deployed(&self.pipeline, approval)))
    }

    fn refused(&self, refusal: &RefusalRecord) -> Told {
        let failure = messages::Failure {
            refusal: Some(refusal),
            ..messages::Failure::default()
        };
        (
            Status::Failed { what: failure.what() },
            Some(messages::refused(&self.pipeline, refusal)),
        )
    }

    fn finished(&self) -> Told {
        let (stage, artifacts) = (self.stage, self.artifacts);
        let approval: Option<Approval> = optional(stage, artifacts, APPROVAL);
        let refusal: Option<RefusalRecord> = optional(stage, artifacts, REFUSAL);
        let finish = Finish {
            refusal: refusal.as_ref(),
            compliance: judged(stage, artifacts).map(|report| report.verdict),
            approval: approval.as_ref(),
            consistency: optional::<ConsistencyReport>(stage, artifacts, CONSISTENCY).map(|it| it.verdict),
            services: optional::<ServicesReport>(stage, artifacts, SERVICES).map(|report| report.verdict),
            nothing_to_do: nothing_to_do(stage, artifacts),
            asked: artifacts.exists(REQUEST),
            deploy_job: self.deploy_job,
            undelivered: Undelivered::read(stage, artifacts).messages.len(),
        };
        let (verdict, outcome) = finish.outcome();
        let status = Status::Finished {
            verdict,
            outcome: outcome.to_owned(),
        };
        (status, Some(messages::finished(&self.pipeline, finish)))
    }

    /// The request as it is to stand from now on, if this event comes after the decision.
    fn decided(&self, event: Event) -> Option<Notice> {
        let (stage, artifacts) = (self.stage, self.artifacts);
        if matches!(
            event,
            Event::Started | Event::Planned | Event::Violation | Event::Requested
        ) || !artifacts.exists(REQUEST)
        {
            return None;
        }
        let request: ApprovalRequest = optional(stage, artifacts, REQUEST)?;
        let approval: Option<Approval> = optional(stage, artifacts, APPROVAL);
        let refusal: Option<RefusalRecord> = optional(stage, artifacts, REFUSAL);
        let decision = match (&approval, &refusal) {
            (Some(approval), _) => Decision::Approved(approval),
            (None, Some(refusal)) => Decision::Refused(refusal),
            (None, None) if matches!(event, Event::Failed | Event::Finished) => match self.deploy_job {
                DeployJob::NotStarted => Decision::NotTaken,
                DeployJob::Ran | DeployJob::Unknown => Decision::NotKnown,
            },
            (None, None) => return None,
        };
        let shown = self.shown();
        Some(messages::decided(
            &self.pipeline,
            &request,
            shown.as_request(),
            decision,
        ))
    }

    fn shown(&self) -> Shown {
        Shown {
            exposure: optional(self.stage, self.artifacts, EXPOSURE),
            compliance: optional(self.stage, self.artifacts, COMPLIANCE),
            plan: self
                .artifacts
                .exists(PLAN)
                .then(|| self.artifacts.read_text(PLAN).ok())
                .flatten()
                .map(|text| self.stage.redact(&text)),
        }
    }

    fn plan(&self) -> Option<Attachment> {
        let text = match self.artifacts.read_text(PLAN) {
            Ok(text) => self.stage.redact(&text),
            Err(error) => {
                self.stage
                    .say(format!("slack: the request goes without the plan: {error}"));
                return None;
            }
        };
        let exposure: Option<ExposureReport> = optional(self.stage, self.artifacts, EXPOSURE);
        Some(Attachment {
            name: PLAN.to_owned(),
            title: "What opens and closes, and the Terraform plan".to_owned(),
            text: messages::plan_file(&text, exposure.as_ref())?,
        })
    }

    /// A report's text, which says what the message leaves out.
    fn document(&self, name: &str) -> Option<Attachment> {
        if !self.artifacts.exists(name) {
            return None;
        }
        let text = self.artifacts.read_text(name).ok()?;
        Some(Attachment {
            name: name.to_owned(),
            title: format!("All of it: {name}"),
            text: self.stage.redact(&text),
        })
    }
}

/// What the pipeline is about: as it is told, else by what the stages left. A child pipeline speaks in the thread of the change
/// that its parent is about.
fn topic(event: Event, about: Option<About>, stage: &Stage, artifacts: &Artifacts) -> Topic {
    /// What only a change leaves.
    const OF_A_CHANGE: [&str; 6] = [
        COMPLIANCE,
        EXPOSURE,
        "plan-report.json",
        REQUEST,
        APPROVAL,
        REFUSAL,
    ];
    let is_change = || {
        stage.variable("PORTCULLIS_PARENT_PIPELINE").is_some()
            || OF_A_CHANGE.iter().any(|name| artifacts.exists(name))
    };
    match (about, event) {
        (Some(About::Change), _) => Topic::Change,
        (Some(About::Services), _) => Topic::Services,
        (Some(About::Comparison), _) => Topic::Comparison,
        (None, Event::Checked) if !is_change() => Topic::Services,
        (None, Event::Consistency) if !is_change() => Topic::Comparison,
        (None, _) => Topic::Change,
    }
}

/// Whether the pipeline ends with a request to which there is no answer.
fn left_open(event: Event, artifacts: &Artifacts) -> bool {
    matches!(event, Event::Failed | Event::Finished)
        && artifacts.exists(REQUEST)
        && !artifacts.exists(APPROVAL)
        && !artifacts.exists(REFUSAL)
}

/// What became of the deploy job. One that was killed may be there under several numbers: the newest tells.
fn became(jobs: &[Job], name: &str) -> DeployJob {
    let Some(job) = newest(jobs, name) else {
        return DeployJob::Unknown;
    };
    match &job.status {
        JobStatus::Created | JobStatus::Manual | JobStatus::Skipped | JobStatus::Pending => {
            DeployJob::NotStarted
        }
        // Cancelled before it came to a runner.
        JobStatus::Canceled if job.started_at.is_none() => DeployJob::NotStarted,
        JobStatus::Canceled | JobStatus::Running | JobStatus::Success | JobStatus::Failed => DeployJob::Ran,
        JobStatus::Other(_) => DeployJob::Unknown,
    }
}

/// What a request shows besides itself.
struct Shown {
    exposure: Option<ExposureReport>,
    compliance: Option<Report>,
    plan: Option<String>,
}

impl Shown {
    fn as_request(&self) -> Request<'_> {
        Request {
            exposure: self.exposure.as_ref(),
            compliance: self.compliance.as_ref(),
            plan: self.plan.as_deref(),
            deploy_job: None,
        }
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
