//! Stage `validate`: holds a configuration or a plan against the policy.
fn main() {}
