//! The policy as valid: what the judge works with. Only [`Policy::read`] makes one.

use crate::document::{PartialPlans, Per};
use crate::error::PolicyError;
use crate::extent::Extent;
use crate::gate;
use crate::peers::PeerTerms;
use crate::valid;
use jiff::civil::Date;
use portcullis_report::Severity;
use portcullis_secgroup::{AddressSet, Direction, GroupSelector, PeerSet, PrefixLists, TrafficSet};
use std::collections::BTreeMap;

/// A policy that was read and found to make sense.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) rules: Vec<Rule>,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) partial_plans: PartialPlans,
    /// What code may hold.
    pub(crate) configuration: gate::Settings,
    /// What its own words for peers stand for.
    pub(crate) networks: BTreeMap<String, AddressSet>,
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) frameworks: Vec<String>,
    pub(crate) groups: GroupSelector,
    pub(crate) per: Per,
    pub(crate) check: Check,
}

#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// Nothing of this may be open; what is allowed instead stands in `allowed`, for the advice.
    Forbidden {
        exposure: Box<Exposure>,
        extent: Extent,
        allowed: Option<TrafficSet>,
    },
    /// Each rule must say what it is for.
    Description,
    /// There must be such a group.
    Exists,
}

/// Directions × traffic × peers.
#[derive(Debug, Clone)]
pub(crate) struct Exposure {
    pub(crate) directions: Vec<Direction>,
    pub(crate) traffic: TrafficSet,
    pub(crate) peers: PeerTerms,
    pub(crate) except: PeerTerms,
}

#[derive(Debug, Clone)]
pub(crate) struct Waiver {
    pub(crate) rule: String,
    pub(crate) resource: String,
    pub(crate) exposure: Option<Exposure>,
    pub(crate) reason: String,
    pub(crate) owner: String,
    pub(crate) expires: Date,
}

impl Exposure {
    /// The peers it names for certain, less all who may be taken out again.
    pub(crate) fn certain(&self, lists: &PrefixLists) -> PeerSet {
        self.peers.certain(lists).difference(&self.except.possible(lists))
    }

    /// The peers it may name, less those who are certainly taken out again.
    pub(crate) fn possible(&self, lists: &PrefixLists) -> PeerSet {
        self.peers.possible(lists).difference(&self.except.certain(lists))
    }

    /// Whether the entries of all prefix lists it names are known: then the two above are the same.
    pub(crate) fn is_settled(&self, lists: &PrefixLists) -> bool {
        self.peers.is_settled(lists) && self.except.is_settled(lists)
    }
}

impl Policy {
    /// Reads a policy, format 1 (docs/policy.md).
    ///
    /// # Errors
    /// [`PolicyError`] with the line: text that is no YAML, unknown keys, another version, no rule at all, ids that are not
    /// unique kebab-case, a rule without exactly one of `deny`, `allow_only` and `require`, and words, ports, addresses or
    /// dates that make no sense.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        valid::policy(text)
    }

    /// The ids of its rules, in the order of the file.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }
}
