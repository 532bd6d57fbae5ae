//! What the guard says, and that nothing that binds can change unseen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_evidence::{
    ApprovalRequest, Bound, Circumstances, Concern, DeployedTo, Ground, GuardRules, Materials, Membership,
    Memberships, Origin, Place, Player, Refusal, Remark, Said, Since, Weight, digest, guard,
};
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
        portcullis: Some("0.1.0".to_owned()),
    }
}

fn request() -> ApprovalRequest {
    ApprovalRequest::seal(
        bound(),
        "2026-01-31T12:00:00Z".parse().unwrap(),
        Some("ada".to_owned()),
        Some("Ada Lovelace <ada@example.org>".to_owned()),
        "opens tcp 8000 from the internet on web",
        Said::default(),
    )
}

/// Everything the guard's rules can ask for, in reach.
fn strict() -> &'static GuardRules {
    static RULES: std::sync::LazyLock<GuardRules> = std::sync::LazyLock::new(|| {
        GuardRules::read("{version: 1, four_eyes: [author, starter], max_age: 1h}").unwrap()
    });
    &RULES
}

fn circumstances() -> Circumstances<'static> {
    Circumstances {
        now: "2026-01-31T12:59:00Z".parse().unwrap(),
        rules: strict(),
        player: player("grace", "grace@example.org"),
        memberships: Memberships::default(),
        starter: None,
        origin: Origin::NotKnown,
        approvals: None,
        remarks: &[],
    }
}

