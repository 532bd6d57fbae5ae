//! What a rule of the policy means, in plain English.

use crate::document::Per;
use crate::extent::Extent;
use crate::gate;
use crate::peers::PeerTerms;
use crate::policy::{Check, Exposure, Policy, Rule, Waiver};
use jiff::civil::Date;
use portcullis_report::text::clean;
use portcullis_secgroup::{AddressSet, Direction, PrefixLists, TrafficSet};
use std::fmt::Write as _;

impl Policy {
    /// What the rule with this id means: which groups, which traffic, which peers, how much is too much, what passes, and
    /// the waivers on it with their last day. `None` when there is no such rule. Ends with a line feed.
    #[must_use]
    pub fn explain(&self, id: &str, today: Date) -> Option<String> {
        if id.starts_with(gate::PREFIX) {
            return gate::explain(&self.configuration, id);
        }
        let rule = self.rules.iter().find(|rule| rule.id == id)?;
        let mut page = Page::default();
        let title = if rule.title.is_empty() {
            String::new()
        } else {
            format!(": {}", rule.title)
        };
        page.out.push_str(&clean(&format!("{}{title}", rule.id)));
        page.out.push_str("\n\n");
        page.entry("severity", rule.severity.as_str());
        if !rule.frameworks.is_empty() {
            page.entry("frameworks", &rule.frameworks.join(", "));
        }
        page.entry("speaks of", &spoken_of(rule));
        match &rule.check {
            Check::Forbidden {
                exposure,
                extent,
                allowed,
            } => {
                self.forbidden(&mut page, exposure, *extent, allowed.as_ref());
            }
            Check::Exists => {
                page.entry("asks", "that there is such a group");
                page.entry("violation", "when no group is");
            }
            Check::Description => {
                page.entry("asks", "that each rule says in its description what it is for");
                page.entry("violation", "when a rule has no description, or an empty one");
            }
        }
        let unknown = match (&rule.check, rule.picks()) {
            (Check::Exists, _) => {
                "when a name or a tag that would decide is not known yet, or the plan is partial"
            }
            (Check::Forbidden { .. }, true) => {
                "when a value that is not known yet could make the difference, also the name or a tag by which the \
                 rule picks its groups"
            }
            (Check::Forbidden { .. }, false) => {
                "when a value that is not known yet could make the difference"
            }
            (Check::Description, true) => {
                "when a description is not known yet, or the name or the tag by which the rule picks its groups"
            }
            (Check::Description, false) => "when a description is not known yet",
        };
        page.entry("undetermined", unknown);
        let mut waivers = self
            .waivers
            .iter()
            .filter(|waiver| waiver.rule == rule.id)
            .peekable();
        if waivers.peek().is_none() {
            page.entry("waivers", "none");
        }
        for waiver in waivers {
            page.entry("waiver", &waived(waiver, today));
        }
        Some(page.out)
    }

    fn forbidden(&self, page: &mut Page, exposure: &Exposure, extent: Extent, allowed: Option<&TrafficSet>) {
        let (way, preposition) = match exposure.directions.as_slice() {
            [Direction::Ingress] => ("incoming", "from"),
            [Direction::Egress] => ("outgoing", "to"),
            _ => ("incoming and outgoing", "from or to"),
        };
        let peers = exposure.peers_in_words();
        if let Some(allowed) = allowed {
            let traffic = allowed.describe();
            page.entry("allows", &format!("{way} {traffic} {preposition} {peers}"));
            page.entry("forbids", &format!("all other {way} traffic {preposition} them"));
        } else if exposure.traffic == TrafficSet::all() {
            page.entry("forbids", &format!("all {way} traffic {preposition} {peers}"));
        } else {
            let traffic = exposure.traffic.describe();
            page.entry("forbids", &format!("{way} {traffic} {preposition} {peers}"));
        }
        page.entry("violation", &too_much(exposure, extent));
        page.entry("passes", &passes(exposure, extent, allowed.is_some()));
        for word in exposure.peers.words.iter().chain(&exposure.except.words) {
            if let Some(meaning) = self.meaning(word) {
                page.entry("where", &format!("{word} is {meaning}"));
            }
        }
    }

