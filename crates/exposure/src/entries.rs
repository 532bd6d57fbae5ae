//! The differences as entries of the document.

use crate::differences::{CLOSES, Differences, Felt, MAY_CLOSE, MAY_OPEN, OPENS};
use crate::document::{Fate, GroupExposure, MemberExposure, MemberRef, NamedGroup};
use crate::line::{Cause, ExposureLine};
use crate::scene::{AFTER, BEFORE, Class, DIRECTIONS, Name};
use crate::told::Line;
use portcullis_report::GroupRef;

/// At most this many lines of one kind are told of members; the worst are. Their groups tell all of theirs.
pub(crate) const MEMBER_LINES: usize = 16;

impl Differences<'_, '_> {
    pub(crate) fn groups(&self) -> Vec<GroupExposure> {
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

    pub(crate) fn members(&self) -> Vec<MemberExposure> {
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
                    more += felt.all[kind].more + all.len().saturating_sub(room);
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
