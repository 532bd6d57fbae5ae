//! Arrows point downwards, and AWS stays in its room.

use crate::lock::{closure, dependencies, is_aws};
use crate::workspace::{METADATA, folder, packages};
use cargo_metadata::{DependencyKind, Package};
use std::collections::BTreeSet;

/// The layer table of ARCHITECTURE.md.
const LAYERS: [&[&str]; 4] = [
    &["secgroup", "report", "slack", "gitlab"],
    &["terraform", "live", "aws"],
    &[
        "compliance",
        "exposure",
        "consistency",
        "probe",
        "evidence",
        "stacks",
    ],
    &["messages", "page", "stage"],
];
/// The binaries' layer.
const BINS: usize = 4;
/// What tests of binaries may use.
const STAND_INS: &str = "bins/sandbox";
/// Holds the others, so it stands outside.
const OUTSIDE: &str = "crates/workspace-tests";

fn layer(package: &Package) -> usize {
    let folder = folder(package);
    if folder.starts_with("bins/") {
        return BINS;
    }
    let name = folder
        .strip_prefix("crates/")
        .expect("packages lie in crates/ or bins/");
    LAYERS
        .iter()
        .position(|layer| layer.contains(&name))
        .unwrap_or_else(|| panic!("crates/{name} has no layer: give it one here and in ARCHITECTURE.md"))
}

/// Our packages that have a layer.
fn layered() -> Vec<&'static Package> {
    packages()
        .into_iter()
        .filter(|package| folder(package) != OUTSIDE)
        .collect()
}

/// Our packages that this one names; tests may look further down their own layer, not up.
fn ours(package: &Package, kinds: &[DependencyKind]) -> Vec<&'static Package> {
    package
        .dependencies
        .iter()
        .filter(|dependency| kinds.contains(&dependency.kind))
        .filter_map(|dependency| layered().into_iter().find(|other| *other.name == dependency.name))
        .collect()
}

#[test]
fn arrows_point_downwards() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for package in layered() {
        for other in ours(package, &[DependencyKind::Normal, DependencyKind::Build]) {
            seen += 1;
            if layer(other) >= layer(package) {
                wrong.push(format!("{} -> {}", folder(package), folder(other)));
            }
        }
        // A test may feed a crate with what a neighbour reads, but no test reaches up, and no binary into a binary; the
        // sandbox is a library as well, of stand-ins to test binaries with.
        for other in ours(package, &[DependencyKind::Development]) {
            let between_bins = (layer(package), layer(other)) == (BINS, BINS) && folder(other) != STAND_INS;
            if layer(other) > layer(package) || between_bins {
                wrong.push(format!("tests of {} -> {}", folder(package), folder(other)));
            }
        }
    }
    assert!(seen > 30, "only {seen} arrows between our packages were found");
    assert!(
        wrong.is_empty(),
        "arrows that do not point downwards:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn each_layer_is_as_the_map_says() {
    let map =
        std::fs::read_to_string(crate::workspace::root().join("ARCHITECTURE.md")).expect("there is a map");
    for (number, names) in LAYERS.iter().enumerate() {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let row = format!("| {number} | {} |", names.join(" "));
        assert!(map.contains(&row), "ARCHITECTURE.md lacks the row {row}");
    }
}

#[test]
fn the_nouns_and_the_wires_stand_alone() {
    for package in layered().into_iter().filter(|package| layer(package) == 0) {
        let kinds = [
            DependencyKind::Normal,
            DependencyKind::Build,
            DependencyKind::Development,
        ];
        let named: Vec<String> = ours(package, &kinds).into_iter().map(folder).collect();
        assert!(named.is_empty(), "{} names {named:?}", folder(package));
    }
}

#[test]
fn only_aws_names_an_aws_package() {
    for package in packages() {
        let named: Vec<&str> = package
            .dependencies
            .iter()
            .map(|dependency| dependency.name.as_str())
            .filter(|name| is_aws(name))
            .collect();
        assert_eq!(
            named.is_empty(),
            folder(package) != "crates/aws",
            "{} names {named:?}",
            folder(package)
        );
    }
}

#[test]
fn only_aws_and_inspect_reach_the_sdk() {
    let graph = dependencies();
    let reaching: Vec<String> = packages()
        .into_iter()
        .filter(|package| closure(&graph, &package.name).iter().any(|name| is_aws(name)))
        .map(folder)
        .collect();
    assert_eq!(reaching, ["crates/aws", "bins/inspect"]);
}

#[test]
fn a_plain_build_leaves_out_aws_and_inspect_and_nothing_else() {
    let built: BTreeSet<String> = METADATA
        .workspace_default_packages()
        .into_iter()
        .map(folder)
        .collect();
    let all: BTreeSet<String> = packages().into_iter().map(folder).collect();
    let left_out: Vec<&String> = all.difference(&built).collect();
    assert_eq!(left_out, ["bins/inspect", "crates/aws"]);
}
