//! `policies/policy.schema.json` and the reader keep in step: the same keys, the same words, the same things required.
//!
//! That the shipped policies are valid by the schema is checked by `.ci/run`, with a validator.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_compliance::Policy;
use serde_json::Value;
use std::collections::BTreeSet;
use support::{complaint, place, repository};

fn schema() -> Value {
    serde_json::from_str(&repository("policies/policy.schema.json")).unwrap()
}

/// Where an object of the policy file is described, and a policy with ENTRY as one more key of that object.
const OBJECTS: [(&str, &str); 10] = [
    ("", "ENTRY: 1"),
    ("/definitions/rule", "version: 1\nrules: [{ ENTRY: 1 }]"),
    (
        "/definitions/groups",
        "version: 1\nrules: [{ groups: { ENTRY: 1 } }]",
    ),
    (
        "/definitions/configuration",
        "version: 1\nconfiguration: { ENTRY: 1 }",
    ),
    ("/definitions/deny", "version: 1\nrules: [{ deny: { ENTRY: 1 } }]"),
    (
        "/definitions/allow_only",
        "version: 1\nrules: [{ allow_only: { ENTRY: 1 } }]",
    ),
    (
        "/definitions/traffic",
        "version: 1\nrules: [{ deny: { traffic: [{ ENTRY: 1 }] } }]",
    ),
    (
        "/definitions/require",
        "version: 1\nrules: [{ require: { ENTRY: 1 } }]",
    ),
    ("/definitions/waiver", "version: 1\nwaivers: [{ ENTRY: 1 }]"),
    (
        "/definitions/waived",
        "version: 1\nwaivers: [{ exposure: { ENTRY: 1 } }]",
    ),
];

/// What the reader says it expects, when it meets this key or word.
fn expected(text: &str) -> BTreeSet<String> {
    let told = complaint(text);
    let list = told
        .split_once("expected one of ")
        .or_else(|| told.split_once("expected "));
    let (_, list) = list.unwrap_or_else(|| panic!("no list in: {told}"));
    list.split(", ")
        .map(|word| word.trim_matches('`').to_owned())
        .collect()
}

