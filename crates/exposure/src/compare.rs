//! Before against after, as sets.

use crate::document::{
    ComparedWith, ExposureReport, Fate, GroupDrift, GroupExposure, MemberExposure, MemberRef, NamedGroup,
};
use crate::line::{Cause, Effect, ExposureLine};
use crate::live;
use crate::scene::{AFTER, BEFORE, Class, DIRECTIONS, Name, Painted, Scene, Side, anything};
use crate::told::{Line, Told};
use portcullis_report::text::cut;
use portcullis_report::{GroupRef, Verdict};
use portcullis_secgroup::{Area, Direction, Inventory};
use portcullis_terraform::View;
use std::rc::Rc;

/// At most this many lines of a member are told; the worst are. Its groups tell all of theirs.
const MEMBER_LINES: usize = 40;

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

/// Opened, may open, closed, may close: in this order.
type Four = [Rc<Told>; 4];

const OPENS: usize = 0;
const MAY_OPEN: usize = 1;
const CLOSES: usize = 2;
const MAY_CLOSE: usize = 3;

/// All differences of a scene, by direction.
struct Differences<'s, 'a> {
    scene: &'s Scene<'a>,
    /// Of each group; `None` where its rules are the same.
    groups: Vec<[Option<Four>; 2]>,
    /// Of each class of members, with what of it comes from joining and leaving.
    classes: Vec<[Option<Felt>; 2]>,
    /// The classes that carry a group, by side.
    carriers: [Vec<Vec<usize>>; 2],
}

/// What members feel in one direction.
struct Felt {
    all: Four,
    /// Of what opens and what closes, that which no rule of a group changes.
    by_membership: [Option<Rc<Told>>; 2],
}

impl<'s, 'a> Differences<'s, 'a> {
    fn of(scene: &'s Scene<'a>) -> Self {
        let mut carriers = [BEFORE, AFTER].map(|_| vec![Vec::new(); scene.groups.len()]);
        for (at, class) in scene.classes.iter().enumerate() {
            for (side, carriers) in carriers.iter_mut().enumerate() {
                for &group in &class.groups[side] {
                    carriers[group].push(at);
                }
            }
        }
        let mut out = Self {
            scene,
            groups: Vec::with_capacity(scene.groups.len()),
            classes: Vec::with_capacity(scene.classes.len()),
            carriers,
        };
        for at in 0..scene.groups.len() {
            out.groups
                .push(DIRECTIONS.map(|direction| out.group(at, direction)));
        }
        for class in &scene.classes {
            let felt = DIRECTIONS.map(|direction| out.class(class, direction));
            out.classes.push(felt);
        }
        out
    }

