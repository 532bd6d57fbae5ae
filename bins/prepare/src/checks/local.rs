//! What lies on this machine: folder, configuration, terraform, variables, policy.

use crate::check::Check;
use portcullis_compliance::Policy;
use portcullis_gitlab::ci::{MissingVariable, Variables};
use portcullis_stage::{Artifacts, Exit, Failure, LARGEST_CODE, ReadErrorKind, Stage};
use portcullis_terraform::{Configuration, FactKind};
use std::path::Path;

/// Whether artifacts can be written.
pub(crate) fn folder(artifacts: &Artifacts, stage: &Stage) -> Check {
    const NAME: &str = "artifacts";
    const PROBE: &str = ".doctor-probe";
    match artifacts
        .write_bytes(PROBE, b"")
        .and_then(|()| artifacts.remove(PROBE))
    {
        Ok(()) => Check::ok(NAME, format!("{} can be written", artifacts.folder().display())),
        Err(error) => Check::failed(NAME, &Failure::from(error), stage),
    }
}

/// Whether the folder holds a configuration whose state goes to GitLab.
pub(crate) fn config(config: &Path, program: Option<&Path>, stage: &Stage) -> Check {
    const NAME: &str = "configuration";
    if !config.is_dir() {
        return Check::missing(NAME, Exit::Usage, format!("{}: no such folder", config.display()))
            .mend("name the folder of the .tf files with `--config DIR`");
    }
    // Terraform passes over OpenTofu's own files.
    let tofu = stage.terraform_or_tofu(program) == "tofu";
    let wanted = |name: &str| {
        Configuration::is_code(name) && (tofu || !(name.ends_with(".tofu") || name.ends_with(".tofu.json")))
    };
    let files = match stage.read_named(config, wanted, LARGEST_CODE) {
        Ok(files) => files,
        Err(error) => return Check::failed(NAME, &Failure::usage(error), stage),
    };
    // Enough for a warning: what is no code terraform itself complains about.
    let http = FactKind::Backend("http".to_owned());
    let declares = |file: &(String, String)| {
        Configuration::read([(&file.0, &file.1)])
            .is_ok_and(|code| code.facts().iter().any(|fact| fact.kind == http))
    };
    if files.iter().any(declares) {
        let files = if files.len() == 1 {
            "1 file".to_owned()
        } else {
            format!("{} files", files.len())
        };
        Check::ok(NAME, format!("{}: {files}, backend \"http\"", config.display()))
    } else {
        Check::warn(
            NAME,
            format!(
                "{}: no backend \"http\", so terraform would forget the state with the job",
                config.display()
            ),
        )
        .mend("write `backend \"http\" {}` into the terraform block; its settings come from the environment")
    }
}

/// Whether every stage would use the same providers.
pub(crate) fn provider_lock(config: &Path, stage: &Stage) -> Check {
    const NAME: &str = "provider lock";
    match stage.read_bytes(&config.join(".terraform.lock.hcl")) {
        Ok(_) => Check::ok(NAME, ".terraform.lock.hcl is there"),
        Err(error) if error.kind() == ReadErrorKind::Missing => Check::warn(
            NAME,
            "no .terraform.lock.hcl, so plan and apply may get different providers",
        )
        .mend("run `terraform init` and commit the file"),
        Err(error) => Check::failed(NAME, &Failure::usage(error), stage),
    }
}

/// Whether the saved plan, which can't be masked, leaves its job encrypted.
pub(crate) fn plan_key(stage: &Stage) -> Check {
    const NAME: &str = "plan key";
    match stage.seals_plans() {
        Ok(true) => Check::ok(NAME, "plan.tfplan leaves the plan job encrypted"),
        Ok(false) => Check::warn(
            NAME,
            "plan.tfplan leaves the plan job in clear, with all sensitive values",
        )
        .mend(
            "set the masked variable PORTCULLIS_PLAN_KEY to what `openssl rand -hex 32` prints; until then keep \
             `artifacts:access` at developer or narrower",
        ),
        Err(failure) => Check::failed(NAME, &failure, stage),
    }
}

