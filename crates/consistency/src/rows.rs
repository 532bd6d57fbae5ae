//! The rows of one group.

use crate::document::{RuleRow, RuleVerdict};
use crate::hand;
use crate::repair::{Repair, Subject};
use crate::view::{DECLARED, LIVE, Names, Pair, RECORDED, Row, Seen, Table};
use portcullis_report::GroupRef;
use portcullis_secgroup::{Inventory, Peer, RuleKey};
use portcullis_terraform::Origin;
use std::collections::HashMap;

/// One rule of a group, before it is written down.
pub(crate) struct Line<'a> {
    pub(crate) key: RuleKey,
    pub(crate) declared: Option<bool>,
    pub(crate) recorded: Option<bool>,
    pub(crate) live: Option<bool>,
    row: Row<'a>,
}

impl<'a> Line<'a> {
    pub(crate) fn verdict(&self) -> RuleVerdict {
        RuleVerdict::of(self.declared, self.recorded, self.live)
    }

    pub(crate) fn seen(&self, view: usize) -> &Seen<'a> {
        &self.row.views[view]
    }
}

/// Everything that is the same for all rules of a group.
pub(crate) struct Here<'a> {
    pub(crate) pair: &'a Pair<'a>,
    pub(crate) names: &'a Names<'a>,
    pub(crate) live: Option<&'a Inventory>,
}

impl<'a> Here<'a> {
    /// A row per rule: changed pairs side by side, else in the order of the rules.
    pub(crate) fn rows(&self, table: Table<'a>) -> Vec<RuleRow> {
        let lines = lines(table);
        let swaps = hand::swaps(&lines, self.pair.group.address.as_deref());
        let mut rows: Vec<RuleRow> = lines.iter().map(|line| self.row(line)).collect();
        if rows.iter().all(|row| row.verdict == RuleVerdict::Agree) {
            return rows;
        }
        hand::tie(&lines, &swaps, &mut rows);
        self.mark_change(&lines, &mut rows);
        for (line, row) in lines.iter().zip(&mut rows) {
            row.repair = Repair::of(&self.subject(line, row));
        }
        // What was found stands right below what was wanted.
        let mut places: Vec<(usize, bool)> = (0..rows.len()).map(|at| (at, false)).collect();
        for swap in &swaps {
            places[swap.found] = (swap.wanted, true);
        }
        let mut placed: Vec<((usize, bool), RuleRow)> = places.into_iter().zip(rows).collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, row)| row).collect()
    }

    fn row(&self, line: &Line<'_>) -> RuleRow {
        let key = &line.key;
        let (from_port, to_port) = key.ports.as_written(key.protocol);
        RuleRow {
            group: self.pair.group.clone(),
            direction: key.direction.as_str().to_owned(),
            protocol: key.protocol.to_string(),
            from_port,
            to_port,
            peer: match (&key.peer, self.pair.id) {
                (Peer::SelfGroup, Some(id)) => id.to_owned(),
                (peer, _) => peer.to_string(),
            },
            declared: line.declared,
            recorded: line.recorded,
            live: line.live,
            verdict: line.verdict(),
            rule_id: line.seen(LIVE).id.or(line.seen(RECORDED).id).map(str::to_owned),
            notes: notes(line),
            ..RuleRow::default()
        }
    }

    fn subject<'r>(&'r self, line: &'r Line<'_>, row: &'r RuleRow) -> Subject<'r> {
        let group = &self.pair.group;
        let live = self.live.zip(self.pair.id).map(|(inventory, _)| inventory);
        Subject {
            verdict: row.verdict,
            group: self.pair.id,
            address: group.address.as_deref(),
            name: self
                .pair
                .declared
                .or(self.pair.recorded)
                .and_then(|group| group.name.as_deref()),
            region: live.and_then(|inventory| inventory.region.as_deref()),
            key: &line.key,
            rule_id: line.seen(LIVE).id,
            description: line.seen(LIVE).description,
            is_inline: self.pair.is_inline(line.key.direction),
            owner: match line.seen(DECLARED).owners.as_slice() {
                [one] => Some(*one),
                _ => None,
            },
            relation: row.relation.as_ref(),
            in_change: row.in_change,
        }
    }

    /// What the plan that was applied adds and takes away: only that can EC2's answers lag behind.
    fn mark_change(&self, lines: &[Line<'_>], rows: &mut [RuleRow]) {
        let Some(before) = self.pair.before else {
            // A group that the plan makes: all of it is new.
            if self.pair.is_new {
                for row in rows.iter_mut().filter(|row| row.verdict == RuleVerdict::Gone) {
                    row.in_change = true;
                }
            }
            return;
        };
        let mut stood: HashMap<RuleKey, (Option<&str>, bool)> = HashMap::new();
        for owned in &before.rules {
            if let Some(key) = owned.rule.key() {
                let owner = owned.origin == Origin::Resource || self.pair.is_inline(key.direction);
                stood
                    .entry(self.names.with_ids(key, self.pair.id))
                    .or_insert((owned.rule.description.as_deref(), owner));
            }
        }
        for (line, row) in lines.iter().zip(rows) {
            let before = stood.get(&line.key);
            row.in_change = match row.verdict {
                // Inline rules are revoked and made again when only their description changes.
                RuleVerdict::Gone => {
                    before.is_none_or(|(description, _)| *description != line.seen(DECLARED).description)
                }
                RuleVerdict::Unmanaged => before.is_some_and(|(_, owned)| *owned),
                _ => false,
            };
        }
    }
}

