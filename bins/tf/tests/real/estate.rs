//! A project with a managed state, a folder with a configuration, and the wrapper to run in it.

use portcullis_sandbox::fault::Faults;
use portcullis_sandbox::gitlab::wire::LockedWrite;
use portcullis_sandbox::gitlab::{Gitlab, JobStatus, Project, Role, User};
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::MutexGuard;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const TOKEN: &str = "glcbt-64_the-first-job";
pub(crate) const OTHER_TOKEN: &str = "glcbt-64_the-next-job";
pub(crate) const JOB: u64 = 5;

pub(crate) struct Estate {
    folder: TempDir,
    gitlab: Gitlab,
    role: Role,
    path: String,
    terraform: String,
    /// Last, so that the stand-in goes first.
    _runtime: Runtime,
}

/// What a reader sees.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    /// Both streams, with the port and the folder taken out.
    pub(crate) text: String,
}

impl Run {
    /// The lines that are not terraform's.
    pub(crate) fn ours(&self) -> String {
        let ours = ["explained: ", "hint: ", "error: ", "WARNING: ", "state ", "SIG"];
        let lines = self
            .text
            .lines()
            .filter(|line| ours.iter().any(|start| line.starts_with(start)));
        format!("exit {}\n{}", self.code, lines.collect::<Vec<_>>().join("\n"))
    }
}

/// A run that is under way, in a process group of its own.
pub(crate) struct Started<'a> {
    child: Child,
    estate: &'a Estate,
}

impl Started<'_> {
    pub(crate) fn kill(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    /// As a runner does that ends a container: every process gets the signal.
    pub(crate) fn kill_all(&self, signal: &str) {
        kill(signal, &format!("-{}", self.child.id()));
    }

    pub(crate) fn end(self) -> Run {
        self.estate.see(&self.child.wait_with_output().unwrap())
    }
}

fn kill(signal: &str, whom: &str) {
    let sent = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -{signal} {whom}"))
        .status()
        .unwrap();
    assert!(sent.success());
}

impl Estate {
    /// `None` without terraform.
    pub(crate) fn new(role: Role) -> Option<Self> {
        Self::with(role, LockedWrite::Conflict)
    }

    /// Which answers a write beside a lock like this.
    pub(crate) fn with(role: Role, locked_write: LockedWrite) -> Option<Self> {
        let path = std::env::var("PATH").unwrap_or_default();
        let terraform = std::env::var("PORTCULLIS_TEST_TERRAFORM").unwrap_or_else(|_| "terraform".to_owned());
        // A path with folders in it is not looked for: `join` gives it as it is.
        if !std::env::split_paths(&path).any(|folder| folder.join(&terraform).is_file()) {
            assert!(
                std::env::var("PORTCULLIS_REQUIRE_TERRAFORM").is_err(),
                "{terraform} is not on the PATH, and PORTCULLIS_REQUIRE_TERRAFORM is set"
            );
            // Not by a macro, which the test harness would swallow.
            let _ = writeln!(std::io::stderr(), "!!! {terraform} is not installed: SKIPPED");
            return None;
        }
        let runtime = Runtime::new().unwrap();
        let project = Project::new(42, "harbour/estate", 1042, "0123456789abcdef");
        let gitlab = runtime.block_on(Gitlab::start(0, project, locked_write)).unwrap();
        let estate = Self {
            folder: tempfile::tempdir().unwrap(),
            gitlab,
            role,
            path,
            terraform,
            _runtime: runtime,
        };
        estate.new_job(TOKEN);
        Some(estate)
    }

    /// What the wrapper calls it: the file's name.
    pub(crate) fn program(&self) -> &str {
        let name = Path::new(&self.terraform).file_name();
        name.and_then(|name| name.to_str()).unwrap()
    }

    /// The job ends, and the next one has another token.
    pub(crate) fn new_job(&self, token: &str) {
        let user = self.user();
        let mut project = self.gitlab();
        project.end_job(JOB, JobStatus::Success, "2026-11-24T00:00:00Z");
        project.start_job(JOB, token, user, "2026-11-24T00:00:00Z");
    }

    fn user(&self) -> User {
        User {
            id: 1,
            login: "ada".to_owned(),
            name: "Ada".to_owned(),
            role: self.role,
        }
    }

