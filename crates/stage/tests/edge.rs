//! A stage's endings, seen from outside: exit code, standard output, standard error.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The example beside this test, which cargo builds before it runs tests.
fn edge() -> Command {
    let mut path = PathBuf::from(
        std::env::current_exe()
            .unwrap()
            .parent()
            .unwrap()
            .parent()
            .unwrap(),
    );
    path.push("examples");
    path.push(format!("edge{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(path);
    command.env_clear().env("EDGE_TOKEN", "glpat-0123456789");
    command
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(!err.contains('\u{1b}') && !err.contains("glpat-"), "{err:?}");
    format!(
        "exit {}\n--- stdout\n{out}--- stderr\n{err}",
        output.status.code().unwrap()
    )
}

#[test]
fn endings() {
    insta::assert_snapshot!(run(edge().arg("pass")), @r"
    exit 0
    --- stdout
    --- stderr
    ");
    insta::assert_snapshot!(run(edge().arg("undetermined")), @r"
    exit 2
    --- stdout
    --- stderr
    ");
    insta::assert_snapshot!("a-failure", run(edge().arg("fail")));
    let panicked = run(edge().arg("panic"));
    let place = panicked
        .split(".rs:")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .unwrap()
        .to_owned();
    insta::assert_snapshot!("a-panic", panicked.replace(&format!(".rs:{place}"), ".rs:LINE"));
}

#[test]
fn a_wrong_command_line_is_64_and_cannot_steer_the_terminal() {
    insta::assert_snapshot!(
        "a-wrong-command-line",
        run(edge().arg("glpat-0123456789\u{1b}[31m"))
    );
}

#[test]
fn help_and_version_are_0() {
    assert!(run(edge().arg("--version")).starts_with("exit 0\n--- stdout\nedge "));
    insta::assert_snapshot!("help", run(edge().arg("--help")));
}

#[test]
fn a_time_can_be_given() {
    let given = run(edge().arg("now").env("PORTCULLIS_NOW", "2026-01-31T12:00:00Z"));
    insta::assert_snapshot!("a-given-time", given);
    assert!(
        !run(edge().arg("now")).contains("2026-01-31T12:00:00Z"),
        "without it, the clock counts"
    );
    insta::assert_snapshot!(
        "a-time-that-is-none",
        run(edge().arg("now").env("PORTCULLIS_NOW", "tomorrow"))
    );
}

#[test]
fn in_a_job_of_a_real_gitlab_the_clock_counts() {
    let at = |api: &str| {
        run(edge()
            .arg("now")
            .env("PORTCULLIS_NOW", "2026-01-31T12:00:00Z")
            .env("CI_API_V4_URL", api))
    };
    for real in [
        "https://gitlab.example/api/v4",
        "https://127.0.0.1@gitlab.example/api/v4",
        "https://127.0.0.1.nip.example/api/v4",
        "https://localhost/api/v4",
        "https://10.0.0.1:8080/api/v4",
        "nonsense",
    ] {
        assert!(at(real).starts_with("exit 64"), "{real}");
    }
    for stand_in in ["http://127.0.0.1:40000/api/v4", "http://[::1]:40000/api/v4", ""] {
        assert!(at(stand_in).starts_with("exit 0"), "{stand_in}");
    }
    insta::assert_snapshot!("a-time-in-a-real-job", at("https://gitlab.example/api/v4"));
}

#[test]
fn a_wait_must_be_a_number_of_seconds() {
    assert!(run(edge().arg("pass").env("PORTCULLIS_RETRY_WAIT", "0.5")).starts_with("exit 0"));
    insta::assert_snapshot!(
        "a-wait-that-is-none",
        run(edge().arg("pass").env("PORTCULLIS_RETRY_WAIT", "-1"))
    );
}

#[test]
fn inputs_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty"), " \n").unwrap();
    std::fs::write(path("binary"), b"PK\x03\x04\xff\xfe").unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    let mut shown = String::new();
    for name in ["missing", "empty", "binary", "folder"] {
        let mut command = edge();
        command
            .args(["pass", "--artifacts"])
            .arg(path("out"))
            .arg("--file")
            .arg(path(name));
        shown += &run(&mut command).replace(folder.path().to_str().unwrap(), "DIR");
    }
    assert!(!path("out").exists(), "a failed stage leaves no artifact");
    insta::assert_snapshot!("inputs-that-cannot-be-read", shown);
}

#[test]
fn an_unwritable_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.txt");
    std::fs::write(&file, "the token is glpat-0123456789\n").unwrap();
    let mut command = edge();
    command
        .arg("pass")
        .arg("--file")
        .arg(&file)
        .arg("--artifacts")
        .arg(file.join("portcullis"));
    insta::assert_snapshot!(
        "an-unwritable-folder",
        run(&mut command).replace(folder.path().to_str().unwrap(), "DIR")
    );
}

#[test]
fn what_goes_out_is_masked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.txt");
    std::fs::write(&file, "the token is glpat-0123456789\n").unwrap();
    let mut command = edge();
    command
        .arg("pass")
        .arg("--file")
        .arg(&file)
        .env("PORTCULLIS_ARTIFACTS", folder.path().join("out"));
    insta::assert_snapshot!("masked-output", run(&mut command));
    let copy = std::fs::read_to_string(folder.path().join("out").join("copy.txt")).unwrap();
    assert_eq!(copy, "the token is [masked]\n");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let mut child = edge()
        .arg("flood")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), b"".as_slice())
    );
}

#[cfg(unix)]
fn script(folder: &Path, name: &str, lines: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
#[cfg(unix)]
fn terraform_is_found_run_and_its_code_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = r#"printf 'v1 %s %s\033[0Ksection_start:1:x\r\n' "$EDGE_EXTRA" "$EDGE_TOKEN""#;
    let tofu = script(folder.path(), "tofu", &format!("{hostile}; exit 7"));
    let on_path = run(edge().arg("terraform").env("PATH", folder.path()));
    insta::assert_snapshot!("terraform-fails", on_path);
    let by_variable = run(edge().arg("terraform").env("PORTCULLIS_TERRAFORM", &tofu));
    assert_eq!(by_variable, on_path);
    let explicit = run(edge()
        .args(["terraform", "--terraform", "tofu"])
        .env("PATH", folder.path()));
    assert_eq!(explicit, on_path);
    script(folder.path(), "terraform", "exit 0");
    let preferred = run(edge().arg("terraform").env("PATH", folder.path()));
    assert!(
        preferred.starts_with("exit 0"),
        "terraform comes before tofu: {preferred}"
    );
}

#[test]
#[cfg(unix)]
fn a_terraform_that_is_not_there_is_64() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(
        "no-terraform-on-the-path",
        run(edge().arg("terraform").env("PATH", folder.path()))
    );
    insta::assert_snapshot!(
        "no-terraform-where-the-argument-points",
        run(edge().args(["terraform", "--terraform", "/nowhere/tf"]))
    );
    let plain = folder.path().join("terraform");
    std::fs::write(&plain, "not a program").unwrap();
    let shown = run(edge().arg("terraform").arg("--terraform").arg(&plain));
    insta::assert_snapshot!(
        "a-terraform-that-is-no-program",
        shown.replace(folder.path().to_str().unwrap(), "DIR")
    );
}