    /// What a word for peers stands for, where it does not say so itself.
    fn meaning(&self, word: &str) -> Option<String> {
        match word {
            "internet" => Some(
                "every globally reachable unicast address: all but IANA's special-purpose blocks, and for IPv6 what \
                 lies in 2000::/3"
                    .to_owned(),
            ),
            "private" => Some("10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::/7".to_owned()),
            "any" => Some("all addresses, all security groups and all prefix lists".to_owned()),
            list if list.starts_with("pl-") => Some(
                "a prefix list: its entries count, as the plan, the state or the live view shows them".to_owned(),
            ),
            name => self.networks.get(name).map(blocks),
        }
    }
}

impl Rule {
    /// Whether it picks groups; else it speaks of all.
    pub(crate) fn picks(&self) -> bool {
        self.groups.name.is_some() || !self.groups.tags.is_empty()
    }

    /// Which groups it picks: `named web-* (* is any run of characters) tagged exposure=public`.
    pub(crate) fn groups_in_words(&self) -> String {
        let mut words = Vec::new();
        if let Some(name) = &self.groups.name {
            let star = if name.contains('*') {
                " (* is any run of characters)"
            } else {
                ""
            };
            words.push(format!("named {name}{star}"));
        }
        let tags = self
            .groups
            .tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let tags: Vec<String> = tags.collect();
        if !tags.is_empty() {
            words.push(format!("tagged {}", tags.join(" and ")));
        }
        words.join(" ")
    }
}

impl Exposure {
    /// Its peers less the exceptions, as a sentence has them: `the internet, except offices`.
    pub(crate) fn peers_in_words(&self) -> String {
        if self.except.words.is_empty() {
            return self.peers.in_words();
        }
        self.one_internet().map_or_else(
            || format!("{}, except {}", self.peers.in_words(), self.except.in_words()),
            str::to_owned,
        )
    }

    /// The internet of one family, where that is what is left.
    fn one_internet(&self) -> Option<&'static str> {
        if !self.peers.lists.is_empty() || !self.except.lists.is_empty() {
            return None;
        }
        let left = self.peers.fixed.difference(&self.except.fixed);
        let internet = AddressSet::internet();
        [
            (AddressSet::all_v4(), "the IPv4 internet"),
            (AddressSet::all_v6(), "the IPv6 internet"),
        ]
        .into_iter()
        .find(|(family, _)| left.tokens().is_empty() && *left.addresses() == internet.intersection(family))
        .map(|(_, words)| words)
    }
}

impl PeerTerms {
    /// As a sentence has them: `the internet, offices`.
    pub(crate) fn in_words(&self) -> String {
        let words: Vec<&str> = self
            .words
            .iter()
            .map(|word| match word.as_str() {
                "internet" => "the internet",
                "private" => "private addresses",
                "any" => "everybody",
                other => other,
            })
            .collect();
        words.join(", ")
    }
}

/// The blocks of a network, at most eight of them.
fn blocks(set: &AddressSet) -> String {
    const MOST: usize = 8;
    let cidrs = set.cidrs();
    let mut words: Vec<String> = cidrs.iter().take(MOST).map(ToString::to_string).collect();
    if cidrs.len() > MOST {
        words.push(format!("{} more blocks", cidrs.len() - MOST));
    }
    words.join(", ")
}

fn spoken_of(rule: &Rule) -> String {
    let mut which = String::from("security group");
    if rule.picks() {
        let _ = write!(which, " {}", rule.groups_in_words());
    }
    match rule.per {
        _ if matches!(rule.check, Check::Exists) => format!("all groups together: is one a {which}?"),
        _ if matches!(rule.check, Check::Description) => format!("each rule of each {which}"),
        Per::Group => format!("each {which}, by itself: all its rules of one direction count together"),
        Per::Member => format!(
            "each network interface that carries a {which}: the rules of all its groups, in one direction, count together"
        ),
    }
}

