//! `docs/verify.md` tells the truth: each command on the page prints what stands below it.
//!
//! `PORTCULLIS_WRITE_DOCS=1 cargo test -p portcullis-verify --test docs` writes the page anew.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and read files"
)]

use portcullis_consistency::RuleVerdict;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn printed(arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-verify"))
        .args(arguments.split_whitespace())
        .current_dir(repository(""))
        .env_clear()
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_command_on_the_page_prints_what_stands_below_it() {
    const COMMAND: &str = "```console\n$ portcullis-verify ";
    let path = repository("docs/verify.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut parts = page.split(COMMAND);
    let mut whole = parts.next().unwrap().to_owned();
    let mut count = 0;
    for part in parts {
        let (arguments, rest) = part.split_once('\n').unwrap();
        let (_, after) = rest.split_once("```").unwrap();
        whole += &format!("{COMMAND}{arguments}\n{}```{after}", printed(arguments));
        count += 1;
    }
    assert_eq!(count, 2);
    if std::env::var_os("PORTCULLIS_WRITE_DOCS").is_some() {
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(page, whole, "docs/verify.md is not what portcullis-verify prints");
}

#[test]
fn the_page_explains_every_verdict() {
    let page = std::fs::read_to_string(repository("docs/verify.md")).unwrap();
    for verdict in RuleVerdict::ALL {
        assert!(page.contains(&format!("| `{verdict}` |")), "{verdict}");
    }
}
