//! The built binary, with a small program in terraform's place, and GitLab and Slack faked at the wire.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Mutex,
};
use tempfile::TempDir;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{basic_auth, header, path},
};

/// Held while a script is written and while a process is forked: a child forked in between would hold the script
/// open for writing, and Linux does not start such a file ("text file busy").
static FORK: Mutex<()> = Mutex::new(());

const TOKEN: &str = "glcbt-64_never-shown";
const SLACK_TOKEN: &str = "xoxb-never-shown-either";

const JOB: &str =
    r#"{"id": 7, "name": "prepare", "stage": "prepare", "status": "running", "user": {"username": "ada"}}"#;
const STATE: &str = r#"{"version": 4, "serial": 3, "lineage": "c4bc1358"}"#;
const SLACK: &str = r#"{"ok": true, "url": "https://acme.slack.com/", "team": "Acme", "user": "portcullis", "team_id": "T1", "user_id": "U1", "bot_id": "B1"}"#;

const POLICY: &str = "\
version: 1
rules:
  - id: admin-ports
    title: Administration ports are not open to the internet
    severity: critical
    deny: {direction: ingress, protocol: tcp, ports: [22], peers: internet}
";

/// A checkout and the services around it, all well.
struct World {
    folder: TempDir,
    gitlab: MockServer,
    slack: MockServer,
    variables: Vec<(String, String)>,
}

impl World {
    async fn new() -> Self {
        let json = |text: &str| ResponseTemplate::new(200).set_body_string(text);
        Self::answering(
            json(JOB),
            json(STATE),
            json(SLACK).insert_header("x-oauth-scopes", "chat:write,files:write"),
        )
        .await
    }

