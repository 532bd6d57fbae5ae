//! The file of expectations, as people write it.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_probe::{Expectation, Expectations};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn read(text: &str) -> Result<Expectations, portcullis_probe::ExpectationsError> {
    Expectations::read(text, Expectation::default())
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let mut shown = String::new();
    for text in [
        "",
        "services: []",
        "version: 2",
        "version: one",
        "version: 1\nservice: []",
        "version: 1\nversion: 1",
        "version: 1\nservices:\n  - prots: [80]",
        "version: 1\nservices:\n  - ports: 80",
        "version: 1\nservices:\n  - ports: [0]",
        "version: 1\nservices:\n  - ports: [80, 65536]",
        "version: 1\nservices:\n  - groups: web",
        "version: 1\nservices:\n  - groups: {nam: web}",
        "version: 1\nservices:\n  - ports: [-1]",
        "version: 1\nservices:\n  - protocol: udp",
        "version: 1\nservices:\n  - protocol: sctp",
        "version: 1\nservices:\n  - protocol: tcp\n    skip: later",
        "version: 1\nservices:\n  - path: health",
        "version: 1\nservices:\n  - host: http://www.example.org",
        "version: 1\nservices:\n  - host: 169.254.169.254",
        "version: 1\nservices:\n  - dns: true",
        "version: 1\nservices:\n  - status: OK",
        "version: 1\nservices:\n  - status: 99",
        "version: 1\nservices:\n  - status: []",
        "version: 1\nservices:\n  - text: ''",
        "version: 1\nservices:\n  - json: {status: up}",
        "version: 1\nservices:\n  - redirects: 100",
        "version: 1\nservices:\n  - redirects: -1",
        "version: 1\nservices:\n  - certificate_days: 65536",
        "version: 1\nservices:\n  - protocol: tcp\n    path: /",
        "version: 1\nservices:\n  - protocol: http\n    certificate_days: 3",
        "version: 1\nservices:\n  - skip: ''",
        "version: 1\nservices:\n  - skip: later\n    path: /",
        "version: 1\nclosed:\n  - groups: {name: web}",
        "version: 1\nclosed:\n  - ports: []",
        "version: 1\nclosed:\n  - ports: [22]\n    path: /",
        "version: 1\n---\nversion: 1",
        "\t",
        "{",
    ] {
        let error = read(text).unwrap_err();
        writeln!(shown, "{text:?}\n  {error}").unwrap();
    }
    insta::assert_snapshot!("wrong", shown);
}

#[test]
fn the_estates_own_file_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../terraform/services.yaml");
    read(&std::fs::read_to_string(path).unwrap()).unwrap();
}

/// The schema that editors read, and the reader, keep in step: the same keys.
#[test]
fn the_schema_knows_the_same_keys() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/services.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (what, pointer, text) in [
        ("file", "", "version: 1\nnope: 1"),
        (
            "service",
            "/definitions/service",
            "version: 1\nservices: [{nope: 1}]",
        ),
        ("closed", "/definitions/closed", "version: 1\nclosed: [{nope: 1}]"),
        (
            "groups",
            "/definitions/groups",
            "version: 1\nclosed: [{ports: [1], groups: {nope: 1}}]",
        ),
    ] {
        let object = schema.pointer(pointer).unwrap();
        assert_eq!(object["additionalProperties"], false, "{what}");
        let of_schema: BTreeSet<&str> = object["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        // The reader lists the keys that it knows.
        let message = read(text).unwrap_err().to_string();
        let (_, listed) = message.split_once("expected one of ").unwrap();
        let of_reader: BTreeSet<&str> = listed.split(", ").collect();
        assert_eq!(of_schema, of_reader, "{what}: {message}");
        for key in &of_schema {
            assert!(
                object["properties"][key]["description"].is_string(),
                "{what}.{key} has no description"
            );
        }
    }
}
