//! `Cargo.lock`: what our packages pull in, over all features and platforms.

use crate::workspace::root;
use std::collections::{BTreeMap, BTreeSet};

/// Package name → names of what it depends on. Versions are not told apart, which can only find more.
pub(crate) fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("Cargo.lock")).expect("the workspace has a lock file");
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for block in text.split("[[package]]").skip(1) {
        let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
        let name = block
            .lines()
            .find(|line| line.starts_with("name = "))
            .and_then(quoted);
        let entries = graph
            .entry(name.expect("a locked package has a name"))
            .or_default();
        let listed = block
            .lines()
            .skip_while(|line| *line != "dependencies = [")
            .skip(1)
            .take_while(|line| *line != "]");
        // An entry is a name, with the version where there are several.
        entries.extend(
            listed
                .filter_map(quoted)
                .filter_map(|entry| entry.split(' ').next().map(str::to_owned)),
        );
    }
    graph
}

/// Everything that this package pulls in, itself included.
pub(crate) fn closure(graph: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        if seen.insert(name.clone()) {
            open.extend(graph.get(&name).into_iter().flatten().cloned());
        }
    }
    seen
}

/// Whether it is a part of the AWS SDK. `aws-lc-rs` and `aws-lc-sys` are not: they are the SDK's cryptography under rustls, which
/// the lock file, with the features of all packages joined, names under everything that uses rustls. `.ci/run` looks at the
/// trees of `slack` and `gitlab` by themselves, where they must not be.
pub(crate) fn is_aws(name: &str) -> bool {
    name.starts_with("aws-") && !name.starts_with("aws-lc-")
}

#[test]
fn the_lock_file_is_understood() {
    let graph = dependencies();
    let inspect = closure(&graph, "portcullis-inspect");
    assert!(
        inspect.contains("aws-sdk-ec2") && inspect.contains("portcullis-secgroup"),
        "{inspect:?}"
    );
}
