//! What the guard says, and that nothing that binds can change unseen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "tests"
)]

use jiff::SignedDuration;
use portcullis_evidence::{ApprovalRequest, Bound, Circumstances, FourEyes, Player, Refusal, digest, guard};
use portcullis_report::Verdict;
use proptest::prelude::*;

fn bound() -> Bound {
    let of = |text: &str| digest(text).to_string();
    Bound {
        plan_file: of("plan file"),
        plan_json: of("plan json"),
        policy: of("policy"),
        compliance: of("compliance"),
        verdict: Verdict::Pass,
        exposure: of("exposure"),
        commit: "5f3a9c1b7e2d4a6f8091".to_owned(),
        state_lineage: Some("c4bc1358-c4e0-37b2-8b76-d471a65be58f".to_owned()),
        state_serial: Some(3),
        terraform: "terraform 1.11.4".to_owned(),
        provider_lock: Some(of("lock")),
    }
}

fn request() -> ApprovalRequest {
    ApprovalRequest::seal(
        bound(),
        "2026-01-31T12:00:00Z".parse().unwrap(),
        Some("ada".to_owned()),
        Some("Ada Lovelace <ada@example.org>".to_owned()),
        "opens tcp 8000 from the internet on web",
    )
}

fn circumstances() -> Circumstances {
    Circumstances {
        now: "2026-01-31T12:59:00Z".parse().unwrap(),
        max_age: Some(SignedDuration::from_hours(1)),
        player: player("grace", "grace@example.org"),
        four_eyes: FourEyes::AuthorAndRequester,
    }
}

fn player(login: &str, mail: &str) -> Player {
    Player {
        login: Some(login.to_owned()),
        mail: Some(mail.to_owned()),
    }
}

#[test]
fn what_was_approved_gets_through() {
    assert_eq!(guard(&request(), &bound(), &circumstances()), Ok(()));
}

#[test]
fn the_digest_is_stable() {
    // Requests wait for people while Portcullis is updated: a new version must compute the old digest.
    // Computed apart from this code, by a script after the words of `content_digest`.
    assert_eq!(
        request().digest,
        "bac6d5fe2348acdcda7329f9ea81c510aced4f8bfd10b62884d6a519db5a9cf1"
    );
    assert_eq!(request().short_digest(), "bac6d5fe2348");
}

#[test]
fn each_refusal_is_one_sentence() {
    let mut said = Vec::new();
    let mut refused = |what: &str, now: Bound| {
        let refusal = guard(&request(), &now, &circumstances()).expect_err(what);
        said.push(format!("{what}\n  {refusal}\n  hint: {}\n", refusal.hint()));
    };
    let other = || digest("other").to_string();
    refused(
        "plan swapped",
        Bound {
            plan_file: other(),
            ..bound()
        },
    );
    refused(
        "plan JSON swapped",
        Bound {
            plan_json: other(),
            ..bound()
        },
    );
    refused(
        "policy loosened",
        Bound {
            policy: other(),
            ..bound()
        },
    );
    refused(
        "compliance edited",
        Bound {
            compliance: other(),
            ..bound()
        },
    );
    refused(
        "violation later",
        Bound {
            compliance: other(),
            verdict: Verdict::Violation,
            ..bound()
        },
    );
    refused(
        "undetermined later",
        Bound {
            verdict: Verdict::Undetermined,
            ..bound()
        },
    );
    refused(
        "exposure edited",
        Bound {
            exposure: other(),
            ..bound()
        },
    );
    refused(
        "another commit",
        Bound {
            commit: "0000000000000000".into(),
            plan_file: other(),
            ..bound()
        },
    );
    refused(
        "state moved",
        Bound {
            state_serial: Some(5),
            ..bound()
        },
    );
    refused(
        "another state",
        Bound {
            state_lineage: Some("6e0c".into()),
            ..bound()
        },
    );
    refused(
        "state gone",
        Bound {
            state_lineage: None,
            state_serial: None,
            ..bound()
        },
    );
    refused(
        "terraform updated",
        Bound {
            terraform: "tofu 1.9.0".into(),
            ..bound()
        },
    );
    refused(
        "lock file gone",
        Bound {
            provider_lock: None,
            ..bound()
        },
    );
    insta::assert_snapshot!("what-changed", said.join("\n"));
}

