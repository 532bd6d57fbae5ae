//! Habits that can be seen in files.

use crate::workspace::{folder, manifest, packages, root};
use std::fs;

/// How many lines a stage's `main.rs` may have.
const DOORWAY: usize = 40;

#[test]
fn each_folder_is_on_the_map() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for place in ["crates", "bins"] {
        for entry in fs::read_dir(root().join(place)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let row = format!("| `{place}/{name}` |");
            assert!(
                map.contains(&row),
                "ARCHITECTURE.md has no row that starts with {row}"
            );
        }
    }
    // And nothing is on it that is not there.
    for row in map.lines().filter_map(|line| line.strip_prefix("| `")) {
        let place = row.split('`').next().unwrap();
        if place.contains('/') {
            assert!(
                root().join(place).exists(),
                "ARCHITECTURE.md lists {place}, which is not there"
            );
        }
    }
}

#[test]
fn each_package_inherits_what_the_workspace_says() {
    for package in packages() {
        let text = manifest(package);
        let place = folder(package);
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{place} does not inherit the workspace's lints"
        );
        assert_eq!(package.license.as_deref(), Some("MIT OR Apache-2.0"), "{place}");
        assert_eq!(package.edition.as_str(), "2024", "{place}");
        assert_eq!(
            package.publish.as_deref(),
            Some([].as_slice()),
            "{place} could be published"
        );
        assert!(package.description.is_some(), "{place} does not say what it is");
        let short = place.rsplit('/').next().unwrap();
        assert_eq!(package.name.as_str(), format!("portcullis-{short}"), "{place}");
        let rust = package.rust_version.as_ref().unwrap().to_string();
        let expected = if matches!(short, "aws" | "inspect") {
            "1.94.1"
        } else {
            "1.89.0"
        };
        assert_eq!(rust, expected, "{place}");
    }
}

#[test]
fn each_source_file_says_what_it_is() {
    for package in packages() {
        for target in package.targets.iter().filter(|target| !target.is_custom_build()) {
            let text = fs::read_to_string(&target.src_path).unwrap();
            let first = text.lines().next().unwrap_or_default();
            assert!(
                first.starts_with("//! "),
                "{} opens without a `//!`: {first}",
                target.src_path
            );
        }
    }
}

#[test]
fn doorways_are_short() {
    let mut seen = 0;
    // The sandbox is no stage: its programs lie in src/bin.
    let binaries = packages().into_iter().flat_map(|package| &package.targets);
    for target in binaries.filter(|target| target.is_bin() && target.src_path.ends_with("src/main.rs")) {
        seen += 1;
        let lines = fs::read_to_string(&target.src_path).unwrap().lines().count();
        assert!(
            lines <= DOORWAY,
            "{} has {lines} lines; a doorway has at most {DOORWAY}",
            target.src_path
        );
    }
    assert!(seen >= 9, "only {seen} doorways were found");
}

#[test]
fn the_licences_are_there() {
    for (file, words) in [
        ("LICENSE-MIT", "MIT License"),
        ("LICENSE-APACHE", "Apache License"),
    ] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(words), "{file}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents: Vec<_> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .into_iter()
        .chain(["ci/README.md", "fixtures/README.md", "terraform/README.md"])
        .map(|name| root().join(name))
        .collect();
    documents.extend(
        fs::read_dir(root().join("docs"))
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    let mut links = 0;
    for document in documents
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
    {
        let text = fs::read_to_string(document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            if link.contains("://") {
                continue;
            }
            links += 1;
            let target = if path.is_empty() {
                document.clone()
            } else {
                document.parent().unwrap().join(path)
            };
            assert!(
                target.exists(),
                "{} links to {link}, which is not there",
                document.display()
            );
            if !anchor.is_empty() {
                let headings = fs::read_to_string(&target).unwrap();
                let found = headings
                    .lines()
                    .filter(|line| line.starts_with('#'))
                    .any(|line| slug(line) == anchor);
                assert!(found, "{} links to {link}: no such heading", document.display());
            }
        }
    }
    assert!(links > 20, "only {links} links were found");
}

/// A heading's anchor, as GitLab and GitHub make it.
fn slug(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}
