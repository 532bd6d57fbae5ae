//! Rules, in the two ways in which EC2 tells them.

use super::{tags, text};
use aws_sdk_ec2::types as ec2;
use portcullis_secgroup::{
    Cidr, Direction, Gap, Missing, Peer, Ports, Protocol, Rule, RuleKey, StaleReference,
};

/// The rules as the group's own answer has them: without ids and tags. What cannot be understood becomes a gap.
pub(super) fn within(group: &ec2::SecurityGroup, gaps: &mut Vec<Gap>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (direction, permissions) in [
        (Direction::Ingress, group.ip_permissions()),
        (Direction::Egress, group.ip_permissions_egress()),
    ] {
        for permission in permissions {
            if let Err(why) = permitted(group, direction, permission, &mut rules) {
                let id = group.group_id().unwrap_or_default();
                let gap = Gap::new(format!("a rule of group {id}"), why);
                gaps.push(gap.missing(Missing::Rules {
                    of: Some(id.to_owned()),
                }));
            }
        }
    }
    rules
}

fn permitted(
    group: &ec2::SecurityGroup,
    direction: Direction,
    permission: &ec2::IpPermission,
    rules: &mut Vec<Rule>,
) -> Result<(), String> {
    let (protocol, ports) = traffic(
        permission.ip_protocol(),
        permission.from_port(),
        permission.to_port(),
    )?;
    let mut push = |peer, description| {
        rules.push(Rule {
            description: text(description),
            ..Rule::new(direction, protocol, ports, peer)
        });
    };
    for range in permission.ip_ranges() {
        push(cidr(range.cidr_ip().unwrap_or_default())?, range.description());
    }
    for range in permission.ipv6_ranges() {
        push(cidr(range.cidr_ipv6().unwrap_or_default())?, range.description());
    }
    for list in permission.prefix_list_ids() {
        let id = list.prefix_list_id().unwrap_or_default();
        push(Peer::PrefixList(id.to_owned()), list.description());
    }
    for pair in permission.user_id_group_pairs() {
        let peer = group_peer(
            pair.group_id(),
            pair.user_id(),
            group.group_id(),
            group.owner_id(),
        )?;
        push(peer, pair.description());
    }
    Ok(())
}

/// How many rules the group's own answer holds.
pub(super) fn count(group: &ec2::SecurityGroup) -> usize {
    group
        .ip_permissions()
        .iter()
        .chain(group.ip_permissions_egress())
        .map(|permission| {
            permission.ip_ranges().len()
                + permission.ipv6_ranges().len()
                + permission.prefix_list_ids().len()
                + permission.user_id_group_pairs().len()
        })
        .sum()
}

/// One rule by itself, with its id and tags; each source has a rule of its own.
pub(super) fn row(written: &ec2::SecurityGroupRule) -> Result<Rule, String> {
    let direction = match written.is_egress() {
        Some(true) => Direction::Egress,
        Some(false) => Direction::Ingress,
        None => return Err("EC2 does not say whether it is ingress or egress".to_owned()),
    };
    let (protocol, ports) = traffic(written.ip_protocol(), written.from_port(), written.to_port())?;
    let peer = if let Some(text) = written.cidr_ipv4().or(written.cidr_ipv6()) {
        cidr(text)?
    } else if let Some(list) = written.prefix_list_id() {
        Peer::PrefixList(list.to_owned())
    } else if let Some(other) = written.referenced_group_info() {
        group_peer(
            other.group_id(),
            other.user_id(),
            written.group_id(),
            written.group_owner_id(),
        )?
    } else {
        return Err("EC2 names neither an address, a group nor a prefix list".to_owned());
    };
    Ok(Rule {
        description: text(written.description()),
        id: text(written.security_group_rule_id()),
        tags: tags(written.tags()),
        ..Rule::new(direction, protocol, ports, peer)
    })
}

/// A rule by itself that says nothing we know.
pub(super) fn not_understood(written: &ec2::SecurityGroupRule, why: String) -> Gap {
    let id = written.security_group_rule_id().unwrap_or("without an id");
    Gap::new(format!("rule {id}"), why).missing(Missing::Rules {
        of: text(written.group_id()),
    })
}

/// What of a group is stale.
pub(super) fn stale(group: &ec2::StaleSecurityGroup, id: &str, owner: Option<&str>) -> Vec<StaleReference> {
    let sides = [
        (Direction::Ingress, group.stale_ip_permissions()),
        (Direction::Egress, group.stale_ip_permissions_egress()),
    ];
    let permissions = sides.iter().flat_map(|(direction, permissions)| {
        permissions.iter().map(move |permission| (*direction, permission))
    });
    let mut references = Vec::new();
    for (direction, permission) in permissions {
        let traffic = traffic(
            permission.ip_protocol(),
            permission.from_port(),
            permission.to_port(),
        );
        for pair in permission.user_id_group_pairs() {
            let peer = group_peer(pair.group_id(), pair.user_id(), Some(id), owner);
            // What makes no sense here makes none among the rules either, where it is a gap.
            if let (Ok((protocol, ports)), Ok(peer)) = (&traffic, peer) {
                references.push(StaleReference {
                    group: id.to_owned(),
                    rule: RuleKey {
                        direction,
                        protocol: *protocol,
                        ports: *ports,
                        peer,
                    },
                    peer_vpc_id: text(pair.vpc_id()),
                    peering: text(pair.peering_status()),
                });
            }
        }
    }
    references
}

fn traffic(protocol: Option<&str>, from: Option<i32>, to: Option<i32>) -> Result<(Protocol, Ports), String> {
    let protocol: Protocol = protocol
        .unwrap_or("-1")
        .parse()
        .map_err(|error| format!("{error}"))?;
    let ports =
        Ports::read(protocol, from.map(i64::from), to.map(i64::from)).map_err(|error| error.to_string())?;
    Ok((protocol, ports))
}

fn cidr(text: &str) -> Result<Peer, String> {
    text.parse::<Cidr>()
        .map(Peer::Cidr)
        .map_err(|error| error.to_string())
}

/// The group that a rule of `own`, which belongs to the account `owner`, names.
fn group_peer(
    named: Option<&str>,
    account: Option<&str>,
    own: Option<&str>,
    owner: Option<&str>,
) -> Result<Peer, String> {
    match named {
        Some(id) if own == Some(id) => Ok(Peer::SelfGroup),
        Some(id) => Ok(Peer::Group {
            id: id.to_owned(),
            account: account
                .filter(|account| owner.is_some_and(|owner| owner != *account))
                .map(str::to_owned),
        }),
        None => Err("EC2 names a group without its id".to_owned()),
    }
}
