//! Who may have done it: rows held against CloudTrail's events.

use crate::document::{ConsistencyReport, DoneBy, RuleRow, RuleVerdict};
use portcullis_live::cloudtrail::Event;
use portcullis_secgroup::{Peer, RuleKey};
use std::collections::HashMap;

/// A rule by its content, as a row has it: direction, protocol, ports, peer.
type Content = (String, String, i32, i32, String);

impl ConsistencyReport {
    /// The report with who may have made or taken away each rule that disagrees: the newest event that names the rule by its
    /// id, else one of the same group with the same content.
    #[must_use]
    pub fn with_events(mut self, events: &[Event]) -> Self {
        let mut newest: Vec<&Event> = events.iter().collect();
        // RFC 3339 in UTC, which sorts as text.
        newest.sort_by(|a, b| b.at.cmp(&a.at));
        let mut by_id: HashMap<&str, Vec<&Event>> = HashMap::new();
        let mut by_content: HashMap<(&str, Content), Vec<&Event>> = HashMap::new();
        for event in newest {
            for rule in &event.rules {
                if let Some(id) = &rule.id {
                    by_id.entry(id).or_default().push(event);
                }
                if let (Some(group), Some(key)) = (&event.group, &rule.key) {
                    by_content
                        .entry((group, content(key, group)))
                        .or_default()
                        .push(event);
                }
            }
        }
        for row in &mut self.rules {
            let wanted: &[&str] = match row.verdict {
                RuleVerdict::Unmanaged | RuleVerdict::NotDeclared => &["Authorize", "Modify"],
                RuleVerdict::Gone => &["Revoke", "Modify"],
                _ => continue,
            };
            let fits = |event: &&&Event| wanted.iter().any(|start| event.name.starts_with(start));
            let named = row.rule_id.as_deref().and_then(|id| by_id.get(id));
            let named = named.and_then(|events| events.iter().find(fits));
            let alike = || {
                let group = row.group.id.as_deref()?;
                by_content.get(&(group, of_row(row)))?.iter().find(fits)
            };
            row.done_by = match named {
                Some(event) => Some(done_by(event, true)),
                None => alike().map(|event| done_by(event, false)),
            };
        }
        self
    }
}

fn content(key: &RuleKey, group: &str) -> Content {
    let (from, to) = key.ports.as_written(key.protocol);
    let peer = match &key.peer {
        Peer::SelfGroup => group.to_owned(),
        peer => peer.to_string(),
    };
    (
        key.direction.to_string(),
        key.protocol.to_string(),
        from,
        to,
        peer,
    )
}

fn of_row(row: &RuleRow) -> Content {
    // Events are read without the account of a group.
    let peer = match row.peer.split_once('/') {
        Some((_, group)) if group.starts_with("sg-") => group,
        _ => &row.peer,
    };
    (
        row.direction.clone(),
        row.protocol.clone(),
        row.from_port,
        row.to_port,
        peer.to_owned(),
    )
}

fn done_by(event: &Event, by_id: bool) -> DoneBy {
    DoneBy {
        event: event.name.clone(),
        principal: event.principal.clone(),
        at: event.at.clone(),
        source: event.source.clone(),
        event_id: event.id.clone(),
        by_id,
    }
}
