//! The binary without AWS: it says what is missing, with the documented exit code, and leaves no file.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::process::{Command, Output};

fn inspect(variables: &[(&str, &str)]) -> (tempfile::TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-inspect"))
        .env_clear()
        // Otherwise credentials would be looked for at the machine's own metadata address.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", folder.path())
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .output()
        .unwrap();
    (folder, output)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn no_region_is_wrong_usage() {
    let (folder, output) = inspect(&[]);
    assert_eq!(output.status.code(), Some(64));
    insta::assert_snapshot!(text(&output.stderr), @r"
    error: no AWS region is set
    hint: set AWS_REGION to the region of the estate, such as eu-west-1
    ");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn no_credentials_is_not_available() {
    let (folder, output) = inspect(&[("AWS_REGION", "eu-west-1")]);
    assert_eq!(output.status.code(), Some(69));
    let said = text(&output.stderr);
    assert!(
        said.starts_with("error: no AWS credentials could be found\n"),
        "{said}"
    );
    assert!(
        said.contains("\nhint: in a GitLab job, set AWS_ROLE_ARN"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
