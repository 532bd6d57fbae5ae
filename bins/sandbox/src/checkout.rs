//! The files a runner would have checked out: the recorded estate, with the values that a step was planned with.

use crate::files::{self, FileError};
use crate::recording::{Recording, RecordingError};
use serde_json::Value;
use std::path::Path;

/// What `terraform init` of the recorded steps wrote; part of the checkout, as in a real project.
const PROVIDER_LOCK: &str = r#"# This file is maintained automatically by "terraform init".
# Manual edits may be lost in future updates.

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.31.0"
  constraints = ">= 5.31.0"
  hashes = [
    "h1:dK7VHjDEp1a+YmFmpic5Xl+RVxXXhN/G88yte2cwM88=",
  ]
}
"#;

/// It cannot be checked out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The recording.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The recorded plan.
    #[error("the recorded plan is no JSON")]
    Plan(#[source] serde_json::Error),
}

/// Writes `terraform/` into `folder`: configuration, lock file, values and policy. `workspace` is the root of this
/// repository, `recording` the step's folder.
///
/// # Errors
/// When a file cannot be read or written.
pub fn check_out(workspace: &Path, recording: &Path, folder: &Path) -> Result<(), CheckoutError> {
    let config = folder.join("terraform");
    files::copy_folder(&workspace.join("fixtures/estate/config"), &config)?;
    files::write(&config.join(".terraform.lock.hcl"), PROVIDER_LOCK.as_bytes())?;
    files::write(&config.join("terraform.tfvars.json"), &values(recording)?)?;
    let policy = files::read(&workspace.join("terraform/policy.yaml"))?;
    files::write(&config.join("policy.yaml"), &policy)?;
    Ok(())
}

/// The values of the variables that the step was planned with: what the commit changes.
fn values(recording: &Path) -> Result<Vec<u8>, CheckoutError> {
    let recording = Recording::open(recording)?;
    let plan: Value = serde_json::from_slice(&recording.plan_json()?).map_err(CheckoutError::Plan)?;
    let variables = plan["variables"].as_object().into_iter().flatten();
    let values: serde_json::Map<String, Value> = variables
        .map(|(name, variable)| (name.clone(), variable["value"].clone()))
        .collect();
    Ok(format!("{:#}\n", Value::Object(values)).into_bytes())
}
