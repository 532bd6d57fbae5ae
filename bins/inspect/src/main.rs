//! Stage `verify`, first half: reads EC2 and writes the live view.
fn main() {}
