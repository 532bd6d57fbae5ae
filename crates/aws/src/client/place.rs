//! One region of one account.

use super::calls::Counter;
use super::pages::{Listed, Listing, Pace};
use crate::convert::{self, Converted};
use crate::{ReadError, Scope, scope};
use aws_config::SdkConfig;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::Region;
use aws_sdk_ec2::types::{
    Filter, Instance, NetworkInterface, SecurityGroup, SecurityGroupRule, SecurityGroupVpcAssociation,
    StaleSecurityGroup,
};
use futures_util::future::{join, join_all, join3};
use portcullis_secgroup::{Gap, Inventory, Missing, PrefixLists};
use std::collections::BTreeSet;

/// How many items a page may hold. Without a number EC2 tries to answer all at once and fails on large accounts
/// (EC2 API reference, `DescribeSecurityGroupRules` and others: 5 to 1000).
const PAGE: u16 = 1000;
/// Pages of prefix-list entries are smaller (EC2 API reference, `GetManagedPrefixListEntries`: 1 to 100).
const ENTRIES_PAGE: u16 = 100;
/// Those of stale groups, too (EC2 API reference, `DescribeStaleSecurityGroups`: 5 to 255).
const STALE_PAGE: u16 = 255;

/// Ids that a filter holds; `None` is no filter.
type Ids = Option<Vec<String>>;

/// One region of one account.
#[derive(Debug)]
pub(super) struct Place {
    client: Client,
    region: String,
    name: String,
}

/// What does not depend on the rules.
struct Members {
    interfaces: Listed<NetworkInterface>,
    instances: Listed<Instance>,
    associations: Listed<SecurityGroupVpcAssociation>,
}

