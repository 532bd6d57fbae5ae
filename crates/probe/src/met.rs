//! Which expectations are about something.

use crate::Entry;
use std::collections::BTreeSet;

/// Which entries of the expectations are about something: their lines, with each port that they name.
#[derive(Default)]
pub(crate) struct Met(BTreeSet<(u64, u16)>);

impl Met {
    /// What stands for the ports of an entry that names none.
    pub(crate) const ANY: u16 = 0;

    pub(crate) fn insert(&mut self, entry: &Entry, port: u16) {
        let port = if entry.ports.is_empty() { Self::ANY } else { port };
        self.0.insert((entry.line, port));
    }

    /// Why the entry is about nothing, or a port of it is. A port that nobody selected is not missed beside one that is.
    pub(crate) fn lacks(&self, entry: &Entry, selected: &[u16]) -> Option<String> {
        let line = entry.line;
        let named: Vec<u16> = if entry.ports.is_empty() {
            vec![Self::ANY]
        } else {
            entry.ports.clone()
        };
        let missing: Vec<u16> = named
            .iter()
            .copied()
            .filter(|&port| !self.0.contains(&(line, port)))
            .collect();
        if missing.len() == named.len() {
            return Some(format!(
                "the expectation in line {line} is about nothing: no selected group opens such a port"
            ));
        }
        let missing: Vec<String> = missing
            .into_iter()
            .filter(|port| selected.is_empty() || selected.contains(port))
            .map(|port| port.to_string())
            .collect();
        let protocol = if entry.udp { "udp" } else { "tcp" };
        (!missing.is_empty()).then(|| {
            format!(
                "the expectation in line {line} is in part about nothing: no selected group opens {protocol} {}",
                missing.join(", ")
            )
        })
    }
}