/// Whether terraform or tofu is there, and which.
pub(crate) fn terraform(explicit: Option<&Path>, stage: &Stage) -> Check {
    const NAME: &str = "terraform";
    const INSTALL: &str =
        "point to terraform or tofu, 1.0 or later, with `--terraform PATH` or PORTCULLIS_TERRAFORM";
    let program = match stage.terraform(explicit) {
        Ok(program) => program,
        Err(error) => return Check::failed(NAME, &error.into(), stage),
    };
    // Asks HashiCorp for news otherwise (Terraform docs, "terraform version").
    let output = match program
        .clone()
        .env("CHECKPOINT_DISABLE", "true")
        .args(["version", "-json"])
        .run_captured()
    {
        Ok(output) => output,
        Err(error) => return Check::failed(NAME, &error.into(), stage),
    };
    let path = program.path().display();
    let version = serde_json::from_slice::<Version>(&output.stdout)
        .ok()
        .filter(|_| output.success());
    match version {
        None => Check::missing(
            NAME,
            Exit::Usage,
            format!("{path} does not say its version as terraform does"),
        )
        .mend(INSTALL),
        Some(Version { terraform_version }) if terraform_version.starts_with("0.") => Check::missing(
            NAME,
            Exit::Usage,
            format!("{path} is version {terraform_version}"),
        )
        .mend(INSTALL),
        Some(Version { terraform_version }) => Check::ok(NAME, format!("{terraform_version} at {path}")),
    }
}

/// What `version -json` says, as far as it matters.
#[derive(serde::Deserialize)]
struct Version {
    terraform_version: String,
}

/// Whether the job's environment holds what later stages read.
pub(crate) fn variables(job: &Variables) -> Check {
    const NAME: &str = "variables";
    fn lacking<T>(read: Result<T, MissingVariable>) -> Option<MissingVariable> {
        read.err()
    }
    let needed = [
        lacking(job.require_api_url()),
        lacking(job.require_project_id()),
        lacking(job.require_job_token()),
        lacking(job.require_commit_sha()),
        lacking(job.require_commit_author()),
        lacking(job.require_user_login()),
        lacking(job.require_user_email()),
    ];
    let told = [
        lacking(job.require_pipeline_id()),
        lacking(job.require_pipeline_url()),
        lacking(job.require_job_url()),
        lacking(job.require_project_path()),
        lacking(job.require_commit_title()),
        lacking(job.require_commit_ref_name()),
    ];
    let count = needed.len() + told.len();
    let say = |missing: &[MissingVariable]| {
        let parts: Vec<String> = missing
            .iter()
            .map(|variable| format!("{} {}", variable.name, variable.problem))
            .collect();
        parts.join(", ")
    };
    let hint = |missing: &[MissingVariable]| missing.first().map(MissingVariable::hint);
    let needed: Vec<MissingVariable> = needed.into_iter().flatten().collect();
    let told: Vec<MissingVariable> = told.into_iter().flatten().collect();
    if !needed.is_empty() {
        Check::missing(NAME, Exit::Usage, say(&needed)).maybe_mend(hint(&needed))
    } else if !told.is_empty() {
        Check::warn(NAME, format!("messages will say less: {}", say(&told))).maybe_mend(hint(&told))
    } else {
        Check::ok(NAME, format!("all {count} that later stages read are set"))
    }
}

/// Whether the manual job is guarded: on Free, protecting the branch is what keeps others from playing it
/// (GitLab docs, "Control how jobs run").
pub(crate) fn branch(job: &Variables) -> Check {
    const NAME: &str = "branch";
    let Some(branch) = &job.commit_ref_name else {
        return Check::warn(NAME, "not known, so neither whether it is protected");
    };
    let default = job.default_branch.as_ref() == Some(branch);
    match job.commit_ref_protected {
        Some(true) => Check::ok(NAME, format!("{branch} is protected")),
        Some(false) if default => Check::warn(
            NAME,
            format!("{branch} is not protected: whoever may push may play the deploy job"),
        )
        .mend("protect the branch: Settings, Repository, Protected branches"),
        Some(false) => Check::ok(
            NAME,
            format!("{branch} is not protected, and no deploy runs from it"),
        ),
        None => Check::warn(
            NAME,
            format!("whether {branch} is protected is not known: CI_COMMIT_REF_PROTECTED is not set"),
        ),
    }
}

/// Whether the policy is one.
pub(crate) fn policy(path: &Path, stage: &Stage) -> Check {
    const NAME: &str = "policy";
    let text = match stage.read_text(path) {
        Ok(text) => text,
        Err(error) => {
            return Check::failed(NAME, &Failure::policy(error), stage)
                .mend("name the policy file with `--policy FILE`; docs/policy.md says how to write one");
        }
    };
    match Policy::read(&text) {
        Ok(policy) => {
            let rules = policy.rule_ids().count();
            let rules = if rules == 1 {
                "1 rule".to_owned()
            } else {
                format!("{rules} rules")
            };
            Check::ok(NAME, format!("{}: {rules}", path.display()))
        }
        Err(error) => Check::missing(NAME, Exit::Usage, format!("{}: {error}", path.display()))
            .mend(error.hint().unwrap_or("write it as docs/policy.md says")),
    }
}
