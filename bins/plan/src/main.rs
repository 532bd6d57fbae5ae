//! Stage `plan`: runs terraform plan, and says what the change opens and closes.
fn main() {}
