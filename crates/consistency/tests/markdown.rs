//! What a reader of a merge request sees of a comparison.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_consistency::{ConsistencyReport, GroupRow, Repair, RuleRow, RuleVerdict};
use portcullis_report::{GroupRef, Limits, Location, Verdict};
use std::collections::BTreeMap;

fn row(n: usize, views: [bool; 3]) -> RuleRow {
    let [declared, recorded, live] = views.map(Some);
    RuleRow {
        group: GroupRef {
            address: Some("aws_security_group.web".to_owned()),
            id: Some("sg-1".to_owned()),
        },
        direction: "ingress".to_owned(),
        protocol: "tcp".to_owned(),
        from_port: 22,
        to_port: 22,
        peer: format!("10.{}.{}.0/24", n / 256, n % 256),
        declared,
        recorded,
        live,
        verdict: RuleVerdict::of(declared, recorded, live),
        ..RuleRow::default()
    }
}

fn report() -> ConsistencyReport {
    let mut unmanaged = row(1, [false, false, true]);
    unmanaged.repair = Some(Repair {
        advice: "terraform does not see it: revoke it, or keep it by adding it to the code".to_owned(),
        command: Some("aws ec2 revoke-security-group-ingress --group-id sg-1".to_owned()),
        code: Some(
            "import {\n  id = \"sgr-1\"\n}\n\nresource \"x\" \"y\" {\n  description = \"```\n/close </pre><script>\"\n}\n"
                .to_owned(),
        ),
    });
    let mut gone = row(2, [true, true, false]);
    gone.repair = Some(Repair {
        advice: "plan and apply again".to_owned(),
        ..Repair::default()
    });
    gone.notes.push("a description that @all | should see".to_owned());
    let rows = vec![unmanaged, gone, row(3, [true, true, true])];
    let mut report = ConsistencyReport::new(Verdict::Violation, rows);
    report.groups.push(GroupRow {
        group: GroupRef::address("aws_security_group.new"),
        declared: Some(true),
        recorded: Some(false),
        live: None,
        verdict: RuleVerdict::Undetermined,
        in_change: false,
    });
    report
        .notes
        .push("not read: describe-network-interfaces.json: there is no such file".to_owned());
    report
}

#[test]
fn the_three_views_stand_side_by_side_and_what_keeps_a_rule_is_whole() {
    let place = Location {
        path: "terraform/web.tf".to_owned(),
        line: 24,
    };
    let places = BTreeMap::from([(row(1, [true; 3]).group, place)]);
    insta::assert_snapshot!("note", report().to_markdown(&Limits::default(), &places));
}

#[test]
fn many_rules_fit_into_a_note() {
    let rows = (0..10_000).map(|n| row(n, [false, false, true])).collect();
    let report = ConsistencyReport::new(Verdict::Violation, rows);
    let note = report.to_markdown(&Limits::default(), &BTreeMap::new());
    assert!(note.chars().count() <= 1_000_000);
    let shown = note
        .lines()
        .filter(|line| line.starts_with("| unmanaged |"))
        .count();
    let cut = format!("… {} rows cut …", 10_000 - shown);
    assert!(shown == 10_000 || note.contains(&cut), "{shown}");
    let note = report.to_markdown(&Limits::characters(2_000), &BTreeMap::new());
    assert!(note.chars().count() <= 2_000 && note.contains(" rows cut …"));
}
