//! The command line, and what it does in order.

use crate::annotations::Links;
use crate::delivery;
use crate::news::News;
use crate::note;
use crate::status;
use crate::undelivered::Undelivered;
use clap::{Parser, ValueEnum};
use portcullis_evidence::Manifest;
use portcullis_stage::{ArtifactArgs, Artifacts, Exit, Failure, ReadErrorKind, Stage};

const EXAMPLES: &str = "\
Examples:
  portcullis-notify started                         begins the pipeline's thread
  portcullis-notify started --about services        begins the thread of a check of services
  portcullis-notify planned                         writes the merge request's note
  portcullis-notify requested --deploy-job deploy   asks for approval; a button opens that job
  portcullis-notify failed                          in a job with `when: on_failure`
  portcullis-notify finished                        in the last job, with `when: always`

Environment:
  PORTCULLIS_SLACK_TOKEN     the bot's token (xoxb-…), scopes chat:write, files:write and
                             channels:history (groups:history in a private channel)
  PORTCULLIS_SLACK_CHANNEL   the channel, best by its id (C…); the bot must be a member
  PORTCULLIS_SLACK_URL       another base of Slack's Web API, such as https://slack-gov.com/api/
  PORTCULLIS_SLACK_THREAD_CHANNEL, PORTCULLIS_SLACK_THREAD_TS
                             the thread, from the dotenv report thread.env that `started` writes
  PORTCULLIS_SLACK_WEBHOOK   Slack's incoming webhook, for want of a bot's token or when the bot
                             is turned away: each message stands alone
  PORTCULLIS_MATTERMOST_WEBHOOK, PORTCULLIS_TEAMS_WEBHOOK, PORTCULLIS_JSON_WEBHOOK
                             other places for the same messages (docs/slack.md)
  PORTCULLIS_COMMIT_STATUS   true: what the policy says and who approved become statuses of the commit
                             (PORTCULLIS_GITLAB_TOKEN needs the role Developer for that)
  PORTCULLIS_GITLAB_TOKEN    an access token with the scope api: planned, violation, requested,
                             deployed and failed keep one note in the merge request up to date

A Slack that is down, slow or not configured never fails the job: the loss is said on standard error,
and the message is kept in undelivered.json. Exit codes: docs/exit-codes.md";

/// Tells people in Slack what happened: one thread per pipeline, its first message updated in place
#[derive(Debug, Parser)]
#[command(name = "portcullis-notify", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What happened
    #[arg(value_enum)]
    event: Event,
    #[command(flatten)]
    artifacts: ArtifactArgs,
    /// Name of the manual job that deploys: for the button of an approval request, and for what became of it
    #[arg(long, value_name = "NAME", default_value = "deploy")]
    deploy_job: String,
    /// What the pipeline is about, as the thread's first message says [default: what the stages left tells]
    #[arg(long, value_enum, value_name = "TOPIC")]
    about: Option<About>,
}

/// What the pipeline is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum About {
    /// A change, to be approved and applied
    Change,
    /// Whether the services answer; nothing is changed
    Services,
    /// Whether code, state and cloud agree; nothing is changed
    Comparison,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Event {
    /// The pipeline began
    Started,
    /// The change was planned and judged: for the merge request's note only, Slack hears nothing
    Planned,
    /// The policy does not let the change through
    Violation,
    /// Somebody has to let the change through
    Requested,
    /// Somebody let it through, and terraform ended
    Deployed,
    /// Somebody played the deploy job, and the approval guard refused
    Refused,
    /// A job failed; a refusal, a failed apply or a violation is told as such
    Failed,
    /// Code, state and cloud were compared
    Consistency,
    /// The services were asked
    Checked,
    /// Many states were looked at, each in a chain of jobs of its own
    Stacks,
    /// The pipeline is over
    Finished,
}

impl Event {
    /// The word on the command line and in documents.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Planned => "planned",
            Self::Violation => "violation",
            Self::Requested => "requested",
            Self::Deployed => "deployed",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Consistency => "consistency",
            Self::Checked => "checked",
            Self::Stacks => "stacks",
            Self::Finished => "finished",
        }
    }
}

/// Reads what the stages left, tells it, and keeps what could not be told.
pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let artifacts = stage.artifacts(&args.artifacts.folder);
    let mut links = Links::read(stage, &artifacts);
    links.add_pages(args.event);
    status::set(args.event, stage, &artifacts);
    if let Some(url) = note::put(args.event, &args.deploy_job, stage, &artifacts) {
        links.add("Merge request", &url);
    }
    if args.event == Event::Planned {
        links.write();
        return Ok(Exit::Pass);
    }
    let news = News::read(args.event, &args.deploy_job, args.about, stage, &artifacts)?;
    if let Some(url) = &news.deploy_job {
        links.add("Deploy: the job to play", url);
    }
    let lost = delivery::deliver(args.event, &news, stage, &artifacts);
    if lost.is_empty() {
        links.add_thread();
    } else {
        Undelivered::append(stage, &artifacts, lost);
    }
    links.write();
    if args.event == Event::Finished {
        let lost = Undelivered::read(stage, &artifacts).messages.len();
        if lost > 0 {
            let path = artifacts.path(Undelivered::FILE);
            let messages = if lost == 1 { "message" } else { "messages" };
            stage.say(format!(
                "{lost} {messages} of this pipeline not delivered; see {}",
                path.display()
            ));
        }
        write_evidence(stage, &artifacts)?;
    }
    Ok(Exit::Pass)
}

/// The digests of all files of the run. Last of all, since a lost message is a file too.
fn write_evidence(stage: &Stage, artifacts: &Artifacts) -> Result<(), Failure> {
    const FILE: &str = "evidence.json";
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    // A folder that cannot be listed holds nothing that could be lost; writing below says what is wrong with it.
    for entry in std::fs::read_dir(artifacts.folder())
        .into_iter()
        .flatten()
        .flatten()
    {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let name = entry.file_name().to_string_lossy().into_owned();
        if !is_file || name == FILE || name.starts_with('.') {
            continue;
        }
        let bytes = match stage.read_bytes(&entry.path()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ReadErrorKind::Empty => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        files.push((name, bytes));
    }
    let manifest = Manifest::of(
        files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    );
    let text = manifest.to_json().map_err(Failure::internal)?;
    artifacts.write_text(FILE, &text)?;
    Ok(())
}
