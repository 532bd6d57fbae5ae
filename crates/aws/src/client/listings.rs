//! The calls to EC2, one listing each.

use super::pages::{Listed, Pace};
use super::place::Place;
use crate::{Scope, convert, scope};
use aws_sdk_ec2::types::{
    Filter, Instance, NetworkInterface, SecurityGroup, SecurityGroupRule, SecurityGroupVpcAssociation,
    StaleSecurityGroup,
};
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// How many items a page may hold. Without a number EC2 tries to answer all at once and fails on large accounts
/// (EC2 API reference, `DescribeSecurityGroupRules` and others: 5 to 1000).
const PAGE: u16 = 1000;
/// Pages of prefix-list entries are smaller (EC2 API reference, `GetManagedPrefixListEntries`: 1 to 100).
const ENTRIES_PAGE: u16 = 100;
/// Those of stale groups, too (EC2 API reference, `DescribeStaleSecurityGroups`: 5 to 255).
const STALE_PAGE: u16 = 255;

/// Ids that a filter holds; `None` is no filter.
pub(super) type Ids = Option<Vec<String>>;

/// All pages of a request. Each call has types of its own, so this can be no function.
macro_rules! list {
    ($place:expr, $pace:expr, $call:literal, $request:expr, $size:expr, $items:expr) => {{
        let pages = $request.into_paginator().page_size($size.into());
        // By itself it takes a repeated token for the end.
        let mut pages = pages.stop_on_duplicate_token(false).send();
        $pace
            .list(
                $place.listing($call),
                async || pages.next().await,
                |page| page.next_token(),
                $items,
            )
            .await
    }};
}

impl Place {
    pub(super) async fn groups(&self, scope: &Scope, pace: &Pace<'_>) -> Listed<SecurityGroup> {
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
            let filters = Some(filters).filter(|filters| !filters.is_empty());
            let request = self.client().describe_security_groups().set_filters(filters);
            list!(self, pace, "DescribeSecurityGroups", request, PAGE, |page| page
                .security_groups
                .unwrap_or_default())
        });
        Listed::joined(join_all(parts).await)
    }

    /// The rules of these groups; where the groups are not all known, of all that are asked for.
    pub(super) async fn rules(
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
            let request = self.client().describe_security_group_rules();
            let request = request.set_filters(within("group-id", ids));
            list!(self, pace, "DescribeSecurityGroupRules", request, PAGE, |page| {
                page.security_group_rules.unwrap_or_default()
            })
        });
        Listed::joined(join_all(parts).await)
    }

    pub(super) async fn interfaces(&self, ids: Ids, pace: &Pace<'_>) -> Listed<NetworkInterface> {
        let request = self.client().describe_network_interfaces();
        // Those that services made are members, too.
        let request = request
            .set_filters(within("group-id", ids))
            .include_managed_resources(true);
        list!(self, pace, "DescribeNetworkInterfaces", request, PAGE, |page| {
            page.network_interfaces.unwrap_or_default()
        })
    }

    pub(super) async fn instances(&self, ids: Ids, pace: &Pace<'_>) -> Listed<Instance> {
        let request = self.client().describe_instances();
        let request = request.set_filters(within("network-interface.group-id", ids));
        list!(self, pace, "DescribeInstances", request, PAGE, |page| {
            let reservations = page.reservations.unwrap_or_default().into_iter();
            reservations
                .flat_map(|reservation| reservation.instances.unwrap_or_default())
                .collect()
        })
    }

    pub(super) async fn associations(
        &self,
        ids: Ids,
        pace: &Pace<'_>,
    ) -> Listed<SecurityGroupVpcAssociation> {
        let request = self.client().describe_security_group_vpc_associations();
        let request = request.set_filters(within("group-id", ids));
        list!(
            self,
            pace,
            "DescribeSecurityGroupVpcAssociations",
            request,
            PAGE,
            |page| page.security_group_vpc_associations.unwrap_or_default()
        )
    }

    pub(super) async fn stale(&self, vpcs: &BTreeSet<String>, pace: &Pace<'_>) -> Listed<StaleSecurityGroup> {
        let parts = vpcs.iter().map(async |vpc| {
            let request = self.client().describe_stale_security_groups().vpc_id(vpc);
            list!(
                self,
                pace,
                "DescribeStaleSecurityGroups",
                request,
                STALE_PAGE,
                |page| page.stale_security_group_set.unwrap_or_default()
            )
        });
        Listed::joined(join_all(parts).await)
    }

    /// The CIDRs of a prefix list.
    pub(super) async fn entries(&self, list: &str, pace: &Pace<'_>) -> Listed<String> {
        let request = self
            .client()
            .get_managed_prefix_list_entries()
            .prefix_list_id(list);
        list!(
            self,
            pace,
            "GetManagedPrefixListEntries",
            request,
            ENTRIES_PAGE,
            |page| {
                let entries = page.entries.unwrap_or_default().into_iter();
                entries.filter_map(|entry| entry.cidr).collect()
            }
        )
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
