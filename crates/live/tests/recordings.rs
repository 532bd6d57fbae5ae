//! EC2's recorded answers become inventories, and `live.json` brings them back unchanged.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_secgroup::Inventory;
use std::path::Path;

fn recording(step: &str) -> Inventory {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(step)
        .join("aws");
    let files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                std::fs::read_to_string(entry.path()).unwrap(),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    portcullis_live::read_any(&files).unwrap()
}

#[test]
fn hand_made_drift_is_in_the_live_view() {
    insta::assert_snapshot!(
        "hand-made-drift",
        portcullis_live::write(&recording("estate/4-hand-made-drift"))
    );
}

#[test]
fn every_rule_style_is_read() {
    insta::assert_snapshot!(
        "rule-styles",
        portcullis_live::write(&recording("rule-styles/1-create"))
    );
}

#[test]
fn what_is_written_reads_back_equal() {
    for step in [
        "estate/2-correct-web-port",
        "estate/6-rule-removed-by-hand",
        "rule-styles/4-apply-replace",
    ] {
        let inventory = recording(step);
        assert_eq!(
            portcullis_live::read(&portcullis_live::write(&inventory)).unwrap(),
            inventory,
            "{step}"
        );
    }
}

#[test]
fn what_a_region_with_everything_has_reads_back_equal() {
    let text = r#"{
      "format_version": "1.1", "account": null, "region": null,
      "groups": [{"id": "sg-1", "name": "web", "description": null, "vpc_id": "vpc-1", "account": "111122223333",
        "region": "eu-west-1", "tags": {}, "rules": [{"id": "sgr-1", "direction": "ingress", "protocol": "tcp",
        "from_port": 22, "to_port": 22, "peer": {"group": {"id": "sg-9", "account": "444455556666"}},
        "description": null, "tags": {"owner": "alice"}}]}],
      "interfaces": [{"id": "eni-1", "account": "111122223333", "vpc_id": "vpc-1", "kind": "interface",
        "requester": "amazon-elb", "description": "ELB app/front/50dc6c495c0c9188", "instance_id": null,
        "instance_name": null, "private_addresses": ["10.0.0.4"], "public_addresses": [], "public_dns": null,
        "groups": ["sg-1"]}],
      "prefix_lists": {"pl-1": null},
      "vpc_associations": [{"group": "sg-1", "vpc_id": "vpc-2", "vpc_account": null, "state": "associated"}],
      "stale_references": [{"group": "sg-1", "direction": "ingress", "protocol": "tcp", "from_port": 22,
        "to_port": 22, "peer": {"group": {"id": "sg-9", "account": "444455556666"}}, "peer_vpc_id": "vpc-9",
        "peering": "deleted"}],
      "gaps": [
        {"what": "groups", "why": "not asked for", "missing": "groups", "except": ["sg-1", "sg-2"]},
        {"what": "rule sgr-2", "why": "odd", "missing": "rules", "of": "sg-1"},
        {"what": "DescribeSecurityGroupRules", "why": "denied", "missing": "rules"},
        {"what": "DescribeNetworkInterfaces", "why": "denied", "missing": "members"},
        {"what": "GetManagedPrefixListEntries pl-1", "why": "denied", "missing": "entries", "of": "pl-1"},
        {"what": "DescribeInstances", "why": "denied", "missing": "details"},
        {"what": "something", "why": "unreadable", "missing": "anything"}
      ]
    }"#;
    let inventory = portcullis_live::read(text).unwrap();
    let same = |a: &str, b: &str| {
        let json = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(json(a), json(b));
    };
    same(&portcullis_live::write(&inventory), text);
    assert!(inventory.may_lack_group("sg-2"), "something");
    assert_eq!(
        inventory.interfaces[0].load_balancer(),
        Some("app/front/50dc6c495c0c9188")
    );
}

#[test]
fn a_gap_that_does_not_say_what_is_missing_may_hide_anything() {
    for gap in [
        r#"{"what": "DescribeInstances", "why": "denied"}"#,
        r#"{"what": "DescribeInstances", "why": "denied", "missing": "a word of a later version"}"#,
        r#"{"what": "GetManagedPrefixListEntries", "why": "denied", "missing": "entries"}"#,
    ] {
        let text = format!(
            r#"{{"format_version": "1.0", "groups": [], "interfaces": [], "prefix_lists": {{}}, "gaps": [{gap}]}}"#
        );
        let inventory = portcullis_live::read(&text).unwrap();
        assert!(
            inventory.may_lack_group("sg-1") && inventory.may_lack_members(),
            "{gap}"
        );
    }
}

#[test]
fn bad_input_is_one_clear_error() {
    let errors: Vec<String> = [
        "",
        "<html>",
        "{}",
        r#"{"format_version": "2.0"}"#,
        r#"{"format_version": "1.0", "groups": []}"#,
        r#"{"format_version": "1.0", "groups": [{"id": "sg-1", "rules": [{"direction": "ingress", "protocol": "tcpp",
            "from_port": 1, "to_port": 1, "peer": {"cidr": "10.0.0.0/8"}}]}], "interfaces": [], "prefix_lists": {},
            "gaps": []}"#,
    ]
    .iter()
    .map(|text| {
        let error = portcullis_live::read(text).unwrap_err();
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        format!("{error}{cause}\n  hint: {}", error.hint())
    })
    .collect();
    insta::assert_snapshot!("bad-input", errors.join("\n"));
}

#[test]
fn a_folder_without_groups_is_no_live_view() {
    let answers = [
        ("describe-network-interfaces.json", r#"{"NetworkInterfaces": []}"#),
        ("notes.txt", "?"),
    ];
    assert!(matches!(
        portcullis_live::ec2::read(answers),
        Err(portcullis_live::LiveError::NoGroups)
    ));
}

#[test]
fn a_rule_known_to_one_of_the_two_apis_only_is_kept_and_said() {
    let answers = [
        (
            "describe-security-groups.json",
            r#"{"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}]}"#,
        ),
        (
            "describe-security-group-rules.json",
            r#"{"SecurityGroupRules": [{"GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp",
                "FromPort": 22, "ToPort": 22, "CidrIpv4": "0.0.0.0/0"}]}"#,
        ),
    ];
    let inventory = portcullis_live::ec2::read(answers).unwrap();
    assert_eq!(inventory.groups[0].rules.len(), 2);
    assert_eq!(inventory.gaps.len(), 1);
}
