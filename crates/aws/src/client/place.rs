//! One region of one account.

use super::calls::Counter;
use super::listings::Ids;
use super::pages::{Listed, Listing, Pace};
use crate::convert::{self, Converted};
use crate::{ReadError, Scope, scope};
use aws_config::SdkConfig;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::Region;
use aws_sdk_ec2::types::{Instance, NetworkInterface, SecurityGroupVpcAssociation};
use futures_util::future::{join, join_all, join3};
use portcullis_secgroup::{Gap, Inventory, Missing, PrefixLists};
use std::collections::BTreeSet;

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

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn listing(&self, call: &'static str) -> Listing<'_> {
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
}
