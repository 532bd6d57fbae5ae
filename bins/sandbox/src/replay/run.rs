//! One call of the replayed terraform.

use super::arguments::{Arguments, Command};
use super::backend::{Backend, BackendError};
use super::client::Client;
use crate::files;
use crate::recording::{Recording, RecordingError, StateHead};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What terraform would have printed, and its exit code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code.
    pub code: u8,
}

impl Outcome {
    fn said(stdout: impl Into<String>) -> Self {
        Self {
            stdout: stdout.into(),
            ..Self::default()
        }
    }

    /// An error in terraform's shape, code 1.
    fn error(summary: &str, detail: &str) -> Self {
        Self {
            stderr: format!("\nError: {summary}\n\n{detail}\n"),
            code: 1,
            ..Self::default()
        }
    }
}

/// Runs one command. `data_dir` is `TF_DATA_DIR`, `who` the name in a lock.
///
/// Failures of terraform's own kind are an [`Outcome`], too.
///
/// # Errors
/// When the recording itself cannot be read.
pub async fn run(
    arguments: &Arguments,
    recording: &Recording,
    backend: Option<Backend>,
    data_dir: Option<&Path>,
    who: &str,
) -> Result<Outcome, RecordingError> {
    let folder = arguments.chdir.clone().unwrap_or_else(|| PathBuf::from("."));
    if !folder.is_dir() {
        return Ok(Outcome {
            stderr: format!(
                "Error handling -chdir option: chdir {}: no such file or directory\n",
                folder.display()
            ),
            code: 1,
            ..Outcome::default()
        });
    }
    let version = recording.terraform_version()?;
    let replay = Replay {
        initialised: folder
            .join(data_dir.unwrap_or(Path::new(".terraform")))
            .join("terraform.tfstate"),
        folder,
        recording,
        backend,
        version,
        who,
    };
    match &arguments.command {
        Command::Version { json } => Ok(replay.version(*json)),
        Command::Init { backend } => replay.init(*backend).await,
        Command::Validate { json } => Ok(replay.validate(*json)),
        Command::Plan {
            out,
            detailed_exit,
            lock,
        } => replay.plan(out.as_deref(), *detailed_exit, *lock).await,
        Command::Show { json, plan } => replay.show(*json, plan.as_deref()),
        Command::Apply { plan, lock } => replay.apply(plan, *lock).await,
    }
}

struct Replay<'a> {
    folder: PathBuf,
    /// The file by which `init` is remembered.
    initialised: PathBuf,
    recording: &'a Recording,
    backend: Option<Backend>,
    version: String,
    who: &'a str,
}

