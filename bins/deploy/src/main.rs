//! Stage `deploy`: applies the plan that was approved, and nothing else.
fn main() {}
