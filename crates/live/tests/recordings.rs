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
