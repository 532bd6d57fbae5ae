//! What each call needs, as the documentation's table has it.
#![cfg(feature = "client")]
#![allow(clippy::allow_attributes, reason = "tests")]

use portcullis_gitlab::client::{JobTokenRight, Operation};
use std::fmt::Write as _;

const PAGE: &str = include_str!("../../../docs/gitlab.md");

fn table() -> String {
    let mut out = "| to … | a job's token | an access token's scope | role | tier |\n|---|---|---|---|---|\n"
        .to_owned();
    for operation in Operation::ALL {
        let needs = operation.needs();
        let job_token = match needs.job_token {
            JobTokenRight::Yes => "yes",
            JobTokenRight::Newer => "GitLab 18",
            JobTokenRight::No => "no",
        };
        let scope = needs
            .scope
            .map_or_else(|| "–".to_owned(), |scope| format!("`{scope}`"));
        let role = needs.role.unwrap_or("–");
        let tier = if needs.paid { "Premium" } else { "Free" };
        let _ = writeln!(out, "| {operation} | {job_token} | {scope} | {role} | {tier} |");
    }
    out
}

#[test]
fn the_documentation_says_what_each_call_needs() {
    assert!(
        PAGE.contains(&table()),
        "docs/gitlab.md should have this table:\n\n{}",
        table()
    );
}
