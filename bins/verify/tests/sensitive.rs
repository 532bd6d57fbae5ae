//! Rules whose peer is marked sensitive are compared, and their peer is shown nowhere.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const GROUP: &str = "sg-5adc180858177f2d0";

fn rule(cidr: &str) -> Value {
    json!({"type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": [cidr],
        "security_group_id": GROUP, "self": false})
}

#[test]
fn a_sensitive_peer_is_compared_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, document: Value| fs::write(folder.path().join(name), document.to_string()).unwrap();
    let group = json!({"id": GROUP, "name": "web", "vpc_id": "vpc-1", "ingress": [], "egress": []});
    let no_op =
        |value: &Value| json!({"actions": ["no-op"], "before": value, "after": value, "after_unknown": {}});
    let mut of_rule = no_op(&rule("10.0.0.0/8"));
    of_rule["before_sensitive"] = json!({"cidr_blocks": true});
    of_rule["after_sensitive"] = json!({"cidr_blocks": true});
    write(
        "plan.json",
        json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
            {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
                "change": no_op(&group)},
            {"address": "aws_security_group_rule.ssh", "mode": "managed", "type": "aws_security_group_rule",
                "name": "ssh", "change": of_rule}]}),
    );
    // The state has another peer, and that is marked, too.
    let recorded = |kind: &str, name: &str, attributes: Value, marks: Value| {
        json!({"mode": "managed", "type": kind, "name": name, "provider": "x",
            "instances": [{"attributes": attributes, "sensitive_attributes": marks}]})
    };
    write(
        "state.json",
        json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {}, "resources": [
            recorded("aws_security_group", "web", group, json!([])),
            recorded("aws_security_group_rule", "ssh", rule("172.16.0.0/12"),
                json!([[{"type": "get_attr", "value": "cidr_blocks"}]]))]}),
    );
    for format in ["text", "json"] {
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis-verify"))
            .args([
                "--plan",
                "plan.json",
                "--state",
                "state.json",
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
        for entry in fs::read_dir(folder.path().join("out")).unwrap() {
            text += &fs::read_to_string(entry.unwrap().path()).unwrap();
        }
        assert_eq!(output.status.code(), Some(2), "{text}");
        for peer in ["10.0.0.0", "172.16.0.0"] {
            assert!(!text.contains(peer), "{peer} in {format}: {text}");
        }
        assert!(text.matches("\"peer\": \"(sensitive)\"").count() >= 2, "{text}");
    }
}
