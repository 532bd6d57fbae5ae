//! The built binary, with a small program in terraform's place and a GitLab faked at the wire.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_evidence::{ApprovalRequest, Materials, NONCE, SealKey, seal_file};
use portcullis_report::{Report, Verdict};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
};
use tempfile::TempDir;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{basic_auth, path},
};

/// Held while a script is written and while a process is forked: a child forked in between would hold the script
/// open for writing, and Linux does not start such a file ("text file busy").
static FORK: Mutex<()> = Mutex::new(());

const TOKEN: &str = "glcbt-64_never-shown";
const AUTHOR: &str = "Ada Lovelace <ada@example.org>";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const STATE: &str = r#"{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "c4bc1358", "outputs": {}, "resources": []}"#;

const PLAN: &str = r#"{"format_version": "1.2"}"#;

const ARGUMENTS: [&str; 8] = [
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
struct Job {
    folder: TempDir,
    gitlab: MockServer,
    variables: Vec<(String, String)>,
}

impl Job {
    async fn new() -> Self {
        Self::with_state(ResponseTemplate::new(200).set_body_string(STATE)).await
    }

    async fn with_state(answer: ResponseTemplate) -> Self {
        // The servers' drop blocks on tokio's locks, which stop answering a task that never gives way.
        tokio::task::yield_now().await;
        let gitlab = MockServer::start().await;
        Mock::given(path("/api/v4/projects/42/terraform/state/production"))
            .and(basic_auth("gitlab-ci-token", TOKEN))
            .respond_with(answer)
            .mount(&gitlab)
            .await;
        let folder = tempfile::tempdir().unwrap();
        let variables = [
            ("CI_API_V4_URL", format!("{}/api/v4", gitlab.uri())),
            ("CI_PROJECT_ID", "42".to_owned()),
            ("CI_JOB_TOKEN", TOKEN.to_owned()),
            ("CI_JOB_URL", "https://gitlab.example/job/7".to_owned()),
            ("CI_COMMIT_SHA", COMMIT.to_owned()),
            ("CI_COMMIT_AUTHOR", AUTHOR.to_owned()),
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
            gitlab,
            variables,
        };
        fs::create_dir(job.path("config")).unwrap();
        fs::create_dir(job.path("portcullis")).unwrap();
        job.write("config/.terraform.lock.hcl", "provider \"aws\" {}\n");
        job.write("policy.yaml", "version: 1\n");
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
    fn seal(&self, verdict: Verdict, author: Option<&str>) {
        let read = |name: &str| fs::read(self.path(name)).unwrap();
        let materials = Materials {
            plan_file: &read("portcullis/plan.tfplan"),
            plan_json: &read("portcullis/plan.json"),
            policy: &read("policy.yaml"),
            compliance: &read("portcullis/compliance.json"),
            verdict,
            exposure: &read("portcullis/exposure.json"),
            commit: COMMIT,
            state: (Some("c4bc1358"), Some(3)),
            terraform_version: "1.11.4",
            provider_lock: Some(&read("config/.terraform.lock.hcl")),
        };
        let request = ApprovalRequest::seal(
            materials.bind(),
            "2026-11-23T12:00:00Z".parse().unwrap(),
            Some("ada".to_owned()),
            author.map(str::to_owned),
            "opens tcp 8000 from the whole IPv4 internet on web",
        );
        self.write("portcullis/approval-request.json", &request.to_json().unwrap());
    }

    /// A terraform of this version whose apply ends like this.
    fn terraform(&self, version: &str, apply_exit: u8) {
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
    [ {apply_exit} = 0 ] || echo "Error: Failed to save state"
    exit {apply_exit} ;;
esac
"#
        );
        self.write("fake-terraform", &script);
        fs::set_permissions(self.path("fake-terraform"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let _alone = FORK.lock();
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn applied(&self) -> bool {
        fs::read_to_string(self.path("calls"))
            .unwrap_or_default()
            .contains(" apply ")
    }

    fn run(&self) -> (i32, String) {
        self.run_with(&ARGUMENTS)
    }

    /// The exit code, and what a reader sees; folder and port taken out.
    fn run_with(&self, arguments: &[&str]) -> (i32, String) {
        self.see(self.start(arguments))
    }

    fn start(&self, arguments: &[&str]) -> Child {
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

    fn see(&self, child: Child) -> (i32, String) {
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap();
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let text = format!("--- stdout\n{stdout}--- stderr\n{stderr}--- exit {code}")
            .replace(self.folder.path().to_str().unwrap(), "JOB")
            .replace(&self.gitlab.address().to_string(), "GITLAB");
        assert!(!text.contains(TOKEN), "a token in {text}");
        (code, text)
    }
}

/// The error and its hint, without what came before.
fn error(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("error: "))
        .collect();
    lines.join("\n")
}

#[tokio::test]
async fn what_was_approved_is_applied_and_recorded() {
    let job = Job::new().await;
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!("applied", text);
    let calls = job.read("calls");
    // The plan lies in a folder of its own meanwhile.
    insta::with_settings!({filters => vec![(r"/\S+/plan.tfplan", "PRIVATE/plan.tfplan")]}, {
        insta::assert_snapshot!("calls", calls.replace(" \n", "\n"));
    });
    assert_eq!(
        job.read("portcullis/apply.txt"),
        "applying the saved plan with [masked]\n"
    );
    let approval = job.read("portcullis/approval.json");
    let request: ApprovalRequest =
        serde_json::from_str(&job.read("portcullis/approval-request.json")).unwrap();
    assert!(approval.contains(&request.digest));
    insta::assert_snapshot!("approval", approval.replace(&request.digest, "DIGEST"));
}

#[tokio::test]
async fn whatever_changed_since_the_approval_is_refused_with_one_sentence() {
    type Change = fn(&mut Job);
    let table: [(&str, Change); 13] = [
        ("plan swapped", |job| {
            job.write("portcullis/plan.tfplan", "another plan");
        }),
        ("plan json swapped", |job| job.write("portcullis/plan.json", "{}")),
        ("policy changed", |job| {
            job.write("policy.yaml", "version: 1 # weaker\n");
        }),
        ("exposure report changed", |job| {
            job.write("portcullis/exposure.json", "{}");
        }),
        ("provider lock changed", |job| {
            job.write("config/.terraform.lock.hcl", "provider \"evil\" {}\n");
        }),
        ("provider lock gone", |job| {
            fs::remove_file(job.path("config/.terraform.lock.hcl")).unwrap();
        }),
        ("another commit", |job| job.set("CI_COMMIT_SHA", "fedcba98")),
        ("another terraform", |job| job.terraform("1.12.0", 0)),
        ("request edited", |job| {
            let text = job
                .read("portcullis/approval-request.json")
                .replace("tcp 8000", "tcp 8001");
            job.write("portcullis/approval-request.json", &text);
        }),
        ("verdict not pass", |job| {
            let report = Report::new("compliance", Vec::new()).at_least(Verdict::Violation);
            job.write("portcullis/compliance.json", &report.to_json().unwrap());
            job.seal(Verdict::Violation, Some(AUTHOR));
        }),
        ("author plays", |job| {
            job.set("GITLAB_USER_EMAIL", "ada@example.org");
        }),
        ("request sealed anew with another author", |job| {
            job.seal(Verdict::Pass, Some("Eve <eve@example.org>"));
        }),
        ("request sealed anew without author", |job| {
            job.seal(Verdict::Pass, None);
        }),
    ];
    let mut all = String::new();
    for (name, change) in table {
        let mut job = Job::new().await;
        change(&mut job);
        let (code, text) = job.run();
        assert_eq!(code, 3, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        assert!(!job.path("portcullis/approval.json").exists(), "{name}");
        let refusal: serde_json::Value = serde_json::from_str(&job.read("portcullis/refusal.json")).unwrap();
        assert!(
            text.contains(refusal["reason"].as_str().unwrap()),
            "{name}: the record says what the log says"
        );
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("refusals", all);
}

#[tokio::test]
async fn a_state_that_moved_is_refused() {
    let table = [
        (
            "moved on",
            ResponseTemplate::new(200).set_body_string(STATE.replace(": 3", ": 4")),
        ),
        (
            "another state",
            ResponseTemplate::new(200).set_body_string(STATE.replace("c4bc1358", "feedbeef")),
        ),
        ("gone", ResponseTemplate::new(204)),
    ];
    let mut all = String::new();
    for (name, answer) in table {
        let job = Job::with_state(answer).await;
        let (code, text) = job.run();
        assert_eq!(code, 3, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("state-moved", all);
}

#[tokio::test]
async fn a_gitlab_in_trouble_is_69_and_an_unreadable_state_65() {
    let table = [
        ("down", ResponseTemplate::new(503), 69),
        (
            "web page",
            ResponseTemplate::new(200).set_body_string("<html>Sign in</html>"),
            69,
        ),
        (
            "forbidden",
            ResponseTemplate::new(403).set_body_string(r#"{"message":"403 Forbidden"}"#),
            69,
        ),
        (
            "no state document",
            ResponseTemplate::new(200).set_body_string("[]"),
            65,
        ),
    ];
    let mut all = String::new();
    for (name, answer, expected) in table {
        let job = Job::with_state(answer).await;
        let (code, text) = job.run();
        assert_eq!(code, expected, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("gitlab-in-trouble", all);
}

#[tokio::test]
async fn a_failed_apply_says_that_the_plan_is_dead_and_keeps_the_unstored_state() {
    let job = Job::new().await;
    job.terraform("1.11.4", 1);
    let (code, text) = job.run();
    assert_eq!(code, 1);
    insta::assert_snapshot!("apply-fails", text);
    assert!(
        job.read("portcullis/approval.json")
            .contains(r#""outcome": "apply_failed""#)
    );
    assert!(
        job.read("portcullis/apply.txt")
            .contains("Error: Failed to save state")
    );

    job.write("config/errored.tfstate", STATE);
    let (code, text) = job.run();
    assert_eq!(code, 1);
    insta::assert_snapshot!("apply-fails-state-not-stored", error(&text));
    assert_eq!(job.read("portcullis/errored.tfstate"), STATE);
}

#[tokio::test]
async fn bad_input_is_one_clear_error_each() {
    type Change = fn(&mut Job);
    fn remove(job: &Job, name: &str) {
        fs::remove_file(job.path(name)).unwrap();
    }
    let table: [(&str, Change, i32); 12] = [
        (
            "no request",
            |job| remove(job, "portcullis/approval-request.json"),
            65,
        ),
        (
            "request empty",
            |job| job.write("portcullis/approval-request.json", ""),
            65,
        ),
        (
            "request cut",
            |job| {
                job.write(
                    "portcullis/approval-request.json",
                    r#"{"format_version": "1.0", "#,
                );
            },
            65,
        ),
        (
            "request is a web page",
            |job| job.write("portcullis/approval-request.json", "<html>"),
            65,
        ),
        ("no plan", |job| remove(job, "portcullis/plan.tfplan"), 65),
        (
            "no compliance report",
            |job| remove(job, "portcullis/compliance.json"),
            65,
        ),
        (
            "compliance report is no report",
            |job| job.write("portcullis/compliance.json", "[]"),
            65,
        ),
        (
            "no exposure report",
            |job| remove(job, "portcullis/exposure.json"),
            65,
        ),
        ("no policy", |job| remove(job, "policy.yaml"), 64),
        ("no commit", |job| job.set("CI_COMMIT_SHA", ""), 64),
        ("no player", |job| job.set("GITLAB_USER_LOGIN", ""), 64),
        (
            "terraform is no terraform",
            |job| job.write("fake-terraform", "#!/bin/sh\necho hello\n"),
            64,
        ),
    ];
    let mut all = String::new();
    for (name, change, expected) in table {
        let mut job = Job::new().await;
        change(&mut job);
        let (code, text) = job.run();
        assert_eq!(code, expected, "{name}: {text}");
        assert!(!job.applied(), "{name}");
        for file in ["approval.json", "apply.txt"] {
            assert!(!job.path("portcullis").join(file).exists(), "{name}: {file}");
        }
        all.push_str(&format!("## {name}\n{}\n\n", error(&text)));
    }
    insta::assert_snapshot!("bad-input", all);
}

#[tokio::test]
async fn nothing_is_applied_that_cannot_be_recorded() {
    let job = Job::new().await;
    fs::create_dir(job.path("portcullis/approval.json")).unwrap();
    let (code, text) = job.run();
    assert_eq!(code, 64, "{text}");
    assert!(!job.applied());
    assert!(
        text.contains("error: portcullis/approval.json: cannot be written"),
        "{text}"
    );
}

#[tokio::test]
async fn help_shows_examples_and_a_wrong_line_ends_with_64() {
    let job = Job::new().await;
    insta::assert_snapshot!("help", job.run_with(&["--help"]).1);
    assert!(job.run_with(&["--version"]).1.contains("portcullis-deploy 0.1.0"));
    assert_eq!(job.run_with(&["--config", "config"]).0, 64);
}

/// A plan with a sensitive value, and the same as it leaves the plan job.
const WITH_SECRET: &str = r#"{"format_version": "1.2", "resource_changes": [{"address": "aws_x.a", "change":
  {"before": null, "after": {"token": "hunter2-canary"}, "after_sensitive": {"token": true}}}],
  "configuration": {"references": ["var.a", "var.b"]}}"#;

#[tokio::test]
async fn the_plan_file_must_be_the_plan_that_people_saw() {
    let job = Job::new().await;
    let masked = WITH_SECRET.replace("hunter2-canary", "(sensitive value)");
    job.write("portcullis/plan.json", &masked);
    // Before the request was made, so that everything is as sealed.
    job.seal(Verdict::Pass, Some(AUTHOR));
    job.write("shown.json", &WITH_SECRET.replace("aws_x.a", "aws_x.b"));
    let (code, text) = job.run();
    assert_eq!(code, 3, "{text}");
    insta::assert_snapshot!("another-plan-file", error(&text));
    assert!(!job.applied());
    assert!(
        job.read("portcullis/refusal.json")
            .contains("the plan file is not the plan")
    );

    // In another order, as terraform writes it: the same plan.
    job.write(
        "shown.json",
        &WITH_SECRET.replace(r#""var.a", "var.b""#, r#""var.b", "var.a""#),
    );
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    assert!(job.applied());
}

#[tokio::test]
async fn a_sealed_plan_is_opened_for_terraform_alone_and_its_secrets_are_masked() {
    let mut job = Job::new().await;
    let key = SealKey::read(&"0123456789abcdef".repeat(4)).unwrap();
    let sealed = seal_file(b"it says hunter2-canary", "plan.tfplan", &key, [7; NONCE]);
    fs::write(job.path("portcullis/plan.tfplan"), sealed).unwrap();
    job.write(
        "portcullis/plan.json",
        &WITH_SECRET.replace("hunter2-canary", "(sensitive value)"),
    );
    job.write("shown.json", WITH_SECRET);
    job.seal(Verdict::Pass, Some(AUTHOR));

    let (code, text) = job.run();
    assert_eq!(code, 64, "{text}");
    insta::assert_snapshot!("sealed-and-no-key", error(&text));
    job.set("PORTCULLIS_PLAN_KEY", &"fedcba9876543210".repeat(4));
    let (code, text) = job.run();
    assert_eq!(code, 65, "{text}");
    insta::assert_snapshot!("sealed-with-another-key", error(&text));
    assert!(!job.applied());

    job.set("PORTCULLIS_PLAN_KEY", &"0123456789abcdef".repeat(4));
    let private = job.path("tmp");
    fs::create_dir(&private).unwrap();
    job.set("TMPDIR", private.to_str().unwrap());
    let (code, text) = job.run();
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(
        job.read("portcullis/apply.txt"),
        "applying it says [masked] with [masked]\n"
    );
    assert_eq!(
        fs::read_dir(private).unwrap().count(),
        0,
        "the plan in clear is left behind"
    );
}

/// Cancels the job while this step of terraform runs: its fake waits for the signal, and says that it has begun.
fn cancelled_during(job: &Job, step: &str) -> (i32, String) {
    let root = job.folder.path().display();
    let script = format!(
        r#"#!/bin/sh
echo "$*" >> "{root}/calls"
case "$2" in
  version) echo '{{"terraform_version": "1.11.4"}}' ;;
  show) cat "{root}/shown.json" ;;
esac
if [ "$2" = {step} ]; then
  trap 'echo signal >> "{root}/calls"; echo "Interrupt received."; echo "Error: execution halted"; exit 1' TERM
  echo started > "{root}/started"
  while :; do sleep 60 >/dev/null 2>&1 & wait $!; done
fi
"#
    );
    job.write("fake-terraform", &script);
    let made = Command::new("mkfifo").arg(job.path("started")).status().unwrap();
    assert!(made.success());
    let (child, started) = (job.start(&ARGUMENTS), job.path("started"));
    assert_eq!(fs::read_to_string(started).unwrap(), "started\n");
    let kill = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -TERM {}", child.id()))
        .status();
    assert!(kill.unwrap().success());
    job.see(child)
}

#[tokio::test]
async fn a_cancelled_apply_ends_in_good_order_and_is_recorded() {
    let job = Job::new().await;
    let (code, text) = cancelled_during(&job, "apply");
    assert_eq!(code, 1, "{text}");
    assert_eq!(job.read("calls").matches("signal").count(), 1, "{text}");
    assert!(text.contains("SIGTERM: fake-terraform apply is told"), "{text}");
    assert!(
        text.contains("failed with exit code 1 after the job was cancelled (SIGTERM): execution halted"),
        "{text}"
    );
    assert!(job.read("portcullis/approval.json").contains("\"apply_failed\""));
    assert!(job.read("portcullis/apply.txt").contains("Interrupt received."));
}

#[tokio::test]
async fn a_job_that_is_cancelled_before_the_apply_applies_nothing() {
    let job = Job::new().await;
    let (code, text) = cancelled_during(&job, "init");
    assert_eq!(code, 1, "{text}");
    assert!(!job.applied(), "{text}");
}
