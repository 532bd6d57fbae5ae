//! The built binary, on the recorded estate, asking real sockets on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use wiremock::matchers::{basic_auth, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "glcbt-64_verysecret";

/// The public address of the recorded front host lies in 127.0.0.0/8, its open port is 8000. Here a port of the
/// system's choice stands in, so that tests can run side by side.
const RECORDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/estate/2-correct-web-port"
);

struct Job {
    folder: tempfile::TempDir,
    port: u16,
}

impl Job {
    /// A job whose recordings say that the service listens on this port of 127.0.0.1.
    fn new(port: u16) -> Self {
        let job = Self {
            folder: tempfile::tempdir().unwrap(),
            port,
        };
        let turn = |text: String| {
            text.replace("127.255.27.217", "127.0.0.1")
                .replace("8000", &port.to_string())
        };
        let copy = |from: &Path, to: PathBuf| {
            std::fs::write(to, turn(std::fs::read_to_string(from).unwrap())).unwrap();
        };
        copy(&Path::new(RECORDED).join("state.json"), job.path("state.json"));
        std::fs::create_dir(job.path("live")).unwrap();
        for entry in std::fs::read_dir(format!("{RECORDED}/aws")).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), job.path("live").join(entry.file_name()));
        }
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn written(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("portcullis")) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis-check-services"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PORTCULLIS_RETRY_WAIT", "0")
            .env("PORTCULLIS_NOW", "2026-01-31T12:00:00Z")
            // The recorded addresses are this machine's.
            .env("PORTCULLIS_ASK_LOOPBACK", "true")
            .env("CI_JOB_TOKEN", TOKEN)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(
            !(out.clone() + &err).contains(TOKEN) && !err.contains('\u{1b}'),
            "{err:?}"
        );
        let shown = format!(
            "exit {}\n--- stdout\n{out}--- stderr\n{err}",
            output.status.code().unwrap()
        );
        let shown = shown.replace(&self.port.to_string(), "PORT");
        steady(&shown)
    }
}

