//! Both sides of a change brought together: which group, which member and which rule is which.

use crate::document::Fate;
use portcullis_secgroup::{
    AddressSet, Area, Cidr, Direction, Known, Peer, PeerSet, Ports, PrefixLists, Protocol, Reading, Rule,
    Token, TokenSet, TrafficSet, UnknownPeer,
};
use portcullis_terraform::View;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

pub(crate) const BEFORE: usize = 0;
pub(crate) const AFTER: usize = 1;
pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

/// One side, as its document tells it.
pub(crate) struct Side<'a> {
    pub(crate) groups: Vec<Held<'a>>,
    pub(crate) members: Vec<Carrier<'a>>,
    pub(crate) lists: Cow<'a, PrefixLists>,
    pub(crate) list_ids: &'a BTreeMap<String, String>,
}

/// A group on one side.
#[derive(Clone)]
pub(crate) struct Held<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) rules: Vec<&'a Rule>,
}

/// A member on one side.
pub(crate) struct Carrier<'a> {
    pub(crate) name: Name<'a>,
    /// Names of groups: ids, or addresses before they are made.
    pub(crate) groups: Vec<&'a str>,
    pub(crate) groups_unknown: bool,
}

/// What something is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) address: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    /// What people call it.
    pub(crate) name: Option<&'a str>,
}

impl<'a> Side<'a> {
    pub(crate) fn of(view: &'a View) -> Self {
        Self {
            groups: view
                .groups
                .iter()
                .map(|group| Held {
                    name: Name {
                        address: group.address.as_deref(),
                        id: group.id.as_deref(),
                        name: group.name.as_deref(),
                    },
                    rules: group.rules.iter().map(|owned| &owned.rule).collect(),
                })
                .collect(),
            members: view
                .members
                .iter()
                .map(|member| Carrier {
                    name: Name {
                        address: Some(&member.address),
                        id: member.id.as_deref(),
                        name: member.name.as_deref(),
                    },
                    groups: member.groups.iter().map(String::as_str).collect(),
                    groups_unknown: member.groups_unknown,
                })
                .collect(),
            lists: Cow::Borrowed(&view.prefix_lists),
            list_ids: &view.prefix_list_ids,
        }
    }
}

/// A group on both sides.
pub(crate) struct Group<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) fate: Fate,
    /// Whether members carry it and no document tells its rules.
    pub(crate) foreign: bool,
    /// Its rules by side and direction, sorted by key, each key once.
    rules: [[Vec<Keyed<'a>>; 2]; 2],
    painted: [[OnceCell<Vec<Painted>>; 2]; 2],
}

/// Members that carry the same groups on each side.
pub(crate) struct Class<'a> {
    pub(crate) members: Vec<Name<'a>>,
    pub(crate) fate: Fate,
    /// The groups by side, sorted.
    pub(crate) groups: [Vec<usize>; 2],
    pub(crate) groups_unknown: [bool; 2],
}

/// Both sides.
pub(crate) struct Scene<'a> {
    pub(crate) groups: Vec<Group<'a>>,
    pub(crate) classes: Vec<Class<'a>>,
    lists: [Cow<'a, PrefixLists>; 2],
    known_lists: Lists,
    /// Group by name, by side.
    names: [BTreeMap<&'a str, usize>; 2],
    /// Names that several groups have.
    namesakes: OnceCell<BTreeMap<&'a str, usize>>,
}

struct Keyed<'a> {
    key: Key<'a>,
    rule: &'a Rule,
}