    /// How peers are called; `own` is the group that speaks.
    fn label(&self, own: Option<usize>) -> impl Fn(&str) -> Option<String> + 's {
        let scene = self.scene;
        move |token| match own {
            Some(at) if scene.token(at) == token => {
                let name = scene.peer_label(token).unwrap_or_else(|| token.to_owned());
                Some(format!("{name} itself"))
            }
            _ => scene.peer_label(token),
        }
    }

    fn group(&self, at: usize, direction: Direction) -> Option<Four> {
        if self.scene.groups[at].foreign || !self.scene.changes(at, direction) {
            return None;
        }
        let [was, will] = [BEFORE, AFTER].map(|side| self.scene.painted(at, side, direction));
        let [opens, may_open] = self.one_way(at, [was, will], direction);
        let [closes, may_close] = self.one_way(at, [will, was], direction);
        Some([opens, may_open, closes, may_close].map(Rc::new))
    }

    /// What `to` has for certain and `from` has not, and what it may have besides.
    fn one_way(&self, at: usize, [from, to]: [&[Painted]; 2], direction: Direction) -> [Told; 2] {
        let label = self.label(Some(at));
        let new: Vec<&Area> = to
            .iter()
            .filter(|it| it.only())
            .filter_map(Painted::certain)
            .collect();
        let opens = Told::beyond(&new, from.iter().filter_map(Painted::fence), direction, &label);
        if !from.iter().chain(to).any(|it| it.only() && it.is_unknown()) {
            return [opens, Told::default()];
        }
        let possible: Vec<&Area> = to
            .iter()
            .filter(|it| it.only())
            .filter_map(Painted::possible)
            .collect();
        let known = from.iter().filter_map(Painted::certain);
        let may_open = Told::beyond(
            &possible,
            known.chain(opens.areas().unwrap_or_default()),
            direction,
            &label,
        );
        [opens, may_open]
    }

    fn class(&self, class: &Class<'_>, direction: Direction) -> Option<Felt> {
        let which = usize::from(direction == Direction::Egress);
        let same = class.groups[BEFORE] == class.groups[AFTER];
        let news = !same
            || class.groups_unknown[BEFORE] != class.groups_unknown[AFTER]
            || class.groups[AFTER]
                .iter()
                .any(|&at| self.groups[at][which].is_some());
        if !news {
            return None;
        }
        let (opens, may_open, joins) = self.member_way(class, BEFORE, AFTER, direction);
        let (closes, may_close, leaves) = self.member_way(class, AFTER, BEFORE, direction);
        Some(Felt {
            all: [opens, may_open, closes, may_close],
            by_membership: [joins, leaves],
        })
    }

    /// What members have for certain on side `to` and not on side `from`; what they may have besides; and what of the
    /// first no rule of a group changes.
    fn member_way(
        &self,
        class: &Class<'_>,
        from: usize,
        to: usize,
        direction: Direction,
    ) -> (Rc<Told>, Rc<Told>, Option<Rc<Told>>) {
        let scene = self.scene;
        let label = self.label(None);
        let painted = |at: usize, side: usize| scene.painted(at, side, direction);
        let kept = |at: usize| class.groups[from].contains(&at) && class.groups[to].contains(&at);
        // What stands against it: all that is open on the other side.
        let fence = class.groups[from].iter().flat_map(|&at| {
            let both = kept(at);
            painted(at, from)
                .iter()
                .filter_map(move |it| if both { it.fence() } else { it.possible() })
        });
        let everything = class.groups_unknown[from].then(anything);
        let mut by_rules: Vec<&Area> = Vec::new();
        let mut by_membership: Vec<&Area> = Vec::new();
        let mut possible: Vec<&Area> = Vec::new();
        let mut unknown = class.groups_unknown[from];
        let mut sources = 0_usize;
        let mut shared = None;
        for &at in &class.groups[to] {
            let areas = painted(at, to);
            let own = kept(at);
            let new = || areas.iter().filter(|it| !own || it.only());
            if own {
                let which = usize::from(direction == Direction::Egress);
                let Some(four) = &self.groups[at][which] else {
                    continue;
                };
                let told = &four[if to == AFTER { OPENS } else { CLOSES }];
                if !told.is_empty() {
                    sources += 1;
                    shared = Some((at, told));
                }
                match told.areas() {
                    Some(areas) => by_rules.extend(areas),
                    None => by_rules.extend(new().filter_map(Painted::certain)),
                }
            } else {
                sources += 2;
                let told_by_group = matches!(
                    (scene.groups[at].fate, to == AFTER),
                    (Fate::Created | Fate::Replaced, true) | (Fate::Destroyed | Fate::Replaced, false)
                );
                let list = if told_by_group {
                    &mut by_rules
                } else {
                    &mut by_membership
                };
                list.extend(new().filter_map(Painted::certain));
            }
            unknown |= new().any(Painted::is_unknown);
            possible.extend(new().filter_map(Painted::possible));
        }
        for &at in &class.groups[from] {
            unknown |= painted(at, from)
                .iter()
                .any(|it| (it.only() || !kept(at)) && it.is_unknown());
        }
        let opens = match shared {
            // One group alone changes, and no other one stands against it: what it opens, its members feel.
            Some((at, told))
                if sources == 1
                    && everything.is_none()
                    && !fence_touches(
                        told,
                        class.groups[from]
                            .iter()
                            .filter(|&&other| other != at)
                            .flat_map(|&other| painted(other, from)),
                    ) =>
            {
                Rc::clone(told)
            }
            _ => {
                let all: Vec<&Area> = by_rules.iter().chain(&by_membership).copied().collect();
                Rc::new(Told::beyond(
                    &all,
                    fence.clone().chain(&everything),
                    direction,
                    &label,
                ))
            }
        };
        let joins = (!by_membership.is_empty() && !opens.is_empty()).then(|| {
            if by_rules.is_empty() {
                return Rc::clone(&opens);
            }
            let against = fence.chain(&everything).chain(by_rules.iter().copied());
            Rc::new(Told::beyond(&by_membership, against, direction, &label))
        });
        // Members whose groups are not known may carry any group that is yet to be made.
        let new_groups: Vec<usize> = if class.groups_unknown[to] {
            (0..scene.groups.len())
                .filter(|at| scene.groups[*at].name.id.is_none() && !class.groups[to].contains(at))
                .collect()
        } else {
            Vec::new()
        };
        possible.extend(
            new_groups
                .iter()
                .flat_map(|&at| painted(at, to))
                .filter_map(Painted::possible),
        );
        let whatever = (class.groups_unknown[to] && new_groups.is_empty()).then(anything);
        possible.extend(&whatever);
        unknown |= class.groups_unknown[to];
        let may_open = if unknown {
            let known = class.groups[from]
                .iter()
                .flat_map(|&at| painted(at, from))
                .filter_map(Painted::certain);
            let opened = opens.areas().unwrap_or_default();
            Told::beyond(&possible, known.chain(opened), direction, &label)
        } else {
            Told::default()
        };
        (opens, Rc::new(may_open), joins)
    }

    fn groups(&self) -> Vec<GroupExposure> {
        let mut out = Vec::new();
        for (at, group) in self.scene.groups.iter().enumerate() {
            let mut told = GroupExposure {
                group: group_ref(group.name),
                name: group.name.name.map(str::to_owned),
                fate: group.fate,
                ..GroupExposure::default()
            };
            for which in 0..DIRECTIONS.len() {
                let Some(four) = &self.groups[at][which] else {
                    continue;
                };
                let lines = |kind: usize| {
                    four[kind].lines.iter().map(move |line| ExposureLine {
                        effect: Some(self.effect(at, which, kind, line)),
                        ..line.line.clone()
                    })
                };
                told.opens.extend(lines(OPENS));
                told.may_open.extend(lines(MAY_OPEN));
                told.closes.extend(lines(CLOSES));
                told.may_close.extend(lines(MAY_CLOSE));
            }
            let silent = [&told.opens, &told.may_open, &told.closes, &told.may_close]
                .iter()
                .all(|lines| lines.is_empty());
            if silent {
                continue;
            }
            let side = if group.fate == Fate::Destroyed {
                BEFORE
            } else {
                AFTER
            };
            let carriers = self.carriers[side][at].iter();
            told.members = carriers
                .flat_map(|&class| &self.scene.classes[class].members)
                .map(|name| member_ref(*name).label().to_owned())
                .collect();
            told.members.sort();
            out.push(told);
        }
        out
    }

    /// Whether a member feels a line of its group.
    fn effect(&self, at: usize, which: usize, kind: usize, line: &Line) -> Effect {
        let side = if matches!(kind, OPENS | MAY_OPEN) {
            AFTER
        } else {
            BEFORE
        };
        let carriers = &self.carriers[side][at];
        if carriers.is_empty() {
            let may_carry = |class: &Class<'_>| class.groups_unknown[side];
            let unknown = self.scene.groups[at].name.id.is_none() && self.scene.classes.iter().any(may_carry);
            return if unknown { Effect::Unknown } else { Effect::Nobody };
        }
        let felt = carriers.iter().any(|&class| {
            let Some(felt) = &self.classes[class][which] else {
                return false;
            };
            // What is certain of a group may be less so of a member, whose other groups are not known.
            let kinds = if side == AFTER {
                [OPENS, MAY_OPEN]
            } else {
                [CLOSES, MAY_CLOSE]
            };
            kinds.iter().any(|&kind| felt.all[kind].touches(&line.area))
        });
        if felt { Effect::Felt } else { Effect::Covered }
    }

    fn members(&self) -> Vec<MemberExposure> {
        let mut out: Vec<(Vec<_>, MemberExposure)> = Vec::new();
        for (at, class) in self.scene.classes.iter().enumerate() {
            let mut more = 0;
            let mut worst = Vec::new();
            let mut lines = |kind: usize| -> Vec<ExposureLine> {
                let mut told: Vec<ExposureLine> = Vec::new();
                for felt in self.classes[at].iter().flatten() {
                    let all = &felt.all[kind].lines;
                    if told.is_empty() {
                        worst.push(all.first().map(|line| line.rank));
                    }
                    let room = MEMBER_LINES - told.len().min(MEMBER_LINES);
                    more += all.len().saturating_sub(room);
                    told.extend(all.iter().take(room).map(|line| ExposureLine {
                        cause: Some(cause(class, felt, kind, line)),
                        ..line.line.clone()
                    }));
                }
                told
            };
            let [opens, may_open, closes, may_close] = [OPENS, MAY_OPEN, CLOSES, MAY_CLOSE].map(&mut lines);
            if [&opens, &may_open, &closes, &may_close]
                .iter()
                .all(|lines| lines.is_empty())
            {
                continue;
            }
            let named = |groups: Vec<usize>| groups.into_iter().map(|at| self.named(at)).collect();
            let beyond = |side: usize| -> Vec<usize> {
                let other = &class.groups[1 - side];
                let all = class.groups[side].iter().copied();
                all.filter(|group| !other.contains(group)).collect()
            };
            let side = if class.fate == Fate::Destroyed {
                BEFORE
            } else {
                AFTER
            };
            let mut members: Vec<MemberRef> = class.members.iter().map(|name| member_ref(*name)).collect();
            members.sort_by(|a, b| (a.label(), a).cmp(&(b.label(), b)));
            // What opens comes before what closes.
            let order = worst.into_iter().map(|rank| (rank.is_none(), rank)).collect();
            out.push((
                order,
                MemberExposure {
                    members,
                    fate: class.fate,
                    groups: named(class.groups[side].clone()),
                    joined: named(beyond(AFTER)),
                    left: named(beyond(BEFORE)),
                    groups_unknown: class.groups_unknown[AFTER],
                    opens,
                    closes,
                    may_open,
                    may_close,
                    more,
                },
            ));
        }
        out.sort_by(|a, b| (&a.0, &a.1.members).cmp(&(&b.0, &b.1.members)));
        out.into_iter().map(|(_, member)| member).collect()
    }

    fn named(&self, at: usize) -> NamedGroup {
        let name = self.scene.groups[at].name;
        NamedGroup {
            group: group_ref(name),
            name: name.name.map(str::to_owned),
        }
    }
}

fn cause(class: &Class<'_>, felt: &Felt, kind: usize, line: &Line) -> Cause {
    let by_membership = match kind {
        OPENS => &felt.by_membership[0],
        CLOSES => &felt.by_membership[1],
        _ if class.groups[BEFORE] == class.groups[AFTER] && !class.groups_unknown[AFTER] => {
            return Cause::Rules;
        }
        _ => return Cause::Membership,
    };
    match by_membership {
        Some(told) if told.touches(&line.area) => Cause::Membership,
        _ => Cause::Rules,
    }
}

fn fence_touches<'a>(told: &Told, mut others: impl Iterator<Item = &'a Painted>) -> bool {
    others.any(|it| it.possible().is_some_and(|area| told.touches(area)))
}

fn group_ref(name: Name<'_>) -> GroupRef {
    GroupRef {
        address: name.address.map(str::to_owned),
        id: name.id.map(str::to_owned),
    }
}

fn member_ref(name: Name<'_>) -> MemberRef {
    MemberRef {
        address: name.address.map(str::to_owned),
        id: name.id.map(str::to_owned),
        name: name.name.map(str::to_owned),
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
