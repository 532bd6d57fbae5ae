//! What members feel: all groups of a member are joined.

use crate::differences::{CLOSES, Differences, Felt, OPENS};
use crate::document::Fate;
use crate::entries::MEMBER_LINES;
use crate::scene::{AFTER, BEFORE, Class, DIRECTIONS, EVERYTHING, Painted};
use crate::told::Told;
use portcullis_secgroup::Area;
use std::rc::Rc;

/// Up to so many rules that are all new are joined into their normal form; of more, the lines of the groups stand side by
/// side, which is the same set told less well.
const JOINED: usize = 128;

/// Up to so many classes of members with unknown groups are told apart by what they have already.
const UNKNOWN_CLASSES: usize = 8;

/// Which way a class of members is looked at: what it has on side `to` and not on side `from`.
struct Way<'w, 'a> {
    class: &'w Class<'a>,
    from: usize,
    to: usize,
    which: usize,
}

impl Way<'_, '_> {
    /// Whether the members carry the group on both sides.
    fn keeps(&self, at: usize) -> bool {
        self.class.groups[self.from].contains(&at) && self.class.groups[self.to].contains(&at)
    }
}

/// What the groups on side `to` bring.
#[derive(Default)]
struct News<'s> {
    /// For certain, by rules that change.
    by_rules: Vec<&'s Area>,
    /// For certain, by joining and leaving.
    by_membership: Vec<&'s Area>,
    /// All that may be.
    possible: Vec<&'s Area>,
    /// Whether some of it is not known.
    unknown: bool,
    /// The groups that bring something.
    groups: Vec<usize>,
}