/// What makes two rules of the two sides the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    protocol: Known<Protocol>,
    ports: Known<Ports>,
    peer: PeerKey<'a>,
    /// 0, or which side a rule is of that is like no rule of the other side: what is not known differs from all else, and so
    /// does a prefix list whose entries change.
    own: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PeerKey<'a> {
    Cidr(Cidr),
    Group(usize),
    OtherGroup(&'a str),
    List(usize),
    OtherList(&'a str),
    Unknown(UnknownPeer),
}

/// A rule's area. What is not known counts as closed in one reading and as open in the other.
pub(crate) struct Painted {
    certain: Option<Area>,
    /// `None` when it is as in the certain reading.
    possible: Option<Area>,
    /// Whether the other side has no such rule.
    only: bool,
}

impl Painted {
    /// Whether its group has it on this side only.
    pub(crate) fn only(&self) -> bool {
        self.only
    }

    pub(crate) fn certain(&self) -> Option<&Area> {
        self.certain.as_ref()
    }

    pub(crate) fn possible(&self) -> Option<&Area> {
        self.possible.as_ref().or(self.certain.as_ref())
    }

    /// What it may open where that could be news: a rule that both sides have is the same on both, whatever is not known of it.
    pub(crate) fn fence(&self) -> Option<&Area> {
        if self.only {
            self.possible()
        } else {
            self.certain()
        }
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.possible.is_some()
    }
}

impl<'a> Scene<'a> {
    pub(crate) fn new(before: Side<'a>, after: Side<'a>) -> Self {
        let known_lists = Lists::new(&before, &after);
        let mut scene = Self {
            groups: Vec::new(),
            classes: Vec::new(),
            lists: [before.lists, after.lists],
            known_lists,
            names: [BTreeMap::new(), BTreeMap::new()],
            namesakes: OnceCell::new(),
        };
        let sides = [before.groups, after.groups];
        let name_of = |side: usize, at: usize| sides[side][at].name;
        let pairs = pairs(
            &sides[BEFORE].iter().map(|group| group.name).collect::<Vec<_>>(),
            &sides[AFTER].iter().map(|group| group.name).collect::<Vec<_>>(),
        );
        for (at, pair) in pairs.iter().enumerate() {
            let names = [
                pair.0.map(|at| name_of(BEFORE, at)),
                pair.1.map(|at| name_of(AFTER, at)),
            ];
            let (name, fate) = both(names);
            for (index, name) in scene.names.iter_mut().zip(names) {
                let Some(name) = name else { continue };
                index.extend(name.id.map(|id| (id, at)));
                if let Some(address) = name.address {
                    // Of two objects at one address, an expression means the one that is yet to be made.
                    let taken = index.entry(address).or_insert(at);
                    if name.id.is_none() {
                        *taken = at;
                    }
                }
            }
            scene.groups.push(Group {
                name,
                fate,
                foreign: false,
                rules: Default::default(),
                painted: Default::default(),
            });
        }
        for (at, pair) in pairs.iter().enumerate() {
            for (side, held) in [pair.0, pair.1].into_iter().enumerate() {
                let Some(held) = held else { continue };
                scene.groups[at].rules[side] = scene.keyed(&sides[side][held].rules, side, at);
            }
        }
        scene.add_classes(&[before.members, after.members]);
        scene
    }

    /// The group that goes by this name; that of the other side when this one knows none.
    fn group(&self, name: &str, side: usize) -> Option<usize> {
        let known = |side: usize| self.names[side].get(name).copied();
        known(side).or_else(|| known(1 - side))
    }

    fn keyed(&self, rules: &[&'a Rule], side: usize, own: usize) -> [Vec<Keyed<'a>>; 2] {
        DIRECTIONS.map(|direction| {
            let mut keyed: Vec<Keyed<'a>> = rules
                .iter()
                .filter(|rule| rule.direction == direction)
                .map(|rule| Keyed {
                    key: self.key(rule, side, own),
                    rule,
                })
                .collect();
            keyed.sort_by(|a, b| a.key.cmp(&b.key));
            keyed.dedup_by(|a, b| a.key == b.key);
            keyed
        })
    }

    fn key(&self, rule: &'a Rule, side: usize, own: usize) -> Key<'a> {
        let mut known = rule.protocol.value().is_some() && rule.ports.value().is_some();
        let peer = match &rule.peer {
            Peer::Cidr(cidr) => PeerKey::Cidr(*cidr),
            Peer::SelfGroup => PeerKey::Group(own),
            Peer::Group { id, .. } => match self.group(id, side) {
                Some(at) => PeerKey::Group(at),
                None => PeerKey::OtherGroup(id),
            },
            Peer::PrefixList(id) => {
                let list = self.known_lists.by_name.get(id).copied();
                known &= !list.is_some_and(|at| self.known_lists.all[at].changed);
                list.map_or(PeerKey::OtherList(id), PeerKey::List)
            }
            Peer::Unknown(what) => {
                known = false;
                PeerKey::Unknown(*what)
            }
        };
        Key {
            protocol: rule.protocol,
            ports: rule.ports,
            peer,
            own: if known { 0 } else { 1 + side },
        }
    }

    /// Whether the group's rules of this direction differ.
    pub(crate) fn changes(&self, at: usize, which: usize) -> bool {
        let [before, after] = &self.groups[at].rules;
        let keys = |side: &'_ [Vec<Keyed<'a>>; 2]| -> Vec<Key<'a>> {
            side[which].iter().map(|keyed| keyed.key).collect()
        };
        before[which].len() != after[which].len() || keys(before) != keys(after)
    }

    /// The areas of a group's rules.
    pub(crate) fn painted(&self, at: usize, side: usize, which: usize) -> &[Painted] {
        let group = &self.groups[at];
        if group.foreign {
            return std::slice::from_ref(&*ANYTHING);
        }
        group.painted[side][which].get_or_init(|| {
            let others = &group.rules[1 - side][which];
            let mut rest = others.as_slice();
            group.rules[side][which]
                .iter()
                .filter_map(|keyed| {
                    let smaller = rest.iter().take_while(|other| other.key < keyed.key).count();
                    rest = &rest[smaller..];
                    let only = rest.first().is_none_or(|other| other.key != keyed.key);
                    self.paint(keyed, side, only)
                })
                .collect()
        })
    }

    fn paint(&self, keyed: &Keyed<'a>, side: usize, only: bool) -> Option<Painted> {
        let rule = self.plain(keyed);
        let lists = &self.lists[side];
        let certain = self.area(&rule, Reading::Certain, lists);
        let possible = self.area(&rule, Reading::Possible, lists);
        let same = certain == possible;
        (certain.is_some() || possible.is_some()).then_some(Painted {
            certain,
            possible: if same { None } else { possible },
            only,
        })
    }

    /// The rule with the one name that both sides give to its peer.
    fn plain(&self, keyed: &Keyed<'a>) -> Rule {
        Rule {
            direction: keyed.rule.direction,
            protocol: keyed.rule.protocol,
            ports: keyed.rule.ports,
            peer: match keyed.key.peer {
                PeerKey::Group(at) => Peer::group(self.token(at)),
                _ => keyed.rule.peer.clone(),
            },
            description: None,
            id: None,
            tags: BTreeMap::new(),
        }
    }

    fn area(&self, rule: &Rule, reading: Reading, lists: &PrefixLists) -> Option<Area> {
        let mut area = Area::of(rule, reading, lists)?;
        if let Peer::PrefixList(id) = &rule.peer {
            // A list whose entries are known on both sides is its entries: written out in rules they mean the same.
            let list = self.known_lists.get(id);
            let token = match list {
                Some(list) if !list.opaque => None,
                list => Some(list.map_or(id, |list| &list.token).clone()),
            };
            let tokens: TokenSet = token.map(Token::PrefixList).into_iter().collect();
            area.peers = PeerSet::new(area.peers.addresses().clone(), tokens);
        }
        (!area.peers.is_empty()).then_some(area)
    }

    /// What a group is called as somebody's peer: its id where it keeps one, else its address.
    pub(crate) fn token(&self, at: usize) -> &'a str {
        let Group { name, fate, .. } = &self.groups[at];
        let (first, second) = if *fate == Fate::Replaced {
            (name.address, name.id)
        } else {
            (name.id, name.address)
        };
        first.or(second).unwrap_or("(group not known yet)")
    }

    /// A rule that belongs to no group that is known, as an area.
    pub(crate) fn orphan(&self, rule: &'a Rule, side: usize) -> Option<Area> {
        let keyed = Keyed {
            key: self.key(rule, side, usize::MAX),
            rule,
        };
        if rule.peer == Peer::SelfGroup {
            return Area::of(rule, Reading::Possible, &self.lists[side]);
        }
        self.area(&self.plain(&keyed), Reading::Possible, &self.lists[side])
    }

    /// What a reader calls the group with this token: `group web`; with its id where others have the same name.
    pub(crate) fn peer_label(&self, token: &str) -> Option<String> {
        let at = self.group(token, AFTER)?;
        let name = self.groups[at].name.name?;
        let namesakes = self.namesakes.get_or_init(|| {
            let mut count: BTreeMap<&str, usize> = BTreeMap::new();
            for name in self.groups.iter().filter_map(|group| group.name.name) {
                *count.entry(name).or_default() += 1;
            }
            count.retain(|_, count| *count > 1);
            count
        });
        Some(if namesakes.contains_key(name) {
            format!("{token} ({name})")
        } else {
            format!("group {name}")
        })
    }

    fn add_classes(&mut self, sides: &[Vec<Carrier<'a>>; 2]) {
        let names = |side: usize| -> Vec<Name<'a>> { sides[side].iter().map(|member| member.name).collect() };
        let mut classes: BTreeMap<ClassKey, Vec<Name<'a>>> = BTreeMap::new();
        for (old, new) in pairs(&names(BEFORE), &names(AFTER)) {
            let carriers = [old.map(|at| &sides[BEFORE][at]), new.map(|at| &sides[AFTER][at])];
            let (name, fate) = both(carriers.map(|carrier| carrier.map(|carrier| carrier.name)));
            let mut key = ClassKey {
                fate,
                groups: Default::default(),
                groups_unknown: [false; 2],
            };
            for (side, carrier) in carriers.into_iter().enumerate() {
                let Some(carrier) = carrier else { continue };
                key.groups_unknown[side] = carrier.groups_unknown;
                let groups: BTreeSet<usize> = carrier
                    .groups
                    .iter()
                    .map(|group| self.group_or_foreign(group, side))
                    .collect();
                key.groups[side] = groups.into_iter().collect();
            }
            classes.entry(key).or_default().push(name);
        }
        self.classes = classes
            .into_iter()
            .map(|(key, members)| Class {
                members,
                fate: key.fate,
                groups: key.groups,
                groups_unknown: key.groups_unknown,
            })
            .collect();
    }

    fn group_or_foreign(&mut self, name: &'a str, side: usize) -> usize {
        self.group(name, side).unwrap_or_else(|| {
            let at = self.groups.len();
            self.groups.push(Group {
                name: Name {
                    id: Some(name),
                    ..Name::default()
                },
                fate: Fate::Kept,
                foreign: true,
                rules: Default::default(),
                painted: Default::default(),
            });
            self.names[BEFORE].insert(name, at);
            self.names[AFTER].insert(name, at);
            at
        })
    }
}

/// A group of which nothing is told may open anything.
static ANYTHING: LazyLock<Painted> = LazyLock::new(|| Painted {
    certain: None,
    possible: Some(EVERYTHING.clone()),
    only: false,
});

/// All traffic towards everybody.
pub(crate) static EVERYTHING: LazyLock<Area> = LazyLock::new(|| Area {
    traffic: TrafficSet::all(),
    peers: PeerSet::any(),
});

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct ClassKey {
    fate: Fate,
    groups: [Vec<usize>; 2],
    groups_unknown: [bool; 2],
}

/// Which of the old ones is which of the new ones: the one with its id, else the one at its address that nobody else is.
fn pairs(old: &[Name<'_>], new: &[Name<'_>]) -> Vec<(Option<usize>, Option<usize>)> {
    let ids: BTreeMap<&str, usize> = (0..)
        .zip(old)
        .filter_map(|(at, name)| Some((name.id?, at)))
        .collect();
    let addresses: BTreeMap<&str, usize> = (0..)
        .zip(old)
        .filter_map(|(at, name)| Some((name.address?, at)))
        .collect();
    let mut twins: Vec<Option<usize>> = new
        .iter()
        .map(|name| name.id.and_then(|id| ids.get(id).copied()))
        .collect();
    let mut taken: BTreeSet<usize> = twins.iter().flatten().copied().collect();
    for (twin, name) in twins.iter_mut().zip(new) {
        if twin.is_none() {
            *twin = name
                .address
                .and_then(|address| addresses.get(address).copied())
                .filter(|at| taken.insert(*at));
        }
    }
    let mut out: Vec<_> = twins
        .into_iter()
        .enumerate()
        .map(|(at, twin)| (twin, Some(at)))
        .collect();
    out.extend(
        (0..old.len())
            .filter(|at| !taken.contains(at))
            .map(|at| (Some(at), None)),
    );
    out
}

/// What both sides call it together, and what becomes of it.
fn both(names: [Option<Name<'_>>; 2]) -> (Name<'_>, Fate) {
    match names {
        [Some(old), Some(new)] => {
            let replaced = old.id.is_some() && old.id != new.id;
            let name = Name {
                address: new.address.or(old.address),
                id: if replaced { new.id } else { new.id.or(old.id) },
                name: new.name.or(old.name),
            };
            (name, if replaced { Fate::Replaced } else { Fate::Kept })
        }
        [None, Some(new)] => (new, Fate::Created),
        [Some(old), None] => (old, Fate::Destroyed),
        [None, None] => (Name::default(), Fate::Kept),
    }
}

/// The prefix lists of both sides.
struct Lists {
    all: Vec<List>,
    by_name: BTreeMap<String, usize>,
}

struct List {
    /// The one name that both sides give it: its id where it keeps one, else its address.
    token: String,
    /// Whether its entries are not the same on both sides.
    changed: bool,
    /// Whether a side that has it does not know its entries.
    opaque: bool,
}

impl Lists {
    fn new(before: &Side<'_>, after: &Side<'_>) -> Self {
        let sides = [before, after];
        let mut out = Self {
            all: Vec::new(),
            by_name: BTreeMap::new(),
        };
        let mut names: Vec<[&str; 3]> = Vec::new();
        for (address, id) in before.list_ids.iter().chain(after.list_ids) {
            let id_of = |side: &Side<'_>| {
                side.list_ids
                    .get(address)
                    .map_or(id.as_str(), String::as_str)
                    .to_owned()
            };
            let kept = id_of(before) == *id && id_of(after) == *id;
            let made_anew = sides.iter().any(|side| {
                side.lists.ids().any(|name| name == address) && !side.list_ids.contains_key(address)
            });
            let token = if kept && !made_anew { id } else { address };
            names.push([token, address, id]);
        }
        for side in sides {
            names.extend(side.lists.ids().map(|name| [name; 3]));
        }
        for [token, aliases @ ..] in names {
            let at = *out.by_name.entry(token.to_owned()).or_insert_with(|| {
                out.all.push(List {
                    token: token.to_owned(),
                    changed: false,
                    opaque: false,
                });
                out.all.len() - 1
            });
            for alias in aliases {
                out.by_name.entry(alias.to_owned()).or_insert(at);
            }
        }
        let mut noted: Vec<[Option<Option<&AddressSet>>; 2]> = vec![[None; 2]; out.all.len()];
        for (side, from) in sides.into_iter().enumerate() {
            for name in from.lists.ids() {
                if let Some(&at) = out.by_name.get(name) {
                    noted[at][side].get_or_insert(from.lists.entries(name));
                }
            }
        }
        for (list, noted) in out.all.iter_mut().zip(noted) {
            list.opaque = noted.iter().flatten().any(Option::is_none);
            list.changed = matches!(noted, [Some(before), Some(after)] if before != after);
        }
        out
    }

    fn get(&self, name: &str) -> Option<&List> {
        self.by_name.get(name).map(|at| &self.all[*at])
    }
}
