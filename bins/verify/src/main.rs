//! Stage `verify`: declared, recorded and live side by side.
fn main() {}