    async fn answering(
        job: ResponseTemplate,
        state: ResponseTemplate,
        slack_answer: ResponseTemplate,
    ) -> Self {
        // The servers' drop blocks on tokio's locks, which stop answering a task that never gives way.
        tokio::task::yield_now().await;
        let (gitlab, slack) = (MockServer::start().await, MockServer::start().await);
        Mock::given(path("/api/v4/job"))
            .and(header("JOB-TOKEN", TOKEN))
            .respond_with(job)
            .mount(&gitlab)
            .await;
        Mock::given(path("/api/v4/projects/42/terraform/state/production"))
            .and(basic_auth("gitlab-ci-token", TOKEN))
            .respond_with(state)
            .mount(&gitlab)
            .await;
        Mock::given(path("/api/auth.test"))
            .and(header("Authorization", format!("Bearer {SLACK_TOKEN}")))
            .respond_with(slack_answer)
            .mount(&slack)
            .await;
        let variables = [
            ("CI_API_V4_URL", format!("{}/api/v4", gitlab.uri())),
            ("CI_PROJECT_ID", "42".to_owned()),
            ("CI_PROJECT_PATH", "platform/network".to_owned()),
            ("CI_JOB_TOKEN", TOKEN.to_owned()),
            ("CI_JOB_URL", "https://gitlab.example/job/7".to_owned()),
            ("CI_PIPELINE_ID", "9".to_owned()),
            ("CI_PIPELINE_URL", "https://gitlab.example/pipeline/9".to_owned()),
            ("CI_COMMIT_SHA", "0123456789abcdef".to_owned()),
            ("CI_COMMIT_TITLE", "Move the port".to_owned()),
            ("CI_COMMIT_AUTHOR", "Ada Lovelace <ada@example.org>".to_owned()),
            ("CI_COMMIT_REF_NAME", "main".to_owned()),
            ("CI_COMMIT_REF_PROTECTED", "true".to_owned()),
            ("CI_DEFAULT_BRANCH", "main".to_owned()),
            ("GITLAB_USER_LOGIN", "ada".to_owned()),
            ("GITLAB_USER_EMAIL", "ada@example.org".to_owned()),
            ("PORTCULLIS_SLACK_TOKEN", SLACK_TOKEN.to_owned()),
            ("PORTCULLIS_SLACK_CHANNEL", "C012345".to_owned()),
            ("PORTCULLIS_SLACK_URL", format!("{}/api/", slack.uri())),
            ("PORTCULLIS_PLAN_KEY", "0123456789abcdef".repeat(4)),
            ("PORTCULLIS_RETRY_WAIT", "0".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            gitlab,
            slack,
            variables,
        };
        fs::create_dir(world.path("config")).unwrap();
        world.write("config/versions.tf", "terraform {\n  backend \"http\" {}\n}\n");
        world.write("config/.terraform.lock.hcl", "provider \"aws\" {}\n");
        world.write("policy.yaml", POLICY);
        world.terraform(r#"echo '{"terraform_version": "1.11.4"}'"#);
        world
    }

    fn terraform(&self, line: &str) {
        self.write("fake-terraform", &format!("#!/bin/sh\n{line}\n"));
        fs::set_permissions(self.path("fake-terraform"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let _alone = FORK.lock();
        fs::write(self.path(name), text).unwrap();
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn run(&self) -> (i32, String) {
        let tofu = self.path("tofu").exists();
        self.run_with(&[
            "--config",
            "config",
            "--policy",
            "policy.yaml",
            "--terraform",
            if tofu { "./tofu" } else { "./fake-terraform" },
            "--state-name",
            "production",
        ])
    }

    /// The exit code and standard output; folder and ports taken out.
    fn run_with(&self, arguments: &[&str]) -> (i32, String) {
        let child = {
            let _alone = FORK.lock();
            Command::new(env!("CARGO_BIN_EXE_portcullis-prepare"))
                .args(arguments)
                .current_dir(self.folder.path())
                .env_clear()
                .envs(self.variables.iter().map(|(name, value)| (name, value)))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let output = child.wait_with_output().unwrap();
        let clean = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes)
                .replace(self.folder.path().to_str().unwrap(), "JOB")
                .replace(&self.gitlab.address().to_string(), "GITLAB")
                .replace(&self.slack.address().to_string(), "SLACK");
            assert!(
                !text.contains(TOKEN) && !text.contains(SLACK_TOKEN),
                "a token in {text}"
            );
            text
        };
        let _ = clean(&output.stderr);
        (output.status.code().unwrap(), clean(&output.stdout))
    }
}

/// The lines that are not ok.
fn trouble(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("ok ") && !line.is_empty())
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_healthy_world_passes_and_is_written_down() {
    let world = World::new().await;
    let (code, text) = world.run();
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!("all-well", text);
    let written = fs::read_to_string(world.path("portcullis/doctor.txt")).unwrap();
    assert_eq!(
        written.replace(world.folder.path().to_str().unwrap(), "JOB"),
        text
    );
    let names: Vec<_> = fs::read_dir(world.path("portcullis"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["doctor.txt"]);
}

#[tokio::test]
async fn a_pipeline_that_only_checks_services_needs_no_code_and_no_policy() {
    let world = World::new().await;
    for there in ["config", "policy.yaml", "fake-terraform"] {
        let _ = fs::remove_dir_all(world.path(there));
        let _ = fs::remove_file(world.path(there));
    }
    let (code, text) = world.run_with(&["--state-name", "production"]);
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!("services-only", text);
}

#[tokio::test]
async fn each_missing_thing_is_named_with_the_documented_code() {
    type Change = fn(&mut World);
    let table: [(&str, Change, i32); 27] = [
        (
            "no configuration folder",
            |world| fs::remove_dir_all(world.path("config")).unwrap(),
            64,
        ),
        (
            "no tf files",
            |world| fs::remove_file(world.path("config/versions.tf")).unwrap(),
            64,
        ),
        (
            "no backend",
            |world| world.write("config/versions.tf", "terraform {}\n"),
            0,
        ),
        (
            "a backend in a remark only",
            |world| {
                world.write(
                    "config/versions.tf",
                    "/*\n  backend \"http\" {}\n*/\nterraform {}\n",
                );
            },
            0,
        ),
        (
            "code as JSON",
            |world| {
                fs::remove_file(world.path("config/versions.tf")).unwrap();
                world.write(
                    "config/versions.tf.json",
                    r#"{"terraform": {"backend": {"http": {}}}}"#,
                );
            },
            0,
        ),
        (
            "code for OpenTofu, and no terraform",
            |world| {
                fs::rename(
                    world.path("config/versions.tf"),
                    world.path("config/versions.tofu"),
                )
                .unwrap();
                fs::rename(world.path("fake-terraform"), world.path("tofu")).unwrap();
            },
            0,
        ),
        (
            "code for OpenTofu alone, and terraform",
            |world| {
                fs::rename(
                    world.path("config/versions.tf"),
                    world.path("config/versions.tofu"),
                )
                .unwrap();
            },
            64,
        ),
        (
            "no provider lock",
            |world| fs::remove_file(world.path("config/.terraform.lock.hcl")).unwrap(),
            0,
        ),
        (
            "no terraform",
            |world| fs::remove_file(world.path("fake-terraform")).unwrap(),
            64,
        ),
        (
            "terraform not executable",
            |world| {
                fs::set_permissions(world.path("fake-terraform"), fs::Permissions::from_mode(0o644)).unwrap();
            },
            64,
        ),
        (
            "terraform is something else",
            |world| world.terraform("echo hello"),
            64,
        ),
        ("terraform fails", |world| world.terraform("exit 3"), 64),
        (
            "terraform is old",
            |world| world.terraform(r#"echo '{"terraform_version": "0.12.31"}'"#),
            64,
        ),
        (
            "no policy",
            |world| fs::remove_file(world.path("policy.yaml")).unwrap(),
            64,
        ),
        ("policy empty", |world| world.write("policy.yaml", ""), 64),
        (
            "policy cut",
            |world| {
                world.write("policy.yaml", &POLICY[..POLICY.find("    severity").unwrap()]);
            },
            64,
        ),
        (
            "policy of another version",
            |world| world.write("policy.yaml", &POLICY.replace("version: 1", "version: 2")),
            64,
        ),
        (
            "policy is no policy",
            |world| world.write("policy.yaml", "<html>"),
            64,
        ),
        ("folder is a file", |world| world.write("portcullis", ""), 64),
        ("no plan key", |world| world.set("PORTCULLIS_PLAN_KEY", ""), 0),
        (
            "plan key is a password",
            |world| world.set("PORTCULLIS_PLAN_KEY", "correct horse battery staple"),
            64,
        ),
        ("no api address", |world| world.set("CI_API_V4_URL", ""), 64),
        (
            "project is no number",
            |world| world.set("CI_PROJECT_ID", "network"),
            64,
        ),
        (
            "no author and no mail",
            |world| {
                world.set("CI_COMMIT_AUTHOR", "");
                world.set("GITLAB_USER_EMAIL", "");
            },
            64,
        ),
        ("no pipeline", |world| world.set("CI_PIPELINE_URL", ""), 0),
        (
            "branch not protected",
            |world| world.set("CI_COMMIT_REF_PROTECTED", "false"),
            0,
        ),
        (
            "no slack",
            |world| {
                world.set("PORTCULLIS_SLACK_TOKEN", "");
                world.set("PORTCULLIS_SLACK_CHANNEL", "");
            },
            0,
        ),
    ];
    let mut all = String::new();
    for (name, change, expected) in table {
        let mut world = World::new().await;
        change(&mut world);
        let (code, text) = world.run();
        assert_eq!(code, expected, "{name}: {text}");
        assert_eq!(text.lines().count(), 13, "all checks always run: {text}");
        all.push_str(&format!("## {name}\n{}\n\n", trouble(&text)));
    }
    // What is wrong inside a policy is told by the policy's own crate, and tested there.
    insta::with_settings!({filters => vec![(r"(policy\.yaml: line \d+: )[^;]*", "${1}REASON")]}, {
        insta::assert_snapshot!("missing-things", all);
    });
}

#[tokio::test]
async fn gitlab_in_trouble_is_69_and_slack_in_trouble_a_warning() {
    let json = |text: &str| ResponseTemplate::new(200).set_body_string(text);
    let (job, state, slack) = (|| json(JOB), || json(STATE), || json(SLACK));
    let message = |status, text: &str| {
        ResponseTemplate::new(status).set_body_string(format!(r#"{{"message": "{text}"}}"#))
    };
    let table = [
        (
            "gitlab down",
            ResponseTemplate::new(503),
            ResponseTemplate::new(503),
            slack(),
            69,
        ),
        (
            "gitlab is a web page",
            json("<html>"),
            json("<html>"),
            slack(),
            69,
        ),
        (
            "token refused",
            message(401, "401 Unauthorized"),
            message(401, "401 Unauthorized"),
            slack(),
            69,
        ),
        (
            "state forbidden",
            job(),
            message(403, "403 Forbidden"),
            slack(),
            69,
        ),
        ("no state yet", job(), ResponseTemplate::new(204), slack(), 0),
        ("slack down", job(), state(), ResponseTemplate::new(503), 0),
        ("slack is a web page", job(), state(), json("<html>"), 0),
        (
            "slack token revoked",
            job(),
            state(),
            json(r#"{"ok": false, "error": "token_revoked"}"#),
            0,
        ),
        (
            "slack scope missing",
            job(),
            state(),
            slack().insert_header("x-oauth-scopes", "chat:write"),
            0,
        ),
    ];
    let mut all = String::new();
    for (name, job, state, slack, expected) in table {
        let world = World::answering(job, state, slack).await;
        let (code, text) = world.run();
        assert_eq!(code, expected, "{name}: {text}");
        assert_eq!(text.lines().count(), 13, "all checks always run: {text}");
        all.push_str(&format!("## {name}\n{}\n\n", trouble(&text)));
    }
    insta::assert_snapshot!("services-in-trouble", all);
}

#[tokio::test]
async fn a_webhook_without_a_bot_is_no_trouble() {
    let mut world = World::new().await;
    world
        .variables
        .retain(|(name, _)| name != "PORTCULLIS_SLACK_TOKEN");
    world.set("PORTCULLIS_TEAMS_WEBHOOK", "https://teams.example/never-shown");
    let (code, text) = world.run();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("no bot; messages go to a webhook"), "{text}");
    assert!(!text.contains("teams.example"), "{text}");
}

#[tokio::test]
async fn an_access_token_is_looked_at_and_never_more_than_a_warning() {
    const ACCESS_TOKEN: &str = "glpat-never-shown";
    let json = |text: &str| ResponseTemplate::new(200).set_body_string(text);
    let user = || json(r#"{"id": 3, "username": "project_42_bot"}"#);
    let facts = |scope: &str| {
        json(&format!(
            r#"{{"name": "note", "scopes": ["{scope}"], "expires_at": "2027-01-31"}}"#
        ))
    };
    let expired = || ResponseTemplate::new(401).set_body_string(r#"{"message": "401 Unauthorized"}"#);
    let table = [
        ("good", ACCESS_TOKEN, user(), facts("api")),
        ("may only read", ACCESS_TOKEN, user(), facts("read_api")),
        (
            "of another kind",
            ACCESS_TOKEN,
            user(),
            ResponseTemplate::new(404),
        ),
        ("expired", ACCESS_TOKEN, expired(), expired()),
        ("two lines", "glpat-\nnever-shown", user(), facts("api")),
    ];
    let mut all = String::new();
    for (name, token, user, facts) in table {
        let mut world = World::new().await;
        for (at, answer) in [("user", user), ("personal_access_tokens/self", facts)] {
            Mock::given(path(format!("/api/v4/{at}")))
                .and(header("PRIVATE-TOKEN", ACCESS_TOKEN))
                .respond_with(answer)
                .mount(&world.gitlab)
                .await;
        }
        world.set("PORTCULLIS_GITLAB_TOKEN", token);
        let (code, text) = world.run();
        assert_eq!(code, 0, "{name}: {text}");
        assert!(!text.contains("never-shown"), "{text}");
        let line = text.lines().find(|line| line.contains("access token")).unwrap();
        all.push_str(&format!("## {name}\n{line}\n\n"));
    }
    insta::assert_snapshot!("access-token", all);
}

#[tokio::test]
async fn nobody_listening_at_gitlab_is_69() {
    let mut world = World::new().await;
    // Bound and dropped: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    world.set("CI_API_V4_URL", &format!("http://127.0.0.1:{port}/api/v4"));
    let (code, text) = world.run();
    assert_eq!(code, 69, "{text}");
    assert!(text.contains("no connection"), "{text}");
}

#[tokio::test]
async fn an_empty_world_gets_a_whole_list() {
    let mut world = World::new().await;
    world.variables.clear();
    let (code, text) = world.run_with(&["--config", "elsewhere", "--policy", "nowhere.yaml"]);
    assert_eq!(code, 64);
    insta::assert_snapshot!("nothing-there", text);
}

#[tokio::test]
async fn help_shows_examples_and_a_wrong_line_ends_with_64() {
    let world = World::new().await;
    insta::assert_snapshot!("help", world.run_with(&["--help"]).1);
    assert!(
        world
            .run_with(&["--version"])
            .1
            .contains("portcullis-prepare 0.1.0")
    );
    assert_eq!(world.run_with(&["--config", "config"]).0, 64);
}
