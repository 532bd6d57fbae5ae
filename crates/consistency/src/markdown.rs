//! The comparison as a note on a merge request: what does not agree in a table of the three views, and what to do.

use crate::document::{ConsistencyReport, RuleRow, RuleVerdict};
use portcullis_report::text::{cut_middle, markdown_code, markdown_pre};
use portcullis_report::{GroupRef, Limits, Location, Note};
use std::collections::BTreeMap;

/// Of one text in a note, this much is shown; the JSON document has it whole.
const CELL: usize = 400;

impl ConsistencyReport {
    /// For a merge request: the headline, the notes, a table of what does not agree, and, folded, what to do. `places` tells where
    /// in the code a group is, when the code was read. Ends with a line feed.
    ///
    /// It is never longer than the limits say; text from outside stands in `<code>` only.
    #[must_use]
    pub fn to_markdown(&self, limits: &Limits, places: &BTreeMap<GroupRef, Location>) -> String {
        let cells =
            |verdict: RuleVerdict, views: [Option<bool>; 3], group: &GroupRef, what: &str, told: String| {
                let [declared, recorded, live] = views.map(|view| match view {
                    Some(true) => "yes".to_owned(),
                    Some(false) => "no".to_owned(),
                    None => "not known".to_owned(),
                });
                let mut group_cell = code(&group.to_string());
                if let Some(place) = places.get(group) {
                    group_cell = format!("{group_cell} at {}", code(&place.to_string()));
                }
                vec![
                    verdict.words().to_owned(),
                    declared,
                    recorded,
                    live,
                    group_cell,
                    code(what),
                    told,
                ]
            };
        let differs = |verdict: RuleVerdict| verdict != RuleVerdict::Agree;
        let mut rows = Vec::new();
        for row in self.groups.iter().filter(|row| differs(row.verdict)) {
            let views = [row.declared, row.recorded, row.live];
            rows.push(cells(
                row.verdict,
                views,
                &row.group,
                "the group itself",
                String::new(),
            ));
        }
        for row in self.rules.iter().filter(|row| differs(row.verdict)) {
            let views = [row.declared, row.recorded, row.live];
            rows.push(cells(row.verdict, views, &row.group, &row.sentence(), told(row)));
        }
        for row in self.members.iter().filter(|row| differs(row.verdict)) {
            let views = [row.declared, row.recorded, row.live];
            rows.push(cells(
                row.verdict,
                views,
                &row.group,
                &row.sentence(),
                String::new(),
            ));
        }
        for row in self.prefix_lists.iter().filter(|row| differs(row.verdict)) {
            let views = [row.declared, row.recorded, row.live];
            let group = GroupRef::default();
            let mut cells = cells(row.verdict, views, &group, &row.sentence(), String::new());
            // It is of no group.
            cells[4].clear();
            rows.push(cells);
        }
        let note = Note {
            headline: format!("**consistency: {}**", self.headline()),
            remarks: self.remarks(),
            columns: &[
                "verdict", "declared", "recorded", "live", "group", "rule", "remarks",
            ],
            rows,
            noun: "rows",
            wide: 5,
            folded: "What to do",
            advice: self.rules.iter().filter_map(advice).collect(),
        };
        note.to_markdown(limits)
    }

    fn remarks(&self) -> Vec<String> {
        let state = self
            .state
            .iter()
            .map(|state| format!("state: {}", state.sentence()));
        let since = self
            .since
            .iter()
            .map(|since| format!("since the last time: {}", since.sentence()));
        let policy = self.policy.iter().map(|found| {
            let finding = &found.finding;
            let waived = if finding.waived.is_some() { ", waived" } else { "" };
            format!(
                "the policy, on what is {}: {} ({}{waived}): {}: {}",
                found.views.join(" and on what is "),
                finding.rule,
                finding.severity,
                finding.group,
                finding.exposure
            )
        });
        let all = state.chain(since).chain(policy).chain(self.notes.iter().cloned());
        all.map(|remark| code(&remark)).collect()
    }
}

/// What is told of a rule beside its verdict.
fn told(row: &RuleRow) -> String {
    let told = row.pair_title().into_iter().chain(row.told());
    let told = told.chain(row.news().map(str::to_owned));
    let told: Vec<String> = told.map(|line| code(&line)).collect();
    told.join("<br>")
}

/// What to do about a rule: the command that takes it away and the code that keeps it, whole, so that they can be copied.
fn advice(row: &RuleRow) -> Option<String> {
    let repair = row.repair.as_ref()?;
    let rule = code(&format!("{}: {}", row.group, row.sentence()));
    let mut out = format!("{rule}: {}", code(&repair.advice));
    if let Some(command) = &repair.command {
        out.push_str(&format!("\n\n{}\n", markdown_pre(command)));
    }
    if let Some(kept) = &repair.code {
        if repair.command.is_some() {
            out.push_str("\nor keep it:\n");
        }
        out.push_str(&format!("\n{}\n", markdown_pre(kept)));
    }
    Some(out)
}

fn code(text: &str) -> String {
    markdown_code(&cut_middle(text, CELL))
}
