//! SHA-256 of bytes.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 digest. Shown as 64 lower-case hex digits, as `sha256sum` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The SHA-256 of these bytes (FIPS 180-4).
///
/// ```
/// let empty = portcullis_evidence::digest(b"");
/// assert_eq!(empty.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// assert_eq!(empty.short(), "e3b0c44298fc");
/// ```
#[must_use]
pub fn digest(bytes: impl AsRef<[u8]>) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

impl Digest {
    /// How many hex digits the short form has: enough to compare by eye, and for two people to read out.
    pub const SHORT: usize = 12;

    /// The first [`Digest::SHORT`] hex digits.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(Self::SHORT).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
