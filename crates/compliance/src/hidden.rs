//! What a report must not show: the peers and ports of rules that are marked sensitive. They are judged all the same.

use portcullis_report::Report;
use portcullis_terraform::{SensitiveParts, View};
use std::collections::BTreeMap;

/// What of whose rules is sensitive, by their owners' addresses.
#[derive(Debug, Default)]
pub struct Hidden(BTreeMap<String, SensitiveParts>);

/// What stands in the place of what is sensitive.
const HIDDEN: &str = "(sensitive)";

impl Hidden {
    /// What the views mark.
    #[must_use]
    pub fn of(views: &[&View]) -> Self {
        let mut all: BTreeMap<String, SensitiveParts> = BTreeMap::new();
        for (owner, parts) in views.iter().flat_map(|view| &view.sensitive) {
            let known = all.entry(owner.clone()).or_default();
            known.peers |= parts.peers;
            known.traffic |= parts.traffic;
        }
        Self(all)
    }

    /// The report without it: a finding that such a rule has a part in says which group and which resources, and not
    /// what is open.
    #[must_use]
    pub fn leave_out(&self, mut report: Report) -> Report {
        if self.0.is_empty() {
            return report;
        }
        for finding in &mut report.findings {
            let owners = finding.resources.iter().chain(&finding.group.address);
            let found: Vec<&SensitiveParts> = owners.filter_map(|owner| self.0.get(owner)).collect();
            if found.is_empty() {
                continue;
            }
            finding.exposure = if found.iter().any(|parts| parts.traffic) {
                HIDDEN.to_owned()
            } else {
                without_peers(&finding.exposure)
            };
            finding.witness = None;
            finding.notes = vec![
                "what it opens is marked sensitive: it was judged with its value, and is not shown"
                    .to_owned(),
            ];
        }
        report
    }
}

/// `tcp 22 from (sensitive)`.
fn without_peers(exposure: &str) -> String {
    let cut = [" from ", " to "]
        .iter()
        .filter_map(|word| Some((exposure.find(word)?, *word)))
        .min();
    match cut {
        Some((at, word)) => format!("{}{word}{HIDDEN}", exposure.get(..at).unwrap_or_default()),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exposure_keeps_its_traffic() {
        for (exposure, shown) in [
            ("tcp 22 from 203.0.113.7/32", "tcp 22 from (sensitive)"),
            (
                "all traffic to the whole IPv4 internet",
                "all traffic to (sensitive)",
            ),
            ("tcp 22 from 10.0.0.0/8 to 2 members", "tcp 22 from (sensitive)"),
            ("203.0.113.7/32", "(sensitive)"),
        ] {
            assert_eq!(without_peers(exposure), shown);
        }
    }
}
