//! A deploy job: its checkout, its variables, a small program in terraform's place, and a GitLab faked at the wire.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "not every test file needs all of it"
)]

mod gitlab;

use gitlab::{Gitlab, TOKEN};
use portcullis_evidence::{ApprovalRequest, Materials, Said};
use portcullis_report::{Report, Verdict};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
};
use tempfile::TempDir;

/// Held while a script is written and while a process is forked: a child forked in between would hold the script
/// open for writing, and Linux does not start such a file ("text file busy").
static FORK: Mutex<()> = Mutex::new(());

pub(crate) const AUTHOR: &str = "Ada Lovelace <ada@example.org>";
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const STATE: &str = r#"{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "c4bc1358", "outputs": {}, "resources": []}"#;

pub(crate) const PLAN: &str = r#"{"format_version": "1.2", "resource_changes": [
  {"address": "terraform_data.x", "mode": "managed", "type": "terraform_data", "name": "x",
   "change": {"actions": ["create"], "before": null, "after": {}, "after_unknown": {}}}]}"#;

pub(crate) const POLICY: &str = "version: 1
rules:
  - id: no-ssh
    severity: high
    deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet }
  - id: no-rdp
    severity: high
    deny: { direction: ingress, protocol: tcp, ports: [3389], peers: internet }
";

/// What the merge request began at.
pub(crate) const BASE: &str = "ba5e";

pub(crate) const ARGUMENTS: [&str; 8] = [
    "--config",
    "config",
    "--policy",
    "policy.yaml",
    "--terraform",
    "./fake-terraform",
    "--state-name",
    "production",
];

/// A checkout with everything a deploy needs, as the stages before it leave it.
pub(crate) struct Job {
    pub(crate) folder: TempDir,
    pub(crate) outside: TempDir,
    pub(crate) gitlab: Gitlab,
    pub(crate) variables: Vec<(String, String)>,
}

