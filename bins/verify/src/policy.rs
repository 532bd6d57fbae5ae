//! The policy once more, on what is there.

use jiff::tz::TimeZone;
use portcullis_compliance::{Hidden, Policy, Subject, judge};
use portcullis_consistency::{ConsistencyReport, PolicyFinding};
use portcullis_report::{Finding, GroupRef, Report, Verdict};
use portcullis_secgroup::Inventory;
use portcullis_stage::Stage;
use portcullis_terraform::View;
use std::collections::{BTreeMap, BTreeSet};

/// Adds what the policy says of the live and of the recorded view. Groups that Terraform does not know are not this
/// pipeline's.
pub(crate) fn judged(
    report: &mut ConsistencyReport,
    policy: &Policy,
    live: Option<&Inventory>,
    declared: &View,
    recorded: Option<&View>,
    stage: &Stage,
) {
    let today = TimeZone::UTC.to_datetime(stage.now()).date();
    let views: Vec<&View> = std::iter::once(declared).chain(recorded).collect();
    let addresses: BTreeMap<&str, &str> = views
        .iter()
        .flat_map(|view| &view.groups)
        .filter_map(|group| Some((group.id.as_deref()?, group.address.as_deref()?)))
        .collect();
    let known: BTreeSet<&str> = views
        .iter()
        .flat_map(|view| &view.groups)
        .filter_map(|group| group.id.as_deref())
        .collect();
    let hidden = Hidden::of(&views);
    let mut found: Vec<PolicyFinding> = Vec::new();
    let mut add = |view: &str, judged: Report| {
        report.verdict = report.verdict.worst(judged.verdict);
        for finding in judged.findings {
            match found.iter_mut().find(|other| same(&other.finding, &finding)) {
                Some(other) => {
                    other.views.push(view.to_owned());
                    let more = finding.resources.into_iter();
                    let more: Vec<String> = more
                        .filter(|name| !other.finding.resources.contains(name))
                        .collect();
                    other.finding.resources.extend(more);
                }
                None => found.push(PolicyFinding {
                    views: vec![view.to_owned()],
                    finding,
                }),
            }
        }
    };
    if let Some(live) = live {
        let ours = ours(live, &known);
        let judged = judge(policy, &Subject::live(&ours), today);
        let findings = judged
            .findings
            .into_iter()
            .filter(|finding| finding.group.id.as_deref().is_none_or(|id| known.contains(id)));
        let findings = findings.map(|finding| Finding {
            group: named(finding.group, &addresses),
            ..finding
        });
        add(
            "live",
            hidden.leave_out(Report::new("compliance", findings.collect())),
        );
    }
    if let Some(recorded) = recorded {
        // The live view knows whether what a state only echoes still holds.
        let subject = match live {
            Some(_) => Subject::recorded_beside_live(recorded),
            None => Subject::recorded(recorded),
        };
        add("recorded", hidden.leave_out(judge(policy, &subject, today)));
    }
    found.sort_by_key(|found| std::cmp::Reverse((found.finding.is_open(), found.finding.severity)));
    report.policy = found;
}

/// The live groups that Terraform knows, whoever carries them, and what else these carry.
fn ours(live: &Inventory, known: &BTreeSet<&str>) -> Inventory {
    let mut ours = live.clone();
    ours.interfaces
        .retain(|interface| interface.groups.iter().any(|id| known.contains(id.as_str())));
    let carried: BTreeSet<&String> = ours
        .interfaces
        .iter()
        .flat_map(|interface| &interface.groups)
        .collect();
    ours.groups.retain(|group| {
        group
            .id
            .as_ref()
            .is_some_and(|id| known.contains(id.as_str()) || carried.contains(id))
    });
    ours
}

fn named(group: GroupRef, addresses: &BTreeMap<&str, &str>) -> GroupRef {
    let address = group.id.as_deref().and_then(|id| addresses.get(id));
    GroupRef {
        address: group
            .address
            .or_else(|| address.map(|address| (*address).to_owned())),
        id: group.id,
    }
}

/// Whether two views show the same thing.
fn same(a: &Finding, b: &Finding) -> bool {
    a.rule == b.rule
        && a.group == b.group
        && a.exposure == b.exposure
        && a.verdict == b.verdict
        && a.waived == b.waived
        && a.verdict != Verdict::Pass
}