impl Replay<'_> {
    fn version(&self, json: bool) -> Outcome {
        let platform = format!("{}_{}", std::env::consts::OS, go_architecture());
        if json {
            let answer = json!({"terraform_version": self.version, "platform": platform,
                                "provider_selections": {}, "terraform_outdated": false});
            Outcome::said(format!("{answer:#}\n"))
        } else {
            Outcome::said(format!("Terraform v{}\non {platform}\n", self.version))
        }
    }

    async fn init(&self, with_backend: bool) -> Result<Outcome, RecordingError> {
        if !self.has_configuration() {
            return Ok(Outcome::said(
                "Terraform initialized in an empty directory!\n\nThe directory has no Terraform configuration files.\n",
            ));
        }
        if with_backend {
            let client = match self.client() {
                Ok(client) => client,
                Err(outcome) => return Ok(outcome),
            };
            if let Err(error) = client.read().await {
                return Ok(Outcome::error("Error refreshing state", &chain(&error)));
            }
        }
        if let Some(parent) = self.initialised.parent() {
            files::create_folder(parent)?;
        }
        let marker = json!({"version": 3, "terraform_version": self.version,
                            "backend": with_backend.then(|| json!({"type": "http"}))});
        files::write(&self.initialised, marker.to_string().as_bytes())?;
        let backend_lines = if with_backend {
            "Initializing the backend...\n\nSuccessfully configured the backend \"http\"! Terraform will automatically\n\
             use this backend unless the backend configuration changes.\n"
        } else {
            ""
        };
        Ok(Outcome::said(format!(
            "{backend_lines}Initializing provider plugins...\n\nTerraform has been successfully initialized!\n"
        )))
    }

    fn validate(&self, json: bool) -> Outcome {
        if !self.initialised.is_file() {
            return Outcome::error(
                "Missing required provider",
                "This configuration requires provider registry.terraform.io/hashicorp/aws, but that provider isn't\n\
                 available. You may be able to install it automatically by running:\n  terraform init",
            );
        }
        if json {
            let answer = json!({"format_version": "1.0", "valid": true, "error_count": 0, "warning_count": 0,
                                "diagnostics": []});
            Outcome::said(format!("{answer:#}\n"))
        } else {
            Outcome::said("Success! The configuration is valid.\n\n")
        }
    }

    async fn plan(
        &self,
        out: Option<&Path>,
        detailed_exit: bool,
        lock: bool,
    ) -> Result<Outcome, RecordingError> {
        let client = match self.ready() {
            Ok(client) => client,
            Err(outcome) => return Ok(outcome),
        };
        let held = match self.lock(&client, "OperationTypePlan", lock).await {
            Ok(held) => held,
            Err(outcome) => return Ok(outcome),
        };
        let read = client.read().await;
        let unlocked = unlock(&client, held.as_ref()).await;
        if let Err(error) = read {
            return Ok(Outcome::error("Error refreshing state", &chain(&error)));
        }
        if let Err(error) = unlocked {
            return Ok(Outcome::error("Error releasing the state lock", &chain(&error)));
        }
        let code = self.recording.plan_exit()?;
        let mut stdout = self.recording.plan_text()?;
        if let Some(out) = out {
            files::write(&self.folder.join(out), &self.recording.plan_file()?)?;
            if code == 2 {
                stdout.push_str(&format!(
                    "\n─────────────────────────────────────────────────────────────────────────────\n\n\
                     Saved the plan to: {out}\n\nTo perform exactly these actions, run the following command to apply:\n    \
                     terraform apply \"{out}\"\n",
                    out = out.display()
                ));
            }
        }
        // Without -detailed-exitcode, changes are no news.
        let code = if code == 2 && !detailed_exit { 0 } else { code };
        Ok(Outcome {
            stdout,
            stderr: String::new(),
            code,
        })
    }

    fn show(&self, json: bool, plan: Option<&Path>) -> Result<Outcome, RecordingError> {
        let text = |bytes: Vec<u8>| Outcome::said(String::from_utf8_lossy(&bytes).into_owned());
        let Some(plan) = plan else {
            return Ok(text(self.recording.state_show()?));
        };
        if let Err(outcome) = self.known_plan(plan)? {
            return Ok(outcome);
        }
        if json {
            Ok(text(self.recording.plan_json()?))
        } else {
            Ok(Outcome::said(self.recording.plan_text()?))
        }
    }

    async fn apply(&self, plan: &Path, lock: bool) -> Result<Outcome, RecordingError> {
        let client = match self.ready() {
            Ok(client) => client,
            Err(outcome) => return Ok(outcome),
        };
        if let Err(outcome) = self.known_plan(plan)? {
            return Ok(outcome);
        }
        let Some(text) = self.recording.apply_text()? else {
            return Ok(Outcome::error(
                "Nothing to replay",
                "This step was recorded without being applied.",
            ));
        };
        let held = match self.lock(&client, "OperationTypeApply", lock).await {
            Ok(held) => held,
            Err(outcome) => return Ok(outcome),
        };
        let done = self.write_state(&client, held.as_ref()).await?;
        // Whatever happened, terraform gives the lock back.
        let unlocked = unlock(&client, held.as_ref()).await;
        if let Err(outcome) = done {
            return Ok(outcome);
        }
        if let Err(error) = unlocked {
            return Ok(Outcome::error("Error releasing the state lock", &chain(&error)));
        }
        Ok(Outcome {
            stdout: text,
            stderr: String::new(),
            code: self.recording.apply_exit()?,
        })
    }

    /// Reads twice and writes, as an apply of a saved plan does.
    async fn write_state(
        &self,
        client: &Client,
        held: Option<&serde_json::Value>,
    ) -> Result<Result<(), Outcome>, RecordingError> {
        let mut before = None;
        for _ in 0..2 {
            match client.read().await {
                Ok(state) => before = state,
                Err(error) => return Ok(Err(Outcome::error("Error refreshing state", &chain(&error)))),
            }
        }
        let after = self.recording.state()?;
        if !follows(before.as_deref(), &after) {
            return Ok(Err(Outcome::error(
                "Saved plan is stale",
                "The given plan file can no longer be applied because the state was changed by another operation\n\
                 after the plan was created.",
            )));
        }
        if let Err(error) = client.write(&after, held).await {
            // As terraform does, so that nothing is lost.
            files::write(&self.folder.join("errored.tfstate"), &after)?;
            return Ok(Err(Outcome::error("Failed to save state", &chain(&error))));
        }
        Ok(Ok(()))
    }

    /// Refuses a file whose bytes are not the recorded plan, in the words terraform has for it.
    fn known_plan(&self, plan: &Path) -> Result<Result<(), Outcome>, RecordingError> {
        let path = self.folder.join(plan);
        match files::read(&path) {
            Ok(bytes) if bytes == self.recording.plan_file()? => Ok(Ok(())),
            Ok(_) => Ok(Err(Outcome::error(
                &format!("Failed to load \"{}\" as a plan file", plan.display()),
                "Error: zip: not a valid zip file",
            ))),
            Err(_) => Ok(Err(Outcome::error(
                &format!("Failed to load \"{}\" as a plan file", plan.display()),
                &format!("Error: stat {}: no such file or directory", plan.display()),
            ))),
        }
    }

    /// The client, when the folder has a configuration and was initialised.
    fn ready(&self) -> Result<Client, Outcome> {
        if !self.has_configuration() {
            return Err(Outcome::error(
                "No configuration files",
                "Plan requires configuration to be present. Planning without a configuration would mark everything\n\
                 for destruction, which is normally not what is desired.",
            ));
        }
        let marker = files::read_text(&self.initialised).unwrap_or_default();
        if !marker.contains("\"http\"") {
            return Err(Outcome::error(
                "Backend initialization required, please run \"terraform init\"",
                "Reason: Initial configuration of the requested backend \"http\"",
            ));
        }
        self.client()
    }

    fn client(&self) -> Result<Client, Outcome> {
        let Some(backend) = self.backend.clone() else {
            return Err(Outcome::error(
                "\"address\": required field is not set",
                "The http backend has no address: set TF_HTTP_ADDRESS.",
            ));
        };
        Client::new(backend).map_err(|error| Outcome::error("Error configuring the backend", &chain(&error)))
    }

    async fn lock(
        &self,
        client: &Client,
        operation: &str,
        wanted: bool,
    ) -> Result<Option<serde_json::Value>, Outcome> {
        if !wanted {
            return Ok(None);
        }
        client
            .lock(operation, &self.version, self.who)
            .await
            .map_err(|error| Outcome::error("Error acquiring the state lock", &chain(&error)))
    }

    fn has_configuration(&self) -> bool {
        files::list(&self.folder).is_ok_and(|names| names.iter().any(|name| name.ends_with(".tf")))
    }
}

/// True when `after` is a later state of the same origin; any state follows none.
fn follows(before: Option<&[u8]>, after: &[u8]) -> bool {
    let Some(before) = before else { return true };
    match (StateHead::read(before), StateHead::read(after)) {
        (Ok(before), Ok(after)) => before.lineage == after.lineage && before.serial < after.serial,
        _ => false,
    }
}

async fn unlock(client: &Client, held: Option<&serde_json::Value>) -> Result<(), BackendError> {
    match held {
        Some(lock) => client.unlock(lock).await,
        None => Ok(()),
    }
}

/// The error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// Go's names for the usual architectures.
fn go_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_follows_an_older_one_of_its_own_lineage() {
        let state = |serial: u64, lineage: &str| json!({"serial": serial, "lineage": lineage}).to_string();
        let follows = |before: &str, after: &str| follows(Some(before.as_bytes()), after.as_bytes());
        assert!(follows(&state(2, "a"), &state(3, "a")));
        assert!(!follows(&state(3, "a"), &state(3, "a")));
        assert!(!follows(&state(2, "b"), &state(3, "a")));
        assert!(!follows("{}", &state(3, "a")));
        assert!(super::follows(None, state(3, "a").as_bytes()));
    }
}
