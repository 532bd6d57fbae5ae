//! What a comparison must not show: the peers and ports of rules that are marked sensitive. They are compared all the
//! same.

use portcullis_consistency::{ConsistencyReport, RuleRow};
use portcullis_report::GroupRef;
use portcullis_secgroup::{Direction, Peer};
use portcullis_terraform::{SensitiveParts, View};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What stands in the place of what is sensitive.
const HIDDEN: &str = "(sensitive)";

/// What is sensitive of a group's rules, by their peers.
type Peers = HashMap<String, BTreeMap<Direction, SensitiveParts>>;

/// The report without what is sensitive in one of the views.
pub(crate) fn leave_out(mut report: ConsistencyReport, views: &[&View]) -> ConsistencyReport {
    let mut groups: HashMap<&str, Peers> = HashMap::new();
    let mut lists: BTreeSet<&str> = BTreeSet::new();
    for view in views.iter().filter(|view| !view.sensitive.is_empty()) {
        for group in &view.groups {
            for owned in &group.rules {
                let Some(parts) = view.sensitive.get(&owned.owner) else {
                    continue;
                };
                // Rows name a group of the own account without it.
                let peers = match (&owned.rule.peer, &group.id) {
                    (Peer::SelfGroup, Some(id)) => vec![id.clone()],
                    (peer @ Peer::Group { id, .. }, _) => vec![peer.to_string(), id.clone()],
                    (peer, _) => vec![peer.to_string()],
                };
                if let (Peer::PrefixList(list), true) = (&owned.rule.peer, parts.peers) {
                    lists.insert(list);
                }
                for name in [&group.id, &group.address].into_iter().flatten() {
                    let of_group = groups.entry(name).or_default();
                    for peer in &peers {
                        let known = of_group.entry(peer.clone()).or_default();
                        let known = known.entry(owned.rule.direction).or_default();
                        known.peers |= parts.peers;
                        known.traffic |= parts.traffic;
                    }
                }
            }
        }
    }
    if groups.is_empty() {
        return report;
    }
    for row in &mut report.rules {
        for peers in of(&row.group, &groups) {
            hide(row, peers);
        }
    }
    for row in &mut report.prefix_lists {
        let names = [Some(&row.id), row.address.as_ref()];
        if names
            .into_iter()
            .flatten()
            .any(|name| lists.contains(name.as_str()))
        {
            row.entries = vec![HIDDEN.to_owned()];
        }
    }
    report
}

fn of<'g>(group: &GroupRef, groups: &'g HashMap<&str, Peers>) -> Vec<&'g Peers> {
    let names = [&group.id, &group.address].into_iter().flatten();
    names.filter_map(|name| groups.get(name.as_str())).collect()
}

fn hide(row: &mut RuleRow, peers: &Peers) {
    if let Some(relation) = &mut row.relation {
        // The peer is the last word of a rule.
        let peer = relation.rule.rsplit(' ').next().unwrap_or_default();
        if peers.contains_key(peer) {
            HIDDEN.clone_into(&mut relation.rule);
        }
    }
    let direction = if row.direction == Direction::Egress.as_str() {
        Direction::Egress
    } else {
        Direction::Ingress
    };
    let Some(parts) = peers.get(&row.peer).and_then(|found| found.get(&direction)) else {
        return;
    };
    if let Some(repair) = &mut row.repair {
        repair.code = None;
        // By its id it may be named.
        if row.rule_id.is_none() {
            repair.command = None;
        }
    }
    if parts.peers {
        HIDDEN.clone_into(&mut row.peer);
    }
    if parts.traffic {
        HIDDEN.clone_into(&mut row.protocol);
        (row.from_port, row.to_port) = (-1, -1);
        row.notes.clear();
    }
}
