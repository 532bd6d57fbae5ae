//! Reads what was judged, binds it, writes the request. Asking in Slack is `portcullis-notify requested`.

use crate::ground;
use portcullis_evidence::{ApprovalRequest, Materials, Said};
use portcullis_exposure::ExposureReport;
use portcullis_report::text::clean;
use portcullis_report::{FORMAT_VERSION, Report, Verdict};
use portcullis_stage::{ArtifactArgs, Artifacts, Exit, Failure, GuardArgs, ReadErrorKind, Stage, StateArgs};
use portcullis_terraform::{Plan, ReadError, Sensitive, State, changes_nothing};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Seals what was planned and judged under one digest, for people to approve
///
/// Reads plan.tfplan, plan.json, compliance.json and exposure.json from the artifact folder, the policy, the provider
/// lock file, and the serial of the managed state. Writes approval-request.json and prints the short digest. Nothing is
/// asked when the policy says no: then the exit code is 1, or 2 when it cannot tell; nor when the deploy would be refused
/// whoever plays it, such as after a change that loosens the policy: then it is 3.
#[derive(Debug, clap::Parser)]
#[command(name = "portcullis-request-approval", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder with the Terraform configuration, for its provider lock file
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// The policy that the plan was held to; may be given again
    #[arg(long, value_name = "FILE", required = true)]
    policy: Vec<PathBuf>,
    /// terraform or tofu, which deploy will run: bound with the plan [default: PORTCULLIS_TERRAFORM, then terraform or tofu
    /// on the PATH]
    #[arg(long, value_name = "PATH")]
    terraform: Option<PathBuf>,
    #[command(flatten)]
    guard: GuardArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    artifacts: ArtifactArgs,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-request-approval --config terraform --policy terraform/policy.yaml
  portcullis-request-approval --config live/prod --policy policy.yaml --guard guard.yaml

Reads CI_API_V4_URL, CI_PROJECT_ID, CI_JOB_TOKEN, CI_COMMIT_SHA, CI_COMMIT_AUTHOR and
GITLAB_USER_LOGIN, and asks GitLab about the branch and the change. It posts nothing:
`portcullis-notify requested` asks in Slack.

Exit codes (docs/exit-codes.md):
  0 sealed · 1 the policy says no · 2 the policy cannot tell · 3 the guard would refuse the deploy
  64 wrong usage, missing variable · 65 unreadable plan, report or state · 69 GitLab not available";

const REQUEST: &str = "approval-request.json";

/// GitLab decides which jobs there are before anything is planned, so the manual job waits all the same.
const NOTHING: &str = "\
nothing to approve: the plan changes nothing, and the deploy job need not be played
GitLab shows this pipeline as blocked until somebody plays deploy, which then applies nothing and lets the views be compared,
or until somebody cancels it; nothing waits for it, and the next pipeline takes its place
";

const LOCK_FILE: &str = ".terraform.lock.hcl";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    let artifacts = stage.artifacts(&args.artifacts.folder);
    // An earlier run's request must not be taken for this one's, however this one ends.
    artifacts.remove(REQUEST)?;
    folder(&args.config)?;

    let compliance_text = artifacts.read_text("compliance.json")?;
    let compliance: Report = document(
        &artifacts,
        "compliance.json",
        &compliance_text,
        "portcullis-validate",
    )?;
    if compliance.verdict != Verdict::Pass {
        stage.out(format!(
            "no approval is asked for: the policy says {}\n",
            clean(&compliance.headline())
        ))?;
        stage.say(format!(
            "the findings are in {}",
            artifacts.path("compliance.txt").display()
        ));
        return Ok(compliance.verdict.into());
    }
    let exposure_text = artifacts.read_text("exposure.json")?;
    let exposure: ExposureReport = document(&artifacts, "exposure.json", &exposure_text, "portcullis-plan")?;
    let plan_file = artifacts.read_bytes("plan.tfplan")?;
    let plan_json = artifacts.read_text("plan.json")?;
    let unreadable = |error: ReadError| {
        let hint = error.hint();
        Failure::unreadable(Unreadable::new(artifacts.path("plan.json").display(), error)).hint(hint)
    };
    let plan = Plan::read(&plan_json).map_err(unreadable)?;
    if changes_nothing(&plan_json).map_err(unreadable)? {
        stage.out(NOTHING)?;
        return Ok(Exit::Pass);
    }
    let provider_lock = lock_file(stage, &args.config)?;
    let read = |path: &PathBuf| Ok((path.clone(), stage.read_bytes(path).map_err(Failure::policy)?));
    let policies: Vec<(PathBuf, Vec<u8>)> = args.policy.iter().map(read).collect::<Result<_, Failure>>()?;

    let job = stage.ci();
    let commit = job.require_commit_sha()?;
    let ground = ground::read(stage, &args.guard, &policies)?;
    let bytes: Vec<Vec<u8>> = policies.into_iter().map(|(_, bytes)| bytes).collect();
    let state = managed_state(stage, &args.state.state_name)?;
    let materials = Materials {
        plan_file: &plan_file,
        plan_json: plan_json.as_bytes(),
        policies: &bytes,
        compliance: compliance_text.as_bytes(),
        verdict: compliance.verdict,
        exposure: exposure_text.as_bytes(),
        commit,
        state: state
            .as_ref()
            .map_or((None, None), |state| (state.lineage.as_deref(), state.serial)),
        terraform: stage.terraform_or_tofu(args.terraform.as_deref()),
        terraform_version: plan.terraform_version.as_deref().unwrap_or("of unknown version"),
        provider_lock: provider_lock.as_deref(),
        portcullis_version: env!("CARGO_PKG_VERSION"),
    };
    // Masked before sealing: masked afterwards, the request would no longer match its own digest.
    let masked = |text: &Option<String>| text.as_deref().map(|text| stage.redact(text));
    let said = Said {
        approvers: ground.approvers,
        remarks: ground.remarks,
        good_until: ground.now.checked_add(ground.max_age).ok(),
    };
    let request = ApprovalRequest::seal(
        materials.bind(),
        ground.now,
        masked(&job.user_login),
        masked(&ground.author),
        stage.redact(&headline(&exposure)),
        said,
    );
    let text = request.to_json().map_err(Failure::internal)?;
    artifacts.write_text(REQUEST, &text)?;
    stage.out(summary(&request, &compliance, &args.state.state_name))?;
    Ok(Exit::Pass)
}