/// Times differ from run to run.
fn steady(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = match (line.split_once(" ms: "), line.split_once("\": ")) {
            (Some((before, _)), _) => {
                let kept = before.trim_end_matches(|c: char| c.is_ascii_digit());
                format!("{kept}N ms…")
            }
            (_, Some((key, number))) if key.ends_with("_us") || key.ends_with("milliseconds") => {
                let value = number.trim_matches(|c: char| c.is_ascii_digit() || c == ',');
                let shown = if value.is_empty() { "N" } else { value };
                format!("{key}\": {shown}")
            }
            _ => line.to_owned(),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

async fn service(answer: ResponseTemplate) -> (MockServer, Job) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let job = Job::new(server.address().port());
    (server, job)
}

/// A port on which nobody listens.
fn closed() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_service_that_answers() {
    let (server, job) = service(ResponseTemplate::new(200)).await;
    insta::assert_snapshot!("answers", job.run(&["--live", "live"]));
    assert_eq!(job.written(), ["services.html", "services.json", "services.txt"]);
    let text = std::fs::read_to_string(job.path("portcullis/services.txt")).unwrap();
    assert!(
        text.starts_with("services: pass: the service answers as expected\n"),
        "{text}"
    );
    for arguments in [
        &["--state", "state.json"][..],
        &["--live", "live", "--state", "state.json", "--group", "web"],
        &[
            "--live",
            "live",
            "--group",
            "sg-5adc180858177f2d0",
            "--timeout",
            "0",
        ],
        &["--state", "state.json", "--group", "aws_security_group.web"],
    ] {
        let shown = job.run(arguments);
        assert!(shown.starts_with("exit 0\n"), "{arguments:?}: {shown}");
    }
    assert_eq!(
        server.received_requests().await.unwrap().len(),
        5,
        "each run asks the one service once"
    );
}

#[tokio::test]
async fn a_service_that_starts_late() {
    let server = MockServer::start().await;
    let starting = Mock::given(method("GET")).respond_with(ResponseTemplate::new(503));
    starting.up_to_n_times(2).mount(&server).await;
    let agent = concat!("portcullis-check-services/", env!("CARGO_PKG_VERSION"));
    let up = Mock::given(path("/health")).and(header("user-agent", agent));
    up.respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let job = Job::new(server.address().port());
    let shown = job.run(&[
        "--live", "live", "--path", "/health", "--status", "204", "--format", "json",
    ]);
    insta::assert_snapshot!("starts-late", shown);
}

#[tokio::test]
async fn services_that_fail() {
    let (_server, job) = service(ResponseTemplate::new(502)).await;
    insta::assert_snapshot!(
        "bad-gateway",
        job.run(&["--live", "live", "--timeout", "0", "--format", "markdown"])
    );
    insta::assert_snapshot!(
        "bad-gateway-junit",
        job.run(&["--live", "live", "--timeout", "0", "--format", "junit"])
    );
    let job = Job::new(closed());
    insta::assert_snapshot!("down", job.run(&["--live", "live", "--timeout", "0"]));
    assert_eq!(job.written(), ["services.html", "services.json", "services.txt"]);
}

#[tokio::test]
async fn nothing_to_ask_is_no_pass() {
    let (_server, job) = service(ResponseTemplate::new(200)).await;
    let mut shown = String::new();
    for arguments in [
        &["--live", "live", "--group", "admin"][..],
        &["--live", "live", "--group", "nobody"],
        &["--live", "live", "--group", "web", "--port", "443"],
        &["--live", "live", "--group", "web,nobody"],
    ] {
        shown += &format!("## {}\n{}\n", arguments.join(" "), job.run(arguments));
    }
    insta::assert_snapshot!("nothing-to-ask", shown);
    let group = job.run_with(&["--live", "live"], &[("PORTCULLIS_GROUP", "")]);
    assert!(
        group.starts_with("exit 0\n"),
        "an empty variable selects nothing: {group}"
    );
}

#[tokio::test]
async fn the_managed_state() {
    let (_service, job) = service(ResponseTemplate::new(200)).await;
    let state = std::fs::read(job.path("state.json")).unwrap();
    let mut shown = String::new();
    for (what, answer) in [
        ("there", ResponseTemplate::new(200).set_body_bytes(state)),
        ("none yet", ResponseTemplate::new(404)),
        (
            "GitLab down",
            ResponseTemplate::new(500).set_body_string("<html>"),
        ),
    ] {
        let gitlab = MockServer::start().await;
        Mock::given(path("/api/v4/projects/42/terraform/state/prod"))
            .and(basic_auth("gitlab-ci-token", TOKEN))
            .respond_with(answer)
            .mount(&gitlab)
            .await;
        let api = format!("{}/api/v4", gitlab.uri());
        let variables = [
            ("CI_API_V4_URL", api.as_str()),
            ("CI_PROJECT_ID", "42"),
            ("PORTCULLIS_STATE_NAME", "prod"),
        ];
        let answer = job.run_with(&["--managed-state"], &variables);
        let gitlab_port = gitlab.address().port().to_string();
        shown += &format!("## {what}\n{}\n", answer.replace(&gitlab_port, "GITLAB"));
    }
    insta::assert_snapshot!("managed-state", shown);
}

/// The recorded change moved the port of the web group from 8080 to 8000; here 8080 is a port of the system's choice as well.
fn change(job: &Job, closed: u16) {
    let plan = std::fs::read_to_string(format!("{RECORDED}/plan.json")).unwrap();
    job.write(
        "plan.json",
        &plan
            .replace("8080", &closed.to_string())
            .replace("8000", &job.port.to_string()),
    );
}

#[tokio::test]
async fn what_a_change_closed_must_not_answer() {
    let (_server, job) = service(ResponseTemplate::new(200)).await;
    let arguments = ["--live", "live", "--change", "plan.json", "--timeout", "0"];
    let silent = closed();
    change(&job, silent);
    let hide = |shown: String, port: u16| shown.replace(&port.to_string(), "CLOSED");
    let mut shown = hide(job.run(&arguments), silent);
    // The service that should have moved stayed.
    let stayed = MockServer::start().await;
    change(&job, stayed.address().port());
    shown += &hide(job.run(&arguments), stayed.address().port());
    insta::assert_snapshot!("change", shown);
    assert!(stayed.received_requests().await.unwrap().is_empty());
    job.write(
        "exposure.json",
        r#"{"format_version": "1.0", "verdict": "pass", "headline": "nothing", "compared_with": "prior_state",
        "groups": [], "members": [], "rules_rewritten": 0}"#,
    );
    let nothing = job.run(&["--live", "live", "--change", "exposure.json"]);
    assert!(
        nothing.starts_with("exit 0") && nothing.contains("the change closes nothing to the internet"),
        "{nothing}"
    );
}

