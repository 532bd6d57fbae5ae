//! Slack messages as typed Block Kit with its limits, escaping, threads and files; the `client` feature sends them.
