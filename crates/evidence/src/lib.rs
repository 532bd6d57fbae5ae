//! Digests, the approval record, and the guard that lets through only what was approved.

mod document;

pub use document::{Approval, ApprovalRequest, Bound};