impl<'s> Differences<'s, '_> {
    /// What a class of members feels; `None` where nothing about its groups is news.
    pub(crate) fn class(&self, class: &Class<'_>, which: usize) -> Option<Felt> {
        let [before, after] = &class.groups;
        let changes = || after.iter().any(|&at| self.groups[at][which].is_some());
        if before == after && class.groups_unknown[BEFORE] == class.groups_unknown[AFTER] && !changes() {
            return None;
        }
        let [(opens, may_open, joins), (closes, may_close, leaves)] =
            [(BEFORE, AFTER), (AFTER, BEFORE)].map(|(from, to)| {
                self.one_way(&Way {
                    class,
                    from,
                    to,
                    which,
                })
            });
        Some(Felt {
            all: [opens, may_open, closes, may_close],
            by_membership: [joins, leaves],
        })
    }

    /// What is so for certain, what may be besides, and what of the first no rule of a group changes.
    fn one_way(&self, way: &Way<'_, '_>) -> (Rc<Told>, Rc<Told>, Option<Rc<Told>>) {
        let news = self.news(way);
        if news.groups.is_empty() && !news.unknown && way.class.groups_unknown == [false; 2] {
            return (Rc::default(), Rc::default(), None);
        }
        let against = self.against(way);
        let certain = self.certain(way, &news, &against);
        let by_membership = (!news.by_membership.is_empty() && !certain.is_empty()).then(|| {
            if news.by_rules.is_empty() {
                return Rc::clone(&certain);
            }
            let against = against.iter().chain(&news.by_rules).copied();
            Rc::new(self.told(&news.by_membership, against, way))
        });
        let may = self.may(way, &news, &certain);
        (certain, may, by_membership)
    }

    fn told<'x>(
        &self,
        areas: &[&'x Area],
        others: impl Iterator<Item = &'x Area>,
        way: &Way<'_, '_>,
    ) -> Told {
        Told::beyond(areas, others, DIRECTIONS[way.which], &self.label(None))
    }

    fn painted(&self, at: usize, side: usize, which: usize) -> &'s [Painted] {
        self.scene.painted(at, side, which)
    }

    fn news(&self, way: &Way<'_, '_>) -> News<'s> {
        let mut news = News::default();
        for &at in &way.class.groups[way.to] {
            let keeps = way.keeps(at);
            if keeps && self.groups[at][way.which].is_none() {
                continue;
            }
            let new = || {
                let all = self.painted(at, way.to, way.which).iter();
                all.filter(move |it| !keeps || it.only())
            };
            let list = if keeps || self.tells(at, way.to) {
                &mut news.by_rules
            } else {
                &mut news.by_membership
            };
            let known = list.len();
            list.extend(new().filter_map(Painted::certain));
            if list.len() > known {
                news.groups.push(at);
            }
            news.unknown |= new().any(Painted::is_unknown);
            news.possible.extend(new().filter_map(Painted::possible));
        }
        for &at in &way.class.groups[way.from] {
            let keeps = way.keeps(at);
            let mut others = self.painted(at, way.from, way.which).iter();
            news.unknown |= others.any(|it| (it.only() || !keeps) && it.is_unknown());
        }
        news
    }

    /// Whether the group's own lines tell all of what it brings to this side.
    fn tells(&self, at: usize, to: usize) -> bool {
        match self.scene.groups[at].fate {
            Fate::Created => to == AFTER,
            Fate::Destroyed => to == BEFORE,
            Fate::Replaced => true,
            Fate::Kept => false,
        }
    }

    /// What stands against the news: all that is, or could be, on the other side.
    fn against(&self, way: &Way<'_, '_>) -> Vec<&'s Area> {
        let mut out: Vec<&Area> = Vec::new();
        for &at in &way.class.groups[way.from] {
            let all = self.painted(at, way.from, way.which).iter();
            if way.keeps(at) {
                out.extend(all.filter_map(Painted::fence));
            } else {
                out.extend(all.filter_map(Painted::possible));
            }
        }
        if way.class.groups_unknown[way.from] {
            out.push(&EVERYTHING);
        }
        out
    }

    fn certain(&self, way: &Way<'_, '_>, news: &News<'s>, against: &[&Area]) -> Rc<Told> {
        let others_touch = |told: &Told, at: usize| {
            let others = way.class.groups[way.from].iter().filter(|other| **other != at);
            let mut areas = others.flat_map(|&other| self.painted(other, way.from, way.which));
            areas.any(|it| it.possible().is_some_and(|area| told.touches(area)))
        };
        let all: Vec<&Area> = news.by_rules.iter().chain(&news.by_membership).copied().collect();
        match news.groups.as_slice() {
            [] => Rc::default(),
            // One group alone brings something, and no other stands against it: what it opens, its members feel.
            [at] if way.keeps(*at) && !way.class.groups_unknown[way.from] => {
                let told = self.of_group(*at, way);
                if others_touch(told, *at) {
                    Rc::new(self.told(&all, against.iter().copied(), way))
                } else {
                    Rc::clone(told)
                }
            }
            groups
                if all.len() > JOINED
                    && against.is_empty()
                    && (news.by_rules.is_empty() || news.by_membership.is_empty()) =>
            {
                let tolds: Vec<&Told> = groups.iter().map(|&at| self.of_group(at, way).as_ref()).collect();
                Rc::new(Told::side_by_side(&tolds, MEMBER_LINES))
            }
            _ => Rc::new(self.told(&all, against.iter().copied(), way)),
        }
    }

    /// What a group brings by itself: what changes of it, or all of it to those who do not carry it on the other side.
    fn of_group(&self, at: usize, way: &Way<'_, '_>) -> &Rc<Told> {
        if way.keeps(at) || self.tells(at, way.to) && self.scene.groups[at].fate != Fate::Replaced {
            let kind = if way.to == AFTER { OPENS } else { CLOSES };
            if let Some(four) = &self.groups[at][way.which] {
                return &four[kind];
            }
        }
        self.whole[at][way.to][way.which].get_or_init(|| {
            let all = self.painted(at, way.to, way.which).iter();
            let all: Vec<&Area> = all.filter_map(Painted::certain).collect();
            Rc::new(self.told(&all, std::iter::empty(), way))
        })
    }

    fn may(&self, way: &Way<'_, '_>, news: &News<'s>, certain: &Told) -> Rc<Told> {
        let unknown = way.class.groups_unknown[way.to];
        if !news.unknown && !unknown && !way.class.groups_unknown[way.from] {
            return Rc::default();
        }
        let known = || {
            let groups = way.class.groups[way.from].iter();
            let areas = groups.flat_map(|&at| self.painted(at, way.from, way.which));
            areas
                .filter_map(Painted::certain)
                .chain(certain.areas().unwrap_or_default())
        };
        if !unknown {
            return Rc::new(self.told(&news.possible, known(), way));
        }
        // Members whose groups are not known may carry any group that is yet to be made.
        let new_groups = || {
            let groups = self.scene.groups.iter().enumerate();
            groups
                .filter(|(_, group)| group.name.id.is_none())
                .map(|(at, _)| at)
        };
        let any_group = || -> Vec<&Area> {
            let areas = new_groups().flat_map(|at| self.painted(at, way.to, way.which));
            let areas: Vec<&Area> = areas.filter_map(Painted::possible).collect();
            if new_groups().next().is_none() {
                vec![&EVERYTHING]
            } else {
                areas
            }
        };
        if self.unknown_classes <= UNKNOWN_CLASSES {
            let mut all = news.possible.clone();
            all.extend(any_group());
            return Rc::new(self.told(&all, known(), way));
        }
        let any = self.any_group[way.to][way.which]
            .get_or_init(|| Rc::new(self.told(&any_group(), std::iter::empty(), way)));
        if !news.unknown {
            return Rc::clone(any);
        }
        let own = self.told(&news.possible, known(), way);
        Rc::new(Told::side_by_side(&[&own, any], MEMBER_LINES))
    }
}