fn keys(object: &Value) -> BTreeSet<String> {
    object["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

#[test]
fn every_key_the_reader_knows_is_in_the_schema_and_no_other() {
    let schema = schema();
    for (pointer, text) in OBJECTS {
        let described = schema.pointer(pointer).unwrap();
        assert_eq!(described["additionalProperties"], false, "{pointer}");
        let mut read = expected(&text.replace("ENTRY", "no-such-key"));
        if pointer == "/definitions/waived" {
            // The reader knows the key everywhere, to say that it has no place here.
            assert!(read.remove("extent"));
        }
        assert_eq!(keys(described), read, "{pointer}");
    }
}

#[test]
fn each_key_by_itself_is_known() {
    let schema = schema();
    for (pointer, text) in OBJECTS {
        for key in keys(schema.pointer(pointer).unwrap()) {
            // Some value is missing or wrong, but the key itself is never what is wrong.
            if let Err(error) = Policy::read(&text.replace("ENTRY", &key)) {
                assert!(
                    !error.to_string().contains("unknown field"),
                    "{pointer} {key}: {error}"
                );
            }
        }
    }
}

#[test]
fn words_to_choose_from_are_the_same() {
    let schema = schema();
    for (pointer, text) in [
        ("/properties/partial_plans", "partial_plans: no-such-word"),
        (
            "/definitions/rule/properties/severity",
            "rules: [{ severity: no-such-word }]",
        ),
        (
            "/definitions/rule/properties/per",
            "rules: [{ per: no-such-word }]",
        ),
        (
            "/definitions/direction",
            "rules: [{ deny: { direction: no-such-word } }]",
        ),
    ] {
        let words = schema.pointer(pointer).unwrap()["enum"].as_array().unwrap();
        let words: BTreeSet<String> = words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect();
        assert_eq!(words, expected(text), "{pointer}");
    }
}

#[test]
fn what_is_required_is_the_same() {
    const RULE: &str = "rules: [{ id: r, severity: low, deny: {} }]";
    const WAIVER: &str =
        "{ rule: r, resource: a.b, exposure: { ports: 1 }, reason: x, owner: y, expires: 2027-01-31 }";
    let schema = schema();
    let required = |pointer: &str| -> BTreeSet<String> {
        let list = schema.pointer(pointer).unwrap()["required"].as_array().unwrap();
        list.iter().map(|key| key.as_str().unwrap().to_owned()).collect()
    };
    let whole = format!("version: 1\n{RULE}\nwaivers: [{WAIVER}]\n");
    Policy::read(&whole).unwrap();
    // Each key of the smallest policy is taken out; the reader misses those that are required. The rules may stand in another
    // file of the same policy.
    let missed = |keys: &[(&str, &str)]| -> BTreeSet<String> {
        let read = |part: &str| {
            let without = whole.replacen(part, "", 1);
            let beside = format!("version: 1\n{RULE}\n");
            let beside = (part == RULE).then_some(("rules.yaml", beside.as_str()));
            Policy::read_all([("policy.yaml", without.as_str())].into_iter().chain(beside)).is_err()
        };
        keys.iter()
            .filter(|(_, part)| read(part))
            .map(|(key, _)| (*key).to_owned())
            .collect()
    };
    assert_eq!(
        missed(&[
            ("version", "version: 1\n"),
            ("rules", RULE),
            ("waivers", &format!("waivers: [{WAIVER}]"))
        ]),
        required("")
    );
    assert_eq!(
        missed(&[("id", "id: r, "), ("severity", "severity: low, ")]),
        required("/definitions/rule")
    );
    assert_eq!(
        missed(&[
            ("rule", "rule: r, "),
            ("resource", "resource: a.b, "),
            ("reason", "reason: x, "),
            ("owner", "owner: y, "),
            ("expires", ", expires: 2027-01-31"),
        ]),
        required("/definitions/waiver")
    );
}

#[test]
fn a_file_of_waivers_or_networks_alone_is_described() {
    let schema = schema();
    assert!(schema.pointer("/properties/rules/minItems").is_none());
    assert_eq!(schema["required"], serde_json::json!(["version"]));
    // Read alone, it is no policy: an empty gate must not pass.
    assert!(complaint("version: 1\nnetworks: { a: [10.0.0.0/8] }").contains("the policy has no rule"));
}

#[test]
fn a_key_without_a_value_is_an_error_for_both() {
    let schema = schema();
    for (pointer, text) in OBJECTS {
        let required = schema.pointer(pointer).unwrap()["required"].as_array();
        let required: BTreeSet<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
        for (key, described) in schema.pointer(pointer).unwrap()["properties"]
            .as_object()
            .unwrap()
        {
            let described = match described["$ref"].as_str() {
                Some(place) => schema.pointer(place.trim_start_matches('#')).unwrap(),
                None => described,
            };
            assert!(!described.to_string().contains("null"), "{pointer} {key}");
            for value in ["", "~", "null"] {
                let told = complaint(&text.replace("ENTRY: 1", &format!("{key}: {value}")));
                // Of what must be there anyway, any complaint will do.
                let says = told.contains(&format!("`{key}` is empty")) || required.contains(key.as_str());
                assert!(says && told.starts_with("line "), "{pointer} {key}: {told}");
            }
        }
    }
}

#[test]
fn everything_in_the_schema_says_what_it_is() {
    let schema = schema();
    for (pointer, _) in OBJECTS {
        for (key, value) in schema.pointer(pointer).unwrap()["properties"]
            .as_object()
            .unwrap()
        {
            let described = match value["$ref"].as_str() {
                Some(place) => schema.pointer(place.trim_start_matches('#')).unwrap(),
                None => value,
            };
            assert!(described["description"].is_string(), "{pointer} {key}");
        }
    }
}

#[test]
fn each_shipped_policy_names_the_schema() {
    for file in [
        "terraform/policy.yaml",
        "policies/cis-aws-5.0.yaml",
        "policies/fsbp-ec2.yaml",
        "policies/aws-config.yaml",
    ] {
        let text = repository(file);
        let first = text.lines().next().unwrap();
        let path = first.strip_prefix("# yaml-language-server: $schema=").unwrap();
        assert!(
            place(file).parent().unwrap().join(path).exists(),
            "{file}: {path}"
        );
    }
}
