//! The calls to EC2.

use crate::ReadError;
use crate::convert::{self, Converted};
use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::ProvideCredentials as _;
use aws_sdk_ec2::types::{Instance, NetworkInterface, SecurityGroup, SecurityGroupRule};
use portcullis_secgroup::{Gap, Inventory, Peer, PrefixLists};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many items a page may hold. Without a number EC2 tries to answer all at once and fails on large accounts
/// (EC2 API reference, `DescribeSecurityGroupRules` and others: 5 to 1000).
const PAGE: i32 = 1000;
/// Pages of prefix-list entries are smaller (EC2 API reference, `GetManagedPrefixListEntries`: 1 to 100).
const ENTRIES_PAGE: i32 = 100;

/// EC2 in one region.
#[derive(Debug, Clone)]
pub struct Ec2 {
    client: aws_sdk_ec2::Client,
    region: String,
}

impl Ec2 {
    /// EC2 as the environment names it: region, credentials and endpoint come from the usual `AWS_*` variables and
    /// files. No call to EC2 is made yet.
    ///
    /// # Errors
    /// When no region is set, or no credentials can be found.
    pub async fn from_environment() -> Result<Self, ReadError> {
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            // A stage reads a few dozen pages; being throttled for a while is no reason to fail it.
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(Duration::from_secs(30))
                    .build(),
            )
            .load()
            .await;
        let region = config.region().ok_or(ReadError::NoRegion)?.to_string();
        // Asked for here, since the error of a later call would only say that the request could not be built.
        if let Some(provider) = config.credentials_provider() {
            provider
                .provide_credentials()
                .await
                .map_err(|error| ReadError::NoCredentials { source: error.into() })?;
        }
        Ok(Self {
            client: aws_sdk_ec2::Client::new(&config),
            region,
        })
    }

    #[cfg(test)]
    pub(crate) fn new(client: aws_sdk_ec2::Client, region: &str) -> Self {
        Self {
            client,
            region: region.to_owned(),
        }
    }

    /// The region asked.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Everything that bears on security groups in this region.
    ///
    /// # Errors
    /// When the groups or their rules cannot be read. What else cannot be read becomes a gap.
    pub async fn inventory(&self) -> Result<Inventory, ReadError> {
        let groups = self.groups().await?;
        let rules = self.rules().await?;
        let account = groups
            .iter()
            .find_map(|group| group.owner_id().map(str::to_owned));
        let Converted {
            value: groups,
            mut gaps,
        } = convert::groups(&groups, &rules);

        let instances = self
            .instances()
            .await
            .unwrap_or_else(|error| missed(&mut gaps, "DescribeInstances", &error));
        let names = convert::instance_names(&instances);
        let interfaces = self
            .interfaces()
            .await
            .unwrap_or_else(|error| missed(&mut gaps, "DescribeNetworkInterfaces", &error));
        let interfaces = interfaces
            .iter()
            .map(|interface| convert::interface(interface, &names))
            .collect();

        let named: BTreeSet<&str> = groups
            .iter()
            .flat_map(|group| &group.rules)
            .filter_map(|rule| match &rule.peer {
                Peer::PrefixList(id) => Some(id.as_str()),
                _ => None,
            })
            .collect();
        let mut prefix_lists = PrefixLists::default();
        for id in named {
            match self.entries(id).await {
                Ok(cidrs) => match convert::entries(&cidrs) {
                    Ok(entries) => prefix_lists.insert(id, entries),
                    Err(why) => {
                        prefix_lists.insert_unknown(id);
                        gaps.push(Gap {
                            what: format!("GetManagedPrefixListEntries {id}"),
                            why,
                        });
                    }
                },
                Err(error) => {
                    prefix_lists.insert_unknown(id);
                    gaps.push(Gap {
                        what: format!("GetManagedPrefixListEntries {id}"),
                        why: error.to_string(),
                    });
                }
            }
        }
        Ok(Inventory {
            account,
            region: Some(self.region.clone()),
            groups,
            interfaces,
            prefix_lists,
            gaps,
        })
    }

    async fn groups(&self) -> Result<Vec<SecurityGroup>, ReadError> {
        let mut pages = self
            .client
            .describe_security_groups()
            .into_paginator()
            .page_size(PAGE)
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(item) = pages.next().await {
            all.push(item.map_err(|error| ReadError::of("DescribeSecurityGroups", error))?);
        }
        Ok(all)
    }

    async fn rules(&self) -> Result<Vec<SecurityGroupRule>, ReadError> {
        let mut pages = self
            .client
            .describe_security_group_rules()
            .into_paginator()
            .page_size(PAGE)
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(item) = pages.next().await {
            all.push(item.map_err(|error| ReadError::of("DescribeSecurityGroupRules", error))?);
        }
        Ok(all)
    }

    async fn interfaces(&self) -> Result<Vec<NetworkInterface>, ReadError> {
        let mut pages = self
            .client
            .describe_network_interfaces()
            .into_paginator()
            .page_size(PAGE)
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(item) = pages.next().await {
            all.push(item.map_err(|error| ReadError::of("DescribeNetworkInterfaces", error))?);
        }
        Ok(all)
    }

    async fn instances(&self) -> Result<Vec<Instance>, ReadError> {
        let mut pages = self
            .client
            .describe_instances()
            .into_paginator()
            .page_size(PAGE)
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(item) = pages.next().await {
            let reservation = item.map_err(|error| ReadError::of("DescribeInstances", error))?;
            all.extend(reservation.instances.unwrap_or_default());
        }
        Ok(all)
    }

    async fn entries(&self, list: &str) -> Result<Vec<String>, ReadError> {
        let mut pages = self
            .client
            .get_managed_prefix_list_entries()
            .prefix_list_id(list)
            .into_paginator()
            .page_size(ENTRIES_PAGE)
            .items()
            .send();
        let mut all = Vec::new();
        while let Some(item) = pages.next().await {
            let entry = item.map_err(|error| ReadError::of("GetManagedPrefixListEntries", error))?;
            all.extend(entry.cidr);
        }
        Ok(all)
    }
}

/// Notes what could not be read, and goes on with nothing in its place.
fn missed<T: Default>(gaps: &mut Vec<Gap>, what: &str, error: &ReadError) -> T {
    gaps.push(Gap {
        what: what.to_owned(),
        why: error.to_string(),
    });
    T::default()
}

#[cfg(test)]
mod tests;
