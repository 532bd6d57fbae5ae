//! What could not be read.

use std::collections::BTreeSet;

/// Something that could not be read, or was not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What: an EC2 call such as `DescribeNetworkInterfaces`, or a file.
    pub what: String,
    /// Why, in one line.
    pub why: String,
    /// What may be missing for it.
    pub missing: Missing,
}

/// What a gap leaves unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Missing {
    /// Anything: groups, rules, members. The cautious reading, where nobody says more.
    #[default]
    Anything,
    /// Groups that are not in the inventory may exist, with members; those that are in it have all their rules.
    Groups {
        /// Ids that were asked for: these groups are in the inventory, or they do not exist.
        except: BTreeSet<String>,
    },
    /// Rules may be missing, or listed and gone.
    Rules {
        /// The id of the only group this concerns; `None`: any group.
        of: Option<String>,
    },
    /// Interfaces may be missing.
    Members,
    /// The entries of a prefix list are not known.
    Entries {
        /// The list's id.
        of: String,
    },
    /// Names, tags, ids and other remarks that decide nothing.
    Details,
}

impl Gap {
    /// A gap for which anything may be missing; [`Gap::missing`] narrows it.
    ///
    /// ```
    /// use portcullis_secgroup::{Gap, Inventory, Missing};
    /// let denied = Gap::new("DescribeInstances", "access denied");
    /// let cautious = Inventory { gaps: vec![denied.clone()], ..Inventory::default() };
    /// assert!(cautious.may_lack_group("sg-1"));
    /// // Instances lend their names and nothing else.
    /// let exact = Inventory { gaps: vec![denied.missing(Missing::Details)], ..Inventory::default() };
    /// assert!(!exact.may_lack_group("sg-1") && !exact.may_lack_members());
    /// ```
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            missing: Missing::Anything,
        }
    }

    /// The same gap, for which only this may be missing.
    #[must_use]
    pub fn missing(self, missing: Missing) -> Self {
        Self { missing, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Group, Inventory};

    fn inventory(missing: Missing) -> Inventory {
        Inventory {
            groups: vec![Group {
                id: Some("sg-here".into()),
                ..Group::default()
            }],
            gaps: vec![Gap::new("some call", "denied").missing(missing)],
            ..Inventory::default()
        }
    }

    #[test]
    fn a_gap_leaves_open_what_it_is_about_and_nothing_else() {
        let asked = BTreeSet::from(["sg-asked".to_owned()]);
        let of = |id: &str| Missing::Rules { of: Some(id.into()) };
        // A group that is here, one that was asked for and is not here, another one; and members.
        let told = |missing: Missing| {
            let inventory = inventory(missing);
            let groups = ["sg-here", "sg-asked", "sg-other"].map(|id| {
                [inventory.may_lack_group(id), inventory.may_lack_rules_of(id)]
                    .map(|may| if may { '?' } else { '-' })
                    .iter()
                    .collect::<String>()
            });
            format!("{} {}", groups.join(" "), inventory.may_lack_members())
        };
        assert_eq!(told(Missing::Anything), "?? ?? ?? true");
        assert_eq!(
            told(Missing::Groups {
                except: BTreeSet::new()
            }),
            "?- ?? ?? true"
        );
        assert_eq!(told(Missing::Groups { except: asked }), "?- -- ?? true");
        assert_eq!(told(Missing::Rules { of: None }), "-? -? -? false");
        assert_eq!(told(of("sg-here")), "-? -- -- false");
        assert_eq!(told(Missing::Members), "-- -- -- true");
        assert_eq!(told(Missing::Entries { of: "pl-1".into() }), "-- -- -- false");
        assert_eq!(told(Missing::Details), "-- -- -- false");
    }
}
