//! Progress, for a person at a terminal and for a job's log.

use portcullis_aws::Progress;
use portcullis_stage::Stage;
use std::cell::RefCell;

/// How many pages come between two lines of a log.
const PAGES_PER_LINE: usize = 10;

/// What has come so far.
pub(crate) struct Tally<'a> {
    stage: &'a Stage,
    counts: RefCell<Counts>,
}

#[derive(Default)]
struct Counts {
    pages: usize,
    /// In the order in which they first came.
    items: Vec<(&'static str, usize)>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        Self {
            stage,
            counts: RefCell::default(),
        }
    }

    /// Another page.
    pub(crate) fn add(&self, progress: &Progress<'_>) {
        let mut counts = self.counts.borrow_mut();
        counts.add(progress);
        if self.stage.stderr_is_terminal() {
            self.stage
                .status(format!("{} · {}", counts.text(), progress.place));
        } else if counts.pages.is_multiple_of(PAGES_PER_LINE) {
            self.stage.say(counts.text());
        }
    }

    /// No more pages.
    pub(crate) fn end(&self) {
        self.stage.status("");
    }
}

impl Counts {
    fn add(&mut self, progress: &Progress<'_>) {
        self.pages += 1;
        let noun = noun(progress.call);
        match self.items.iter_mut().find(|(known, _)| *known == noun) {
            Some((_, count)) => *count += progress.items,
            None => self.items.push((noun, progress.items)),
        }
    }

    fn text(&self) -> String {
        let mut items: Vec<String> = self
            .items
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(noun, count)| format!("{noun} {count}"))
            .collect();
        if items.is_empty() {
            items.push("nothing yet".to_owned());
        }
        format!("{} pages so far ({})", self.pages, items.join(", "))
    }
}

/// What a call lists.
fn noun(call: &str) -> &'static str {
    match call {
        "DescribeSecurityGroups" => "groups",
        "DescribeSecurityGroupRules" => "rules",
        "DescribeNetworkInterfaces" => "interfaces",
        "DescribeInstances" => "instances",
        "DescribeSecurityGroupVpcAssociations" => "associations",
        "DescribeStaleSecurityGroups" => "groups with stale rules",
        "GetManagedPrefixListEntries" => "prefix-list entries",
        _ => "others",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_one_kind_are_added_up() {
        let mut counts = Counts::default();
        for (call, items) in [
            ("DescribeInstances", 0),
            ("DescribeSecurityGroups", 12),
            ("DescribeSecurityGroupRules", 1000),
            ("DescribeSecurityGroupRules", 7),
        ] {
            counts.add(&Progress {
                place: "eu-west-1",
                call,
                items,
            });
        }
        assert_eq!(counts.text(), "4 pages so far (groups 12, rules 1007)");
    }
}
