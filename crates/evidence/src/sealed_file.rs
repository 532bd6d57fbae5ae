//! Files that leave the job encrypted: the saved plan, above all.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use std::fmt;

/// Begins every sealed file, so that a person who opens one knows what it is.
const HEADER: &[u8] = b"portcullis sealed file, format 1, xchacha20-poly1305\n";

/// What the headers of all formats share.
const FAMILY: &[u8] = b"portcullis sealed file, format ";

/// How many random bytes [`seal_file`] needs: enough that chance never gives the same twice
/// (draft-irtf-cfrg-xchacha, section 1).
pub const NONCE: usize = 24;

/// The key that seals and opens files: 256 bits. Masked in `Debug`, and has no `Display`.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// Reads 64 hex digits, as `openssl rand -hex 32` prints them. A password is no key: it could be guessed by whoever
    /// holds the file.
    ///
    /// # Errors
    /// [`BadKey`] for anything else.
    pub fn read(text: &str) -> Result<Self, BadKey> {
        let digits = text.trim().as_bytes();
        let mut key = [0; 32];
        if digits.len() != 2 * key.len() {
            return Err(BadKey);
        }
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
            let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                return Err(BadKey);
            };
            *byte = u8::try_from(high * 16 + low).map_err(|_| BadKey)?;
        }
        // Whoever sets it to one digit repeated has tried it out, and forgotten.
        if key.iter().all(|byte| Some(byte) == key.first()) {
            return Err(BadKey);
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey([masked])")
    }
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not 64 hex digits")]
pub struct BadKey;

/// Why a sealed file does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is not sealed.
    #[error("it is not a sealed file")]
    NotSealed,
    /// Sealed by a version this one does not know.
    #[error("it is sealed in a format that this version does not know")]
    Format,
    /// The key does not open it. Nobody can tell a wrong key from a changed file.
    #[error("the key does not open it: it was sealed with another key, or changed since, or is another file")]
    Refused,
}

/// Whether the bytes begin as a sealed file does, in whatever format.
#[must_use]
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(FAMILY)
}

/// The bytes, encrypted and authenticated with XChaCha20-Poly1305. `name` is bound: the file opens under that name only.
/// `nonce` must be random, and never used twice with one key.
///
/// ```
/// use portcullis_evidence::{NONCE, SealKey, open_file, seal_file};
/// let key = SealKey::read(&"0123456789abcdef".repeat(4))?;
/// // A random one, in earnest.
/// let nonce = [7; NONCE];
/// let sealed = seal_file(b"the saved plan", "plan.tfplan", &key, nonce);
/// assert_eq!(open_file(&sealed, "plan.tfplan", &key)?, b"the saved plan");
/// assert!(open_file(&sealed, "errored.tfstate", &key).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn seal_file(bytes: &[u8], name: &str, key: &SealKey, nonce: [u8; NONCE]) -> Vec<u8> {
    let payload = Payload {
        msg: bytes,
        aad: &bound(name),
    };
    // It fails for texts of more than 256 GB only; then nothing is written that could be taken for a sealed file.
    let Ok(hidden) = cipher(key).encrypt(&XNonce::from(nonce), payload) else {
        return Vec::new();
    };
    [HEADER, &nonce, &hidden].concat()
}

/// The bytes of a sealed file.
///
/// # Errors
/// [`OpenError`] when it is not sealed, of another format, or does not open with this key under this name.
pub fn open_file(sealed: &[u8], name: &str, key: &SealKey) -> Result<Vec<u8>, OpenError> {
    if !is_sealed(sealed) {
        return Err(OpenError::NotSealed);
    }
    let rest = sealed.strip_prefix(HEADER).ok_or(OpenError::Format)?;
    let (nonce, hidden) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Refused)?;
    let payload = Payload {
        msg: hidden,
        aad: &bound(name),
    };
    cipher(key)
        .decrypt(&XNonce::from(*nonce), payload)
        .map_err(|_| OpenError::Refused)
}

fn cipher(key: &SealKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.0.into())
}

fn bound(name: &str) -> Vec<u8> {
    [HEADER, name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(digit: char) -> SealKey {
        SealKey::read(&format!("0{}", digit.to_string().repeat(63))).unwrap()
    }

    #[test]
    fn only_a_whole_key_is_one() {
        for text in [
            "",
            "password",
            &"0".repeat(64),
            &"ab".repeat(31),
            &"g1".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(SealKey::read(text).err(), Some(BadKey), "{text}");
        }
        assert_eq!(format!("{:?}", key('1')), "SealKey([masked])");
    }

    #[test]
    fn what_is_not_sealed_or_of_another_format_is_told() {
        assert_eq!(
            open_file(b"PK\x03\x04", "a", &key('1')),
            Err(OpenError::NotSealed)
        );
        assert_eq!(
            open_file(b"portcullis sealed file, format 2, x\nabc", "a", &key('1')),
            Err(OpenError::Format)
        );
        assert_eq!(open_file(HEADER, "a", &key('1')), Err(OpenError::Refused));
    }

    proptest! {
        #[test]
        fn a_sealed_file_opens_whole_or_not_at_all(
            bytes in prop::collection::vec(any::<u8>(), 0..80), nonce in any::<[u8; NONCE]>(), at in any::<prop::sample::Index>(),
        ) {
            let sealed = seal_file(&bytes, "plan.tfplan", &key('1'), nonce);
            prop_assert!(is_sealed(&sealed));
            prop_assert_eq!(open_file(&sealed, "plan.tfplan", &key('1')), Ok(bytes));
            prop_assert_eq!(open_file(&sealed, "plan.tfplan", &key('2')), Err(OpenError::Refused));
            prop_assert_eq!(open_file(&sealed, "other", &key('1')), Err(OpenError::Refused));
            let mut changed = sealed.clone();
            let at = at.index(changed.len());
            changed[at] ^= 1;
            prop_assert!(open_file(&changed, "plan.tfplan", &key('1')).is_err());
            prop_assert!(open_file(&sealed[..sealed.len() - 1], "plan.tfplan", &key('1')).is_err());
        }
    }
}
