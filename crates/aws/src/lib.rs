//! EC2 to inventory: security groups and what carries them, as they really are.
//!
//! **What it is for.** It asks EC2, page by page, and gives the nouns of [`portcullis_secgroup`]: no type of the AWS SDK
//! leaves this crate. Several regions and accounts are read at the same time.
//!
//! **What it is not.** It changes nothing in AWS, judges nothing, and writes no file. It is kept apart since the SDK
//! costs minutes of compile time; nobody but `portcullis-inspect` depends on it.
//!
//! A part that cannot be read is a *gap* of the inventory, which says what may be missing for it: what was read stands,
//! and absence is not concluded from the rest. Only where nothing at all can be read of the groups there is an error.
//!
//! ```no_run
//! # async fn run() -> Result<(), portcullis_aws::ReadError> {
//! use portcullis_aws::{Aws, Scope, Settings};
//! // Region, credentials and endpoint come from the environment, as in every AWS tool.
//! let aws = Aws::connect(&Settings::default()).await?;
//! let reading = aws.read(&Scope::default(), &|_progress| ()).await?;
//! let gaps = &reading.inventory.gaps;
//! assert!(gaps.is_empty(), "something could not be read: {gaps:?}");
//! # Ok(())
//! # }
//! ```
//!
//! # How few calls it takes
//!
//! One per thousand groups, interfaces, instances and associations; for the rules, groups are asked together that have
//! about a thousand between them; one per prefix list that a rule names; one per VPC in which a rule names a group of
//! another one. Calls that do not need each other's answers are made at the same time, up to [`Settings::at_once`].

mod client;
mod convert;
mod error;
mod join;
mod progress;
mod scope;

pub use client::{Aws, Calls, Reading, Role, Settings};
pub use error::ReadError;
pub use progress::Progress;
pub use scope::Scope;
