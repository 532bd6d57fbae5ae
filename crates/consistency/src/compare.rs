//! The comparison: one row per rule of each group that the code or the state knows.

use crate::document::{ConsistencyReport, RuleRow, RuleVerdict};
use crate::view::{GroupView, Names, Seen, declared, live, recorded};
use portcullis_report::{FORMAT_VERSION, GroupRef, Verdict};
use portcullis_secgroup::{Group, Inventory, Peer, RuleKey};
use portcullis_terraform::{TerraformGroup, View};
use std::collections::{BTreeMap, BTreeSet};

/// The three views. A view that could not be read is `None`; its column then says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Views<'a> {
    /// What the plan says will be there ([`portcullis_terraform::Plan::after`]).
    pub declared: &'a View,
    /// The managed state.
    pub recorded: Option<&'a View>,
    /// EC2.
    pub live: Option<&'a Inventory>,
}

/// Compares the three views.
#[must_use]
pub fn compare(views: &Views<'_>) -> ConsistencyReport {
    let terraform: Vec<&View> = std::iter::once(views.declared).chain(views.recorded).collect();
    let names = Names::new(&terraform);
    let listed: BTreeMap<&str, &Group> = views
        .live
        .into_iter()
        .flat_map(|inventory| &inventory.groups)
        .filter_map(|group| Some((group.id.as_deref()?, group)))
        .collect();
    let mut rules = Vec::new();
    let mut notes = Vec::new();
    let mut known = BTreeSet::new();
    for pair in pairs(views, &names) {
        known.extend(pair.id.clone());
        let here = Here {
            declared: pair.declared.map_or_else(
                // The code no longer has the group: it declares none of its rules.
                || GroupView {
                    otherwise: Some(false),
                    ..GroupView::default()
                },
                |group| declared(group, pair.id.as_deref(), &names),
            ),
            recorded: match (views.recorded, pair.recorded) {
                (None, _) => GroupView::unread(),
                (Some(_), None) => GroupView {
                    otherwise: Some(false),
                    ..GroupView::default()
                },
                (Some(_), Some(group)) => recorded(group, pair.declared, &names),
            },
            live: views.live.map_or_else(GroupView::unread, |inventory| {
                let group = pair.id.as_deref().and_then(|id| listed.get(id).copied());
                live(group, inventory.gaps.is_empty())
            }),
        };
        for owner in here.declared.unknown.iter().chain(&here.recorded.unknown) {
            notes.push(format!(
                "{owner}: not compared, something in it is known only after apply"
            ));
        }
        rules.extend(here.rows(&pair));
    }
    for orphan in &views.declared.orphans {
        notes.push(format!(
            "{}: not compared, its group is known only after apply",
            orphan.owner
        ));
    }
    for problem in terraform.iter().flat_map(|view| &view.problems) {
        notes.push(format!("not understood: {}: {}", problem.address, problem.what));
    }
    let mut doubtful = !notes.is_empty();
    if let Some(inventory) = views.live {
        for gap in &inventory.gaps {
            doubtful = true;
            notes.push(format!("not read: {}: {}", gap.what, gap.why));
        }
        notes.extend(strangers(inventory, &known));
    }
    rules.sort_by(|a: &RuleRow, b| rank(a).cmp(&rank(b)));
    notes.sort();
    notes.dedup();
    let verdict = rules
        .iter()
        .map(|row| verdict_of(row.verdict))
        .fold(Verdict::Pass, Verdict::worst);
    let verdict = if doubtful {
        verdict.worst(Verdict::Undetermined)
    } else {
        verdict
    };
    ConsistencyReport {
        format_version: FORMAT_VERSION.to_owned(),
        verdict,
        rules,
        notes,
    }
}

/// What one rule's verdict means for the whole.
pub(crate) fn verdict_of(row: RuleVerdict) -> Verdict {
    match row {
        RuleVerdict::Agree => Verdict::Pass,
        RuleVerdict::Undetermined => Verdict::Undetermined,
        _ => Verdict::Violation,
    }
}

