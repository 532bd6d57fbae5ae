//! What one policy lets pass that another did not.

use crate::document::PartialPlans;
use crate::extent::Extent;
use crate::peers::PeerTerms;
use crate::policy::{Check, Exposure, Policy, Rule, Waiver};
use portcullis_secgroup::{PeerSet, PrefixLists};

/// What `after` lets pass that `before` did not, each in a sentence; empty when nothing is.
///
/// What is compared is what rules mean, not how they are written: a rule that forbids a larger set, with another title, in
/// another place of the file, is no weaker. Where it cannot be told (other groups, other prefix lists), a change counts as
/// loosened.
///
/// ```
/// use portcullis_compliance::{Policy, loosened};
/// let policy = |ports: &str| Policy::read(&format!(
///     "{{version: 1, rules: [{{id: no-admin, severity: high, deny: {{protocol: tcp, ports: {ports}, peers: internet}}}}]}}"
/// ));
/// let (before, after) = (policy("[22, 3389]")?, policy("[22]")?);
/// assert_eq!(loosened(&before, &after), ["the rule no-admin forbids less: other ports or protocols"]);
/// assert!(loosened(&after, &before).is_empty());
/// # Ok::<(), portcullis_compliance::PolicyError>(())
/// ```
#[must_use]
pub fn loosened(before: &Policy, after: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    for rule in &before.rules {
        match after.rules.iter().find(|other| other.id == rule.id) {
            None => found.push(format!("the rule {} is gone", rule.id)),
            Some(other) => found.extend(
                weaker(rule, other)
                    .into_iter()
                    .map(|what| format!("the rule {} {what}", rule.id)),
            ),
        }
    }
    found.extend(after.waivers.iter().filter_map(|waiver| waived(waiver, before)));
    if before.partial_plans == PartialPlans::Undetermined && after.partial_plans == PartialPlans::Accept {
        found.push("partial plans are accepted".to_owned());
    }
    found.extend(before.configuration.loosened(&after.configuration));
    found
}

/// [`loosened`] of the files that make a policy together, each with its name, before and after a change; `None` when what was
/// there before does not read: then nobody can tell. Files that are no policy any more hold nobody to what they said.
#[must_use]
pub fn loosened_files(before: &[(String, String)], after: &[(String, String)]) -> Option<Vec<String>> {
    if before.is_empty() {
        return Some(Vec::new());
    }
    let read = |files: &[(String, String)]| {
        Policy::read_all(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    };
    match (read(before), read(after)) {
        (Ok(before), Ok(after)) => Some(loosened(&before, &after)),
        (Err(_), _) => None,
        (Ok(_), Err(_)) => Some(vec!["it is no policy any more".to_owned()]),
    }
}

fn weaker(before: &Rule, after: &Rule) -> Vec<String> {
    let mut found = Vec::new();
    if after.severity < before.severity {
        found.push(format!(
            "has the severity {} instead of {}",
            after.severity, before.severity
        ));
    }
    if after.groups != before.groups && after.picks() {
        found.push("speaks of other groups".to_owned());
    }
    if after.per != before.per {
        found.push("judges members instead of groups, or groups instead of members".to_owned());
    }
    match (&before.check, &after.check) {
        (
            Check::Forbidden { exposure, extent, .. },
            Check::Forbidden {
                exposure: other,
                extent: other_extent,
                ..
            },
        ) => {
            found.extend(narrower(exposure, other).map(|what| format!("forbids less: {what}")));
            if less_strict(*extent, *other_extent) {
                found.push(format!(
                    "lets pass more: extent {other_extent} instead of {extent}"
                ));
            } else if *other_extent != Extent::Any && reach(exposure) != reach(other) {
                found.push("counts its extent among other peers".to_owned());
            }
        }
        (Check::Description, Check::Description) | (Check::Exists, Check::Exists) => {}
        _ => found.push("asks for something else".to_owned()),
    }
    found
}

/// In what `after` is not at least as wide as `before`.
fn narrower(before: &Exposure, after: &Exposure) -> Option<&'static str> {
    if !before.directions.iter().all(|way| after.directions.contains(way)) {
        return Some("only one direction");
    }
    if !before.traffic.is_subset(&after.traffic) {
        return Some("other ports or protocols");
    }
    let same_lists =
        named(&before.peers) == named(&after.peers) && named(&before.except) == named(&after.except);
    if !same_lists {
        return Some("other prefix lists");
    }
    // What an exception takes out of a list is not known, so there each part is compared by itself.
    let parts = before.peers.fixed.is_subset(&after.peers.fixed)
        && after.except.fixed.is_subset(&before.except.fixed);
    let wide = reach(before).is_subset(&reach(after)) && (parts || before.peers.lists.is_empty());
    (!wide).then_some("other peers")
}

/// Whom it names, as far as prefix lists do not matter.
fn reach(exposure: &Exposure) -> PeerSet {
    let none = PrefixLists::default();
    exposure
        .peers
        .certain(&none)
        .difference(&exposure.except.certain(&none))
}

fn named(terms: &PeerTerms) -> Vec<&String> {
    let mut lists: Vec<&String> = terms.lists.iter().collect();
    lists.sort();
    lists.dedup();
    lists
}

const fn less_strict(before: Extent, after: Extent) -> bool {
    match (before, after) {
        (_, Extent::Any) => false,
        (Extent::Any, Extent::Share(_)) => true,
        (Extent::Share(before), Extent::Share(after)) => after > before,
    }
}

/// What a waiver lets stand that no waiver let stand so long.
fn waived(waiver: &Waiver, before: &Policy) -> Option<String> {
    let same: Vec<&Waiver> = before
        .waivers
        .iter()
        .filter(|other| {
            other.rule == waiver.rule && other.resource == waiver.resource && covers(other, waiver)
        })
        .collect();
    let what = format!("{} for {}", waiver.rule, waiver.resource);
    match same.iter().map(|other| other.expires).max() {
        None => Some(format!("a waiver of {what} is added or widened")),
        Some(until) if until < waiver.expires => Some(format!(
            "the waiver of {what} lasts until {} instead of {until}",
            waiver.expires
        )),
        Some(_) => None,
    }
}

/// Whether `old` lets everything stand that `new` does.
fn covers(old: &Waiver, new: &Waiver) -> bool {
    match (&old.exposure, &new.exposure) {
        (None, None) => true,
        (Some(old), Some(new)) => narrower(new, old).is_none(),
        _ => false,
    }
}