fn too_much(exposure: &Exposure, extent: Extent) -> String {
    let named = exposure.possible(&PrefixLists::default());
    let share = match extent {
        Extent::Any => {
            let one = match (named.addresses().is_empty(), named.tokens().is_empty()) {
                (true, _) => "to one of them",
                (false, true) => "to one single address of them",
                (false, false) => "to one single address, group or prefix list of them",
            };
            return format!("as soon as any protocol and port of that is open {one}");
        }
        share @ Extent::Share(_) => share.to_string(),
    };
    let share = if share == "whole" {
        "all".to_owned()
    } else {
        format!("{share} or more")
    };
    let families = if named.addresses().v4().is_empty() || named.addresses().v6().is_empty() {
        ""
    } else {
        ", counting IPv4 and IPv6 each by itself"
    };
    format!(
        "when for one and the same protocol and port the rules together are open to {share} of these addresses{families}"
    )
}

fn passes(exposure: &Exposure, extent: Extent, allow_only: bool) -> String {
    let mut parts = Vec::new();
    if allow_only {
        parts.push("what it allows".to_owned());
    } else if exposure.traffic != TrafficSet::all() {
        parts.push("other traffic".to_owned());
    }
    match exposure.directions.as_slice() {
        [Direction::Ingress] => parts.push("what goes out".to_owned()),
        [Direction::Egress] => parts.push("what comes in".to_owned()),
        _ => {}
    }
    let named = exposure.possible(&PrefixLists::default());
    if *named.addresses() != AddressSet::all() {
        parts.push("other addresses".to_owned());
    }
    if named.tokens().is_empty() {
        parts.push("security groups as peers; of a prefix list, only its entries count".to_owned());
    }
    match extent {
        Extent::Any => {}
        share @ Extent::Share(_) if share.to_string() == "whole" => {
            parts.push("any part of them that is not all".to_owned());
        }
        share @ Extent::Share(_) => parts.push(format!("less than {share} of them")),
    }
    if parts.is_empty() {
        return "nothing but a group with no rule at all".to_owned();
    }
    parts.join("; ")
}

fn waived(waiver: &Waiver, today: Date) -> String {
    let mut what = format!("at {}", waiver.resource);
    if let Some(exposure) = &waiver.exposure {
        let preposition = match exposure.directions.as_slice() {
            [one] => one.preposition(),
            _ => "from or to",
        };
        let _ = write!(
            what,
            ", {} {preposition} {}",
            exposure.traffic.describe(),
            exposure.peers_in_words()
        );
    }
    let day = if today > waiver.expires {
        format!("expired, its last day was {}", waiver.expires)
    } else {
        format!("its last day is {} (UTC)", waiver.expires)
    };
    format!("{what}: {} ({}); {day}", waiver.reason, waiver.owner)
}

/// Labels on the left, sentences on the right.
#[derive(Default)]
struct Page {
    out: String,
}

impl Page {
    /// How wide the label is, and the line.
    const LABEL: usize = 14;
    const WIDTH: usize = 100;

    fn entry(&mut self, label: &str, text: &str) {
        let mut line = format!("{label:<width$}", width = Self::LABEL);
        let mut used = Self::LABEL;
        let mut first = true;
        for word in clean(text).split_whitespace() {
            let length = word.chars().count();
            if !first && used + 1 + length > Self::WIDTH {
                let _ = writeln!(self.out, "{line}");
                line = " ".repeat(Self::LABEL);
                used = Self::LABEL;
                first = true;
            }
            if !first {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
            first = false;
        }
        let _ = writeln!(self.out, "{line}");
    }
}
