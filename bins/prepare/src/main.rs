//! Stage `prepare`: a doctor that checks what the later stages need.
fn main() {}
