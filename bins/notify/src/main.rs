//! Stage `notify`: tells people what happened.
fn main() {}
