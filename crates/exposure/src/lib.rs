//! What a change opens and closes, per group.

mod document;

pub use document::{ExposureLine, ExposureReport, GroupExposure};
