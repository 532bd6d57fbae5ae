//! The checks, by where they look. Each one says what it found and never stops the others.

pub(crate) mod gitlab;
pub(crate) mod local;
pub(crate) mod slack;
