//! The policy as valid: what the judge works with. Only [`Policy::read`] makes one.

use crate::document::{PartialPlans, Per};
use crate::error::{PolicyError, PolicyFileError};
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

impl Rule {
    /// Of an `allow_only`: where, and which traffic.
    fn allowing(&self) -> Option<(&Exposure, &TrafficSet)> {
        match &self.check {
            Check::Forbidden {
                exposure,
                allowed: Some(allowed),
                ..
            } => Some((exposure, allowed)),
            _ => None,
        }
    }
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
        valid::policy(&[("", text)]).map_err(|(_, error)| error)
    }

    /// Reads one policy from several files, each with what it is called: a catalogue beside one's own rules, waivers in a file of
    /// their own. All rules count, networks and waivers speak of the rules of all files.
    ///
    /// # Errors
    /// As [`Policy::read`], naming the file; also a rule id that stands in two files, a network that means two things, and
    /// `partial_plans` or `configuration` said twice, each naming both.
    ///
    /// ```
    /// use portcullis_compliance::Policy;
    /// let own = "{version: 1, rules: [{id: no-telnet, severity: low, deny: {protocol: tcp, ports: [23]}}]}";
    /// let again = "{version: 1, rules: [{id: no-telnet, severity: low, deny: {protocol: tcp, ports: [23, 992]}}]}";
    /// let error = Policy::read_all([("own.yaml", own), ("more.yaml", again)]).unwrap_err();
    /// assert_eq!(error.file(), "more.yaml");
    /// assert_eq!(error.reason().to_string(), "line 1: rule id `no-telnet` stands twice: also in own.yaml, line 1");
    /// ```
    pub fn read_all<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PolicyFileError> {
        let files: Vec<(&str, &str)> = files.into_iter().collect();
        valid::policy(&files)
            .map_err(|(at, reason)| PolicyFileError::new(files.get(at).map_or("", |(name, _)| *name), reason))
    }

    /// Rules that together allow nothing, though each allows something: what one allows, the other forbids.
    pub(crate) fn at_odds(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self
            .rules
            .iter()
            .enumerate()
            .flat_map(|(at, rule)| self.rules[at + 1..].iter().map(move |other| (rule, other)));
        pairs.filter_map(move |(rule, other)| {
            let ((here, these), (there, those)) = (rule.allowing()?, other.allowing()?);
            let same = rule.groups == other.groups
                && rule.per == other.per
                && here.directions.iter().any(|way| there.directions.contains(way))
                && here.peers.words == there.peers.words
                && here.except.words == there.except.words;
            (same && !these.touches(those)).then_some((&*rule.id, &*other.id))
        })
    }

    /// The ids of its rules, in the order of the file.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }
}
