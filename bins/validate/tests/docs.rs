//! `docs/policy.md` tells the truth: each policy in it is read, and each command prints what stands below it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and write files"
)]
// The page's examples run in a folder that links to the repository's.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The fenced blocks of this language, without their fences.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    page.split(&format!("```{language}\n"))
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// The page's policies, written into a folder from which its commands can be run.
fn workplace(page: &str) -> (tempfile::TempDir, usize) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["fixtures", "policies"] {
        std::os::unix::fs::symlink(repository(name).canonicalize().unwrap(), folder.path().join(name))
            .unwrap();
    }
    let policies = blocks(page, "yaml");
    for policy in &policies {
        let name = policy.lines().next().unwrap().strip_prefix("# ").unwrap();
        assert!(
            name.ends_with(".yaml"),
            "a policy on the page starts with its name: {name}"
        );
        std::fs::write(folder.path().join(name), policy).unwrap();
    }
    (folder, policies.len())
}

fn validate(folder: &Path, arguments: &str) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-validate"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env("PORTCULLIS_NOW", "2026-11-23T12:00:00Z")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[test]
fn each_policy_on_the_page_is_read() {
    let page = std::fs::read_to_string(repository("docs/policy.md")).unwrap();
    let (folder, count) = workplace(&page);
    assert!(count >= 9, "only {count} policies were found");
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // One without rules stands beside another; its own example runs it.
        if name.ends_with(".yaml") && std::fs::read_to_string(entry.path()).unwrap().contains("rules:") {
            // Whatever the verdict: a policy that is not valid ends with 64.
            let (code, said) = validate(
                folder.path(),
                &format!("--plan fixtures/estate/3-nothing-to-do/plan.json --policy {name}"),
            );
            assert!(code < 64, "{name}: {said}");
        }
    }
}

#[test]
fn each_command_prints_what_the_page_shows() {
    let page = std::fs::read_to_string(repository("docs/policy.md")).unwrap();
    let (folder, _) = workplace(&page);
    let commands = blocks(&page, "console");
    assert!(
        commands.len() >= 10,
        "only {} commands were found",
        commands.len()
    );
    for block in commands {
        let (command, shown) = block.split_once('\n').unwrap();
        let arguments = command.strip_prefix("$ portcullis-validate ").unwrap();
        let (arguments, tells_code) = match arguments.strip_suffix(" || echo \"exit code $?\"") {
            Some(arguments) => (arguments, true),
            None => (arguments, false),
        };
        let (code, mut said) = validate(folder.path(), arguments);
        if tells_code && code != 0 {
            said += &format!("exit code {code}\n");
        } else {
            assert_eq!(code, 0, "{command}\n{said}");
        }
        assert_eq!(said, shown, "{command}");
    }
}