    /// One of the same user.
    pub(crate) fn access_token(&self) -> &'static str {
        let token = "glpat-never-shown";
        let user = self.user();
        self.gitlab().grant(token, user);
        token
    }

    pub(crate) fn gitlab(&self) -> MutexGuard<'_, Project> {
        self.gitlab.project()
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.gitlab.faults
    }

    pub(crate) fn lock_of(&self, state: &str) -> Option<String> {
        self.gitlab().states.holder(state).map(|lock| lock.id.clone())
    }

    pub(crate) fn state(&self, name: &str) -> String {
        String::from_utf8(self.gitlab().states.read(name).unwrap().unwrap().to_vec()).unwrap()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    pub(crate) fn resource(&self, name: &str, input: &str) {
        self.write(
            "main.tf",
            &format!(
                "terraform {{\n  backend \"http\" {{}}\n}}\nresource \"terraform_data\" \"{name}\" {{\n  input = \"{input}\"\n}}\n\
                 output \"{name}\" {{\n  value = terraform_data.{name}.output\n}}\n"
            ),
        );
    }

    /// One resource, and one after it that says that it has begun, and waits.
    pub(crate) fn waiting_resource(&self) {
        for fifo in ["started", "go"] {
            if !self.at(fifo).exists() {
                assert!(
                    Command::new("mkfifo")
                        .arg(self.at(fifo))
                        .status()
                        .unwrap()
                        .success()
                );
            }
        }
        let folder = self.folder.path().display();
        self.write(
            "main.tf",
            &format!(
                r#"terraform {{
  backend "http" {{}}
}}
resource "terraform_data" "before" {{}}
resource "terraform_data" "waits" {{
  depends_on = [terraform_data.before]
  provisioner "local-exec" {{
    # It waits for terraform to end it: were it to end by a signal to all, an apply could be over before terraform has seen its own.
    command = "trap '' TERM; echo started > {folder}/started; read answer < {folder}/go"
  }}
}}
"#
            ),
        );
    }

    pub(crate) fn wait_until_started(&self) {
        assert_eq!(fs::read_to_string(self.at("started")).unwrap(), "started\n");
    }

    pub(crate) fn go(&self) {
        fs::write(self.at("go"), "go\n").unwrap();
    }

    pub(crate) fn ready(&self) {
        let init = self.run(&["init"]);
        assert_eq!(init.code, 0, "{}", init.text);
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_as(TOKEN, words)
    }

    pub(crate) fn run_as(&self, token: &str, words: &[&str]) -> Run {
        self.see(&self.command(token, words).output().unwrap())
    }

    pub(crate) fn start(&self, words: &[&str]) -> Started<'_> {
        let child = self.command(TOKEN, words).process_group(0).spawn().unwrap();
        Started { child, estate: self }
    }

    pub(crate) fn command(&self, token: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-tf"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.folder.path())
            .env("CI", "true")
            .env("CI_API_V4_URL", format!("{}/api/v4", self.gitlab.url()))
            .env("CI_PROJECT_ID", "42")
            .env("CI_PROJECT_PATH", "harbour/estate")
            .env("CI_PROJECT_URL", "https://gitlab.example/harbour/estate")
            .env("CI_JOB_TOKEN", token)
            .env("PORTCULLIS_STATE_NAME", "production")
            .env("PORTCULLIS_TERRAFORM", &self.terraform)
            .env("TF_HTTP_RETRY_WAIT_MIN", "0")
            .env("TF_HTTP_RETRY_WAIT_MAX", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn see(&self, output: &std::process::Output) -> Run {
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            !text.contains(TOKEN) && !text.contains("glpat-"),
            "a token is shown: {text}"
        );
        let text = text
            .replace(&format!("127.0.0.1:{}", self.gitlab.port()), "127.0.0.1:PORT")
            .replace(&self.folder.path().display().to_string(), "DIR");
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout.clone(),
            text,
        }
    }

    /// The text of everything in the folder, `.terraform` included.
    pub(crate) fn all_files(&self) -> String {
        let (mut text, mut open) = (String::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if is_regular(&path) {
                    text.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
                }
            }
        }
        text
    }
}

fn is_regular(path: &Path) -> bool {
    path.metadata().is_ok_and(|facts| facts.is_file())
}
