//! Terraform, started in the configuration's folder with the managed state as its backend.

use crate::{
    Cancelled, Failure, LargeFile, Output, Program, ProgramError, SavedPlan, Stage, saved_plan::is_saved_plan,
};
use portcullis_gitlab::{
    ci::{MissingVariable, Variables},
    state::{InvalidStateName, JOB_TOKEN_USER, StateAddress},
};

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Terraform or `OpenTofu`, ready to run on one configuration.
#[derive(Debug)]
pub struct Terraform {
    program: Program,
    config: PathBuf,
}

impl Terraform {
    /// Looks for the program, and tells it where the state lives. Starts nothing.
    ///
    /// # Errors
    /// When there is no such folder or program, a variable of the job is missing, or the state's name cannot be one.
    pub fn new(
        stage: &Stage,
        program: Option<&Path>,
        config: &Path,
        state_name: &str,
    ) -> Result<Self, Failure> {
        if !config.is_dir() {
            return Err(Failure::usage(NoFolder(config.to_owned()))
                .hint("name the folder of the .tf files with `--config DIR`"));
        }
        let backend = backend(&stage.ci(), state_name)?;
        let mut terraform = Self::offline(stage, program, config)?;
        for (name, value) in backend {
            // The waits are the one setting a caller may choose.
            if name == "TF_HTTP_RETRY_WAIT_MIN" && stage.variable(name).is_some() {
                continue;
            }
            terraform.program = terraform.program.env(name, value.expose());
        }
        Ok(terraform)
    }

    /// Looks for the program, for what needs no state: `show` of a saved plan. Starts nothing.
    ///
    /// # Errors
    /// When there is no such folder or program.
    pub fn offline(stage: &Stage, program: Option<&Path>, config: &Path) -> Result<Self, Failure> {
        if !config.is_dir() {
            return Err(Failure::usage(NoFolder(config.to_owned()))
                .hint("name the folder of the .tf files with `--config DIR`"));
        }
        let program = stage.terraform(program)?;
        // What GitLab calls an automated run: shorter texts, no advice about commands to type
        // (Terraform docs, "Running Terraform in Automation"); and no question to HashiCorp about newer versions.
        let program = program
            .env("TF_IN_AUTOMATION", "true")
            .env("TF_INPUT", "false")
            .env("CHECKPOINT_DISABLE", "true");
        Ok(Self {
            program,
            config: config.to_owned(),
        })
    }

    /// Runs it in the configuration's folder, each line shown as it comes.
    ///
    /// # Errors
    /// When it cannot be started; a failure of its own is in the output.
    pub fn teed(
        &self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Output, ProgramError> {
        self.command(arguments).run_teed()
    }

    /// Runs it in the configuration's folder and shows nothing: for its JSON.
    ///
    /// # Errors
    /// When it cannot be started; a failure of its own is in the output.
    pub fn captured(
        &self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Output, ProgramError> {
        self.command(arguments).run_captured()
    }

    /// Runs it in the configuration's folder; `shows` says what is shown of each line as it comes.
    ///
    /// # Errors
    /// When it cannot be started; a failure of its own is in the output.
    pub fn held(
        &self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        shows: impl Fn(&str) -> Option<String> + Sync,
    ) -> Result<Output, ProgramError> {
        self.command(arguments).run_held(shows)
    }

    /// The JSON of a saved plan. It holds sensitive values in clear: mask it before it leaves the process.
    ///
    /// # Errors
    /// When the program cannot be started, fails, or shows no text.
    pub fn show_plan(&self, stage: &Stage, plan: &SavedPlan) -> Result<String, Failure> {
        let arguments: [OsString; 4] = [
            "show".into(),
            "-json".into(),
            "-no-color".into(),
            plan.path().into_os_string(),
        ];
        let show = self.captured(arguments)?;
        if !show.success() {
            stage.say(&show.stderr);
            return Err(self.failure("show", &show));
        }
        String::from_utf8(show.stdout).map_err(|_| {
            Failure::unreadable(NotText).hint("look at the version of terraform: `terraform version`")
        })
    }

    /// The same without this environment variable.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.program = self.program.without_env(name);
        self
    }

    /// What the program is called: `terraform`, `tofu`.
    #[must_use]
    pub fn name(&self) -> String {
        self.program.title()
    }

    /// Which of the two it is, for what is bound to it: see [`Stage::terraform_or_tofu`].
    #[must_use]
    pub fn terraform_or_tofu(&self) -> &'static str {
        which(&self.name())
    }

    /// Terraform's own failure, with its exit code and the headlines of its complaint.
    #[must_use]
    pub fn failure(&self, what: &str, output: &Output) -> Failure {
        let name = self.program.title();
        Failure::terraform(
            output.code(),
            Failed {
                command: format!("{name} {what}"),
                code: output.code(),
                cancelled: output.cancelled(),
                complaint: complaint(&output.transcript),
            },
        )
    }

    /// The version of the program itself, such as `1.11.4`.
    ///
    /// # Errors
    /// When it cannot be started, fails, or does not say its version as terraform does.
    pub fn version(&self) -> Result<String, Failure> {
        let output = self.captured(["version", "-json"])?;
        if !output.success() {
            return Err(self.failure("version", &output));
        }
        let answer: Version = serde_json::from_slice(&output.stdout).map_err(|source| {
            Failure::usage(NoVersion {
                program: self.name(),
                source,
            })
            .hint("point to terraform or tofu with `--terraform PATH` or PORTCULLIS_TERRAFORM")
        })?;
        Ok(answer.terraform_version)
    }

