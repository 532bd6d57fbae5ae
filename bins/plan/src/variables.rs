//! What is sensitive before there is a plan: the variables that the code declares so.

use portcullis_stage::Stage;
use portcullis_terraform::{Sensitive, may_hold_variables, sensitive_variables};
use std::path::Path;

/// The values of sensitive variables, as far as they can be known before terraform runs: from the code, from files of
/// values, from `TF_VAR_…`. They stand in terraform's complaints when there is no plan to tell them.
pub(crate) fn sensitive(config: &Path, stage: &Stage) -> Sensitive {
    // Terraform itself complains about files that cannot be read.
    let files = stage.read_tree(config, may_hold_variables);
    let (names, mut sensitive) = sensitive_variables(&files);
    for name in names {
        if let Some(value) = stage.variable(&format!("TF_VAR_{name}")) {
            sensitive.add(value);
        }
    }
    sensitive
}
