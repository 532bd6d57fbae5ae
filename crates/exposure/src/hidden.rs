//! The report without what is sensitive.

use crate::document::{ExposureReport, NamedGroup};
use crate::headline::headline;
use crate::line::ExposureLine;
use portcullis_report::GroupRef;
use portcullis_terraform::{SensitiveParts, TerraformGroup, View};

/// What stands in the place of what is sensitive.
const HIDDEN: &str = "(sensitive)";

impl ExposureReport {
    /// The same report, showing nothing of rules whose peers or ports are marked sensitive in one of the views.
    ///
    /// What a line says is the difference of all rules together, so it can't be told which part of it a sensitive rule
    /// brought: the lines of a group with such a rule, and of its members, are all hidden alike. That something opens or
    /// closes is told.
    #[must_use]
    pub fn without_sensitive(mut self, views: &[&View]) -> Self {
        if views.iter().all(|view| view.sensitive.is_empty()) {
            return self;
        }
        let hidden = |group: &GroupRef| parts_of(group, views);
        for entry in &mut self.groups {
            let parts = hidden(&entry.group);
            for lines in [
                &mut entry.opens,
                &mut entry.closes,
                &mut entry.may_open,
                &mut entry.may_close,
            ] {
                hide(lines, parts);
            }
        }
        for entry in &mut self.members {
            let groups = entry.groups.iter().chain(&entry.joined).chain(&entry.left);
            let parts = groups
                .map(|NamedGroup { group, .. }| hidden(group))
                .fold(SensitiveParts::default(), both);
            for lines in [
                &mut entry.opens,
                &mut entry.closes,
                &mut entry.may_open,
                &mut entry.may_close,
            ] {
                hide(lines, parts);
            }
        }
        for entry in &mut self.drift {
            let parts = hidden(&entry.group);
            hide(&mut entry.opened, parts);
            hide(&mut entry.closed, parts);
        }
        self.headline = headline(&self);
        self
    }
}

fn both(a: SensitiveParts, b: SensitiveParts) -> SensitiveParts {
    SensitiveParts {
        peers: a.peers || b.peers,
        traffic: a.traffic || b.traffic,
    }
}

/// What is sensitive of this group's rules; of no group's, of the rules whose group is not known.
fn parts_of(group: &GroupRef, views: &[&View]) -> SensitiveParts {
    let is_it = |known: &TerraformGroup| {
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        same(&known.address, &group.address) || same(&known.id, &group.id)
    };
    let mut out = SensitiveParts::default();
    for view in views {
        let own = view
            .groups
            .iter()
            .filter(|known| is_it(known))
            .flat_map(|known| &known.rules);
        let orphans = view.orphans.iter().filter(|_| *group == GroupRef::default());
        for parts in own
            .chain(orphans)
            .filter_map(|owned| view.sensitive.get(&owned.owner))
        {
            out = both(out, *parts);
        }
    }
    out
}

fn hide(lines: &mut Vec<ExposureLine>, parts: SensitiveParts) {
    if parts == SensitiveParts::default() {
        return;
    }
    for line in lines.iter_mut() {
        if parts.peers {
            HIDDEN.clone_into(&mut line.peers);
            line.reach = None;
        }
        if parts.traffic {
            HIDDEN.clone_into(&mut line.traffic);
        }
        line.exact = None;
    }
    // How many parts it falls into would tell of the peers.
    lines.sort();
    lines.dedup();
}