    fn command(&self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Program {
        let mut chdir = OsString::from("-chdir=");
        chdir.push(&self.config);
        self.program.clone().arg(chdir).args(arguments)
    }
}

impl Stage {
    /// Which of the two terraform would run here, by its name, `terraform` or `tofu`; whether there is one or not. They count
    /// their versions alike, and do not read alike.
    #[must_use]
    pub fn terraform_or_tofu(&self, explicit: Option<&Path>) -> &'static str {
        match (self.terraform(explicit), explicit) {
            (Ok(program), _) => which(&program.title()),
            (Err(_), Some(named)) => which(&named.to_string_lossy()),
            (Err(_), None) => which(self.variable("PORTCULLIS_TERRAFORM").unwrap_or_default()),
        }
    }
}

fn which(program: &str) -> &'static str {
    let name = Path::new(program).file_name().and_then(|name| name.to_str());
    if name.is_some_and(|name| name.contains("tofu")) {
        "tofu"
    } else {
        "terraform"
    }
}

/// The backend's settings: by environment only, since terraform would keep `-backend-config` in the plan file.
fn backend(
    ci: &Variables,
    state_name: &str,
) -> Result<Vec<(&'static str, portcullis_gitlab::Secret)>, BackendError> {
    let address = StateAddress::new(ci.require_project()?, state_name)?;
    Ok(address.environment(ci.require_api_url()?, JOB_TOKEN_USER, ci.require_job_token()?))
}

#[derive(Debug, thiserror::Error)]
enum BackendError {
    #[error(transparent)]
    Variable(#[from] MissingVariable),
    #[error(transparent)]
    Name(#[from] InvalidStateName),
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        let hint = match &error {
            BackendError::Variable(error) => error.hint(),
            BackendError::Name(error) => error.hint(),
        };
        Self::usage(error).hint(hint)
    }
}

impl Stage {
    /// The plan's JSON in this file. A saved plan, sealed or not, is shown by terraform, in the folder of the
    /// configuration, which must be initialised: so it is read whole where the plan's JSON among the artifacts is masked.
    ///
    /// # Errors
    /// When the file cannot be read, does not open, or terraform fails.
    pub fn plan_json(
        &self,
        path: &Path,
        config: Option<&Path>,
        program: Option<&Path>,
    ) -> Result<String, Failure> {
        Ok(self.plan_file(path, config, program)?.text()?.to_owned())
    }

    /// The same, where it may be large.
    ///
    /// # Errors
    /// As [`Stage::plan_json`], but for what is no text.
    pub fn plan_file(
        &self,
        path: &Path,
        config: Option<&Path>,
        program: Option<&Path>,
    ) -> Result<LargeFile, Failure> {
        let file = LargeFile::read(path)?;
        if !is_saved_plan(path, file.bytes()) {
            return Ok(file);
        }
        let Some(config) = config else {
            let message = format!(
                "{}: it is a saved plan, and only terraform reads it",
                path.display()
            );
            return Err(Failure::usage(message)
                .hint("name the initialised folder of the configuration with `--config DIR`"));
        };
        let plan = self.open_plan(path)?;
        let shown = Terraform::offline(self, program, config)?.show_plan(self, &plan)?;
        Ok(LargeFile::new(path, shown.into_bytes()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the plan that terraform shows is not text")]
struct NotText;

#[derive(Debug, thiserror::Error)]
#[error("{}: no such folder", .0.display())]
struct NoFolder(PathBuf);

#[derive(Debug, thiserror::Error)]
#[error("{command} failed with exit code {code}{}{}",
    cancelled.map(|by| format!(" after the job was cancelled ({})", by.name())).unwrap_or_default(),
    if complaint.is_empty() { String::new() } else { format!(": {complaint}") })]
struct Failed {
    command: String,
    code: i32,
    cancelled: Option<Cancelled>,
    complaint: String,
}

/// What `version -json` says, as far as it matters; `OpenTofu` uses the same key.
#[derive(serde::Deserialize)]
struct Version {
    terraform_version: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{program} does not say its version as terraform does")]
struct NoVersion {
    program: String,
    source: serde_json::Error,
}

/// The headlines of terraform's complaint, `Error: …`, at most three; else its last line. The whole stands above,
/// since the output was shown as it came.
fn complaint(transcript: &str) -> String {
    // Terraform draws a box around a complaint when it can.
    let lines = || {
        transcript
            .lines()
            .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']).trim())
    };
    let headlines: Vec<&str> = lines()
        .filter_map(|line| line.strip_prefix("Error: "))
        .take(3)
        .collect();
    if headlines.is_empty() {
        lines()
            .rfind(|line| !line.is_empty())
            .unwrap_or_default()
            .to_owned()
    } else {
        headlines.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_is_found_in_and_out_of_a_box() {
        let table = [
            (
                "Planning…\n\nError: Resource precondition failed\n\n  on pre.tf line 4\n",
                "Resource precondition failed",
            ),
            (
                "╷\n│ Error: Invalid index\n│ \n╵\n╷\n│ Error: Unsupported argument\n╵\n",
                "Invalid index; Unsupported argument",
            ),
            ("panic: out of memory\n\n", "panic: out of memory"),
            ("", ""),
        ];
        for (transcript, expected) in table {
            assert_eq!(complaint(transcript), expected);
        }
    }
}
