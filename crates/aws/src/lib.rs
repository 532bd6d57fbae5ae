//! EC2 to inventory: the only crate that names an AWS package.
//!
//! **What it is for.** It asks EC2 what there really is: security groups, their rules, the network interfaces that
//! carry them, the names of the instances behind those, and the entries of the prefix lists that rules speak of. The
//! answer is an [`Inventory`](portcullis_secgroup::Inventory), and no type of the AWS SDK leaves this crate.
//!
//! **What it is not.** It changes nothing in AWS, judges nothing, and writes no file. It is kept apart since the SDK
//! costs minutes of compile time; nobody but `portcullis-inspect` depends on it.
//!
//! Without groups or rules there is nothing to compare, so a failure to read them is an error. A failure to read
//! anything else is a *gap* of the inventory: what was read stands, and absence is not concluded from the rest.
//!
//! ```no_run
//! # async fn run() -> Result<(), portcullis_aws::ReadError> {
//! // Region, credentials and endpoint come from the environment, as in every AWS tool.
//! let ec2 = portcullis_aws::Ec2::from_environment().await?;
//! let inventory = ec2.inventory().await?;
//! assert!(inventory.gaps.is_empty(), "something could not be read: {:?}", inventory.gaps);
//! # Ok(())
//! # }
//! ```

mod client;
mod convert;
mod error;

pub use client::Ec2;
pub use error::ReadError;