fn player(login: &str, mail: &str) -> Player {
    Player {
        id: Some(12),
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
    let older = ApprovalRequest {
        bound: Bound {
            portcullis: None,
            ..bound()
        },
        ..request()
    };
    assert_eq!(
        older.content_digest().to_string(),
        "bac6d5fe2348acdcda7329f9ea81c510aced4f8bfd10b62884d6a519db5a9cf1"
    );
    assert_eq!(older.content_digest().short(), "bac6d5fe2348");
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
        "portcullis updated",
        Bound {
            portcullis: Some("0.2.0".into()),
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
    let mut refused = |what: &str, request: &ApprovalRequest, circumstances: Circumstances<'_>| {
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
        ApprovalRequest::seal(bound(), at, by, author, "headline", Said::default())
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
    let rules = GuardRules::read("{version: 1, four_eyes: []}").unwrap();
    let free = Circumstances {
        rules: &rules,
        player: Player::default(),
        ..circumstances()
    };
    assert_eq!(guard(&request(), &bound(), &free), Ok(()));
    let pusher = Circumstances {
        rules: &GuardRules::default(),
        player: player("ada", "merger@example.org"),
        ..circumstances()
    };
    assert_eq!(
        guard(&request(), &bound(), &pusher),
        Ok(()),
        "who merges may deploy"
    );
    let older = Bound {
        portcullis: None,
        ..bound()
    };
    assert_eq!(
        guard(&request(), &older, &circumstances()),
        Ok(()),
        "older requests bind no version"
    );
}

#[test]
fn all_hands_of_a_merge_request() {
    let mut said = Vec::new();
    let mut held = |what: &str, rules: &str, origin: Origin, login: &str, mail: &str| {
        let rules = GuardRules::read(rules).unwrap();
        let circumstances = Circumstances {
            rules: &rules,
            player: player(login, mail),
            origin,
            ..circumstances()
        };
        let outcome = match guard(&request(), &bound(), &circumstances) {
            Ok(()) => "gets through".to_owned(),
            Err(refusal) => format!("{refusal}\n  hint: {}", refusal.hint()),
        };
        said.push(format!("{what}\n  {outcome}\n"));
    };
    let by = |opener: Option<&str>, commits: Option<&[&str]>| Origin::MergeRequest {
        iid: 7,
        opener: opener.map(str::to_owned),
        commits: commits.map(|all| all.iter().map(|author| (*author).to_owned()).collect()),
    };
    const DEFAULT: &str = "version: 1";
    const ALL: &str = "{version: 1, four_eyes: [author, commits, opener, starter]}";
    let opened_by_grace = by(Some("Grace"), None);
    let written_by_grace = by(
        Some("ada"),
        Some(&["Ada <ada@example.org>", "G <grace@example.org>"]),
    );
    let grace = ("grace", "grace@example.org");
    held(
        "opener, built-in rules",
        DEFAULT,
        opened_by_grace.clone(),
        grace.0,
        grace.1,
    );
    held(
        "another commit's author, built-in rules",
        DEFAULT,
        written_by_grace.clone(),
        grace.0,
        grace.1,
    );
    held(
        "nothing known, built-in rules",
        DEFAULT,
        Origin::NotKnown,
        grace.0,
        grace.1,
    );
    held(
        "all hands, merge request not known",
        ALL,
        Origin::NotKnown,
        grace.0,
        grace.1,
    );
    held(
        "all hands, commits not readable",
        ALL,
        by(Some("ada"), None),
        grace.0,
        grace.1,
    );
    held(
        "all hands, opener not readable",
        ALL,
        by(None, Some(&[])),
        grace.0,
        grace.1,
    );
    held(
        "all hands, no merge request",
        ALL,
        Origin::Pushed,
        grace.0,
        grace.1,
    );
    held(
        "all hands, somebody else",
        ALL,
        written_by_grace,
        "tomas",
        "tomas@example.org",
    );
    insta::assert_snapshot!("hands", said.join("\n"));
}

#[test]
fn who_is_on_the_list() {
    let rules = GuardRules::read(
        "{version: 1, approvers: {users: ['@Grace'], groups: [{path: net/ops, role: developer}, {path: net/all}], project_role: owner}}",
    )
    .unwrap();
    let mut said = Vec::new();
    let mut held = |what: &str, login: &str, memberships: Memberships| {
        let circumstances = Circumstances {
            rules: &rules,
            player: player(login, "somebody@example.org"),
            memberships,
            ..circumstances()
        };
        let outcome = match guard(&request(), &bound(), &circumstances) {
            Ok(()) => "gets through".to_owned(),
            Err(refusal) => format!("{refusal}\n  hint: {}", refusal.hint()),
        };
        said.push(format!("{what}\n  {outcome}\n"));
    };
    let of = |ops, all, project| Memberships {
        project: Some(project),
        groups: vec![("net/ops".into(), ops), ("net/all".into(), all)],
    };
    let (stranger, unknown) = (Membership::Level(0), Membership::NotKnown);
    held("by login, in other capitals", "GRACE", Memberships::default());
    held(
        "by a group",
        "tomas",
        of(Membership::Level(30), stranger, stranger),
    );
    held(
        "by a group without a role",
        "tomas",
        of(stranger, Membership::Level(10), unknown),
    );
    held(
        "by the project",
        "tomas",
        of(stranger, stranger, Membership::Level(50)),
    );
    held(
        "too low everywhere",
        "tomas",
        of(Membership::Level(20), stranger, Membership::Level(40)),
    );
    held("not known", "tomas", of(stranger, unknown, stranger));
    held("nothing asked", "tomas", Memberships::default());
    insta::assert_snapshot!("approvers", said.join("\n"));
}

#[test]
fn approvals_of_the_merge_request() {
    let rules = GuardRules::read("{version: 1, approvals: 2}").unwrap();
    let mut said = Vec::new();
    for approvals in [Some(2), Some(1), None] {
        let circumstances = Circumstances {
            rules: &rules,
            approvals,
            ..circumstances()
        };
        said.push(match guard(&request(), &bound(), &circumstances) {
            Ok(()) => "gets through".to_owned(),
            Err(refusal) => format!("{refusal}\n  hint: {}", refusal.hint()),
        });
    }
    insta::assert_snapshot!("approvals", said.join("\n"));
}

/// Soft in every place.
fn soft() -> Ground {
    let place = |path: &str, since: Since| Place::Repository {
        path: path.to_owned(),
        since,
    };
    Ground {
        ref_name: "main".into(),
        ref_protected: Some(false),
        superseded_by: Some("0123456789abcdef".into()),
        environment: production(Some(false)),
        pipeline_file: Some(place(".gitlab-ci.yml", Since::Changed)),
        guard_file: Some(place("guard.yaml", Since::New)),
        policies: vec![
            place("a.yaml", Since::Changed),
            place("b.yaml", Since::New),
            place("e.yaml", Since::NotKnown("no base".into())),
            place("f.yaml", Since::Same),
            Place::Elsewhere("/etc/policy.yaml".into()),
        ],
        loosened: vec![
            "the rule no-ssh is gone".into(),
            "the rule x has the severity low instead of high".into(),
        ],
        not_comparable: None,
        clock: Some(jiff::SignedDuration::from_mins(-90)),
    }
}

#[test]
fn soft_ground_is_told_and_the_worst_of_it_closes_the_gate() {
    let rules = GuardRules::default();
    let mut said = Vec::new();
    let mut tell = |ground: &Ground| {
        for Remark { concern, text } in ground.remarks() {
            let weight = match rules.weight(concern) {
                Weight::Refuse => "REFUSED",
                Weight::Say => "said",
                Weight::Ignore => "ignored",
            };
            said.push(format!(
                "{concern} ({weight})\n  {text}\n  hint: {}",
                concern.hint()
            ));
        }
        said.push(String::new());
    };
    tell(&soft());
    tell(&Ground {
        loosened: Vec::new(),
        ref_protected: Some(true),
        superseded_by: None,
        environment: DeployedTo::NotAsked,
        guard_file: None,
        // The first pipeline of all.
        pipeline_file: Some(Place::Repository {
            path: ".gitlab-ci.yml".to_owned(),
            since: Since::New,
        }),
        clock: None,
        ..soft()
    });
    let not_known = |path: &str| Place::Repository {
        path: path.to_owned(),
        since: Since::NotKnown("GitLab does not show it".into()),
    };
    tell(&Ground {
        ref_protected: None,
        environment: production(None),
        pipeline_file: Some(not_known(".gitlab-ci.yml")),
        guard_file: None,
        policies: vec![
            not_known("policy.yaml"),
            Place::Repository {
                path: "a.yaml".to_owned(),
                since: Since::Changed,
            },
        ],
        loosened: Vec::new(),
        not_comparable: Some("what was there before does not read".into()),
        clock: Some(jiff::SignedDuration::from_mins(7)),
        ..soft()
    });
    tell(&Ground {
        environment: DeployedTo::None,
        ..firm()
    });
    insta::assert_snapshot!("ground", said.join("\n"));
    assert_eq!(firm().remarks(), []);
}

fn production(protected: Option<bool>) -> DeployedTo {
    DeployedTo::Environment {
        name: "production".into(),
        protected,
    }
}

fn firm() -> Ground {
    Ground {
        ref_name: "main".into(),
        ref_protected: Some(true),
        superseded_by: None,
        environment: production(Some(true)),
        pipeline_file: Some(Place::Elsewhere("ci.yml@infra/pipelines".into())),
        guard_file: Some(Place::Elsewhere("/builds/x.tmp/PORTCULLIS_GUARD".into())),
        policies: Vec::new(),
        loosened: Vec::new(),
        not_comparable: None,
        clock: Some(jiff::SignedDuration::from_secs(299)),
    }
}

#[test]
fn each_concern_can_be_made_to_close_the_gate_or_to_be_said_only() {
    for concern in Concern::ALL {
        let text = format!("{{version: 1, refuse: [{concern}]}}");
        let strict = GuardRules::read(&text).unwrap();
        let remark = |concern| Remark {
            concern,
            text: "x".into(),
        };
        let remarks = [remark(Concern::EnvironmentNotKnown), remark(concern)];
        let circumstances = Circumstances {
            rules: &strict,
            remarks: &remarks,
            ..circumstances()
        };
        let refusal = guard(&request(), &bound(), &circumstances).unwrap_err();
        assert!(matches!(refusal, Refusal::Ground { .. }), "{concern}: {refusal}");
        let lax = GuardRules::read(&text.replace("refuse", "say")).unwrap();
        assert_eq!(lax.weight(concern), Weight::Say);
        let circumstances = Circumstances {
            rules: &lax,
            ..circumstances
        };
        assert_eq!(guard(&request(), &bound(), &circumstances), Ok(()), "{concern}");
    }
}

#[test]
fn an_environment_that_must_be_protected_is_not_taken_to_be_where_nobody_may_look() {
    let weight = |text: &str| {
        GuardRules::read(text)
            .unwrap()
            .weight(Concern::EnvironmentNotKnown)
    };
    assert_eq!(weight("{version: 1}"), Weight::Ignore);
    assert_eq!(
        weight("{version: 1, refuse: [environment-not-protected]}"),
        Weight::Refuse
    );
    // Who knows better says so.
    assert_eq!(
        weight("{version: 1, refuse: [environment-not-protected], say: [environment-not-known]}"),
        Weight::Say
    );
}

#[test]
fn a_bad_guard_file_is_one_clear_error() {
    let mut said = Vec::new();
    for text in [
        "",
        "approvers: {users: [a]}",
        "version: 2",
        "version: 1\nfour_eyes: author\n",
        "version: 1\nfour_eyes: [friend]\n",
        "version: 1\napprovers: {}\n",
        "version: 1\napprovers:\n  users: ['']\n",
        "version: 1\nmax_age: yesterday\n",
        "version: 1\nmax_age: -1h\n",
        "version: 1\nrefuse: [everything]\n",
        "version: 1\nsay: [clock-differs]\nrefuse: [clock-differs]\n",
        "version: 1\nmax_ages: 1h\n",
        "version: 1\nversion: 1\n",
    ] {
        let error = GuardRules::read(text).unwrap_err();
        let source = std::error::Error::source(&error);
        let source = source
            .map(|source| format!("\n  because {source}"))
            .unwrap_or_default();
        said.push(format!("{text:?}\n  {error}{source}"));
    }
    insta::assert_snapshot!("bad-guard-files", said.join("\n"));
}

#[test]
fn of_several_policy_files_each_counts_and_their_order() {
    let policy = |policies: &[&str]| {
        let policies: Vec<Vec<u8>> = policies.iter().map(|text| text.as_bytes().to_vec()).collect();
        let materials = Materials {
            plan_file: b"",
            plan_json: b"",
            policies: &policies,
            compliance: b"",
            verdict: Verdict::Pass,
            exposure: b"",
            commit: "c",
            state: (None, None),
            terraform: "terraform",
            terraform_version: "1",
            provider_lock: None,
            portcullis_version: "1",
        };
        materials.bind().policy
    };
    assert_eq!(
        policy(&["a"]),
        digest("a").to_string(),
        "one file is its own digest"
    );
    let all = [
        policy(&["a", "b"]),
        policy(&["b", "a"]),
        policy(&["ab"]),
        policy(&["a", "b", ""]),
        policy(&[]),
    ];
    for (index, one) in all.iter().enumerate() {
        assert!(!all[..index].contains(one), "{index}");
    }
}

#[test]
fn the_document_reads_back() {
    let told = Said {
        approvers: vec!["grace".into(), "members of net/ops".into()],
        remarks: vec!["this change touches the pipeline file .gitlab-ci.yml".into()],
        good_until: Some("2026-02-07T12:00:00Z".parse().unwrap()),
    };
    let by = (Some("ada".into()), Some("Ada <ada@example.org>".into()));
    let at = "2026-01-31T12:00:00Z".parse().unwrap();
    let request = ApprovalRequest::seal(bound(), at, by.0, by.1, "opens tcp 8000", told);
    let text = request.to_json().unwrap();
    assert_eq!(serde_json::from_str::<ApprovalRequest>(&text).unwrap(), request);
    insta::assert_snapshot!("approval-request.json", text);
    for changed in [
        ApprovalRequest {
            approvers: vec!["grace".into()],
            ..request.clone()
        },
        ApprovalRequest {
            remarks: Vec::new(),
            ..request.clone()
        },
        ApprovalRequest {
            good_until: None,
            ..request.clone()
        },
    ] {
        let refusal = guard(&changed, &bound(), &circumstances()).unwrap_err();
        assert!(matches!(refusal, Refusal::Altered { .. }), "{refusal}");
    }
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
            portcullis: Some("0.1.0".to_owned()),
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
        10 => grow_or_set(&mut bound.portcullis),
        _ => grow_or_set(&mut bound.provider_lock),
    }
}

proptest! {
    #[test]
    fn any_changed_field_changes_the_digest_and_is_refused(bound in any_bound(), pick in 0_usize..12) {
        let seal = |bound: &Bound| ApprovalRequest {
            bound: bound.clone(), ..ApprovalRequest::seal(bound.clone(), "2026-01-31T12:00:00Z".parse().unwrap(),
                Some("ada".into()), Some("Ada <ada@example.org>".into()), "headline", Said::default())
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
        let seal = |bound: &Bound| ApprovalRequest::seal(bound.clone(), "2026-01-31T12:00:00Z".parse().unwrap(), None, None, "", Said::default());
        prop_assert_eq!(a == b, seal(&a).digest == seal(&b).digest);
    }
}
