//! What can be said of the code alone: that it is HCL, that terraform finds it valid, and what is in it.

use portcullis_compliance::{GATE, Policy};
use portcullis_report::text::clean;
use portcullis_report::{Report, Verdict};
use portcullis_stage::{Failure, Program, ReadErrorKind, Stage};
use portcullis_terraform::{Address, ConfigError, Configuration, Declared, ReadError};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The code in the folder, and the local modules that it calls, as long as they stand in the same repository.
pub(crate) fn read(folder: &Path, values: &[PathBuf], stage: &Stage) -> Result<Configuration, Failure> {
    let bad = |error: ConfigError| {
        Failure::unreadable_in(folder.display(), error)
            .hint("mend the file; `terraform fmt` shows the place, too")
    };
    let mut code =
        Configuration::read(stage.read_named(folder, Configuration::reads, LARGEST)?).map_err(bad)?;
    let repository = repository(folder);
    let mut asked = BTreeSet::new();
    let mut names: BTreeMap<PathBuf, usize> = BTreeMap::new();
    loop {
        let missing: Vec<String> = code.missing().difference(&asked).cloned().collect();
        if missing.is_empty() {
            break;
        }
        for module in missing {
            let path = folder.join(&module);
            let inside = match (path.canonicalize(), &repository) {
                (Ok(path), Some(repository)) if path.starts_with(repository) => {
                    let seen = names.entry(path).or_default();
                    *seen += 1;
                    *seen <= NAMES
                }
                _ => false,
            };
            // A module that is not there, or not ours, is left out: the gate says so.
            if inside {
                match stage.read_named(&path, Configuration::reads, LARGEST) {
                    Ok(files) => {
                        let named = files
                            .into_iter()
                            .map(|(name, text)| (format!("{module}/{name}"), text));
                        code.add(named).map_err(bad)?;
                    }
                    Err(error) if matches!(error.kind(), ReadErrorKind::NothingInFolder) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            asked.insert(module);
        }
    }
    let names: Vec<String> = code.variables().map(str::to_owned).collect();
    for name in names {
        let variable = format!("TF_VAR_{name}");
        if let Some(text) = stage.variable(&variable) {
            code.add_environment(&name, text)
                .map_err(|error| Failure::unreadable_in(variable, error).hint("mend the variable's value"))?;
        }
    }
    for file in values {
        let text = stage.read_text(file)?;
        code.add_values(&file.to_string_lossy(), &text)
            .map_err(|error| Failure::unreadable_in("--var-file", error).hint("mend the file"))?;
    }
    Ok(code)
}

/// The largest file of code, in bytes: one beyond is refused before it is read.
const LARGEST: u64 = 16 << 20;

/// By so many names one folder may be called; a link in a circle gives it ever more.
const NAMES: usize = 4;

/// The folder that code must not reach out of: the repository's, else the working folder, else its own.
fn repository(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let with_git = folder.ancestors().find(|folder| folder.join(".git").exists());
    let here = Path::new(".")
        .canonicalize()
        .ok()
        .filter(|here| folder.starts_with(here));
    with_git.map(Path::to_owned).or(here).or(Some(folder))
}

/// A file of the code as a reader finds it: `terraform/../modules/web/main.tf` is `modules/web/main.tf`.
pub(crate) fn place(folder: &Path, file: &str) -> String {
    let (mut folder, mut file) = (folder, file);
    while let (Some(rest), Some(_), Some(parent)) =
        (file.strip_prefix("../"), folder.file_name(), folder.parent())
    {
        (folder, file) = (parent, rest);
    }
    let path = folder.join(file);
    path.strip_prefix(".")
        .unwrap_or(&path)
        .to_string_lossy()
        .into_owned()
}

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
            |block| format!("{}:{}", place(folder, &block.path), block.line),
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
        .env("TF_INPUT", "false");
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
