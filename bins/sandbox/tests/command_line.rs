//! The command lines of the demo and of the stand-ins.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::process::Command;

/// Exit code and first line of what was said.
fn run(program: &str, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(program)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let first = String::from_utf8(text)
        .unwrap()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    (output.status.code().unwrap(), first)
}

#[test]
fn a_wrong_scenario_is_wrong_usage_and_says_which_there_are() {
    let (code, said) = run(env!("CARGO_BIN_EXE_portcullis-demo"), &["--scenario", "nope"]);
    assert_eq!(code, 64);
    assert!(
        said.contains("a scenario is one of correct-web-port, opens-ssh-to-the-world"),
        "{said}"
    );
}

#[test]
fn help_and_list_end_well() {
    for arguments in [["--help"], ["--version"], ["--list"]] {
        assert_eq!(
            run(env!("CARGO_BIN_EXE_portcullis-demo"), &arguments).0,
            0,
            "{arguments:?}"
        );
    }
    assert_eq!(
        run(env!("CARGO_BIN_EXE_portcullis-sandbox"), &["serve", "--help"]).0,
        0
    );
}

#[test]
fn the_stand_ins_refuse_a_state_that_is_none() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let (code, said) = run(
        env!("CARGO_BIN_EXE_portcullis-sandbox"),
        &["serve", "--state", manifest],
    );
    assert_eq!(code, 65);
    assert_eq!(said, format!("error: {manifest} is not a raw Terraform state"));
    let (code, said) = run(
        env!("CARGO_BIN_EXE_portcullis-sandbox"),
        &["serve", "--slack-fault", "fire"],
    );
    assert_eq!(code, 64);
    assert!(said.contains("a fault is one of refuse, unavailable"), "{said}");
}

#[test]
fn the_replayed_terraform_asks_for_its_recording() {
    let (code, said) = run(env!("CARGO_BIN_EXE_portcullis-replayed-terraform"), &["version"]);
    assert_eq!((code, said.as_str()), (1, "Error: PORTCULLIS_REPLAY is not set"));
}

#[test]
fn the_estate_is_checked_out_as_a_step_planned_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let recording = format!("{root}/fixtures/estate/2-correct-web-port");
    let path = folder.path().to_str().unwrap();
    let sandbox = env!("CARGO_BIN_EXE_portcullis-sandbox");
    let (code, said) = run(
        sandbox,
        &["checkout", "--workspace", root, "--recording", &recording, path],
    );
    assert_eq!((code, said.as_str()), (0, ""));
    let values = std::fs::read_to_string(folder.path().join("terraform/terraform.tfvars.json")).unwrap();
    assert!(values.contains("8000"), "{values}");
    for name in [".terraform.lock.hcl", "policy.yaml"] {
        assert!(folder.path().join("terraform").join(name).is_file(), "{name}");
    }
    let (code, said) = run(
        sandbox,
        &["checkout", "--workspace", root, "--recording", root, path],
    );
    assert_eq!(code, 65);
    assert!(said.ends_with("is no recording: it has no plan.json"), "{said}");
}
