//! The binary as a pipeline runs it: what it prints, how it ends, what it leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and write files"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    /// All that a reader sees, with this machine's paths taken out.
    fn seen(&self, folder: &Path) -> String {
        let text = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        );
        text.replace(&repository("").display().to_string(), "")
            .replace(&folder.display().to_string(), "FOLDER")
    }
}

fn validate(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-validate"))
        .args(arguments)
        .env_clear()
        .env("PORTCULLIS_NOW", "2026-11-23T12:00:00Z")
        .env("CI_PROJECT_DIR", repository(""))
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn path(relative: &str) -> String {
    repository(relative).display().to_string()
}

fn plan(step: &str) -> String {
    path(&format!("fixtures/estate/{step}/plan.json"))
}

#[test]
fn a_violation_points_at_the_code_and_ends_with_1() {
    let (plan, policy, config) = (
        plan("10-opens-ssh-to-the-world"),
        path("terraform/policy.yaml"),
        path("fixtures/estate/config"),
    );
    let run = validate(&["--plan", &plan, "--policy", &policy, "--config", &config]);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!("opens-ssh-to-the-world", run.seen(Path::new("/nowhere")));
}

#[test]
fn the_correction_passes_in_each_format_and_leaves_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = folder.path().join("portcullis");
    let (plan, policy) = (plan("2-correct-web-port"), path("terraform/policy.yaml"));
    let common = ["--plan", plan.as_str(), "--policy", policy.as_str()];
    let run = validate(&[&common[..], &["--artifacts", artifacts.to_str().unwrap()]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let written = std::fs::read_to_string(artifacts.join("compliance.json")).unwrap();
    assert_eq!(
        std::fs::read_to_string(artifacts.join("compliance.txt")).unwrap(),
        run.stdout
    );
    let json = validate(&[&common[..], &["--format", "json"]].concat());
    assert_eq!(json.stdout, written);
    let markdown = validate(&[&common[..], &["--format", "markdown"]].concat());
    insta::assert_snapshot!("correct-web-port-markdown", markdown.stdout);
}

#[test]
fn several_reports_at_once_are_those_that_stdout_would_show() {
    let folder = tempfile::tempdir().unwrap();
    let (plan, policy, config) = (
        plan("10-opens-ssh-to-the-world"),
        path("terraform/policy.yaml"),
        path("fixtures/estate/config"),
    );
    let common = ["--plan", plan.as_str(), "--policy", &policy, "--config", &config];
    let formats = ["text", "json", "markdown", "junit", "codequality", "sarif"];
    let files: Vec<String> = formats
        .iter()
        .map(|format| format!("{format}={}", folder.path().join("new").join(format).display()))
        .collect();
    let writes: Vec<&str> = files.iter().flat_map(|file| ["--write", file.as_str()]).collect();
    assert_eq!(validate(&[&common[..], &writes].concat()).code, 1);
    for format in formats {
        let run = validate(&[&common[..], &["--format", format]].concat());
        assert_eq!(run.code, 1, "{}", run.stderr);
        let written = std::fs::read_to_string(folder.path().join("new").join(format)).unwrap();
        assert_eq!(written, run.stdout, "{format}");
    }
    for format in ["junit", "codequality"] {
        let run = validate(&[&common[..], &["--format", format]].concat());
        let told = run.stdout.replace(&path(""), "");
        insta::assert_snapshot!(format!("opens-ssh-to-the-world-{format}"), told);
    }
    // A run that comes to no verdict leaves no earlier one behind.
    let broken = validate(&[&["--plan", &policy, "--policy", &policy][..], &writes].concat());
    assert_eq!(broken.code, 65);
    assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 0);
}

#[test]
fn a_partial_plan_ends_with_2() {
    // The targeted plan keeps the rule made by hand in sight, so the policy here is one it does not break.
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, "version: 1\nrules:\n  - { id: no-gre, severity: low, deny: { protocol: 47, peers: 9.0.0.0/8, direction: ingress } }\n").unwrap();
    let run = validate(&[
        "--plan",
        &plan("8-targeted"),
        "--policy",
        policy.to_str().unwrap(),
    ]);
    insta::assert_snapshot!("targeted", run.seen(folder.path()));
}

