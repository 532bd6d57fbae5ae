//! What the approval is bound to, as it lies there now.

use portcullis_evidence::{ApprovalRequest, Bound, Materials};
use portcullis_report::{Report, text::clean};
use portcullis_stage::{Artifacts, Failure, ReadErrorKind, Stage};
use portcullis_terraform::{ReadError, Sensitive, State, changes_nothing};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = ".terraform.lock.hcl";

/// The request that people saw.
pub(crate) fn request(artifacts: &Artifacts) -> Result<ApprovalRequest, Failure> {
    document(artifacts, "approval-request.json", "portcullis-request-approval").map(|(_, request)| request)
}

/// Whether nobody was asked since the plan changes nothing. A request that lies there is held against the plan, whatever that
/// changes.
pub(crate) fn nothing_to_do(artifacts: &Artifacts) -> bool {
    let idle = |plan: String| changes_nothing(&plan).unwrap_or(false);
    !artifacts.exists("approval-request.json") && artifacts.read_text("plan.json").is_ok_and(idle)
}

/// The policy's files, in the order in which they are named.
pub(crate) fn policies(stage: &Stage, paths: &[PathBuf]) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
    let read = |path: &PathBuf| Ok((path.clone(), stage.read_bytes(path).map_err(Failure::policy)?));
    paths.iter().map(read).collect()
}

/// Digests and facts as they are now: files from the artifact folder, the state over GitLab.
pub(crate) fn bound(
    stage: &Stage,
    artifacts: &Artifacts,
    config: &Path,
    policies: &[(PathBuf, Vec<u8>)],
    state_name: &str,
    (terraform, terraform_version): (&str, &str),
) -> Result<Bound, Failure> {
    let plan_file = artifacts.read_bytes("plan.tfplan")?;
    let plan_json = artifacts.read_bytes("plan.json")?;
    let policies: Vec<Vec<u8>> = policies.iter().map(|(_, bytes)| bytes.clone()).collect();
    let (compliance, report): (_, Report) = document(artifacts, "compliance.json", "portcullis-validate")?;
    let exposure = artifacts.read_bytes("exposure.json")?;
    let provider_lock = match stage.read_bytes(&config.join(LOCK_FILE)) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == ReadErrorKind::Missing => None,
        Err(error) => return Err(Failure::usage(error)),
    };
    let job = stage.ci();
    let commit = job.require_commit_sha()?;
    let state = state(stage, state_name)?;
    let materials = Materials {
        plan_file: &plan_file,
        plan_json: &plan_json,
        policies: &policies,
        compliance: compliance.as_bytes(),
        verdict: report.verdict,
        exposure: &exposure,
        commit,
        state: state
            .as_ref()
            .map_or((None, None), |state| (state.lineage.as_deref(), state.serial)),
        terraform,
        terraform_version,
        provider_lock: provider_lock.as_deref(),
        portcullis_version: env!("CARGO_PKG_VERSION"),
    };
    Ok(materials.bind())
}

fn state(stage: &Stage, name: &str) -> Result<Option<State>, Failure> {
    let Some(text) = stage.managed_state(name)? else {
        return Ok(None);
    };
    let unreadable = |error: ReadError| {
        Failure::unreadable(Unreadable {
            what: format!("the managed state {name}"),
            source: error.into(),
        })
        .hint("look at its versions in GitLab: Operate, Terraform states")
    };
    // Terraform's complaints may quote what is in it.
    stage.mask_all(Sensitive::of_state(&text).map_err(unreadable)?.values());
    State::read(&text).map(Some).map_err(unreadable)
}

/// Lineage and serial of the state as it is now; `None`, and a line that says so, when it cannot be read.
pub(crate) fn state_now(stage: &Stage, name: &str) -> Option<(Option<String>, Option<u64>)> {
    match state(stage, name) {
        Ok(state) => state.map(|state| (state.lineage, state.serial)),
        Err(_) => {
            stage.say("note: the state after the apply could not be read; the record is without its serial");
            None
        }
    }
}

/// A JSON document that an earlier stage wrote, with its text.
fn document<T: serde::de::DeserializeOwned>(
    artifacts: &Artifacts,
    name: &str,
    writer: &str,
) -> Result<(String, T), Failure> {
    let text = artifacts.read_text(name)?;
    let document = serde_json::from_str(&text).map_err(|error| {
        Failure::unreadable(Unreadable {
            what: clean(&artifacts.path(name).display().to_string()),
            source: error.into(),
        })
        .hint(format!(
            "start a new pipeline, so that {writer} of this version writes it again"
        ))
    })?;
    Ok((text, document))
}

#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be read")]
struct Unreadable {
    what: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}
