//! What of EC2's answers is read: shapes after the EC2 API reference. Unknown keys are ignored.

use serde::Deserialize;
use std::net::IpAddr;

/// An answer of any of the calls: each has one of the lists.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Answer {
    pub(super) security_groups: Option<Vec<SecurityGroup>>,
    pub(super) security_group_rules: Option<Vec<SecurityGroupRule>>,
    pub(super) network_interfaces: Option<Vec<NetworkInterface>>,
    pub(super) reservations: Option<Vec<Reservation>>,
    pub(super) prefix_lists: Option<Vec<ManagedPrefixList>>,
    pub(super) entries: Option<Vec<PrefixListEntry>>,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SecurityGroup {
    pub(super) group_id: String,
    pub(super) group_name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) vpc_id: Option<String>,
    pub(super) owner_id: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
    #[serde(default)]
    pub(super) ip_permissions: Vec<IpPermission>,
    #[serde(default)]
    pub(super) ip_permissions_egress: Vec<IpPermission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IpPermission {
    pub(super) ip_protocol: String,
    pub(super) from_port: Option<i64>,
    pub(super) to_port: Option<i64>,
    #[serde(default)]
    pub(super) ip_ranges: Vec<Range>,
    #[serde(default)]
    pub(super) ipv6_ranges: Vec<Range>,
    #[serde(default)]
    pub(super) prefix_list_ids: Vec<PrefixListId>,
    #[serde(default)]
    pub(super) user_id_group_pairs: Vec<GroupPair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Range {
    #[serde(alias = "CidrIpv6")]
    pub(super) cidr_ip: String,
    pub(super) description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PrefixListId {
    pub(super) prefix_list_id: String,
    pub(super) description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupPair {
    pub(super) group_id: String,
    pub(super) user_id: Option<String>,
    pub(super) description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SecurityGroupRule {
    pub(super) security_group_rule_id: Option<String>,
    pub(super) group_id: String,
    pub(super) group_owner_id: Option<String>,
    pub(super) is_egress: bool,
    pub(super) ip_protocol: String,
    pub(super) from_port: Option<i64>,
    pub(super) to_port: Option<i64>,
    pub(super) cidr_ipv4: Option<String>,
    pub(super) cidr_ipv6: Option<String>,
    pub(super) prefix_list_id: Option<String>,
    pub(super) referenced_group_info: Option<GroupPair>,
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NetworkInterface {
    pub(super) network_interface_id: String,
    pub(super) owner_id: Option<String>,
    pub(super) vpc_id: Option<String>,
    pub(super) interface_type: Option<String>,
    pub(super) requester_id: Option<String>,
    #[serde(default)]
    pub(super) requester_managed: bool,
    pub(super) description: Option<String>,
    pub(super) attachment: Option<Attachment>,
    pub(super) association: Option<Association>,
    #[serde(default)]
    pub(super) groups: Vec<GroupPair>,
    pub(super) private_ip_address: Option<IpAddr>,
    #[serde(default)]
    pub(super) private_ip_addresses: Vec<PrivateAddress>,
    #[serde(default)]
    pub(super) ipv6_addresses: Vec<Ipv6Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attachment {
    pub(super) instance_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Association {
    pub(super) public_ip: Option<IpAddr>,
    pub(super) public_dns_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PrivateAddress {
    pub(super) private_ip_address: Option<IpAddr>,
    pub(super) association: Option<Association>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ipv6Address {
    pub(super) ipv6_address: IpAddr,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reservation {
    #[serde(default)]
    pub(super) instances: Vec<Instance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Instance {
    pub(super) instance_id: String,
    #[serde(default)]
    pub(super) tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ManagedPrefixList {
    pub(super) prefix_list_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PrefixListEntry {
    pub(super) cidr: String,
}
