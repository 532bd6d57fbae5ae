//! Service targets and what they should answer, against what they answered.

mod document;

pub use document::{ServiceCheck, ServicesReport};
