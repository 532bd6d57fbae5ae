//! Values marked sensitive are judged, and shown in no format.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const POLICY: &str = r#"
version: 1
rules:
  - id: no-ssh
    title: SSH is closed
    severity: high
    deny: { direction: ingress, protocol: tcp, ports: [22], peers: any }
"#;

/// A rule that lets SSH in from there.
fn attributes(cidr: &str) -> Value {
    json!({"type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": [cidr],
        "security_group_id": "sg-5adc180858177f2d0", "self": false, "description": "of the canary"})
}

fn plan(cidr: &str, marks: &Value) -> Value {
    json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
        {"address": "aws_security_group_rule.ssh", "mode": "managed", "type": "aws_security_group_rule", "name": "ssh",
            "change": {"actions": ["create"], "before": null, "after": attributes(cidr), "after_unknown": {},
                "before_sensitive": false, "after_sensitive": marks}}]})
}

fn state(cidr: &str, attribute: &str) -> Value {
    json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {}, "resources": [
        {"mode": "managed", "type": "aws_security_group_rule", "name": "ssh", "provider": "x", "instances": [
            {"attributes": attributes(cidr), "sensitive_attributes": [[{"type": "get_attr", "value": attribute}]]}]}]})
}

/// The exit code and all that was said or written.
fn judged(subject: &str, document: &Value, format: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    fs::write(folder.path().join("document.json"), document.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-validate"))
        .args([
            subject,
            "document.json",
            "--policy",
            "policy.yaml",
            "--format",
            format,
            "--artifacts",
            "out",
        ])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    for entry in fs::read_dir(folder.path().join("out")).into_iter().flatten() {
        text += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    (output.status.code().unwrap(), text)
}

#[test]
fn a_sensitive_source_is_judged_and_shown_in_no_format() {
    // Too wide, or too narrow, to be found by its text: its words are what must not be shown.
    for (cidr, words) in [
        ("0.0.0.0/0", ["0.0.0.0/0", "whole IPv4 internet", "8.8.8.8"]),
        (
            "198.51.100.77/32",
            ["198.51.100.77", "198.51.100.76", "198.51.100.78"],
        ),
        ("10.0.0.0/8", ["10.0.0.0", "10.0.0.1", "10.255"]),
    ] {
        let documents = [
            ("--plan", plan(cidr, &json!({"cidr_blocks": true}))),
            ("--plan", plan(cidr, &json!({"cidr_blocks": [true]}))),
            ("--state", state(cidr, "cidr_blocks")),
        ];
        for (subject, document) in &documents {
            for format in ["text", "json", "markdown", "junit", "codequality", "sarif"] {
                let (code, text) = judged(subject, document, format);
                if code == 64 && text.contains("does not write") {
                    continue;
                }
                assert_eq!(code, 1, "{cidr} {subject} {format}: {text}");
                for word in words {
                    assert!(!text.contains(word), "{word} in {subject} {format}: {text}");
                }
                assert!(
                    text.contains("tcp 22 from (sensitive)"),
                    "{subject} {format}: {text}"
                );
                assert!(
                    text.contains("aws_security_group_rule.ssh"),
                    "{subject} {format}: {text}"
                );
            }
        }
    }
}

#[test]
fn sensitive_ports_hide_the_traffic() {
    let (code, text) = judged("--plan", &plan("10.0.0.0/8", &json!({"from_port": true})), "json");
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("\"exposure\": \"(sensitive)\"") && !text.contains("tcp 22"),
        "{text}"
    );
}

#[test]
fn a_sensitive_description_is_one() {
    let marks = json!({"description": true});
    let (code, text) = judged("--plan", &plan("10.0.0.0/8", &marks), "text");
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("tcp 22 from 10.0.0.0/8") && !text.contains("of the canary"),
        "{text}"
    );
}

#[test]
fn what_is_masked_already_can_not_be_told() {
    let masked = plan("10.0.0.0/8", &json!({"cidr_blocks": true}))
        .to_string()
        .replace(r#"["10.0.0.0/8"]"#, r#""(sensitive value)""#);
    let (code, text) = judged("--plan", &serde_json::from_str(&masked).unwrap(), "text");
    assert_eq!(code, 2, "{text}");
}