#[tokio::test]
async fn as_the_expectations_say() {
    let server = MockServer::start().await;
    let up = ResponseTemplate::new(200).set_body_json(serde_json::json!({"status": "up"}));
    Mock::given(path("/health")).respond_with(up).mount(&server).await;
    let job = Job::new(server.address().port());
    job.write(
        "services.yaml",
        "version: 1\nservices:\n  - groups: {name: w*}\n    path: /health\n    json: {/status: up}\n  - path: /ready\n",
    );
    let shown = job.run_with(
        &["--live", "live", "--timeout", "0"],
        &[("PORTCULLIS_EXPECT", "services.yaml")],
    );
    insta::assert_snapshot!("expectations", shown);
    job.write("services.yaml", "version: 1\nservices:\n  - pfad: /health\n");
    insta::assert_snapshot!(
        "bad-expectations",
        job.run(&["--live", "live", "--expect", "services.yaml"])
    );
}

#[tokio::test]
async fn two_runs_compared() {
    let (server, job) = service(ResponseTemplate::new(200)).await;
    job.run(&["--live", "live"]);
    // The file that this run writes anew may be the one to compare with.
    let compare = [
        "--live",
        "live",
        "--timeout",
        "0",
        "--compare",
        "portcullis/services.json",
    ];
    assert!(
        job.run(&compare)
            .contains("since the run it is compared with: 1 as before")
    );
    server.reset().await;
    insta::assert_snapshot!("compared", job.run(&compare));
}