impl Place {
    /// `name` tells it from others; empty when it is the only one.
    pub(super) fn new(config: &SdkConfig, region: &str, name: String, counter: &Counter) -> Self {
        let config = aws_sdk_ec2::config::Builder::from(config)
            .region(Region::new(region.to_owned()))
            .interceptor(counter.clone())
            .build();
        Self {
            client: Client::from_conf(config),
            region: region.to_owned(),
            name,
        }
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// All that bears on the groups that are asked for.
    pub(super) async fn read(&self, scope: &Scope, pace: &Pace<'_>) -> Result<Inventory, ReadError> {
        // What can be asked without knowing the groups goes beside them.
        let ((groups, rules), members) = match scope.up_front() {
            Some(ids) => {
                let groups_and_rules = async {
                    let groups = self.groups(scope, pace).await;
                    let rules = self.rules(scope, &groups, pace).await;
                    (groups, rules)
                };
                join(groups_and_rules, self.members(&ids, pace)).await
            }
            None => {
                let groups = self.groups(scope, pace).await;
                let ids: BTreeSet<String> = groups
                    .items
                    .iter()
                    .filter_map(|group| group.group_id.clone())
                    .collect();
                let ids = scope::filters(ids.iter());
                let (rules, members) = join(self.rules(scope, &groups, pace), self.members(&ids, pace)).await;
                ((groups, rules), members)
            }
        };
        let mut gaps = Vec::new();
        let groups = match groups.failed {
            // One of the two tells of the groups, if less.
            Some(error) if !groups.items.is_empty() || !rules.items.is_empty() => {
                let except = BTreeSet::new();
                gaps.push(
                    self.gap("DescribeSecurityGroups", &error)
                        .missing(Missing::Groups { except }),
                );
                groups.items
            }
            Some(error) => return Err(error),
            None => groups.items,
        };
        if let Some(error) = &rules.failed {
            // The groups' own answers hold their rules, without ids and tags.
            gaps.push(
                self.gap("DescribeSecurityGroupRules", error)
                    .missing(Missing::Details),
            );
        }
        let account = groups
            .iter()
            .find_map(|group| group.owner_id().map(str::to_owned));
        let Converted {
            value: converted,
            gaps: not_understood,
        } = convert::groups(&groups, &rules.items, rules.failed.is_none(), &self.region);
        gaps.extend(not_understood);
        let (lists, stale) = join(
            self.prefix_lists(&convert::lists_named(&converted), pace, &mut gaps),
            self.stale(&convert::vpcs_with_foreign_peers(&converted), pace),
        )
        .await;
        let mut told = |call: &str, failed: &Option<ReadError>, missing: Missing| {
            gaps.extend(
                failed
                    .as_ref()
                    .map(|error| self.gap(call, error).missing(missing)),
            );
        };
        told(
            "DescribeNetworkInterfaces",
            &members.interfaces.failed,
            Missing::Members,
        );
        told("DescribeInstances", &members.instances.failed, Missing::Details);
        told(
            "DescribeSecurityGroupVpcAssociations",
            &members.associations.failed,
            Missing::Details,
        );
        told("DescribeStaleSecurityGroups", &stale.failed, Missing::Details);
        let names = convert::instance_names(&members.instances.items);
        Ok(Inventory {
            account,
            region: Some(self.region.clone()),
            interfaces: members
                .interfaces
                .items
                .iter()
                .map(|interface| convert::interface(interface, &names))
                .collect(),
            prefix_lists: lists,
            associations: members
                .associations
                .items
                .iter()
                .filter_map(convert::association)
                .collect(),
            stale: convert::stale(&stale.items, &converted),
            groups: converted,
            gaps,
        })
    }

    fn gap(&self, call: &str, error: &ReadError) -> Gap {
        Gap::new(self.what(call), error.to_string())
    }

    /// A call, and where when there are several places.
    fn what(&self, call: &str) -> String {
        match self.name.as_str() {
            "" => call.to_owned(),
            name => format!("{call} in {name}"),
        }
    }

    fn listing(&self, call: &'static str) -> Listing<'_> {
        Listing {
            place: if self.name.is_empty() {
                &self.region
            } else {
                &self.name
            },
            region: &self.region,
            call,
        }
    }

    async fn groups(&self, scope: &Scope, pace: &Pace<'_>) -> Listed<SecurityGroup> {
        let mut filters: Vec<Filter> = Vec::new();
        filters.extend((!scope.vpcs.is_empty()).then(|| filter("vpc-id", scope.vpcs.iter().cloned())));
        filters.extend(
            scope
                .tags
                .iter()
                .map(|(key, value)| filter(&format!("tag:{key}"), [value.clone()])),
        );
        let ids = match scope.groups.is_empty() {
            true => vec![None],
            false => scope::filters(scope.groups.iter()),
        };
        let parts = ids.into_iter().map(|ids| async {
            let mut filters = filters.clone();
            filters.extend(ids.map(|ids| filter("group-id", ids)));
            let mut pages = self
                .client
                .describe_security_groups()
                .set_filters(some(filters))
                .into_paginator()
                .page_size(PAGE.into())
                .send();
            let listing = self.listing("DescribeSecurityGroups");
            pace.list(
                listing,
                async || pages.next().await,
                |page| page.security_groups.unwrap_or_default(),
            )
            .await
        });
        Listed::joined(join_all(parts).await)
    }

    /// The rules of these groups; where the groups are not all known, of all that are asked for.
    async fn rules(
        &self,
        scope: &Scope,
        groups: &Listed<SecurityGroup>,
        pace: &Pace<'_>,
    ) -> Listed<SecurityGroupRule> {
        let packs = match (&groups.failed, scope.up_front()) {
            (Some(_), Some(ids)) => ids,
            _ => scope::packs(&convert::rules_by_group(&groups.items), PAGE.into()),
        };
        let parts = packs.into_iter().map(|ids| async {
            let mut pages = self
                .client
                .describe_security_group_rules()
                .set_filters(within("group-id", ids))
                .into_paginator()
                .page_size(PAGE.into())
                .send();
            let listing = self.listing("DescribeSecurityGroupRules");
            pace.list(
                listing,
                async || pages.next().await,
                |page| page.security_group_rules.unwrap_or_default(),
            )
            .await
        });
        Listed::joined(join_all(parts).await)
    }

    async fn members(&self, ids: &[Ids], pace: &Pace<'_>) -> Members {
        let (interfaces, instances, associations) = join3(
            join_all(ids.iter().map(|ids| self.interfaces(ids.clone(), pace))),
            join_all(ids.iter().map(|ids| self.instances(ids.clone(), pace))),
            join_all(ids.iter().map(|ids| self.associations(ids.clone(), pace))),
        )
        .await;
        Members {
            interfaces: Listed::joined(interfaces),
            instances: Listed::joined(instances),
            associations: Listed::joined(associations),
        }
    }

    async fn interfaces(&self, ids: Ids, pace: &Pace<'_>) -> Listed<NetworkInterface> {
        let mut pages = self
            .client
            .describe_network_interfaces()
            .set_filters(within("group-id", ids))
            // Those that services made are members, too.
            .include_managed_resources(true)
            .into_paginator()
            .page_size(PAGE.into())
            .send();
        let listing = self.listing("DescribeNetworkInterfaces");
        pace.list(
            listing,
            async || pages.next().await,
            |page| page.network_interfaces.unwrap_or_default(),
        )
        .await
    }

    async fn instances(&self, ids: Ids, pace: &Pace<'_>) -> Listed<Instance> {
        let mut pages = self
            .client
            .describe_instances()
            .set_filters(within("network-interface.group-id", ids))
            .into_paginator()
            .page_size(PAGE.into())
            .send();
        let listing = self.listing("DescribeInstances");
        pace.list(
            listing,
            async || pages.next().await,
            |page| {
                let reservations = page.reservations.unwrap_or_default().into_iter();
                reservations
                    .flat_map(|reservation| reservation.instances.unwrap_or_default())
                    .collect()
            },
        )
        .await
    }

    async fn associations(&self, ids: Ids, pace: &Pace<'_>) -> Listed<SecurityGroupVpcAssociation> {
        let mut pages = self
            .client
            .describe_security_group_vpc_associations()
            .set_filters(within("group-id", ids))
            .into_paginator()
            .page_size(PAGE.into())
            .send();
        let listing = self.listing("DescribeSecurityGroupVpcAssociations");
        pace.list(
            listing,
            async || pages.next().await,
            |page| page.security_group_vpc_associations.unwrap_or_default(),
        )
        .await
    }

    async fn stale(&self, vpcs: &BTreeSet<String>, pace: &Pace<'_>) -> Listed<StaleSecurityGroup> {
        let parts = vpcs.iter().map(async |vpc| {
            let mut pages = self
                .client
                .describe_stale_security_groups()
                .vpc_id(vpc)
                .into_paginator()
                .page_size(STALE_PAGE.into())
                .send();
            let listing = self.listing("DescribeStaleSecurityGroups");
            pace.list(
                listing,
                async || pages.next().await,
                |page| page.stale_security_group_set.unwrap_or_default(),
            )
            .await
        });
        Listed::joined(join_all(parts).await)
    }

    async fn prefix_lists(
        &self,
        lists: &BTreeSet<String>,
        pace: &Pace<'_>,
        gaps: &mut Vec<Gap>,
    ) -> PrefixLists {
        let read = join_all(lists.iter().map(|list| self.entries(list, pace))).await;
        let mut known = PrefixLists::default();
        for (list, read) in lists.iter().zip(read) {
            let entries = match read.failed {
                None => convert::entries(&read.items),
                Some(error) => Err(error.to_string()),
            };
            match entries {
                Ok(entries) => known.insert(list, entries),
                // A part of a list is no list.
                Err(why) => {
                    known.insert_unknown(list);
                    let what = self.what(&format!("GetManagedPrefixListEntries {list}"));
                    gaps.push(Gap::new(what, why).missing(Missing::Entries { of: list.clone() }));
                }
            }
        }
        known
    }

    async fn entries(&self, list: &str, pace: &Pace<'_>) -> Listed<String> {
        let mut pages = self
            .client
            .get_managed_prefix_list_entries()
            .prefix_list_id(list)
            .into_paginator()
            .page_size(ENTRIES_PAGE.into())
            .send();
        let listing = self.listing("GetManagedPrefixListEntries");
        pace.list(
            listing,
            async || pages.next().await,
            |page| {
                page.entries
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|entry| entry.cidr)
                    .collect()
            },
        )
        .await
    }
}

fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values.into_iter().collect()))
        .build()
}

fn within(name: &str, ids: Ids) -> Option<Vec<Filter>> {
    ids.map(|ids| vec![filter(name, ids)])
}

fn some(filters: Vec<Filter>) -> Option<Vec<Filter>> {
    Some(filters).filter(|filters| !filters.is_empty())
}
