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

const GROUPS: (&str, &str) = (
    "describe-security-groups.json",
    r#"{"SecurityGroups": [{"GroupId": "sg-1", "OwnerId": "111122223333", "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}]}"#,
);
const ROWS: (&str, &str) = (
    "describe-security-group-rules.json",
    r#"{"SecurityGroupRules": [{"GroupId": "sg-1", "GroupOwnerId": "111122223333", "IsEgress": false,
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"}]}"#,
);
const INTERFACES: (&str, &str) = ("describe-network-interfaces.json", r#"{"NetworkInterfaces": []}"#);

/// The gaps of these answers, a line each.
fn gaps(answers: &[(&str, &str)]) -> Vec<String> {
    let inventory = portcullis_live::ec2::read(answers.iter().copied()).unwrap();
    let gaps = inventory.gaps.iter();
    gaps.map(|gap| format!("{}: {}: {:?}", gap.what, gap.why, gap.missing))
        .collect()
}

#[test]
fn whole_recordings_have_no_gap() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    for story in ["estate", "rule-styles"] {
        for step in std::fs::read_dir(fixtures.join(story)).unwrap() {
            let step = step.unwrap();
            if step.path().join("aws").is_dir() {
                let step = format!("{story}/{}", step.file_name().to_str().unwrap());
                assert_eq!(recording(&step).gaps, [], "{step}");
            }
        }
    }
    assert_eq!(gaps(&[GROUPS, ROWS, INTERFACES]), [""; 0]);
}

#[test]
fn what_a_folder_lacks_is_a_gap() {
    let listed = (
        "describe-security-group-rules.json",
        r#"{"SecurityGroupRules": [{"GroupId": "sg-1", "IsEgress": true, "IpProtocol": "-1", "PrefixListId": "pl-1"}]}"#,
    );
    let mut told = String::new();
    for (title, answers) in [
        ("no interfaces", &[GROUPS, ROWS][..]),
        ("no groups", &[ROWS, INTERFACES]),
        ("no rules one by one: their ids only", &[GROUPS, INTERFACES]),
        ("no entries of a list", &[listed, INTERFACES]),
    ] {
        told.push_str(&format!("{title}\n  {}\n", gaps(answers).join("\n  ")));
    }
    insta::assert_snapshot!("lacking", told);
}

/// The CLI leaves a `NextToken` when it was told to stop early.
#[test]
fn pages_that_are_left_over_are_a_gap() {
    let more = |(name, text): (&'static str, &str)| {
        let text = text.trim_end().strip_suffix('}').unwrap();
        (name, format!("{text}, \"NextToken\": \"eyJ\"}}"))
    };
    let entries = (
        "get-managed-prefix-list-entries.pl-1.json",
        r#"{"Entries": [{"Cidr": "10.0.0.0/8"}]}"#,
    );
    let instances = ("describe-instances.json", r#"{"Reservations": []}"#);
    let whole = [GROUPS, ROWS, INTERFACES, entries, instances];
    let mut told = String::new();
    for cut in whole {
        let (_, text) = more(cut);
        let answers = whole.map(|(name, whole)| (name, if name == cut.0 { text.as_str() } else { whole }));
        told.push_str(&format!("{}\n", gaps(&answers).join("\n")));
    }
    let (_, text) = more(ROWS);
    told.push_str(&format!(
        "without the groups\n{}\n",
        gaps(&[(ROWS.0, &text), INTERFACES]).join("\n")
    ));
    insta::assert_snapshot!("pages-left-over", told);
    let empty = (INTERFACES.0, r#"{"NetworkInterfaces": [], "NextToken": ""}"#);
    assert_eq!(gaps(&[GROUPS, ROWS, empty]), [""; 0]);
}

#[test]
fn a_file_that_holds_something_else_is_one_clear_error() {
    let errors: Vec<String> = [
        (GROUPS.0, "{}"),
        (GROUPS.0, r#"{"Error": {"Code": "UnauthorizedOperation"}}"#),
        (GROUPS.0, ROWS.1),
        (GROUPS.0, r#"[{"GroupId": "sg-1"}]"#),
        (ROWS.0, GROUPS.1),
        (INTERFACES.0, "{}"),
        ("describe-instances.json", "{}"),
        ("describe-managed-prefix-lists.json", "{}"),
        ("get-managed-prefix-list-entries.pl-1.json", "{}"),
    ]
    .map(|wrong| {
        let error = portcullis_live::ec2::read([GROUPS, ROWS, INTERFACES, wrong]).unwrap_err();
        format!("{error}\n  hint: {}", error.hint())
    })
    .into();
    insta::assert_snapshot!("something-else", errors.join("\n"));
}

/// Either of the two answers may be the one that lags.
#[test]
fn where_the_two_apis_differ_both_are_kept_and_it_is_said() {
    let none = (GROUPS.0, r#"{"SecurityGroups": [{"GroupId": "sg-1"}]}"#);
    let no_rows = (ROWS.0, r#"{"SecurityGroupRules": []}"#);
    let other = (
        ROWS.0,
        r#"{"SecurityGroupRules": [{"GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp",
            "FromPort": 22, "ToPort": 22, "CidrIpv4": "0.0.0.0/0"}]}"#,
    );
    for (groups, rows, rules) in [(GROUPS, other, 2), (none, ROWS, 1), (GROUPS, no_rows, 1)] {
        let inventory = portcullis_live::ec2::read([groups, rows, INTERFACES]).unwrap();
        assert_eq!(inventory.groups[0].rules.len(), rules);
        assert_eq!(inventory.gaps.len(), 1);
        assert!(inventory.may_lack_rules_of("sg-1"));
    }
}

/// An emulator may leave out whose a rule's group is; EC2 does not.
#[test]
fn a_group_of_another_account_stays_one() {
    let rows = |owner: &str| {
        format!(
            r#"{{"SecurityGroupRules": [{{"GroupId": "sg-1", {owner} "IsEgress": false, "IpProtocol": "tcp",
                "FromPort": 22, "ToPort": 22, "ReferencedGroupInfo": {{"GroupId": "sg-9", "UserId": "444455556666"}}}}]}}"#
        )
    };
    let own = (
        INTERFACES.0,
        r#"{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "OwnerId": "444455556666"}]}"#,
    );
    for (owner, interfaces, peer, known) in [
        (
            r#""GroupOwnerId": "111122223333","#,
            INTERFACES,
            "444455556666/sg-9",
            true,
        ),
        (r#""GroupOwnerId": "444455556666","#, INTERFACES, "sg-9", true),
        ("", own, "sg-9", true),
        ("", INTERFACES, "444455556666/sg-9", false),
    ] {
        let rows = rows(owner);
        let inventory = portcullis_live::ec2::read([(ROWS.0, rows.as_str()), interfaces]).unwrap();
        assert_eq!(inventory.groups[0].rules[0].peer.to_string(), peer);
        assert_eq!(inventory.may_lack_rules_of("sg-1"), !known, "{owner} {peer}");
    }
}
