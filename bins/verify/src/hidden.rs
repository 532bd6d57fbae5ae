//! What a comparison must not show: the peers and ports of rules that are marked sensitive. They are compared all the
//! same.

use portcullis_consistency::{ConsistencyReport, RuleRow};
use portcullis_report::GroupRef;
use portcullis_terraform::{TerraformGroup, View};

/// What stands in the place of what is sensitive.
const HIDDEN: &str = "(sensitive)";

/// The report without what is sensitive in one of the views.
pub(crate) fn leave_out(mut report: ConsistencyReport, views: &[&View]) -> ConsistencyReport {
    for view in views {
        for group in &view.groups {
            for owned in &group.rules {
                let Some(parts) = view.sensitive.get(&owned.owner) else {
                    continue;
                };
                let peer = owned.rule.peer.to_string();
                for row in report.rules.iter_mut().filter(|row| is_of(&row.group, group)) {
                    // Whatever its ports: a remark may tell of the same peer under others.
                    hide_in_notes(row, &peer);
                    if row.peer != peer || row.direction != owned.rule.direction.as_str() {
                        continue;
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
            }
        }
    }
    report
}

fn is_of(found: &GroupRef, group: &TerraformGroup) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    same(&found.address, &group.address) || same(&found.id, &group.id)
}

fn hide_in_notes(row: &mut RuleRow, peer: &str) {
    for note in &mut row.notes {
        *note = note.replace(peer, HIDDEN);
    }
}
