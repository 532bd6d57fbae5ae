//! Declared, recorded and live compared rule by rule.

mod document;

pub use document::{ConsistencyReport, RuleRow, RuleVerdict};
