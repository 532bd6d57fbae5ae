//! Stage `request approval`: binds the request to what was judged, and asks in Slack.
fn main() {}