#[tokio::test]
async fn several_states_and_controls() {
    let (server, job) = service(ResponseTemplate::new(200)).await;
    let gitlab = MockServer::start().await;
    for (name, answer) in [
        (
            "shop",
            ResponseTemplate::new(200).set_body_bytes(std::fs::read(job.path("state.json")).unwrap()),
        ),
        ("blog", ResponseTemplate::new(404)),
    ] {
        Mock::given(path(format!("/api/v4/projects/42/terraform/state/{name}")))
            .respond_with(answer)
            .mount(&gitlab)
            .await;
    }
    let api = format!("{}/api/v4", gitlab.uri());
    let variables = [
        ("CI_API_V4_URL", api.as_str()),
        ("CI_PROJECT_ID", "42"),
        ("PORTCULLIS_STATE_NAME", "shop,blog"),
    ];
    let control = format!("127.0.0.1:{}", closed());
    let shown = job.run_with(
        &[
            "--managed-state",
            "--live",
            "live",
            "--tag",
            "team=shop",
            "--control",
            &control,
        ],
        &variables,
    );
    insta::assert_snapshot!("no-such-tag", shown);
    let shown = job.run_with(&["--managed-state", "--state", "state.json"], &variables);
    assert!(shown.starts_with("exit 64"), "{shown}");
    let both = job.run_with(&["--managed-state", "--control", &control], &variables);
    insta::assert_snapshot!("several-states", both);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

/// Facts alone must not make a job ask the machine that it runs on.
#[tokio::test]
async fn this_machine_is_asked_by_leave_only() {
    let (server, job) = service(ResponseTemplate::new(200)).await;
    let control = format!("127.0.0.1:{}", job.port);
    let arguments = ["--state", "state.json", "--control", &control, "--timeout", "0"];
    for not_set in ["", "false"] {
        let shown = job.run_with(&arguments, &[("PORTCULLIS_ASK_LOOPBACK", not_set)]);
        assert!(
            shown.starts_with("exit 2") && shown.contains("127.0.0.1 is no public address"),
            "{shown}"
        );
    }
    let odd = job.run_with(&arguments, &[("PORTCULLIS_ASK_LOOPBACK", "yes")]);
    assert!(odd.starts_with("exit 64"), "{odd}");
    assert!(server.received_requests().await.unwrap().is_empty());
    let allowed = job.run(&arguments);
    assert!(allowed.starts_with("exit 0"), "{allowed}");
}

#[tokio::test]
async fn lists_may_have_spaces() {
    let (_server, job) = service(ResponseTemplate::new(200)).await;
    let shown = job.run(&["--live", "live", "--group", "web, sg-5adc180858177f2d0"]);
    assert!(shown.starts_with("exit 0"), "{shown}");
}

#[tokio::test]
async fn a_later_document_is_not_compared_with() {
    let (_server, job) = service(ResponseTemplate::new(200)).await;
    job.write(
        "later.json",
        r#"{"format_version": "2.0", "verdict": "pass", "checks": []}"#,
    );
    let shown = job.run(&["--live", "live", "--compare", "later.json"]);
    assert!(
        shown.starts_with("exit 65") && shown.contains("format version 2.0"),
        "{shown}"
    );
}

#[test]
fn bad_input_is_named() {
    let mut shown = String::new();
    let mut check = |job: &Job, arguments: &[&str]| {
        job.write("placeholder", "");
        shown += &format!("## {}\n{}\n", arguments.join(" "), job.run(arguments));
        assert_eq!(job.written(), Vec::<String>::new(), "{arguments:?}");
    };
    let job = Job::new(closed());
    check(&job, &[]);
    check(&job, &["--state", "missing.json"]);
    check(&job, &["--live", "missing"]);
    check(&job, &["--state", "live"]);
    check(&job, &["--live", "live", "--path", "health"]);
    check(&job, &["--live", "live", "--status", "99"]);
    check(&job, &["--live", "live", "--port", "0"]);
    check(&job, &["--live", "live", "--format", "yaml"]);
    check(&job, &["--live", "live", "--artifacts", "state.json/x"]);
    check(&job, &["--live", "live", "--tag", "shop"]);
    check(&job, &["--live", "live", "--control", "example.org"]);
    check(&job, &["--live", "live", "--attempt", "0"]);
    check(&job, &["--live", "live", "--at-once", "0"]);
    check(&job, &["--live", "live", "--expect", "missing.yaml"]);
    check(&job, &["--live", "live", "--change", "missing.json"]);
    check(&job, &["--live", "live", "--change", "state.json"]);
    check(&job, &["--live", "live", "--compare", "state.json"]);
    check(&job, &["--live", "live", "--ca", "state.json"]);
    check(&job, &["--managed-state"]);
    check(&job, &["--managed-state", "--state", "state.json"]);
    for (name, text) in [
        ("empty.json", ""),
        ("half.json", "{\"version\": 4, "),
        ("other.json", "{\"hello\": 1}"),
        ("next.json", "{\"version\": 5, \"format_version\": \"2.0\"}"),
    ] {
        job.write(name, text);
        check(&job, &["--state", name]);
        check(&job, &["--live", name]);
    }
    std::fs::create_dir(job.path("no-answers")).unwrap();
    check(&job, &["--live", "no-answers"]);
    job.write("live/describe-security-groups.json", "{\"SecurityGroups\": [");
    check(&job, &["--live", "live"]);
    insta::assert_snapshot!("bad-input", shown);
}

#[test]
fn help() {
    insta::assert_snapshot!("help", Job::new(closed()).run(&["--help"]));
}