/// A report that an earlier stage wrote.
fn document<T: DeserializeOwned>(
    artifacts: &Artifacts,
    name: &str,
    text: &str,
    writer: &str,
) -> Result<T, Failure> {
    let path = artifacts.path(name);
    let hint = format!("let {writer} of this version write it again");
    let unreadable = |error| Failure::unreadable(Unreadable::new(path.display(), error)).hint(hint.as_str());
    let version: Version = serde_json::from_str(text).map_err(unreadable)?;
    if version.format_version.split('.').next() != FORMAT_VERSION.split('.').next() {
        let (path, version) = (path.display(), clean(&version.format_version));
        let message = format!("{path}: has format version {version}, this version reads {FORMAT_VERSION}");
        return Err(Failure::unreadable(message).hint(hint));
    }
    serde_json::from_str(text).map_err(unreadable)
}

#[derive(serde::Deserialize)]
struct Version {
    format_version: String,
}

fn folder(config: &Path) -> Result<(), Failure> {
    if config.is_dir() {
        return Ok(());
    }
    Err(Failure::usage(format!("{}: no such folder", config.display()))
        .hint("name the folder of the .tf files with `--config DIR`"))
}

fn lock_file(stage: &Stage, config: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match stage.read_bytes(&config.join(LOCK_FILE)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ReadErrorKind::Missing => Ok(None),
        Err(error) => Err(Failure::usage(error)),
    }
}

fn managed_state(stage: &Stage, name: &str) -> Result<Option<State>, Failure> {
    let Some(text) = stage.managed_state(name)? else {
        return Ok(None);
    };
    let unreadable = |error: ReadError| {
        let hint = error.hint();
        Failure::unreadable(Unreadable::new(format_args!("the managed state {name}"), error)).hint(hint)
    };
    stage.mask_all(Sensitive::of_state(&text).map_err(unreadable)?.values());
    State::read(&text).map(Some).map_err(unreadable)
}

/// What the change does, in the words people approve.
fn headline(exposure: &ExposureReport) -> String {
    match (clean(&exposure.headline), exposure.rules_rewritten) {
        (line, _) if !line.trim().is_empty() => line,
        (_, 0) => "opens and closes nothing".to_owned(),
        (_, 1) => "opens and closes nothing; 1 rule rewritten".to_owned(),
        (_, n) => format!("opens and closes nothing; {n} rules rewritten"),
    }
}

fn summary(request: &ApprovalRequest, compliance: &Report, state_name: &str) -> String {
    let bound = &request.bound;
    let state = match (&bound.state_lineage, bound.state_serial) {
        (None, None) => format!("{state_name}: none yet"),
        (_, None) => format!("{state_name}: serial unknown"),
        (_, Some(serial)) => format!("{state_name}: serial {serial}"),
    };
    let author = request.author.as_deref().unwrap_or("the commit's author");
    let needed = match request.approvers.as_slice() {
        [] => format!("somebody other than {author} plays the deploy job of this pipeline"),
        names => format!(
            "one of these plays the deploy job of this pipeline, and not {author}: {}",
            names.join(", ")
        ),
    };
    let policy = compliance.headline();
    let mut lines = vec![
        ("change", request.headline.as_str()),
        ("policy", &policy),
        ("commit", &bound.commit),
        ("state", &state),
        ("terraform", &bound.terraform),
        ("needed", &needed),
    ];
    if let Some(until) = &request.good_until {
        lines.push(("until", until));
    }
    lines.extend(request.remarks.iter().map(|remark| ("mind", remark.as_str())));
    let mut out = format!("approval request {}\n", request.short_digest());
    for (label, text) in lines {
        out.push_str(&format!("  {label:<9} {}\n", clean(text)));
    }
    out
}

#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be read")]
struct Unreadable {
    what: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Unreadable {
    fn new(what: impl std::fmt::Display, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            what: what.to_string(),
            source: Box::new(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        // clap breaks longer lines, each by itself.
        assert!(EXAMPLES.lines().all(|line| line.chars().count() <= 100));
    }
}
