//! All differences between both sides: of each group, and of the members that carry the same groups.

use crate::line::Effect;
use crate::scene::{AFTER, BEFORE, Class, DIRECTIONS, Painted, Scene};
use crate::told::{Line, Told};
use portcullis_secgroup::Area;
use std::cell::OnceCell;
use std::rc::Rc;

/// Opened, may open, closed, may close: in this order.
pub(crate) type Four = [Rc<Told>; 4];

pub(crate) const OPENS: usize = 0;
pub(crate) const MAY_OPEN: usize = 1;
pub(crate) const CLOSES: usize = 2;
pub(crate) const MAY_CLOSE: usize = 3;

/// All differences of a scene, by direction.
pub(crate) struct Differences<'s, 'a> {
    pub(crate) scene: &'s Scene<'a>,
    /// Of each group; `None` where its rules are the same.
    pub(crate) groups: Vec<[Option<Four>; 2]>,
    /// Of each class of members, with what of it comes from joining and leaving.
    pub(crate) classes: Vec<[Option<Felt>; 2]>,
    /// The classes that carry a group, by side.
    pub(crate) carriers: [Vec<Vec<usize>>; 2],
    /// All that a group has for certain, by side and direction; found when it is first asked for.
    pub(crate) whole: Vec<[[OnceCell<Rc<Told>>; 2]; 2]>,
    /// What all groups together may open that are yet to be made, by side and direction.
    pub(crate) any_group: [[OnceCell<Rc<Told>>; 2]; 2],
    /// How many classes there are with groups that are not known.
    pub(crate) unknown_classes: usize,
}

/// What members feel in one direction.
pub(crate) struct Felt {
    pub(crate) all: Four,
    /// Of what opens and what closes, that which no rule of a group changes.
    pub(crate) by_membership: [Option<Rc<Told>>; 2],
}

impl<'s, 'a> Differences<'s, 'a> {
    pub(crate) fn of(scene: &'s Scene<'a>) -> Self {
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
            whole: scene.groups.iter().map(|_| Default::default()).collect(),
            any_group: Default::default(),
            unknown_classes: scene
                .classes
                .iter()
                .filter(|class| class.groups_unknown != [false; 2])
                .count(),
        };
        for at in 0..scene.groups.len() {
            out.groups.push([0, 1].map(|which| out.group(at, which)));
        }
        for class in &scene.classes {
            let felt = [0, 1].map(|which| out.class(class, which));
            out.classes.push(felt);
        }
        out
    }

    /// How peers are called; `own` is the group that speaks.
    pub(crate) fn label(&self, own: Option<usize>) -> impl Fn(&str) -> Option<String> + 's {
        let scene = self.scene;
        move |token| match own {
            Some(at) if scene.token(at) == token => {
                let name = scene.peer_label(token).unwrap_or_else(|| token.to_owned());
                Some(format!("{name} itself"))
            }
            _ => scene.peer_label(token),
        }
    }

    fn group(&self, at: usize, which: usize) -> Option<Four> {
        if self.scene.groups[at].foreign || !self.scene.changes(at, which) {
            return None;
        }
        let [was, will] = [BEFORE, AFTER].map(|side| self.scene.painted(at, side, which));
        let [opens, may_open] = self.group_way(at, [was, will], which);
        let [closes, may_close] = self.group_way(at, [will, was], which);
        Some([opens, may_open, closes, may_close].map(Rc::new))
    }

    /// What `to` has for certain and `from` has not, and what it may have besides.
    fn group_way(&self, at: usize, [from, to]: [&[Painted]; 2], which: usize) -> [Told; 2] {
        let direction = DIRECTIONS[which];
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

    /// Whether a member feels a line of its group.
    pub(crate) fn effect(&self, at: usize, which: usize, kind: usize, line: &Line) -> Effect {
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
}