fn rank(row: &RuleRow) -> impl Ord + '_ {
    let weight = std::cmp::Reverse(verdict_of(row.verdict));
    (
        weight,
        &row.group,
        &row.direction,
        &row.protocol,
        row.from_port,
        row.to_port,
        &row.peer,
    )
}

/// One group as the code and the state have it.
struct Pair<'a> {
    id: Option<String>,
    group: GroupRef,
    declared: Option<&'a TerraformGroup>,
    recorded: Option<&'a TerraformGroup>,
}

/// Groups of both views, matched by id, else by address.
fn pairs<'a>(views: &Views<'a>, names: &Names<'_>) -> Vec<Pair<'a>> {
    let mut by_name: BTreeMap<String, Pair<'a>> = BTreeMap::new();
    let id_of = |group: &TerraformGroup| {
        group.id.clone().or_else(|| {
            group
                .address
                .as_deref()
                .and_then(|address| names.id(address))
                .map(str::to_owned)
        })
    };
    let mut add = |group: &'a TerraformGroup, is_declared: bool| {
        let id = id_of(group);
        let name = id.clone().unwrap_or_else(|| group.label().to_owned());
        let pair = by_name.entry(name).or_insert_with(|| Pair {
            group: GroupRef {
                address: group.address.clone(),
                id: id.clone(),
            },
            id,
            declared: None,
            recorded: None,
        });
        pair.group.address = pair.group.address.take().or_else(|| group.address.clone());
        *(if is_declared {
            &mut pair.declared
        } else {
            &mut pair.recorded
        }) = Some(group);
    };
    views.declared.groups.iter().for_each(|group| add(group, true));
    views
        .recorded
        .into_iter()
        .flat_map(|view| &view.groups)
        .for_each(|group| add(group, false));
    by_name.into_values().collect()
}

/// Groups that EC2 has and Terraform does not know: worth a line, no disagreement.
fn strangers(inventory: &Inventory, known: &BTreeSet<String>) -> Option<String> {
    let mut names: Vec<String> = inventory
        .groups
        .iter()
        .filter(|group| group.id.as_ref().is_some_and(|id| !known.contains(id)))
        .map(|group| format!("{} ({})", group.label(), group.id.as_deref().unwrap_or("?")))
        .collect();
    names.sort();
    let count = names.len();
    names.truncate(5);
    let more = if count > 5 {
        format!(" and {} more", count - 5)
    } else {
        String::new()
    };
    (count > 0).then(|| {
        format!(
            "EC2 has groups this Terraform does not know: {}{more}",
            names.join(", ")
        )
    })
}

/// The three views of one group.
struct Here {
    declared: GroupView,
    recorded: GroupView,
    live: GroupView,
}

impl Here {
    fn rows(&self, pair: &Pair<'_>) -> Vec<RuleRow> {
        let keys: BTreeSet<&RuleKey> = [&self.declared, &self.recorded, &self.live]
            .into_iter()
            .flat_map(|view| view.rules.keys())
            .collect();
        keys.into_iter().filter_map(|key| self.row(key, pair)).collect()
    }

    fn row(&self, key: &RuleKey, pair: &Pair<'_>) -> Option<RuleRow> {
        let (declared, recorded, live) = (
            self.declared.seen(key),
            self.recorded.seen(key),
            self.live.seen(key),
        );
        // A stale echo is no evidence of anything.
        if declared.there == Some(false) && live.there == Some(false) && recorded.there != Some(true) {
            return None;
        }
        let verdict = judge(declared.there, recorded.there, live.there);
        let (from_port, to_port) = key.ports.as_written(key.protocol);
        let mut notes = Vec::new();
        for (word, seen) in [("declared by", &declared), ("recorded for", &recorded)] {
            if seen.there == Some(true) && !seen.owners.is_empty() {
                notes.push(format!("{word} {}", seen.owners.join(", ")));
            }
        }
        if verdict == RuleVerdict::Unmanaged {
            notes.extend(self.changed(key));
        }
        notes.extend(weaker(&declared, &recorded, &live));
        Some(RuleRow {
            group: pair.group.clone(),
            direction: key.direction.as_str().to_owned(),
            protocol: key.protocol.to_string(),
            from_port,
            to_port,
            peer: match (&key.peer, &pair.id) {
                (Peer::SelfGroup, Some(id)) => id.clone(),
                (peer, _) => peer.to_string(),
            },
            declared: declared.there,
            recorded: recorded.there,
            live: live.there,
            verdict,
            notes,
        })
    }

