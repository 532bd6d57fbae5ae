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

#[test]
fn what_is_masked_in_the_plan_is_taken_from_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    let group = json!({"id": GROUP, "name": "web", "vpc_id": "vpc-1", "ingress": [], "egress": []});
    let change = json!({"actions": ["create"], "before": null, "after": rule("203.0.113.64/28"), "after_unknown": {},
        "after_sensitive": {"cidr_blocks": true}});
    let plan = json!({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [
        {"address": "aws_security_group.web", "mode": "managed", "type": "aws_security_group", "name": "web",
            "change": {"actions": ["no-op"], "before": group, "after": group, "after_unknown": {}}},
        {"address": "aws_security_group_rule.ssh", "mode": "managed", "type": "aws_security_group_rule",
            "name": "ssh", "change": change}]});
    let (masked, _) = portcullis_terraform::mask_plan(&plan.to_string()).unwrap();
    assert!(!masked.contains("203.0.113"));
    write("plan.json", masked);
    write(
        "main.tf",
        "resource \"aws_security_group\" \"web\" {}\n".to_owned(),
    );
    let recorded = |kind: &str, name: &str, attributes: Value, marks: Value| {
        json!({"mode": "managed", "type": kind, "name": name, "provider": "x",
            "instances": [{"attributes": attributes, "sensitive_attributes": marks}]})
    };
    let state = |cidr: &str| {
        json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "outputs": {}, "resources": [
            recorded("aws_security_group", "web", group.clone(), json!([])),
            recorded("aws_security_group_rule", "ssh", rule(cidr), json!([[{"type": "get_attr", "value": "cidr_blocks"}]]))]})
    };
    write("state.json", state("203.0.113.64/28").to_string());
    let live = |cidr: &str| {
        json!({"SecurityGroups": [{"GroupId": GROUP, "GroupName": "web", "IpPermissions": [
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": cidr}]}]}]})
    };
    fs::create_dir(folder.path().join("live")).unwrap();
    for (cidr, code) in [("203.0.113.64/28", 0), ("198.51.100.0/24", 1)] {
        write("live/describe-security-groups.json", live(cidr).to_string());
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis-verify"))
            .args([
                "--plan",
                "plan.json",
                "--state",
                "state.json",
                "--live",
                "live",
                "--config",
                ".",
            ])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(!text.contains("203.0.113"), "{text}");
    }
}