impl Job {
    pub(crate) async fn new() -> Self {
        let gitlab = Gitlab::start().await;
        gitlab.has("projects/42/terraform/state/production", STATE);
        gitlab.has(
            "job",
            &format!(
                r#"{{"id": 70, "name": "deploy", "stage": "deploy", "status": "running", "ref": "main", "started_at": "2026-11-23T12:29:30.123Z",
                    "user": {{"id": 12, "username": "grace", "name": "Grace Hopper"}}, "pipeline": {{"id": 9, "project_id": 42, "ref": "main"}},
                    "commit": {{"id": "{COMMIT}", "author_name": "Ada Lovelace", "author_email": "ada@example.org"}}}}"#
            ),
        );
        gitlab.has(
            "projects/42/pipelines/9/jobs",
            r#"[{"id": 70, "name": "deploy", "stage": "deploy", "status": "running", "started_at": "2026-11-23T12:29:30Z"},
                {"id": 60, "name": "plan", "stage": "plan", "status": "success", "started_at": "2026-11-23T11:00:00Z"}]"#,
        );
        gitlab.has(
            "projects/42/pipelines/9",
            r#"{"id": 9, "user": {"id": 3, "username": "lin"}}"#,
        );
        let brought = format!("projects/42/repository/commits/{COMMIT}/merge_requests");
        gitlab.has(
            &brought,
            r#"[{"iid": 7, "title": "T", "state": "merged", "target_branch": "main"}]"#,
        );
        gitlab.has(
            "projects/42/merge_requests/7",
            &format!(
                r#"{{"iid": 7, "title": "T", "state": "merged", "author": {{"id": 11, "username": "ada"}}, "diff_refs": {{"base_sha": "{BASE}"}}}}"#
            ),
        );
        gitlab.has(
            "projects/42/repository/branches",
            r#"[{"name": "main", "protected": true}]"#,
        );
        for at in [BASE, COMMIT] {
            gitlab.has_file("policy.yaml", at, POLICY);
            gitlab.has_file(
                ".gitlab-ci.yml",
                at,
                "include:\n  - project: infra/portcullis\n    file: all.yml\n",
            );
        }
        let folder = tempfile::tempdir().unwrap();
        let variables = [
            ("CI_API_V4_URL", gitlab.api()),
            ("CI_PROJECT_ID", "42".to_owned()),
            ("CI_JOB_TOKEN", TOKEN.to_owned()),
            ("CI_JOB_URL", "https://gitlab.example/job/7".to_owned()),
            ("CI_COMMIT_SHA", COMMIT.to_owned()),
            ("CI_COMMIT_AUTHOR", AUTHOR.to_owned()),
            ("CI_COMMIT_REF_NAME", "main".to_owned()),
            ("CI_COMMIT_REF_PROTECTED", "true".to_owned()),
            ("CI_PROJECT_PATH", "harbour/estate".to_owned()),
            ("GITLAB_USER_LOGIN", "grace".to_owned()),
            ("GITLAB_USER_EMAIL", "grace@example.org".to_owned()),
            ("PORTCULLIS_NOW", "2026-11-23T12:30:00Z".to_owned()),
            ("PORTCULLIS_RETRY_WAIT", "0".to_owned()),
            // Must not reach terraform: it could change what is applied.
            ("TF_CLI_ARGS_apply", "-replace=aws_instance.front".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let job = Self {
            folder,
            outside: tempfile::tempdir().unwrap(),
            gitlab,
            variables,
        };
        fs::create_dir(job.path("config")).unwrap();
        fs::create_dir(job.path("portcullis")).unwrap();
        job.write("config/.terraform.lock.hcl", "provider \"aws\" {}\n");
        job.write("config/main.tf", "terraform {}\n");
        job.write("policy.yaml", POLICY);
        job.write("portcullis/plan.tfplan", "the saved plan");
        job.write("portcullis/plan.json", PLAN);
        job.write("shown.json", PLAN);
        job.write("portcullis/exposure.json", r#"{"format_version": "1.0"}"#);
        job.write(
            "portcullis/compliance.json",
            &Report::new("compliance", Vec::new()).to_json().unwrap(),
        );
        job.seal(Verdict::Pass, Some(AUTHOR));
        job.terraform("1.11.4", 0);
        job
    }

    /// What `request-approval` leaves.
    pub(crate) fn seal(&self, verdict: Verdict, author: Option<&str>) {
        let read = |name: &str| fs::read(self.path(name)).unwrap();
        let materials = Materials {
            plan_file: &read("portcullis/plan.tfplan"),
            plan_json: &read("portcullis/plan.json"),
            policies: &[read("policy.yaml")],
            compliance: &read("portcullis/compliance.json"),
            verdict,
            exposure: &read("portcullis/exposure.json"),
            commit: COMMIT,
            state: (Some("c4bc1358"), Some(3)),
            terraform: "terraform",
            terraform_version: "1.11.4",
            provider_lock: Some(&read("config/.terraform.lock.hcl")),
            portcullis_version: env!("CARGO_PKG_VERSION"),
        };
        let request = ApprovalRequest::seal(
            materials.bind(),
            "2026-11-23T12:00:00Z".parse().unwrap(),
            Some("ada".to_owned()),
            author.map(str::to_owned),
            "opens tcp 8000 from the whole IPv4 internet on web",
            Said::default(),
        );
        self.write("portcullis/approval-request.json", &request.to_json().unwrap());
    }

    /// A terraform of this version whose apply ends like this.
    pub(crate) fn terraform(&self, version: &str, apply_exit: u8) {
        let root = self.folder.path().display();
        let script = format!(
            r#"#!/bin/sh
echo "$* ${{TF_CLI_ARGS_apply-}}" >> "{root}/calls"
case "$2" in
  version) echo '{{"terraform_version": "{version}"}}' ;;
  init) echo "Initializing the backend..." ;;
  show) cat "{root}/shown.json" ;;
  apply)
    echo "applying $(cat "$5") with $TF_HTTP_PASSWORD"
    [ {apply_exit} = 0 ] || {{ echo "aws_x.a: Creation complete after 1s"; echo "aws_x.b: Creating..."; echo "Error: Failed to save state"; }}
    exit {apply_exit} ;;
esac
"#
        );
        self.write("fake-terraform", &script);
        fs::set_permissions(self.path("fake-terraform"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let _alone = FORK.lock();
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The guard's own rules, from outside of the checkout as a CI/CD variable of the type File would give them.
    pub(crate) fn guarded_by(&mut self, rules: &str) {
        let path = self.outside.path().join("PORTCULLIS_GUARD");
        fs::write(&path, rules).unwrap();
        self.set("PORTCULLIS_GUARD", path.to_str().unwrap());
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn applied(&self) -> bool {
        fs::read_to_string(self.path("calls"))
            .unwrap_or_default()
            .contains(" apply ")
    }

    pub(crate) fn run(&self) -> (i32, String) {
        self.run_with(&ARGUMENTS)
    }

    /// The exit code, and what a reader sees; folder and port taken out.
    pub(crate) fn run_with(&self, arguments: &[&str]) -> (i32, String) {
        self.see(self.start(arguments))
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let _alone = FORK.lock();
        Command::new(env!("CARGO_BIN_EXE_portcullis-deploy"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn see(&self, child: Child) -> (i32, String) {
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap();
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let text = format!("--- stdout\n{stdout}--- stderr\n{stderr}--- exit {code}")
            .replace(self.folder.path().to_str().unwrap(), "JOB")
            .replace(self.outside.path().to_str().unwrap(), "OUTSIDE")
            .replace(&self.gitlab.address(), "GITLAB");
        assert!(!text.contains(TOKEN), "a token in {text}");
        (code, text)
    }
}

/// The error and its hint, without what came before.
pub(crate) fn error(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("error: "))
        .collect();
    lines.join("\n")
}
