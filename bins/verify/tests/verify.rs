//! The binary as a pipeline runs it: what it prints, how it ends, what it leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and write files"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use wiremock::matchers::{method, path as url_path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn repository(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
        .display()
        .to_string()
}

fn estate(path: &str) -> String {
    repository(&format!("fixtures/estate/{path}"))
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

fn verify(arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-verify"))
        .args(arguments)
        .env_clear()
        .env("PORTCULLIS_RETRY_WAIT", "0")
        .env("CI_PROJECT_DIR", repository(""))
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn seen(run: &Run, folder: &Path) -> String {
    let text = format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        run.code, run.stdout, run.stderr
    );
    text.replace(&repository(""), "")
        .replace(&folder.display().to_string(), "FOLDER")
}

fn step(plan: &str, state: &str, live: &str) -> Vec<String> {
    [
        "--plan",
        &estate(&format!("{plan}/plan.json")),
        "--state",
        &estate(&format!("{state}/state.json")),
        "--live",
        &estate(&format!("{live}/aws")),
        "--config",
        &estate("config"),
    ]
    .map(str::to_owned)
    .to_vec()
}

fn on(arguments: &[String], more: &[&str]) -> Run {
    let all: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .chain(more.iter().copied())
        .collect();
    verify(&all, &[])
}

#[test]
fn all_agree_and_the_report_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = folder.path().join("portcullis");
    let arguments = step("2-correct-web-port", "2-correct-web-port", "2-correct-web-port");
    let run = on(&arguments, &["--artifacts", artifacts.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        std::fs::read_to_string(artifacts.join("consistency.txt")).unwrap(),
        run.stdout
    );
    let page = std::fs::read_to_string(artifacts.join("consistency.html")).unwrap();
    assert!(
        page.contains("<h1>All ") && page.contains("rules agree"),
        "{page}"
    );
    let json = on(&arguments, &["--format", "json"]).stdout;
    assert_eq!(
        std::fs::read_to_string(artifacts.join("consistency.json")).unwrap(),
        json
    );
}

#[test]
fn what_was_changed_by_hand_is_said_rule_by_rule() {
    let arguments = step("2-correct-web-port", "2-correct-web-port", "4-hand-made-drift");
    let run = on(&arguments, &[]);
    insta::assert_snapshot!("hand-made-drift", seen(&run, Path::new("/nowhere")));
}

#[test]
fn a_disagreement_is_a_finding_for_the_formats_that_know_only_those() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = step("2-correct-web-port", "2-correct-web-port", "4-hand-made-drift");
    let sarif = folder.path().join("consistency.sarif");
    let write = format!("sarif={}", sarif.display());
    for format in ["markdown", "junit", "codequality"] {
        let run = on(&arguments, &["--format", format, "--write", &write]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        insta::assert_snapshot!(
            format!("hand-made-drift-{format}"),
            run.stdout.replace(&repository(""), "")
        );
    }
    let run = on(&arguments, &["--format", "sarif"]);
    assert_eq!(std::fs::read_to_string(&sarif).unwrap(), run.stdout);
    let wrong = on(&arguments, &["--format", "yaml"]);
    assert_eq!(wrong.code, 64);
}

#[test]
fn a_view_that_is_not_given_leaves_its_column_open() {
    let arguments = step("2-correct-web-port", "2-correct-web-port", "2-correct-web-port");
    let run = on(&arguments[..2], &["--live", &arguments[5]]);
    insta::assert_snapshot!("without-state", seen(&run, Path::new("/nowhere")));
}

#[test]
fn a_plan_that_does_not_tell_everything_is_said_to_be_one() {
    for (plan, why) in [
        ("8-targeted", "complete is false"),
        ("9-errored", "terraform could not finish the plan"),
    ] {
        let run = on(&step(plan, "8-targeted", "8-targeted"), &[]);
        let note = format!("note: the plan does not tell everything: {why}");
        let text = run.stdout.replace("the plan leaves something out (", "");
        assert!(text.contains(&note), "{}", run.stdout);
        // What the target leaves out, or the code after an error, may ask for what is only live.
        assert!(!run.stdout.contains("! unmanaged"), "{}", run.stdout);
    }
}

#[test]
fn a_plan_of_refresh_only_leaves_it_to_the_code_to_declare() {
    let arguments = step(
        "5-drift-refresh-only",
        "5-drift-refresh-only",
        "5-drift-refresh-only",
    );
    let run = on(&arguments, &[]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stdout.contains("2 of 7 rules disagree (2 unmanaged)"),
        "{}",
        run.stdout
    );
    let without_code = on(&arguments[..6], &[]);
    assert_eq!(without_code.code, 2, "{}", without_code.stdout);
    assert!(!without_code.stdout.contains("8080"), "{}", without_code.stdout);
}

/// A GitLab that gives this state, or this status.
async fn gitlab(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(url_path("/api/v4/projects/7/terraform/state/estate"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

async fn managed(answer: ResponseTemplate) -> Run {
    let server = gitlab(answer).await;
    let arguments = step("2-correct-web-port", "2-correct-web-port", "2-correct-web-port");
    let [plan, live, config] = [&arguments[1], &arguments[5], &arguments[7]].map(String::clone);
    let api = format!("{}/api/v4", server.uri());
    tokio::task::spawn_blocking(move || {
        verify(
            &[
                "--plan",
                &plan,
                "--managed-state",
                "--state-name",
                "estate",
                "--live",
                &live,
                "--config",
                &config,
            ],
            &[
                ("CI_API_V4_URL", &api),
                ("CI_PROJECT_ID", "7"),
                ("CI_JOB_TOKEN", "glcbt-secret-of-this-job"),
            ],
        )
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_managed_state_is_read_from_gitlab() {
    let state = std::fs::read(estate("2-correct-web-port/state.json")).unwrap();
    let run = managed(ResponseTemplate::new(200).set_body_bytes(state)).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let none = managed(ResponseTemplate::new(204)).await;
    assert_eq!(none.code, 1, "no state at all is no agreement: {}", none.stdout);
}

#[tokio::test]
async fn a_gitlab_that_gives_no_state_is_one_clear_error() {
    let html = "<html>glcbt-secret-of-this-job</html>";
    for (answer, code) in [
        (ResponseTemplate::new(502).set_body_string(html), 69),
        (ResponseTemplate::new(200).set_body_string(html), 69),
        (ResponseTemplate::new(401), 69),
        (ResponseTemplate::new(403), 69),
    ] {
        let run = managed(answer).await;
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stdout.is_empty());
        assert!(
            run.stderr.starts_with("error: ") && run.stderr.contains("hint: "),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("glcbt"), "{}", run.stderr);
    }
}

#[test]
fn bad_input_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let good = step("2-correct-web-port", "2-correct-web-port", "2-correct-web-port");
    let mut told = String::new();
    for (flag, path) in [
        ("--plan", file("empty.json", "")),
        ("--state", file("state.json", r#"{"version": 3}"#)),
        ("--live", file("live.json", r#"{"format_version": "2.0"}"#)),
        ("--live", folder.path().join("gone")),
        ("--config", folder.path().join("gone")),
        ("--config", {
            let config = folder.path().join("config");
            std::fs::create_dir(&config).unwrap();
            std::fs::write(config.join("main.tf"), "resource {{{").unwrap();
            config
        }),
    ] {
        let mut arguments = good.clone();
        let at = arguments.iter().position(|argument| argument == flag).unwrap();
        arguments[at + 1] = path.display().to_string();
        told += &seen(&on(&arguments, &[]), folder.path());
    }
    told += &seen(
        &verify(&["--plan", &good[1], "--managed-state"], &[]),
        folder.path(),
    );
    insta::assert_snapshot!("bad-input", told);
}

#[test]
fn help_shows_examples() {
    insta::assert_snapshot!("help", verify(&["--help"], &[]).stdout);
}
