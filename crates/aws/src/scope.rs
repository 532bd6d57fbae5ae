//! What is asked for.

use portcullis_secgroup::{Gap, Missing};
use std::collections::{BTreeMap, BTreeSet};

/// How many values a filter may hold (Amazon EC2 User Guide, "List and filter using the CLI and API").
const FILTER_VALUES: usize = 200;

/// Which groups are asked for, with their members. Everything that is set must fit; the default is all groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Ids of groups; empty: any.
    pub groups: BTreeSet<String>,
    /// Ids of the VPCs that groups were made in; empty: any.
    pub vpcs: BTreeSet<String>,
    /// Tags that a group must carry.
    pub tags: BTreeMap<String, String>,
}

impl Scope {
    /// Whether all groups are asked for.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.groups.is_empty() && self.vpcs.is_empty() && self.tags.is_empty()
    }

    /// The ids to ask for before any answer is there, in lists as long as a filter may be; `None` when only EC2 knows
    /// which groups fit. A list that is not there is no filter.
    pub(crate) fn up_front(&self) -> Option<Vec<Option<Vec<String>>>> {
        if self.is_everything() {
            return Some(vec![None]);
        }
        let only_ids = self.vpcs.is_empty() && self.tags.is_empty();
        only_ids.then(|| filters(self.groups.iter()))
    }

    /// What the scope leaves out, as a gap.
    pub(crate) fn gap(&self) -> Option<Gap> {
        if self.is_everything() {
            return None;
        }
        let only_ids = self.vpcs.is_empty() && self.tags.is_empty();
        let listed = |ids: &BTreeSet<String>| ids.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        match self.groups.len() {
            0 => {}
            1..=3 => parts.push(listed(&self.groups)),
            many => parts.push(format!("the {many} that are named")),
        }
        if !self.vpcs.is_empty() {
            parts.push(format!("those of {}", listed(&self.vpcs)));
        }
        for (key, value) in &self.tags {
            parts.push(format!("those tagged {key}={value}"));
        }
        let gap = Gap::new(
            format!("groups other than {}", parts.join(" and ")),
            "not asked for",
        );
        Some(gap.missing(Missing::Groups {
            except: if only_ids {
                self.groups.clone()
            } else {
                BTreeSet::new()
            },
        }))
    }
}

/// These ids in lists as long as a filter may be.
pub(crate) fn filters<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<Option<Vec<String>>> {
    let ids: Vec<String> = ids.cloned().collect();
    ids.chunks(FILTER_VALUES)
        .map(|chunk| Some(chunk.to_vec()))
        .collect()
}

/// Groups that are asked for their rules together: as many as fill about one page, and no more than a filter may hold.
pub(crate) fn packs(rules_by_group: &BTreeMap<String, usize>, page: usize) -> Vec<Option<Vec<String>>> {
    let mut packs: Vec<Option<Vec<String>>> = Vec::new();
    let (mut pack, mut rules) = (Vec::new(), 0);
    for (group, count) in rules_by_group {
        if !pack.is_empty() && (rules + count > page || pack.len() == FILTER_VALUES) {
            packs.push(Some(std::mem::take(&mut pack)));
            rules = 0;
        }
        pack.push(group.clone());
        rules += count;
    }
    packs.extend((!pack.is_empty()).then_some(Some(pack)));
    packs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_not_asked_for_is_a_gap() {
        assert_eq!(Scope::default().gap(), None);
        let named = Scope {
            groups: ids(&["sg-1", "sg-2"]),
            ..Scope::default()
        };
        let gap = named.gap().unwrap();
        assert_eq!(gap.what, "groups other than sg-1, sg-2");
        assert_eq!(
            gap.missing,
            Missing::Groups {
                except: ids(&["sg-1", "sg-2"])
            }
        );
        let tagged = Scope {
            vpcs: ids(&["vpc-1"]),
            tags: BTreeMap::from([("exposure".into(), "public".into())]),
            ..named
        };
        let gap = tagged.gap().unwrap();
        assert_eq!(
            gap.what,
            "groups other than sg-1, sg-2 and those of vpc-1 and those tagged exposure=public"
        );
        // A named group may exist with another tag.
        assert_eq!(
            gap.missing,
            Missing::Groups {
                except: BTreeSet::new()
            }
        );
    }

    #[test]
    fn what_can_be_asked_at_once_is_asked_at_once() {
        assert_eq!(Scope::default().up_front(), Some(vec![None]));
        let many = Scope {
            groups: (0..401).map(|n| format!("sg-{n}")).collect(),
            ..Scope::default()
        };
        let lists = many.up_front().unwrap();
        let lengths: Vec<usize> = lists.iter().map(|list| list.as_ref().unwrap().len()).collect();
        assert_eq!(lengths, [200, 200, 1]);
        let tagged = Scope {
            tags: BTreeMap::from([("a".into(), "b".into())]),
            ..many
        };
        assert_eq!(tagged.up_front(), None);
    }

    proptest! {
        #[test]
        fn packs_hold_each_group_once_and_are_few(
            counts in prop::collection::btree_map("[a-z]{1,6}", 0_usize..1500, 0..600),
        ) {
            let packs = packs(&counts, 1000);
            let all: Vec<&String> = packs.iter().flatten().flatten().collect();
            prop_assert_eq!(all, counts.keys().collect::<Vec<_>>());
            for pack in packs.iter().flatten() {
                let rules: usize = pack.iter().map(|group| counts[group]).sum();
                prop_assert!(!pack.is_empty() && pack.len() <= FILTER_VALUES);
                // One group alone may have more than a page; its pages follow each other.
                prop_assert!(rules <= 1000 || pack.len() == 1);
            }
            let rules: usize = counts.values().sum();
            // Two packs that follow each other hold more than a page, or one of them is full.
            prop_assert!(packs.len() <= 2 * (rules / 1000 + counts.len() / FILTER_VALUES) + 2);
        }
    }
}
