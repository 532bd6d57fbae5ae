//! The edge to AWS: configuration, and several regions and accounts at once.

mod calls;
mod credentials;
mod listings;
mod pages;
mod place;

pub use calls::Calls;

use crate::{Progress, ReadError, Scope, join};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_ec2::config::Region;
use calls::Counter;
use futures_util::future::join_all;
use pages::Pace;
use place::Place;
use portcullis_secgroup::{Gap, Inventory, Missing};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// As whom EC2 is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// With the credentials that the environment gives.
    Own,
    /// With this role, assumed by them.
    Arn(String),
}

/// Where and how EC2 is read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The regions; empty: the one that the environment names.
    pub regions: Vec<String>,
    /// The roles, one per account; empty: [`Role::Own`].
    pub roles: Vec<Role>,
    /// What the roles' trust policies ask for as `sts:ExternalId`.
    pub external_id: Option<String>,
    /// What the sessions of the roles are called in CloudTrail.
    pub session_name: String,
    /// How long all of it may take. What is not read by then is a gap.
    pub deadline: Duration,
    /// How many calls are made at the same time.
    pub at_once: usize,
    /// How often and how a call is made again; `None`: as the environment says (`AWS_MAX_ATTEMPTS`, `AWS_RETRY_MODE`).
    pub attempts: Option<u32>,
    /// The first wait before a call is made again; `None`: the SDK's own.
    pub retry_wait: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            regions: Vec::new(),
            roles: Vec::new(),
            external_id: None,
            session_name: "portcullis-inspect".to_owned(),
            deadline: Duration::from_secs(180),
            // EC2 lets an account make 100 calls of a kind at once in a region, and 20 more each second (Amazon EC2
            // Developer Guide, "Request throttling for the Amazon EC2 API"); others in the account want some of them.
            at_once: 16,
            // A stage reads a few dozen pages; being throttled for a while is no reason to fail it.
            attempts: Some(5),
            retry_wait: None,
        }
    }
}

/// One attempt of one call. EC2 takes seconds for a page of a thousand, not half a minute.
const ATTEMPT: Duration = Duration::from_secs(30);

/// What was read, and how many calls it took.
#[derive(Debug, Clone)]
pub struct Reading {
    /// All that bears on security groups, of all regions and accounts.
    pub inventory: Inventory,
    /// How many calls it took.
    pub calls: Calls,
}

/// EC2, in all the regions and accounts that are to be read.
#[derive(Debug)]
pub struct Aws {
    places: Vec<Place>,
    /// Accounts that cannot be read.
    gaps: Vec<Gap>,
    counter: Counter,
    at_once: usize,
    allowed: Duration,
    deadline: Instant,
}

