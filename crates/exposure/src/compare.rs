//! Before against after, as sets.

use crate::differences::Differences;
use crate::document::{ComparedWith, ExposureReport, GroupDrift, GroupExposure};
use crate::line::{Effect, ExposureLine};
use crate::live;
use crate::scene::{AFTER, BEFORE, DIRECTIONS, Scene, Side};
use crate::told::Told;
use portcullis_report::Verdict;
use portcullis_report::text::cut;
use portcullis_secgroup::{Area, Inventory};
use portcullis_terraform::View;

/// What lies open after a change that did not before, and the other way round, for each group and each member.
///
/// `rules_rewritten` is what the plan writes anew, whatever comes of it; `partial` are the reasons why the plan does not
/// show everything: then the report is undetermined.
#[must_use]
pub fn compare(before: &View, after: &View, rules_rewritten: usize, partial: &[String]) -> ExposureReport {
    Comparison::new(before, after)
        .rules_rewritten(rules_rewritten)
        .partial(partial)
        .report()
}

/// What to compare.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    before: &'a View,
    after: &'a View,
    live: Option<&'a Inventory>,
    rules_rewritten: usize,
    partial: &'a [String],
}

impl<'a> Comparison<'a> {
    /// The prior state of a plan, or another state, against what is planned.
    #[must_use]
    pub fn new(before: &'a View, after: &'a View) -> Self {
        Self {
            before,
            after,
            live: None,
            rules_rewritten: 0,
            partial: &[],
        }
    }

    /// What is live instead of what the prior state has. What the plan changes is then told as a change of what is live:
    /// rules made by hand stay where the plan does not know of them, and groups that are not Terraform's join in at the
    /// members that carry them.
    #[must_use]
    pub fn live(mut self, live: &'a Inventory) -> Self {
        self.live = Some(live);
        self
    }

    /// How many rules the plan writes anew, whatever comes of it.
    #[must_use]
    pub fn rules_rewritten(mut self, rules: usize) -> Self {
        self.rules_rewritten = rules;
        self
    }

    /// Why the plan does not show everything; then the report is undetermined.
    #[must_use]
    pub fn partial(mut self, reasons: &'a [String]) -> Self {
        self.partial = reasons;
        self
    }

    /// What the change opens and closes.
    #[must_use]
    pub fn report(&self) -> ExposureReport {
        let mut report = ExposureReport::unchanged(self.rules_rewritten);
        let sides = match self.live {
            Some(live) => {
                report.compared_with = ComparedWith::Live;
                report.drift = drift(self.before, live);
                live::sides(self.before, self.after, live)
            }
            None => [Side::of(self.before), Side::of(self.after)],
        };
        let [before, after] = sides;
        let scene = Scene::new(before, after);
        let differences = Differences::of(&scene);
        report.groups = differences.groups();
        report.groups.extend(self.orphans(&scene));
        report.groups.sort_by(|a, b| a.group.cmp(&b.group));
        report.members = differences.members();
        self.remark(&scene, &mut report);
        report.headline = crate::headline::headline(&report);
        report
    }

    /// Rules whose group is not known yet: what they open, they open somewhere.
    fn orphans(&self, scene: &Scene<'a>) -> Option<GroupExposure> {
        let mut out = GroupExposure {
            name: Some("a group not known yet".to_owned()),
            ..GroupExposure::default()
        };
        for direction in DIRECTIONS {
            let of = |view: &'a View, side: usize| -> Vec<Area> {
                view.orphans
                    .iter()
                    .map(|owned| &owned.rule)
                    .filter(|rule| rule.direction == direction)
                    .filter_map(|rule| scene.orphan(rule, side))
                    .collect()
            };
            let (was, may) = (of(self.before, BEFORE), of(self.after, AFTER));
            let may: Vec<&Area> = may.iter().collect();
            let told = Told::beyond(&may, was.iter(), direction, &|token| scene.peer_label(token));
            out.may_open
                .extend(told.lines.into_iter().map(|line| ExposureLine {
                    effect: Some(Effect::Unknown),
                    ..line.line
                }));
        }
        (!out.may_open.is_empty()).then_some(out)
    }

    /// The verdict, and what a reader must know of the whole.
    fn remark(&self, scene: &Scene<'_>, report: &mut ExposureReport) {
        let may = |lines: &[ExposureLine]| !lines.is_empty();
        let mut known = !report
            .groups
            .iter()
            .any(|it| may(&it.may_open) || may(&it.may_close))
            && !report
                .members
                .iter()
                .any(|it| may(&it.may_open) || may(&it.may_close));
        for reason in self.partial {
            known = false;
            report.notes.push(format!("partial: {reason}"));
        }
        for problem in &self.after.problems {
            known = false;
            report
                .notes
                .push(format!("not understood: {}: {}", problem.address, problem.what));
        }
        for gap in self.live.iter().flat_map(|live| &live.gaps) {
            known = false;
            report.notes.push(format!("not read: {}: {}", gap.what, gap.why));
        }
        let unknown: usize = scene
            .classes
            .iter()
            .filter(|class| class.groups_unknown[AFTER])
            .map(|class| class.members.len())
            .sum();
        if unknown > 0 {
            known = false;
            report.notes.push(match unknown {
                1 => "the groups of 1 member are not known before apply".to_owned(),
                n => format!("the groups of {n} members are not known before apply"),
            });
        }
        let foreign: Vec<&str> = scene
            .groups
            .iter()
            .filter(|group| group.foreign)
            .filter_map(|group| group.name.id)
            .collect();
        if !foreign.is_empty() {
            report.notes.push(format!(
                "members carry groups whose rules are not in the plan: {}",
                cut(&foreign.join(", "), 200)
            ));
        }
        if !known {
            report.verdict = Verdict::Undetermined;
        }
    }
}

/// Where what is live is not as the prior state has it.
fn drift(before: &View, live: &Inventory) -> Vec<GroupDrift> {
    let [recorded, found] = live::beside(before, live);
    let scene = Scene::new(recorded, found);
    let differences = Differences::of(&scene);
    let lines = |told: Vec<ExposureLine>| -> Vec<ExposureLine> {
        let plain = |line| ExposureLine { effect: None, ..line };
        told.into_iter().map(plain).collect()
    };
    let all = differences.groups().into_iter();
    all.map(|group| GroupDrift {
        group: group.group,
        name: group.name,
        opened: lines(group.opens),
        closed: lines(group.closes),
    })
    .collect()
}
