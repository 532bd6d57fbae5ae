//! Which parts of rules are sensitive: whoever speaks of them must not show them.

use crate::groups::{OwnedRule, TerraformGroup};
use crate::resource::{Instance, Kind};
use crate::tree::Tree;
use portcullis_secgroup::Peer;
use std::collections::{BTreeMap, BTreeSet};

/// What of an owner's rules is marked sensitive. They are read with their values, and judged by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SensitiveParts {
    /// From or to whom.
    pub peers: bool,
    /// Protocol or ports.
    pub traffic: bool,
}

const PEERS: [&str; 10] = [
    "cidr_blocks",
    "ipv6_cidr_blocks",
    "prefix_list_ids",
    "source_security_group_id",
    "security_groups",
    "self",
    "cidr_ipv4",
    "cidr_ipv6",
    "prefix_list_id",
    "referenced_security_group_id",
];

const TRAFFIC: [&str; 4] = ["protocol", "ip_protocol", "from_port", "to_port"];

/// By the address of the rule resource, or of the group for its own rules.
pub(crate) fn parts(
    instances: &[Instance],
    groups: &[TerraformGroup],
    orphans: &[OwnedRule],
) -> BTreeMap<String, SensitiveParts> {
    let mut out = BTreeMap::new();
    let mut lists = BTreeSet::new();
    for instance in instances
        .iter()
        .filter(|instance| instance.sensitive != Tree::Null)
    {
        let object = instance.object();
        let any = |names: &[&str]| names.iter().any(|name| object.is_sensitive(name));
        let found = match instance.kind {
            // Its blocks mix both, and the marks of a set are those of its elements together.
            Kind::Group | Kind::DefaultGroup => {
                let marked = any(&["ingress", "egress"]);
                SensitiveParts {
                    peers: marked,
                    traffic: marked,
                }
            }
            Kind::Rule | Kind::VpcIngress | Kind::VpcEgress => SensitiveParts {
                peers: any(&PEERS),
                traffic: any(&TRAFFIC),
            },
            Kind::PrefixList if any(&["entry", "entries"]) => {
                lists.insert(instance.address.as_str());
                lists.extend(instance.id());
                continue;
            }
            _ => continue,
        };
        if found != SensitiveParts::default() {
            out.insert(instance.address.clone(), found);
        }
    }
    if !lists.is_empty() {
        for owned in groups.iter().flat_map(|group| &group.rules).chain(orphans) {
            if let Peer::PrefixList(id) = &owned.rule.peer
                && lists.contains(id.as_str())
            {
                out.entry(owned.owner.clone()).or_default().peers = true;
            }
        }
    }
    out
}
