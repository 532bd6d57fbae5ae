//! What is passed through, and what is set: the built binary, with small programs in terraform's place.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use tempfile::TempDir;

/// Held while a script is written and while a process is forked: a child forked in between would hold the script
/// open for writing, and Linux does not start such a file ("text file busy").
static FORK: Mutex<()> = Mutex::new(());

const TOKEN: &str = "glcbt-64_never-shown";

struct Job(TempDir);

impl Job {
    /// A job in a folder that is initialised for the http backend; `script` is what its terraform does.
    fn new(script: &str) -> Self {
        let job = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(job.at("live/.terraform")).unwrap();
        fs::write(
            job.at("live/.terraform/terraform.tfstate"),
            r#"{"backend": {"type": "http"}}"#,
        )
        .unwrap();
        let _alone = FORK.lock();
        fs::write(job.at("terraform"), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(job.at("terraform"), fs::Permissions::from_mode(0o755)).unwrap();
        job
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-tf"));
        command
            .args(words)
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PORTCULLIS_TERRAFORM", self.at("terraform"))
            .env("PORTCULLIS_CONFIG", "live")
            .env("CI_API_V4_URL", "https://gitlab.example/sub/api/v4")
            .env("CI_PROJECT_ID", "42")
            .env("CI_JOB_TOKEN", TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.run_with(words, &[], b"")
    }

    fn run_with(&self, words: &[&str], variables: &[(&str, &str)], input: &[u8]) -> Output {
        let mut command = self.command(words);
        for (name, value) in variables {
            command.env(name, value);
        }
        let mut child = {
            let _alone = FORK.lock();
            command.spawn().unwrap()
        };
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn text(&self, output: &Output) -> String {
        let text = format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            output.status.code().unwrap(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!text.contains(TOKEN), "{text}");
        text.replace(&self.0.path().display().to_string(), "DIR")
    }
}

/// The words that terraform got.
fn words(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

const ECHO: &str = r#"for word in "$@"; do printf '%s\n' "$word"; done"#;

/// What is typed, with which variables, and what terraform gets.
type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn words_are_passed_as_they_are() {
    let job = Job::new(ECHO);
    let table: [Row<'_>; 12] = [
        (&["output", "-json"], &[], &["-chdir=live", "output", "-json"]),
        (
            &["plan", "-out=a b; exit 1"],
            &[],
            &["-chdir=live", "plan", "-lock=false", "-out=a b; exit 1"],
        ),
        (
            &["plan", "-lock=true"],
            &[],
            &["-chdir=live", "plan", "-lock=true"],
        ),
        (&["plan", "--lock"], &[], &["-chdir=live", "plan", "--lock"]),
        (
            &["plan", "-lock-timeout=1s"],
            &[],
            &["-chdir=live", "plan", "-lock=false", "-lock-timeout=1s"],
        ),
        (
            &["plan"],
            &[("TF_CLI_ARGS_plan", "-parallelism=1 '-lock=true'")],
            &["-chdir=live", "plan"],
        ),
        (
            &["plan"],
            &[("PORTCULLIS_PLAN_LOCK", "true")],
            &["-chdir=live", "plan"],
        ),
        (
            &["plan"],
            &[("TF_HTTP_ADDRESS", "https://elsewhere.example")],
            &["-chdir=live", "plan"],
        ),
        (&["apply", "x"], &[], &["-chdir=live", "apply", "x"]),
        (&["-chdir=live", "apply"], &[], &["-chdir=live", "apply"]),
        (&["--config", ".", "fmt", "--", "-x"], &[], &["fmt", "--", "-x"]),
        (&["--", "-version"], &[], &["-chdir=live", "-version"]),
    ];
    for (given, variables, passed) in table {
        let output = job.run_with(given, variables, b"");
        assert_eq!(words(&output), passed, "{given:?} {}", job.text(&output));
    }
}

#[test]
fn streams_are_passed_byte_for_byte() {
    let job = Job::new(
        "cat; printf 'talk \\033[31mred\\033[0m \\377 ' >&2; printf '%s\\n' \"$TF_HTTP_PASSWORD\" >&2",
    );
    // Larger than a pipe, not UTF-8, with a token in it: data is data.
    let mut data: Vec<u8> = (0..200_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    data.extend_from_slice(TOKEN.as_bytes());
    let output = job.run_with(&["show", "-json"], &[], &data);
    assert_eq!(output.stdout, data);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(
        talk.ends_with("talk \u{1b}[31mred\u{1b}[0m \u{fffd} [masked]\n"),
        "{talk:?}"
    );
}

#[test]
fn a_reader_that_goes_away_does_not_stop_terraform() {
    let job =
        Job::new("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo done > \"$OUT\"");
    let mut command = job.command(&["show"]);
    let mut child = {
        let _alone = FORK.lock();
        command.env("OUT", job.at("done")).spawn().unwrap()
    };
    let mut first = [0; 6];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(job.at("done").exists());
}

#[test]
fn exit_codes_are_passed() {
    let table = [
        ("exit 0", "plan", 0),
        ("exit 1", "plan", 1),
        ("exit 2", "plan -detailed-exitcode", 2),
        ("exit 2", "apply", 2),
        ("exit 64", "apply", 64),
        ("exit 255", "apply", 255),
        ("kill -KILL $$", "apply", 137),
        ("kill -TERM $$", "apply", 143),
    ];
    for (script, line, code) in table {
        let job = Job::new(script);
        let output = job.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(
            output.status.code(),
            Some(code),
            "{script}: {}",
            job.text(&output)
        );
        assert!(!job.text(&output).contains("explained"), "{script}");
    }
}

#[test]
fn settings_are_made_by_environment_only() {
    let job = Job::new("env | grep -E '^(TF_|CHECKPOINT|PORTCULLIS_PLAN_KEY)' | sort | sed 's/never/NEVER/'");
    insta::assert_snapshot!("settings-of-a-job", job.text(&job.run(&["apply"])));
    let access = [
        ("PORTCULLIS_STATE_TOKEN", "glpat-0123456789"),
        ("GITLAB_USER_LOGIN", "ada"),
        ("TF_HTTP_RETRY_WAIT_MIN", "1"),
        ("TF_INPUT", "true"),
        ("PORTCULLIS_PLAN_KEY", "0123456789"),
    ];
    let output = job.run_with(&["--state-name", "50% off", "apply"], &access, b"");
    insta::assert_snapshot!("settings-with-an-access-token", job.text(&output));
    let own = [("TF_HTTP_ADDRESS", "https://elsewhere.example/state")];
    let output = job.run_with(&["apply"], &own, b"");
    assert_eq!(
        words(&output),
        [
            "CHECKPOINT_DISABLE=true",
            "TF_HTTP_ADDRESS=https://elsewhere.example/state",
            "TF_INPUT=false",
            "TF_IN_AUTOMATION=true"
        ],
        "the job's token goes to no other address"
    );
}

#[test]
fn what_is_missing_is_named() {
    let job = Job::new("exit 0");
    let without = |name: &str, words: &[&str]| {
        let _alone = FORK.lock();
        job.text(&job.command(words).env_remove(name).output().unwrap())
    };
    insta::assert_snapshot!("no-token", without("CI_JOB_TOKEN", &["plan"]));
    assert!(
        without("CI_JOB_TOKEN", &["fmt"]).starts_with("exit 0"),
        "formatting needs no GitLab"
    );
    let folder = job.run_with(&["plan"], &[("PORTCULLIS_CONFIG", "nowhere")], b"");
    insta::assert_snapshot!("no-folder", job.text(&folder));
    let name = job.run_with(&["plan"], &[("PORTCULLIS_STATE_NAME", "a/b")], b"");
    insta::assert_snapshot!("bad-name", job.text(&name));
    insta::assert_snapshot!("help", job.text(&job.run(&["--help"])));
}

#[test]
fn a_state_left_by_an_earlier_run_is_told_before_the_next_write() {
    let job = Job::new("exit 0");
    fs::write(job.at("live/errored.tfstate"), "{}").unwrap();
    insta::assert_snapshot!("left-by-an-earlier-run", job.text(&job.run(&["apply"])));
    for quiet in [&["plan"][..], &["state", "push", "errored.tfstate"]] {
        assert!(!job.text(&job.run(quiet)).contains("errored"), "{quiet:?}");
    }
}

#[test]
fn complaints_without_a_real_service_to_make_them_are_explained() {
    let table = [
        (
            "no-provider",
            "init",
            "Error: Failed to query available provider packages\n\nCould not retrieve the list of available versions for provider\nhashicorp/aws",
        ),
        (
            "lock-file",
            "plan",
            "Error: Inconsistent dependency lock file\n\nThe following dependency selections recorded in the lock file are inconsistent",
        ),
        (
            "checksums",
            "init",
            "Error: Failed to install provider\n\nthe local package for hashicorp/aws 5.0 doesn't match any of the checksums\npreviously recorded in the dependency lock file",
        ),
        (
            "write-409",
            "apply",
            "Error: Failed to save state\n\nError saving state: HTTP error: 409",
        ),
        (
            "deletion-pending",
            "plan",
            "Error: Error acquiring the state lock\n\nError message: Unexpected HTTP response code 422",
        ),
        (
            "hostile-id",
            "apply",
            "Error: Error acquiring the state lock\n\nError message: HTTP remote state already locked: ID=\x07$(section_start:1:x)",
        ),
    ];
    // What a provisioner says is not GitLab's word.
    let job = Job::new("echo 'HTTP error: 401'; echo 'Error: local-exec provisioner error' >&2; exit 1");
    assert!(!job.text(&job.run(&["apply"])).contains("explained"));
    for (name, subcommand, complaint) in table {
        let job = Job::new(&format!("cat >&2 <<'E'\n{complaint}\nE\nexit 1"));
        let output = job.run(&[subcommand]);
        let text = job.text(&output);
        let ours: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("explained: ") || line.starts_with("hint: "))
            .collect();
        insta::assert_snapshot!(name, ours.join("\n"));
    }
}
