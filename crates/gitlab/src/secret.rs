//! Text that must not be shown.

use std::fmt;

/// A token or password. `Debug` masks it, there is no `Display`, and it does not serialise: the only way to the
/// text is [`Secret::expose`], which is easy to search for.
///
/// ```
/// use portcullis_gitlab::Secret;
/// let token = Secret::new("glcbt-64_abc");
/// assert_eq!(format!("{token:?}"), "Secret(***)");
/// assert_eq!(token.expose(), "glcbt-64_abc");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it or hides it elsewhere.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
