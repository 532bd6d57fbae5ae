//! The child pipeline's text, read back by a YAML reader.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_stacks::{FanOut, Job, Kind, Limits, Pipeline, Stack, TooLarge, Written, Yaml};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

fn jobs() -> Vec<Job> {
    let script = |line: &str| Yaml::map([("script", Yaml::list([line]))]);
    vec![
        Job::new(
            "validate",
            ["validate"],
            script("portcullis-fan-out each validate -- true"),
        ),
        Job::new(
            "plan",
            ["plan", "judge"],
            script("portcullis-fan-out each plan -- true"),
        ),
    ]
}

fn write(names: &[String], jobs: Vec<Job>, limits: &Limits) -> Result<Written, TooLarge> {
    let stacks = Stack::number(names.iter().map(Stack::of_state));
    let fan_out = FanOut::new(Kind::States, &jobs, stacks);
    Pipeline::new(&fan_out, jobs)
        .parent("123456", "fan out")
        .image("registry.example/portcullis:v1")
        .variable("AWS_REGION", "eu-west-1")
        .variable("PRICE", "5$ $CI_JOB_TOKEN")
        .report(["portcullis-fan-out report".to_owned()])
        .write(limits)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn many(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("network-{i:04}.eu-west-1")).collect()
}

#[test]
fn each_stack_has_a_chain() {
    let hostile = names(&[
        "production",
        "a: b #c\n- $CI_JOB_TOKEN \"x\" \u{1b}[31m",
        "*.日本",
    ]);
    let written = write(&hostile, jobs(), &Limits::default()).unwrap();
    assert_eq!(
        (written.chains, written.jobs, written.stacks_per_chain),
        (3, 8, 1)
    );
    insta::assert_snapshot!("a-chain-for-each", written.text);
}

#[test]
fn beyond_the_limit_stacks_share_chains() {
    let limits = Limits {
        jobs: 8,
        ..Limits::default()
    };
    let written = write(&many(7), jobs(), &limits).unwrap();
    assert_eq!(
        (written.chains, written.jobs, written.stacks_per_chain),
        (3, 8, 3)
    );
    insta::assert_snapshot!("shared-chains", written.text);
}

#[test]
fn a_thousand_and_ten_thousand_fit() {
    let one = || vec![Job::included("check", ["check"])];
    let shape = |n: usize, jobs: Vec<Job>, most: usize| {
        let limits = Limits {
            jobs: most,
            ..Limits::default()
        };
        let written = write(&many(n), jobs, &limits).unwrap();
        assert!(written.text.len() <= limits.bytes, "{}", written.text.len());
        (written.chains, written.jobs, written.stacks_per_chain)
    };
    assert_eq!(shape(448, one(), 450), (448, 450, 1));
    assert_eq!(shape(1_000, one(), 450), (448, 450, 3));
    assert_eq!(shape(1_000, jobs(), 450), (224, 450, 5));
    assert_eq!(shape(1_000, one(), 1_500), (1_000, 1_002, 1));
    assert_eq!(shape(10_000, one(), 450), (448, 450, 23));
    assert_eq!(shape(1_000, jobs(), 1_400), (699, 1_400, 2));
    assert_eq!(shape(1_000, jobs(), 1_900), (949, 1_900, 2));
    assert_eq!(shape(1_000, jobs(), 2_002), (1_000, 2_002, 1));
    // More jobs than the text has room for.
    assert!(shape(10_000, one(), 20_000).0 < 10_000);
}

#[test]
fn what_cannot_fit_is_an_error() {
    let one_job_too_few = Limits {
        jobs: 3,
        ..Limits::default()
    };
    let error = write(&many(2), jobs(), &one_job_too_few).unwrap_err();
    assert_eq!(error, TooLarge::Jobs(3));
    let tiny = Limits {
        bytes: 100,
        ..Limits::default()
    };
    assert!(matches!(write(&many(2), jobs(), &tiny), Err(TooLarge::Bytes(_))));
}

/// Names that a YAML reader, a shell, GitLab or a terminal could take for something else.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}",
        2 => ".{0,40}",
        1 => "(script|stages|\\.hidden|true|a \\(no. [1-4]\\)|a and 1 more|\\$CI_JOB_TOKEN|\\$\\[\\[ inputs.x \\]\\]| |---|\\.\\.\\.)",
        1 => any::<String>(),
        1 => "[a🦀]{100,300}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_names_give_a_sound_pipeline(
        names in prop::collection::vec(name(), 0..30),
        most in 4_usize..80,
        two in any::<bool>(),
    ) {
        let jobs = if two { jobs() } else { vec![Job::included("check", ["check"])] };
        let limits = Limits { jobs: most, ..Limits::default() };
        let written = write(&names, jobs.clone(), &limits).unwrap();
        let read: Value = serde_saphyr::from_str(&written.text)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{}", written.text)))?;
        let keywords = ["stages", "workflow", "variables", "include"];
        let found: Vec<(&String, &Value)> = read
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !keywords.contains(&name.as_str()) && !name.starts_with('.'))
            .collect();
        prop_assert_eq!(found.len(), written.jobs, "two jobs of one name");
        prop_assert!(written.jobs <= most);
        let first = format!("{}: ", jobs[0].name);
        let mut keys = Vec::new();
        let mut sizes = BTreeSet::new();
        for (name, job) in &found {
            prop_assert!(name.chars().count() <= 120 && !name.starts_with('.') && !name.contains('$'), "{}", name);
            prop_assert!(!name.chars().any(char::is_control), "{:?}", name);
            for need in job["needs"].as_array().into_iter().flatten() {
                let Some(need) = need.as_str() else { continue };
                prop_assert!(found.iter().any(|(name, _)| *name == need), "{} needs {}", name, need);
            }
            if name.starts_with(&first) {
                let own: Vec<&str> = job["variables"]["PORTCULLIS_STACKS"].as_str().unwrap().split(',').collect();
                prop_assert!(own.iter().all(|key| Stack::is_key(key)), "{:?}", own);
                sizes.insert(own.len());
                keys.extend(own);
            }
        }
        let all: BTreeSet<&str> = keys.iter().copied().collect();
        prop_assert_eq!((keys.len(), all.len()), (names.len(), names.len()), "each stack in one chain");
        prop_assert!(sizes.len() <= 2 && sizes.last().zip(sizes.first()).is_none_or(|(a, b)| a - b <= 1));
    }
}