#[test]
fn who_and_when() {
    let mut said = Vec::new();
    let mut refused = |what: &str, request: &ApprovalRequest, circumstances: Circumstances| {
        let refusal = guard(request, &bound(), &circumstances).expect_err(what);
        said.push(format!("{what}\n  {refusal}\n  hint: {}\n", refusal.hint()));
    };
    let by = |player: Player| Circumstances {
        player,
        ..circumstances()
    };
    let sealed = |at: &str, by: Option<&str>, author: Option<&str>| {
        let (at, by, author) = (
            at.parse().unwrap(),
            by.map(str::to_owned),
            author.map(str::to_owned),
        );
        ApprovalRequest::seal(bound(), at, by, author, "headline")
    };
    const NOON: &str = "2026-01-31T12:00:00Z";
    refused(
        "author by mail",
        &request(),
        by(player("ada-2", "Ada@Example.org")),
    );
    let private = sealed(NOON, Some("x"), Some("Ada <17-ada@users.noreply.gitlab.example>"));
    refused(
        "author by private mail",
        &private,
        by(player("ada", "ada@example.org")),
    );
    refused(
        "author without mail",
        &sealed(NOON, Some("x"), Some("ada")),
        by(player("Ada", "a@example.org")),
    );
    refused("requester", &request(), by(player("ada", "other@example.org")));
    refused("unknown player", &request(), by(Player::default()));
    refused("unknown author", &sealed(NOON, Some("x"), None), circumstances());
    refused(
        "unknown requester",
        &sealed(NOON, None, Some("A <a@b>")),
        circumstances(),
    );
    let late = Circumstances {
        now: "2026-01-31T13:00:01Z".parse().unwrap(),
        ..circumstances()
    };
    refused("too old", &request(), late);
    refused(
        "from the future",
        &sealed("2026-01-31T13:10:00Z", Some("x"), Some("A <a@b>")),
        circumstances(),
    );
    refused(
        "edited time",
        &ApprovalRequest {
            requested_at: "2026-01-31T12:30:00Z".into(),
            ..request()
        },
        circumstances(),
    );
    refused(
        "edited headline",
        &ApprovalRequest {
            headline: "nothing".into(),
            ..request()
        },
        circumstances(),
    );
    refused(
        "next format",
        &ApprovalRequest {
            format_version: "2.0".into(),
            ..request()
        },
        circumstances(),
    );
    insta::assert_snapshot!("who-and-when", said.join("\n"));
}

#[test]
fn what_is_not_asked_for_is_not_held_against_anybody() {
    let free = Circumstances {
        four_eyes: FourEyes::Off,
        max_age: None,
        player: Player::default(),
        ..circumstances()
    };
    assert_eq!(guard(&request(), &bound(), &free), Ok(()));
    let pusher = Circumstances {
        four_eyes: FourEyes::Author,
        player: player("ada", "merger@example.org"),
        ..circumstances()
    };
    assert_eq!(guard(&request(), &bound(), &pusher), Ok(()));
}

#[test]
fn the_document_reads_back() {
    let text = request().to_json().unwrap();
    assert_eq!(serde_json::from_str::<ApprovalRequest>(&text).unwrap(), request());
    insta::assert_snapshot!("approval-request.json", text);
}

fn text() -> impl Strategy<Value = String> {
    "[a-z0-9]{0,4}"
}

fn any_bound() -> impl Strategy<Value = Bound> {
    let digests = (text(), text(), text(), text(), text());
    let state = (prop::option::of(text()), prop::option::of(0_u64..4));
    (digests, text(), state, text(), prop::option::of(text())).prop_map(
        |(digests, commit, state, terraform, lock)| Bound {
            plan_file: digests.0,
            plan_json: digests.1,
            policy: digests.2,
            compliance: digests.3,
            verdict: Verdict::Pass,
            exposure: digests.4,
            commit,
            state_lineage: state.0,
            state_serial: state.1,
            terraform,
            provider_lock: lock,
        },
    )
}

/// Changes one field; `pick` says which.
fn change(bound: &mut Bound, pick: usize) {
    let grow = |text: &mut String| text.push('!');
    let grow_or_set = |text: &mut Option<String>| match text {
        Some(text) => text.push('!'),
        None => *text = Some(String::new()),
    };
    match pick {
        0 => grow(&mut bound.plan_file),
        1 => grow(&mut bound.plan_json),
        2 => grow(&mut bound.policy),
        3 => grow(&mut bound.compliance),
        4 => bound.verdict = Verdict::Undetermined,
        5 => grow(&mut bound.exposure),
        6 => grow(&mut bound.commit),
        7 => grow_or_set(&mut bound.state_lineage),
        8 => bound.state_serial = bound.state_serial.map_or(Some(0), |serial| Some(serial + 1)),
        9 => grow(&mut bound.terraform),
        _ => grow_or_set(&mut bound.provider_lock),
    }
}

proptest! {
    #[test]
    fn any_changed_field_changes_the_digest_and_is_refused(bound in any_bound(), pick in 0_usize..11) {
        let seal = |bound: &Bound| ApprovalRequest {
            bound: bound.clone(), ..ApprovalRequest::seal(bound.clone(), "2026-01-31T12:00:00Z".parse().unwrap(),
                Some("ada".into()), Some("Ada <ada@example.org>".into()), "headline")
        };
        let request = seal(&bound);
        prop_assert_eq!(guard(&request, &bound, &circumstances()), Ok(()));
        let mut changed = bound;
        change(&mut changed, pick);
        prop_assert_ne!(&seal(&changed).digest, &request.digest);
        prop_assert!(guard(&request, &changed, &circumstances()).is_err(), "the world changed");
        let altered = ApprovalRequest { bound: changed.clone(), ..request };
        let refusal = guard(&altered, &changed, &circumstances()).unwrap_err();
        prop_assert!(matches!(refusal, Refusal::Altered { .. }), "the request changed: {refusal}");
    }

    #[test]
    fn two_different_requests_never_share_a_digest(a in any_bound(), b in any_bound()) {
        let seal = |bound: &Bound| ApprovalRequest::seal(bound.clone(), "2026-01-31T12:00:00Z".parse().unwrap(), None, None, "");
        prop_assert_eq!(a == b, seal(&a).digest == seal(&b).digest);
    }
}
