//! The live view's documents: what EC2 has, as files.
//!
//! **What it is for.** Two forms of the same facts become one [`Inventory`]: our own `live.json`, which
//! `portcullis-inspect` writes, and a folder of EC2's answers as the AWS CLI prints them
//! (`aws ec2 describe-security-groups > describe-security-groups.json`, and so on; [`ec2::FILES`] names them).
//!
//! [`cloudtrail`] reads who changed rules, from CloudTrail's own files.
//!
//! **What it is not.** It calls no AWS API and touches no file system: text in, inventory out, and back.
//!
//! ```
//! let answers = [(
//!     "describe-security-groups.json",
//!     r#"{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web", "IpPermissions": [
//!         {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}]}"#,
//! )];
//! let inventory = portcullis_live::ec2::read(answers)?;
//! let text = portcullis_live::write(&inventory);
//! assert_eq!(portcullis_live::read(&text)?, inventory);
//! # Ok::<(), portcullis_live::LiveError>(())
//! ```

pub mod cloudtrail;
mod document;
pub mod ec2;
mod error;

pub use document::{FORMAT_VERSION, read, write};
pub use error::LiveError;
use portcullis_secgroup::Inventory;

/// Reads either form of the live view: one `live.json`, or EC2's answers by file name.
///
/// # Errors
/// [`LiveError`] when a text is not what its form promises.
pub fn read_any(files: &[(impl AsRef<str>, impl AsRef<str>)]) -> Result<Inventory, LiveError> {
    match files {
        [(name, text)] if !ec2::FILES.contains(&name.as_ref()) => read(text.as_ref()),
        many => ec2::read(many.iter().map(|(name, text)| (name.as_ref(), text.as_ref()))),
    }
}
