//! The manifest of a run, checked offline.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_evidence::{Manifest, ManifestError};
use std::fmt::Write as _;

type File = (&'static str, &'static [u8]);

const RUN: [File; 3] = [
    ("plan.json", b"{}"),
    ("apply.txt", b"Apply complete!"),
    ("empty", b""),
];

#[test]
fn the_document_reads_back_and_the_order_of_files_is_no_matter() {
    let manifest = Manifest::of(RUN);
    let mut turned = RUN;
    turned.reverse();
    assert_eq!(Manifest::of(turned), manifest);
    let text = manifest.to_json().unwrap();
    assert_eq!(Manifest::read(&text).unwrap(), manifest);
    assert!(manifest.check(turned).is_empty());
    insta::assert_snapshot!("evidence.json", text);
}

#[test]
fn every_difference_is_told() {
    let found: [File; 4] = [
        ("apply.txt", b"Apply failed :("),
        ("plan.json", b"{ }"),
        ("zz-added.txt", b"x"),
        ("aa-added.txt", b""),
    ];
    let mut said = String::new();
    for mismatch in Manifest::of(RUN).check(found) {
        writeln!(said, "{mismatch}").unwrap();
    }
    insta::assert_snapshot!(said, @r"
    aa-added.txt: not in the manifest
    apply.txt: changed (same length, other content)
    empty: missing
    plan.json: changed (3 bytes instead of 2)
    zz-added.txt: not in the manifest
    ");
}

#[test]
fn other_texts_are_no_manifest() {
    assert!(matches!(
        Manifest::read("<html>"),
        Err(ManifestError::Document(_))
    ));
    let next = Manifest {
        format_version: "2.0".into(),
        ..Manifest::of(RUN)
    }
    .to_json()
    .unwrap();
    insta::assert_snapshot!(
        Manifest::read(&next).unwrap_err(),
        @"the manifest has format version 2.0; this version reads 1.0"
    );
}
