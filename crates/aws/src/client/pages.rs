//! One listing: page after page, within bounds.

use crate::{Progress, ReadError};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// How fast a reading may go, and until when.
pub(crate) struct Pace<'a> {
    pub(crate) calls_at_once: &'a Semaphore,
    pub(crate) deadline: Instant,
    pub(crate) allowed: Duration,
    pub(crate) tell: &'a dyn Fn(Progress<'_>),
}

/// What came of a listing: the items of the pages before it failed, and why it did.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) failed: Option<ReadError>,
}

impl<T> Listed<T> {
    /// Several listings of one kind as one. The first failure is told.
    pub(crate) fn joined(parts: Vec<Self>) -> Self {
        let mut all = Self {
            items: Vec::new(),
            failed: None,
        };
        for part in parts {
            all.items.extend(part.items);
            all.failed = all.failed.or(part.failed);
        }
        all
    }
}

/// Where a listing is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing<'a> {
    pub(crate) place: &'a str,
    pub(crate) region: &'a str,
    pub(crate) call: &'static str,
}

impl Pace<'_> {
    /// All pages that `next` gives. A page may be empty and still not be the last one. `token` is where a page says the next
    /// one begins: one that was met before leads round in a circle, so what comes after it was never read.
    pub(crate) async fn list<P, T, E>(
        &self,
        listing: Listing<'_>,
        mut next: impl AsyncFnMut() -> Option<Result<P, SdkError<E>>>,
        token: impl Fn(&P) -> Option<&str>,
        items: impl Fn(P) -> Vec<T>,
    ) -> Listed<T>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let mut all = Listed {
            items: Vec::new(),
            failed: None,
        };
        let mut met: HashSet<String> = HashSet::new();
        loop {
            let page = timeout_at(self.deadline, async {
                // Never closed; without a permit the call is merely made too early.
                let _permit = self.calls_at_once.acquire().await.ok();
                next().await
            });
            match page.await {
                Ok(Some(Ok(page))) => {
                    let after = token(&page).filter(|token| !token.is_empty());
                    let is_new = after.is_none_or(|token| met.insert(token.to_owned()));
                    let items = items(page);
                    (self.tell)(Progress {
                        place: listing.place,
                        call: listing.call,
                        items: items.len(),
                    });
                    all.items.extend(items);
                    if !is_new {
                        all.failed = Some(ReadError::Circle {
                            operation: listing.call,
                            region: listing.region.to_owned(),
                        });
                        return all;
                    }
                }
                Ok(None) => return all,
                Ok(Some(Err(error))) => {
                    all.failed = Some(ReadError::of(listing.call, listing.region, error));
                    return all;
                }
                Err(_) => {
                    all.failed = Some(ReadError::Deadline {
                        operation: listing.call,
                        deadline: self.allowed,
                    });
                    return all;
                }
            }
        }
    }
}
