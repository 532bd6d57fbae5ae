//! Stage `check services`: asks the members of the public security group over HTTP.
fn main() {}