/// The rules of the table in their order, without stale echoes, which are no evidence of anything.
fn lines(mut table: Table<'_>) -> Vec<Line<'_>> {
    let rows = std::mem::take(&mut table.rows);
    let mut lines: Vec<Line<'_>> = rows
        .into_iter()
        .map(|(key, row)| Line {
            key,
            declared: table.there(&row, DECLARED),
            recorded: table.there(&row, RECORDED),
            live: table.there(&row, LIVE),
            row,
        })
        .filter(|line| {
            !(line.declared == Some(false) && line.live == Some(false) && line.recorded != Some(true))
        })
        .collect();
    lines.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    lines
}

/// Who owns it, and what differs though the rule is the same.
fn notes(line: &Line<'_>) -> Vec<String> {
    let (declared, recorded) = (line.seen(DECLARED), line.seen(RECORDED));
    let mut notes = Vec::new();
    if line.declared == Some(true) && !declared.owners.is_empty() {
        notes.push(format!("declared by {}", declared.owners.join(", ")));
    }
    if line.recorded == Some(true) && !recorded.owners.is_empty() {
        notes.push(format!("recorded for {}", recorded.owners.join(", ")));
    }
    if declared.inferred {
        notes.push("its values are not in the plan, and are taken from the state".to_owned());
    }
    if line.live == Some(true) {
        weaker(line, &mut notes);
    }
    notes
}

fn weaker(line: &Line<'_>, notes: &mut Vec<String>) {
    let (declared, recorded, live) = (line.seen(DECLARED), line.seen(RECORDED), line.seen(LIVE));
    let wanted = declared.description.or(recorded.description);
    let managed = line.declared == Some(true) || line.recorded == Some(true);
    let hidden =
        |text: &str| text.starts_with('(') && (text.contains("sensitive") || text.contains("after apply"));
    if managed && wanted != live.description && !wanted.is_some_and(hidden) {
        let word = |text: Option<&str>| text.map_or_else(|| "none".to_owned(), |text| format!("\"{text}\""));
        notes.push(format!(
            "description: live {}, code {}",
            word(live.description),
            word(wanted)
        ));
    }
    if let (Some(recorded), Some(live)) = (recorded.id, live.id)
        && recorded != live
    {
        notes.push(format!(
            "made anew outside of Terraform: live {live}, recorded {recorded}"
        ));
    }
    // Only rule resources have tags, and the live view has none where they were not read.
    let wanted = declared.tags.or(recorded.tags).filter(|tags| !tags.is_empty());
    if let (Some(wanted), Some(live)) = (wanted, live.tags.filter(|tags| !tags.is_empty()))
        && wanted != live
    {
        let differing: Vec<&str> = wanted
            .iter()
            .filter(|(key, value)| live.get(*key) != Some(value))
            .map(|(key, _)| key.as_str())
            .chain(
                live.keys()
                    .filter(|key| !wanted.contains_key(*key))
                    .map(String::as_str),
            )
            .collect();
        notes.push(format!("tags differ: {}", differing.join(", ")));
    }
}

/// The group as documents name it.
pub(crate) fn group_ref(address: Option<&str>, id: Option<&str>) -> GroupRef {
    GroupRef {
        address: address.map(str::to_owned),
        id: id.map(str::to_owned),
    }
}
