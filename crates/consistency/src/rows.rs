//! The rows of one group.

use crate::document::{RuleRow, RuleVerdict};
use crate::hand;
use crate::live::Live;
use crate::repair::{Repair, Subject};
use crate::view::{DECLARED, LIVE, Names, Pair, RECORDED, Row, Seen, Table, There};
use portcullis_report::GroupRef;
use portcullis_secgroup::{Group, Missing, Peer, RuleKey};
use portcullis_terraform::{Origin, OwnedRule};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

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
    pub(crate) live: Option<&'a Live<'a>>,
    /// The group in the live view.
    pub(crate) listed: &'a [&'a Group],
    stood: OnceCell<Stood<'a>>,
}

/// What stood in a group before the plan was applied, as far as the plan may have changed it.
struct Stood<'a> {
    /// Descriptions, and whether Terraform owned the rule.
    rules: HashMap<RuleKey, (Option<&'a str>, bool)>,
    /// Rules that the plan only forgets: nobody takes them away.
    forgotten: HashSet<RuleKey>,
}

impl<'a> Here<'a> {
    pub(crate) fn new(
        pair: &'a Pair<'a>,
        names: &'a Names<'a>,
        live: Option<&'a Live<'a>>,
        listed: &'a [&'a Group],
    ) -> Self {
        Self {
            pair,
            names,
            live,
            listed,
            stood: OnceCell::new(),
        }
    }

    /// A row per rule: changed pairs side by side, else in the order of the rules.
    pub(crate) fn rows(&self, table: Table<'a>) -> Vec<RuleRow> {
        let lines = lines(table);
        let swaps = hand::swaps(&lines, self.pair.group.address.as_deref());
        let mut rows: Vec<RuleRow> = lines.iter().map(|line| self.row(line)).collect();
        self.mark_stale(&lines, &mut rows);
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
        let region = self.listed.iter().find_map(|group| group.region.as_deref());
        let read = self.live.and_then(|live| live.inventory.region.as_deref());
        Subject {
            verdict: row.verdict,
            group: self.pair.id,
            address: group.address.as_deref(),
            name: self
                .pair
                .declared
                .or(self.pair.recorded)
                .and_then(|group| group.name.as_deref()),
            region: region.or(read),
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

    /// What stood here before the plan was applied; looked up when it is first asked for, since in most groups all agree.
    fn stood(&self) -> &Stood<'a> {
        self.stood.get_or_init(|| self.read_stood())
    }

    fn read_stood(&self) -> Stood<'a> {
        let mut rules = HashMap::new();
        let key_of = |owned: &OwnedRule| Some(self.names.with_ids(owned.rule.key()?, self.pair.own()));
        for owned in self.pair.before.into_iter().flat_map(|before| &before.rules) {
            if let Some(key) = key_of(owned) {
                let is_owned = owned.origin == Origin::Resource || self.pair.is_inline(key.direction);
                let known = rules
                    .entry(key)
                    .or_insert((owned.rule.description.as_deref(), false));
                known.1 |= is_owned;
            }
        }
        let declared = self.pair.declared.into_iter().flat_map(|group| &group.rules);
        let forgotten = declared.filter(|owned| owned.forgotten);
        Stood {
            rules,
            forgotten: forgotten.filter_map(key_of).collect(),
        }
    }

    /// Whether the plan should have taken the rule away, if it declares it no longer.
    pub(crate) fn takes_away(&self, key: &RuleKey) -> bool {
        let stood = self.stood();
        self.pair.is_deleted && !self.pair.is_foreign
            || stood.rules.get(key).is_some_and(|(_, owned)| *owned) && !stood.forgotten.contains(key)
    }

    /// What the plan that was applied adds and takes away: only that can EC2's answers lag behind.
    fn mark_change(&self, lines: &[Line<'_>], rows: &mut [RuleRow]) {
        if self.pair.before.is_none() && !self.pair.is_new {
            return;
        }
        let stood = self.stood();
        // Two calls that name different rules: one of them lags.
        let lags = self.live.zip(self.pair.id).is_some_and(|(live, id)| {
            let mut gaps = live.inventory.gaps.iter();
            gaps.any(|gap| matches!(&gap.missing, Missing::Rules { of: Some(of) } if of == id))
        });
        for (line, row) in lines.iter().zip(rows) {
            // Inline rules are revoked and made again when only their description changes.
            let is_added = || {
                let before = stood.rules.get(&line.key);
                before.is_none_or(|(description, _)| *description != line.seen(DECLARED).description)
            };
            row.in_change = match row.verdict {
                RuleVerdict::Gone => is_added(),
                RuleVerdict::Undetermined if lags && line.live.is_none() => {
                    line.declared == Some(true) && is_added()
                }
                RuleVerdict::Unmanaged => self.takes_away(&line.key),
                _ => false,
            };
        }
    }

    /// Rules of which EC2 says that they name a group which is gone.
    fn mark_stale(&self, lines: &[Line<'_>], rows: &mut [RuleRow]) {
        let stale = self.live.map_or(&[][..], |live| live.stale(self.pair.id));
        if stale.is_empty() {
            return;
        }
        let keys = stale
            .iter()
            .map(|stale| self.names.with_ids(stale.rule.clone(), self.pair.own()));
        let keys: HashSet<RuleKey> = keys.collect();
        for (line, row) in lines.iter().zip(rows) {
            if line.live == Some(true) && keys.contains(&line.key) {
                row.notes.push(
                    "stale: EC2 says that its peer, a group of another VPC, is gone or out of reach: it allows nothing now"
                        .to_owned(),
                );
            }
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
            line.seen(DECLARED).there != There::NotNamed
                || line.live != Some(false)
                || line.recorded == Some(true)
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
    // What the code does not describe any more is not described by the state instead.
    let wanted = if declared.there == There::Yes && !declared.inferred {
        declared.description
    } else {
        declared.description.or(recorded.description)
    };
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
