//! Documents that are not what they are given as: an error, never a pass.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and write files"
)]

use std::path::Path;
use std::process::Command;

const POLICY: &str = "
version: 1
rules:
  - { id: no-ssh, severity: critical, deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet } }
";

/// The exit code, and what stands on both outputs.
fn state(text: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (state, policy) = (write("state.json", text), write("policy.yaml", POLICY));
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-validate"))
        .args([Path::new("--state"), &state, Path::new("--policy"), &policy])
        .env_clear()
        .env("PORTCULLIS_NOW", "2026-11-23T12:00:00Z")
        .output()
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    );
    (output.status.code().unwrap(), text)
}

#[track_caller]
fn refused(text: &str, why: &str) {
    let (code, said) = state(text);
    assert_eq!(code, 65, "{said}");
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_plan_is_no_state() {
    for rest in [
        r#""resource_changes": []"#,
        r#""planned_values": {}"#,
        r#""prior_state": {"values": {}}"#,
        r#""configuration": {}"#,
    ] {
        refused(&format!(r#"{{"format_version": "1.2", {rest}}}"#), "it is a plan");
    }
    // What terraform shows of a state without resources.
    assert_eq!(state(r#"{"format_version": "1.0"}"#).0, 0);
    assert_eq!(state(r#"{"version": 4, "resources": []}"#).0, 0);
}

#[test]
fn a_group_is_recorded_with_its_attributes() {
    let recorded = |instance: &str| {
        format!(
            r#"{{"version": 4, "resources": [{{"mode": "managed", "type": "aws_security_group", "name": "web",
            "instances": [{instance}]}}]}}"#
        )
    };
    for instance in [
        r#"{"attributes": "x"}"#,
        r#"{"attributes": []}"#,
        r#"{"attributes": null}"#,
        "{}",
        r#"{"attributes_flat": {"id": "sg-1", "ingress.#": "1", "ingress.1.cidr_blocks.0": "0.0.0.0/0"}}"#,
    ] {
        refused(&recorded(instance), "aws_security_group.web has no attributes");
    }
    let shown = |values: &str| {
        format!(
            r#"{{"format_version": "1.0", "values": {{"root_module": {{"resources": [
            {{"address": "aws_security_group.web", "type": "aws_security_group"{values}}}]}}}}}}"#
        )
    };
    refused(&shown(""), "aws_security_group.web has no attributes");
    refused(
        &shown(r#", "values": null"#),
        "aws_security_group.web has no attributes",
    );
    assert_eq!(state(&shown(r#", "values": {"ingress": []}"#)).0, 0);
    // Of another type nothing is asked.
    let other = recorded("{}").replace("aws_security_group", "aws_s3_bucket");
    assert_eq!(state(&other).0, 0);
}