impl Aws {
    /// Finds region, credentials and endpoint as every AWS tool does, from the usual `AWS_*` variables and files, and
    /// assumes the roles. No call to EC2 is made yet. The time of [`Settings::deadline`] begins.
    ///
    /// # Errors
    /// When no region is set, no credentials can be had, or no role can be assumed.
    pub async fn connect(settings: &Settings) -> Result<Self, ReadError> {
        let deadline = Instant::now() + settings.deadline;
        let late = |operation| ReadError::Deadline {
            operation,
            deadline: settings.deadline,
        };
        let counter = Counter::default();
        let (config, regions) = timeout_at(deadline, configuration(settings))
            .await
            .map_err(|_| late("the region"))??;
        let home = regions.first().map_or("", String::as_str).to_owned();
        let own = timeout_at(deadline, credentials::fixed(&config, &home))
            .await
            .map_err(|_| late("the credentials"))??;
        let roles = match settings.roles.as_slice() {
            [] => &[Role::Own],
            roles => roles,
        };
        let configured = join_all(roles.iter().map(|role| async {
            match role {
                Role::Own => Ok(own.clone()),
                Role::Arn(arn) => timeout_at(deadline, credentials::assume(&own, &home, arn, settings))
                    .await
                    .map_err(|_| late("AssumeRole"))?,
            }
        }))
        .await;
        let (mut places, mut gaps, mut first_error) = (Vec::new(), Vec::new(), None);
        for (role, configured) in roles.iter().zip(configured) {
            let name = match role {
                Role::Own => None,
                Role::Arn(arn) => Some(arn.as_str()),
            };
            match configured {
                Ok(config) => places.extend(regions.iter().map(|region| {
                    let name = match (regions.len(), roles.len(), name) {
                        (1, 1, _) => String::new(),
                        (_, 1, _) | (_, _, None) => region.clone(),
                        (_, _, Some(role)) => format!("{region}, {role}"),
                    };
                    Place::new(&config, region, name, &counter)
                })),
                Err(error) => {
                    gaps.push(unread(name.unwrap_or_default(), &error));
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if places.is_empty() => Err(error),
            _ => Ok(Self {
                places,
                gaps,
                counter,
                at_once: settings.at_once,
                allowed: settings.deadline,
                deadline,
            }),
        }
    }

    /// These places behind one endpoint, as (region, name).
    #[cfg(test)]
    fn at(endpoint: &str, places: &[(&str, &str)], settings: &Settings) -> Self {
        use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
        let keys = Credentials::new("test", "test", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(settings.attempts.unwrap_or(1))
                    .with_initial_backoff(Duration::from_millis(1)),
            )
            .build();
        let counter = Counter::default();
        let place = |(region, name): &(&str, &str)| Place::new(&config, region, (*name).to_owned(), &counter);
        Self {
            places: places.iter().map(place).collect(),
            gaps: Vec::new(),
            counter: counter.clone(),
            at_once: settings.at_once,
            allowed: settings.deadline,
            deadline: Instant::now() + settings.deadline,
        }
    }

    /// The regions, each once.
    #[must_use]
    pub fn regions(&self) -> Vec<&str> {
        let mut regions: Vec<&str> = self.places.iter().map(Place::region).collect();
        regions.sort_unstable();
        regions.dedup();
        regions
    }

    /// Reads what the scope asks for, everywhere at the same time.
    ///
    /// # Errors
    /// When nothing can be read of the groups anywhere. What else cannot be read becomes a gap.
    pub async fn read(&self, scope: &Scope, tell: &dyn Fn(Progress<'_>)) -> Result<Reading, ReadError> {
        let calls_at_once = Semaphore::new(self.at_once.max(1));
        let pace = Pace {
            calls_at_once: &calls_at_once,
            deadline: self.deadline,
            allowed: self.allowed,
            tell,
        };
        let readings = join_all(self.places.iter().map(|place| place.read(scope, &pace))).await;
        let (mut read, mut gaps, mut first_error) = (Vec::new(), self.gaps.clone(), None);
        for (place, reading) in self.places.iter().zip(readings) {
            match reading {
                Ok(inventory) => read.push(inventory),
                Err(error) => {
                    gaps.push(unread(place.name(), &error));
                    first_error.get_or_insert(error);
                }
            }
        }
        if let Some(error) = first_error
            && read.is_empty()
        {
            return Err(error);
        }
        // Where the groups of some place are not known, a named group may be there.
        let whole = gaps.is_empty();
        gaps.extend(scope.gap().filter(|_| whole));
        Ok(Reading {
            inventory: join::join(read, gaps),
            calls: self.counter.calls(),
        })
    }
}

/// A region or an account of which nothing is known.
fn unread(place: &str, error: &ReadError) -> Gap {
    Gap::new(place, error.to_string()).missing(Missing::Groups {
        except: std::collections::BTreeSet::new(),
    })
}

/// The SDK's configuration, and the regions.
async fn configuration(settings: &Settings) -> Result<(SdkConfig, Vec<String>), ReadError> {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(
        TimeoutConfig::builder()
            .operation_attempt_timeout(ATTEMPT)
            .build(),
    );
    if let Some(region) = settings.regions.first() {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(attempts) = settings.attempts {
        // Adaptive: once throttled, all calls of a client slow down together.
        loader = loader.retry_config(RetryConfig::adaptive().with_max_attempts(attempts));
    }
    let mut config = loader.load().await;
    if let Some(wait) = settings.retry_wait {
        let retry = config
            .retry_config()
            .cloned()
            .unwrap_or_else(RetryConfig::adaptive);
        config = config
            .into_builder()
            .retry_config(retry.with_initial_backoff(wait).with_max_backoff(wait))
            .build();
    }
    let regions = match settings.regions.as_slice() {
        [] => vec![config.region().ok_or(ReadError::NoRegion)?.to_string()],
        regions => regions.to_vec(),
    };
    let odd = |region: &&String| {
        region.is_empty()
            || !region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    match regions.iter().find(odd) {
        Some(region) => Err(ReadError::BadRegion {
            region: region.clone(),
        }),
        None => Ok((config, regions)),
    }
}

#[cfg(test)]
mod tests;