#[test]
fn the_same_policy_judges_the_state_and_the_live_view() {
    let policy = path("terraform/policy.yaml");
    let state = path("fixtures/estate/2-correct-web-port/state.json");
    assert_eq!(validate(&["--state", &state, "--policy", &policy]).code, 0);
    let live = path("fixtures/estate/4-hand-made-drift/aws");
    let run = validate(&["--live", &live, "--policy", &policy]);
    insta::assert_snapshot!("live-hand-made-drift", run.seen(Path::new("/nowhere")));
}

#[test]
fn the_code_alone() {
    let run = validate(&[
        "--config",
        &path("fixtures/estate/config"),
        "--policy",
        &path("terraform/policy.yaml"),
    ]);
    insta::assert_snapshot!("code-alone", run.seen(Path::new("/nowhere")));
}

/// A terraform that answers `init` with nothing and `validate -json` with this.
#[cfg(unix)]
fn fake_terraform(folder: &Path, answer: &str, code: i32) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let program = folder.join("terraform");
    let script =
        format!("#!/bin/sh\ncase \"$2\" in\nvalidate) cat <<'E'\n{answer}\nE\nexit {code};;\nesac\n");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[cfg(unix)]
#[test]
fn what_terraform_finds_is_said_with_its_place_and_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let answer = r#"{"format_version": "1.0", "valid": false, "error_count": 1, "diagnostics": [{"severity": "error",
        "summary": "Unsupported argument", "detail": "An argument named \"colour\" is not expected here.",
        "range": {"filename": "hosts.tf", "start": {"line": 4, "column": 3, "byte": 80}}}]}"#;
    let (config, policy) = (path("terraform"), path("terraform/policy.yaml"));
    let run = |program: &Path| {
        validate(&[
            "--config",
            &config,
            "--policy",
            &policy,
            "--with-terraform",
            "--terraform",
            program.to_str().unwrap(),
        ])
    };
    let invalid = run(&fake_terraform(folder.path(), answer, 1));
    insta::assert_snapshot!("terraform-finds-a-fault", invalid.seen(folder.path()));
    let valid = run(&fake_terraform(
        folder.path(),
        r#"{"valid": true, "diagnostics": []}"#,
        0,
    ));
    assert_eq!(valid.code, 0, "{}", valid.stderr);
    assert!(
        valid.stdout.contains("terraform finds the configuration valid"),
        "{}",
        valid.stdout
    );
    let missing = run(&folder.path().join("no-such-program"));
    assert_eq!(missing.code, 64);
}