    /// Which declared rule a rule made by hand changes: the same ports for another peer, or another port for the same peer.
    fn changed(&self, key: &RuleKey) -> Option<String> {
        let certain = self
            .declared
            .rules
            .iter()
            .filter(|(_, seen)| seen.there == Some(true));
        let near: Vec<(&RuleKey, &Seen)> = certain
            .filter(|(other, _)| other.direction == key.direction && other.protocol == key.protocol)
            .collect();
        let same_ports: Vec<&(&RuleKey, &Seen)> = near
            .iter()
            .filter(|(other, _)| other.ports == key.ports)
            .collect();
        if let Some((_, seen)) = same_ports.first() {
            let peers: Vec<String> = same_ports
                .iter()
                .map(|(other, _)| other.peer.to_string())
                .collect();
            return Some(format!(
                "changes {}: the code has these ports {} {} only",
                seen.owners.join(", "),
                key.direction.preposition(),
                peers.join(", ")
            ));
        }
        let gone = |other: &RuleKey| self.live.seen(other).there == Some(false);
        let (other, seen) = near
            .into_iter()
            .find(|(other, _)| other.peer == key.peer && gone(other))?;
        let (from, to) = other.ports.as_written(other.protocol);
        Some(format!(
            "changes {}: the code has ports {from} to {to} for this peer",
            seen.owners.join(", ")
        ))
    }
}

/// The table of the glossary: declared × recorded × live. What could not be read is undetermined, never agreement.
fn judge(declared: Option<bool>, recorded: Option<bool>, live: Option<bool>) -> RuleVerdict {
    let (Some(declared), Some(recorded), Some(live)) = (declared, recorded, live) else {
        return RuleVerdict::Undetermined;
    };
    match (declared, recorded, live) {
        (true, true, true) => RuleVerdict::Agree,
        (true, true, false) => RuleVerdict::Gone,
        (true, false, false) => RuleVerdict::NotApplied,
        (true, false, true) => RuleVerdict::StateBehind,
        (false, true, true) => RuleVerdict::NotDeclared,
        (false, true, false) => RuleVerdict::StateStale,
        (false, false, true) => RuleVerdict::Unmanaged,
        // No view has it: there is no row. Said as doubt rather than as agreement.
        (false, false, false) => RuleVerdict::Undetermined,
    }
}

/// What differs though the rule is the same: description and id.
fn weaker(declared: &Seen, recorded: &Seen, live: &Seen) -> Vec<String> {
    let mut notes = Vec::new();
    if live.there != Some(true) {
        return notes;
    }
    let wanted = declared.description.as_ref().or(recorded.description.as_ref());
    let managed = declared.there == Some(true) || recorded.there == Some(true);
    let hidden = |text: &&String| {
        text.starts_with('(') && (text.contains("sensitive") || text.contains("after apply"))
    };
    if managed && wanted != live.description.as_ref() && !wanted.as_ref().is_some_and(hidden) {
        let word =
            |text: Option<&String>| text.map_or_else(|| "none".to_owned(), |text| format!("\"{text}\""));
        notes.push(format!(
            "description: live {}, code {}",
            word(live.description.as_ref()),
            word(wanted)
        ));
    }
    if let (Some(recorded), Some(live)) = (&recorded.id, &live.id)
        && recorded != live
    {
        notes.push(format!(
            "made anew outside of Terraform: live {live}, recorded {recorded}"
        ));
    }
    notes
}
