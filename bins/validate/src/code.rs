//! What can be said of the code alone: that it is HCL, that terraform finds it valid, and what is in it.

use portcullis_compliance::{GATE, Policy};
use portcullis_report::text::clean;
use portcullis_report::{Report, Verdict};
use portcullis_stage::{Failure, Program, Stage, code_place};
use portcullis_terraform::{Address, Configuration, Declared, ReadError};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::Path;

/// What the code declares. A rule that EC2 would refuse is named with its place.
pub(crate) fn declared(code: &Configuration, folder: &Path) -> Result<Declared, Failure> {
    code.declared().map_err(|error| {
        let block = match &error {
            ReadError::Rule { address, .. } => {
                Address::parse(address).and_then(|address| code.find(&address))
            }
            _ => None,
        };
        let place = block.map_or_else(
            || folder.display().to_string(),
            |block| format!("{}:{}", code_place(folder, &block.path), block.line),
        );
        let hint = error.hint();
        Failure::unreadable_in(place, error).hint(hint)
    })
}

/// Whether the code holds something that terraform must not be let loose on.
pub(crate) fn is_refused(report: &Report) -> bool {
    report
        .findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Violation && finding.rule.starts_with(GATE))
}

/// What was looked at, beside what was found.
pub(crate) fn with_notes(
    report: Report,
    code: &Configuration,
    declared: &Declared,
    terraform: bool,
    policy: &Policy,
) -> Report {
    let count = |wanted: fn(&str) -> bool| code.resources().filter(|block| wanted(&block.address)).count();
    let groups = count(|address| {
        address.starts_with("aws_security_group.") || address.starts_with("aws_default_security_group.")
    });
    let rules = count(|address| {
        address.starts_with("aws_security_group_rule.") || address.starts_with("aws_vpc_security_group_")
    });
    let checked = if terraform {
        "terraform finds the configuration valid"
    } else {
        "the configuration is HCL"
    };
    let known = declared.view.groups.len();
    report
        .note(format!(
            "{checked}; {groups} security groups and {rules} rule resources in it"
        ))
        .note(format!(
            "the policy is valid (rules: {}); judged as far as the code tells (groups: {known}), the plan decides",
            policy.rule_ids().count()
        ))
}

/// Runs `terraform init -backend=false` and `terraform validate` in the folder.
pub(crate) fn terraform_validate(
    folder: &Path,
    program: Option<&Path>,
    stage: &Stage,
) -> Result<(), Failure> {
    let terraform = stage
        .terraform(program)?
        .env("TF_IN_AUTOMATION", "true")
        .env("TF_INPUT", "false")
        .env("CHECKPOINT_DISABLE", "true");
    let mut chdir = OsString::from("-chdir=");
    chdir.push(folder);
    let command = |arguments: &[&str]| -> Program { terraform.clone().arg(&chdir).args(arguments) };
    let init = command(&["init", "-backend=false", "-input=false", "-no-color"]).run_teed()?;
    if !init.success() {
        let message = format!("{} init failed with exit code {}", terraform.title(), init.code());
        return Err(Failure::terraform(init.code(), message).hint("its own words stand above"));
    }
    let validate = command(&["validate", "-json", "-no-color"]).run_captured()?;
    let answer: Answer = serde_json::from_slice(&validate.stdout).map_err(|error| {
        stage.say(&validate.stderr);
        Failure::unreadable_in(format!("the answer of {} validate", terraform.title()), error)
    })?;
    for diagnostic in &answer.diagnostics {
        stage.say(diagnostic.line(folder));
    }
    if answer.valid {
        return Ok(());
    }
    let message = format!("{} finds the configuration not valid", terraform.title());
    Err(Failure::terraform(validate.code(), message).hint("each place is named above"))
}

/// What `terraform validate -json` answers (Terraform documentation, "validate command", JSON output).
#[derive(Deserialize)]
struct Answer {
    valid: bool,
    #[serde(default)]
    diagnostics: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    severity: String,
    summary: String,
    #[serde(default)]
    detail: String,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: u64,
}

impl Diagnostic {
    fn line(&self, folder: &Path) -> String {
        let place = self.range.as_ref().map_or_else(String::new, |range| {
            format!(
                "{}:{}: ",
                folder.join(&range.filename).display(),
                range.start.line
            )
        });
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", self.detail)
        };
        clean(&format!("{place}{}: {}{detail}", self.severity, self.summary))
    }
}