#[test]
fn bad_input_is_one_clear_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let whole = std::fs::read_to_string(plan("2-correct-web-port")).unwrap();
    let (good_plan, good_policy) = (plan("2-correct-web-port"), path("terraform/policy.yaml"));
    let plans = [
        file("missing-is-not-written", "x") + "-at-all",
        file("empty.json", ""),
        file("html.json", "<html>502 Bad Gateway</html>"),
        file("cut.json", &whole[..2000]),
        file("version.json", r#"{"format_version": "9.1"}"#),
        file("state-for-a-plan.json", r#"{"version": 4, "serial": 1}"#),
        folder.path().display().to_string(),
    ];
    let mut told = String::new();
    let artifacts = folder.path().join("out");
    for plan in &plans {
        let run = validate(&[
            "--plan",
            plan,
            "--policy",
            &good_policy,
            "--artifacts",
            artifacts.to_str().unwrap(),
        ]);
        told += &run.seen(folder.path());
    }
    let policies = [
        file("empty.yaml", ""),
        file("no-rule.yaml", "version: 1\nrules: []\n"),
        file("typo.yaml", "version: 1\nrulez: []\n"),
    ];
    for policy in &policies {
        told += &validate(&[
            "--plan",
            &good_plan,
            "--policy",
            policy,
            "--artifacts",
            artifacts.to_str().unwrap(),
        ])
        .seen(folder.path());
    }
    let blocked = file("blocked", "a file where a folder is wanted");
    told += &validate(&[
        "--plan",
        &good_plan,
        "--policy",
        &good_policy,
        "--artifacts",
        &blocked,
    ])
    .seen(folder.path());
    told +=
        &validate(&["--plan", &good_plan, "--policy", &good_policy, "--format", "yaml"]).seen(folder.path());
    for write in ["yaml=out.yaml", "junit", "sarif="] {
        told += &validate(&["--plan", &good_plan, "--policy", &good_policy, "--write", write])
            .seen(folder.path());
    }
    told += &validate(&["--policy", &good_policy]).seen(folder.path());
    told += &validate(&[
        "--config",
        folder.path().join("out").to_str().unwrap(),
        "--policy",
        &good_policy,
    ])
    .seen(folder.path());
    insta::assert_snapshot!("bad-input", told);
    assert!(!artifacts.exists(), "nothing may be left behind");
}

#[test]
fn a_rule_is_explained_without_anything_to_judge() {
    let policy = path("terraform/policy.yaml");
    let explain = |more: &[&str]| validate(&[&["--policy", &policy, "--explain"], more].concat());
    let run = explain(&["admin-ports-from-offices-only"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("explained", run.stdout);
    let plan = plan("2-correct-web-port");
    let mut told = String::new();
    for more in [
        ["admin-ports", "--format", "text"],
        ["public-ports", "--format", "json"],
        ["public-ports", "--plan", &plan],
    ] {
        told += &explain(&more).seen(Path::new("/nowhere"));
    }
    insta::assert_snapshot!("explain-refused", told);
}

#[test]
fn several_policy_files_are_one_policy() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.yaml");
    let write = |text: &str| std::fs::write(&own, text).unwrap();
    let (plan, catalogue) = (
        plan("10-opens-ssh-to-the-world"),
        path("policies/cis-aws-5.0.yaml"),
    );
    let run = || {
        validate(&[
            "--plan",
            &plan,
            "--policy",
            &catalogue,
            "--policy",
            own.to_str().unwrap(),
            "--format",
            "json",
        ])
    };
    write("version: 1\nrules: [{ id: why, severity: low, require: { description: true } }]\n");
    let report: serde_json::Value = serde_json::from_str(&run().stdout).unwrap();
    let found = |rule: &str| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().any(|finding| finding["rule"] == rule)
    };
    assert!(found("cis-5-3-admin-ports-ipv4"), "{report}");
    assert!(
        report["rules"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule["id"] == "why")
    );
    write(
        "version: 1\nrules: [{ id: cis-5-3-admin-ports-ipv4, severity: low, require: { description: true } }]\n",
    );
    let twice = run();
    assert_eq!(twice.code, 64);
    insta::assert_snapshot!("a-rule-in-two-files", twice.seen(folder.path()));
}

#[test]
fn a_first_plan_tells_its_members_groups_with_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("members.yaml");
    std::fs::write(
        &policy,
        "version: 1\nrules: [{ id: alone, severity: high, per: member, deny: { direction: ingress, protocol: tcp, ports: [9000], \
         peers: any } }]\n",
    )
    .unwrap();
    let (plan, config) = (plan("1-setup"), path("fixtures/estate/config"));
    let common = ["--plan", &plan, "--policy", policy.to_str().unwrap()];
    assert_eq!(validate(&common).code, 0, "nobody opens that port");
    let ssh = std::fs::read_to_string(&policy).unwrap().replace("9000", "8080");
    std::fs::write(&policy, ssh).unwrap();
    let alone = validate(&common);
    assert_eq!(alone.code, 2, "anybody may carry the group: {}", alone.stdout);
    let with_code = validate(&[&common[..], &["--config", &config]].concat());
    assert_eq!(with_code.code, 1, "{}", with_code.stdout);
    assert!(with_code.stdout.contains("aws_instance.front"));
    assert!(
        !with_code.stdout.contains("aws_instance.back"),
        "{}",
        with_code.stdout
    );
}

#[test]
fn help_shows_examples() {
    insta::assert_snapshot!("help", validate(&["--help"]).stdout);
    assert!(
        validate(&["--version"])
            .stdout
            .starts_with("portcullis-validate ")
    );
}
