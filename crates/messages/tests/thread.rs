//! What people read in the thread, on realistic and on hostile input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_consistency::{ConsistencyReport, RuleRow, RuleVerdict};
use portcullis_evidence::{Approval, ApprovalRequest, Bound, RefusalRecord};
use portcullis_exposure::{ExposureLine, ExposureReport, GroupExposure};
use portcullis_messages::*;
use portcullis_probe::{CheckResult, MemberKind, Phases, ServiceCheck, ServicesReport, Wants};
use portcullis_report::{Finding, GroupRef, Report, Severity, Standing, Verdict};
use portcullis_slack::limits;
use portcullis_stacks::{Kind, StackRow, StacksReport};
use serde_json::Value;

fn pipeline() -> Pipeline {
    Pipeline {
        project: "infra/estate".into(),
        id: Some(1201),
        url: Some("https://gitlab.example/infra/estate/-/pipelines/1201".into()),
        commit: "3f2a1b0c".into(),
        commit_title: "Move the web service to port 8000".into(),
        author: "Ada Lovelace".into(),
        branch: "main".into(),
        state: Some("production".into()),
        topic: Topic::Change,
    }
}

const HOSTILE: &str = "<!channel> *bold* `x` <https://evil.example|Approve> & \u{202e}nur\u{2066}\u{200b}\nDeployed, approved by @boss :skull:";

fn hostile_pipeline() -> Pipeline {
    Pipeline {
        project: HOSTILE.into(),
        commit: HOSTILE.into(),
        commit_title: HOSTILE.repeat(20),
        author: HOSTILE.into(),
        branch: HOSTILE.into(),
        state: Some(HOSTILE.into()),
        url: Some("javascript:alert(1)".into()),
        id: None,
        topic: Topic::Change,
    }
}

fn group() -> GroupRef {
    GroupRef {
        address: Some("aws_security_group.web".into()),
        id: Some("sg-5adc180858177f2d0".into()),
    }
}

fn ssh(standing: Standing) -> Finding {
    Finding::new(
        "admin-ports-from-offices-only",
        Severity::Critical,
        Verdict::Violation,
    )
    .title("Administration ports are open to the offices only")
    .group(group())
    .resources(["aws_vpc_security_group_ingress_rule.ssh"])
    .exposure("tcp 22 from the whole IPv4 internet")
    .witness("tcp 22 from 8.8.8.8")
    .standing(standing)
}

fn compliance() -> Report {
    let described = Finding::new("every-rule-says-why", Severity::Low, Verdict::Violation)
        .title("Every rule has a description")
        .group(group())
        .standing(Standing::Existing);
    Report::new("compliance", vec![described, ssh(Standing::New)])
}

fn passing() -> Report {
    Report::new("compliance", vec![])
}

fn hostile_compliance() -> Report {
    let findings = (0..300).map(|n| {
        Finding::new(HOSTILE, Severity::High, Verdict::Violation)
            .group(GroupRef {
                address: Some(format!("{n}{HOSTILE}")),
                id: Some(HOSTILE.into()),
            })
            .exposure(format!("{HOSTILE}{}", "x".repeat(255)))
            .witness(HOSTILE)
            .standing(Standing::New)
    });
    Report::new("compliance", findings.collect()).note(HOSTILE.repeat(9))
}

fn line(traffic: &str) -> ExposureLine {
    ExposureLine {
        direction: "ingress".into(),
        traffic: traffic.into(),
        peers: "the internet".into(),
        ..ExposureLine::default()
    }
}

fn exposure() -> ExposureReport {
    ExposureReport {
        headline: "opens tcp 8000 from the internet on web; closes tcp 8080 from the internet on web".into(),
        groups: vec![GroupExposure {
            group: group(),
            name: Some("web".into()),
            members: vec!["web-1".into(), "web-2".into()],
            opens: vec![line("tcp 8000")],
            closes: vec![line("tcp 8080")],
            ..GroupExposure::default()
        }],
        ..ExposureReport::unchanged(2)
    }
}

fn hostile_exposure() -> ExposureReport {
    let group = GroupExposure {
        group: GroupRef::address(HOSTILE),
        name: Some(HOSTILE.into()),
        members: vec![HOSTILE.into(); 50],
        opens: vec![line(HOSTILE); 40],
        closes: vec![line(HOSTILE); 40],
        may_open: vec![line(HOSTILE); 40],
        ..GroupExposure::default()
    };
    ExposureReport {
        verdict: Verdict::Undetermined,
        headline: HOSTILE.repeat(30),
        groups: vec![group; 5],
        notes: vec![HOSTILE.repeat(9); 20],
        ..ExposureReport::unchanged(600)
    }
}

fn request() -> ApprovalRequest {
    let sum = |c: &str| c.repeat(64);
    ApprovalRequest {
        format_version: "1.0".into(),
        digest: "9b2c4d6e8f01".to_owned() + &"a".repeat(52),
        bound: Bound {
            plan_file: sum("1"),
            plan_json: sum("2"),
            policy: sum("3"),
            compliance: sum("4"),
            verdict: Verdict::Pass,
            exposure: sum("5"),
            commit: "3f2a1b0c".repeat(5),
            state_lineage: None,
            state_serial: Some(4),
            terraform: "terraform 1.11.4".into(),
            provider_lock: None,
            portcullis: Some("0.1.0".into()),
        },
        requested_at: "2026-01-31T12:00:00Z".into(),
        requested_by: Some("ada".into()),
        author: Some("Ada Lovelace <ada@example.org>".into()),
        headline: exposure().headline,
        approvers: Vec::new(),
        remarks: Vec::new(),
        good_until: None,
    }
}

fn hostile_request() -> ApprovalRequest {
    let mut request = request();
    request.requested_by = Some(HOSTILE.into());
    request.author = Some(HOSTILE.into());
    request.headline = HOSTILE.repeat(40);
    request.bound.terraform = HOSTILE.into();
    request.approvers = vec![HOSTILE.repeat(9); 40];
    request.remarks = vec![HOSTILE.repeat(40); 40];
    request.good_until = Some(HOSTILE.into());
    request
}

fn approval(outcome: &str, exit_code: i32) -> Approval {
    Approval {
        format_version: "1.0".into(),
        digest: request().digest,
        approved_by: "grace".into(),
        approved_at: "2026-01-31T12:30:00Z".into(),
        job_url: Some("https://gitlab.example/infra/estate/-/jobs/77".into()),
        outcome: outcome.into(),
        exit_code: Some(exit_code),
        ..Approval::default()
    }
}

fn hostile_approval() -> Approval {
    Approval {
        digest: HOSTILE.into(),
        approved_by: HOSTILE.into(),
        approved_at: HOSTILE.into(),
        job_url: Some(HOSTILE.into()),
        ..approval(HOSTILE, 1)
    }
}

fn row(verdict: RuleVerdict, port: i32, live: Option<bool>) -> RuleRow {
    let managed = verdict == RuleVerdict::Agree;
    RuleRow {
        group: group(),
        direction: "ingress".into(),
        protocol: "tcp".into(),
        from_port: port,
        to_port: port,
        peer: "0.0.0.0/0".into(),
        declared: Some(managed),
        recorded: Some(managed),
        live,
        verdict,
        ..RuleRow::default()
    }
}

fn agreeing() -> ConsistencyReport {
    let row = |port| row(RuleVerdict::Agree, port, Some(true));
    ConsistencyReport::new(Verdict::Pass, vec![row(8000), row(443)])
}

fn drifted() -> ConsistencyReport {
    let mut all = row(RuleVerdict::Undetermined, -1, None);
    all.protocol = "-1".into();
    all.direction = "egress".into();
    let rules = vec![
        row(RuleVerdict::Unmanaged, 22, Some(true)),
        all,
        row(RuleVerdict::Agree, 8000, Some(true)),
    ];
    ConsistencyReport {
        notes: vec!["sg-0 is unknown to Terraform".into()],
        ..ConsistencyReport::new(Verdict::Violation, rules)
    }
}

fn hostile_rules() -> ConsistencyReport {
    let mut hostile = row(RuleVerdict::Unmanaged, 22, Some(true));
    hostile.group = GroupRef::address(HOSTILE);
    hostile.protocol = HOSTILE.into();
    hostile.peer = HOSTILE.into();
    hostile.direction = HOSTILE.into();
    ConsistencyReport {
        notes: vec![HOSTILE.repeat(9); 9],
        ..ConsistencyReport::new(Verdict::Violation, vec![hostile; 300])
    }
}

fn check(verdict: Verdict, outcome: &str) -> ServiceCheck {
    ServiceCheck {
        id: "answer http://203.0.113.7:8000/".into(),
        member: "web-1".into(),
        kind: MemberKind::Instance,
        group: "web".into(),
        url: "http://203.0.113.7:8000/".into(),
        address: None,
        wants: Wants::Answer,
        verdict,
        result: match verdict {
            Verdict::Pass => CheckResult::AsExpected,
            Verdict::Undetermined => CheckResult::NotTestable,
            Verdict::Violation => CheckResult::Fails,
        },
        status: None,
        milliseconds: Some(12),
        phases: Phases::default(),
        certificate: None,
        attempts: if verdict == Verdict::Pass { 1 } else { 3 },
        outcome: outcome.into(),
    }
}

fn services(checks: Vec<ServiceCheck>) -> ServicesReport {
    let verdict = checks
        .iter()
        .map(|check| check.verdict)
        .fold(Verdict::Pass, Verdict::worst);
    ServicesReport {
        format_version: "1.0".into(),
        verdict,
        checks,
        notes: vec![],
        time: None,
        pipeline: None,
        changes: None,
    }
}

fn hostile_services() -> ServicesReport {
    let hostile = ServiceCheck {
        member: HOSTILE.into(),
        url: HOSTILE.repeat(9),
        ..check(Verdict::Violation, &HOSTILE.repeat(9))
    };
    ServicesReport {
        notes: vec![HOSTILE.repeat(9); 9],
        ..services(vec![hostile; 300])
    }
}

/// What a reader sees: the notification's text, then the blocks; and the JSON that Slack gets.
fn seen(name: &str, notice: &Notice) -> String {
    fits(name, notice);
    format!(
        "{}\n---\n{}\n---\n{}",
        notice.text(),
        notice.to_plain(),
        serde_json::to_string_pretty(&notice.to_slack().to_json()).unwrap()
    )
}

/// Every service takes it, as far as we know its limits; and each form is left as a file for the validators that know better
/// (`.ci/slack/check`).
fn fits(name: &str, notice: &Notice) {
    let forms = [
        ("slack", notice.to_slack().to_json()),
        ("slack-alone", notice.to_slack_alone().to_json()),
        ("mattermost", notice.to_mattermost()),
        ("teams", notice.to_teams()),
        ("json", notice.to_json()),
    ];
    for (form, json) in &forms[..2] {
        let problems = limits::check(json);
        assert!(problems.is_empty(), "{name}, {form}: {problems:?}");
    }
    assert!(
        forms[2].1["text"].as_str().unwrap().chars().count() <= 4000,
        "{name}"
    );
    assert!(forms[3].1.to_string().len() <= 21_000, "{name}");
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages");
    std::fs::create_dir_all(&folder).unwrap();
    for (form, json) in forms {
        let text = serde_json::to_string_pretty(&json).unwrap();
        std::fs::write(folder.join(format!("{name}.{form}.json")), text).unwrap();
    }
}

#[test]
fn the_first_message_says_how_far_the_pipeline_is() {
    insta::assert_snapshot!(
        "started",
        seen("started", &started(&pipeline(), &Status::Running))
    );
    let lines: Vec<String> = [
        Status::Running,
        Status::WaitingForApproval,
        Status::Deployed {
            approved_by: "grace".into(),
        },
        Status::Compared {
            verdict: Verdict::Pass,
            deployed: true,
        },
        Status::Compared {
            verdict: Verdict::Violation,
            deployed: true,
        },
        Status::Checked {
            verdict: Verdict::Pass,
            deployed: true,
        },
        Status::Checked {
            verdict: Verdict::Undetermined,
            deployed: true,
        },
        Status::Failed {
            what: "stopped by the policy".into(),
        },
        Status::Finished {
            verdict: Verdict::Pass,
            outcome: "deployed and verified".into(),
        },
    ]
    .iter()
    .map(|status| {
        started(&pipeline(), status)
            .to_plain()
            .lines()
            .nth(1)
            .unwrap()
            .to_owned()
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    ⏳ Checking and planning
    ⏳ Waiting for approval
    ✅ Deployed, approved by grace
    ✅ Deployed; code, state and cloud agree
    ⛔ Deployed; code, state and cloud do not agree
    ✅ Deployed; the services answer
    ❔ Deployed; cannot tell whether the services answer
    ⛔ Failed: stopped by the policy
    ✅ Finished: deployed and verified
    ");
}

/// A team that only has its services asked, or its estate watched, has deployed nothing.
#[test]
fn a_pipeline_that_only_looks_says_so() {
    let told = |topic, status: &Status| {
        let pipeline = Pipeline { topic, ..pipeline() };
        let notice = started(&pipeline, status);
        let plain = notice.to_plain();
        let lines: Vec<&str> = plain.lines().take(2).collect();
        lines.join(": ")
    };
    let (verdict, deployed) = (Verdict::Violation, false);
    let lines = [
        told(Topic::Services, &Status::Running),
        told(Topic::Services, &Status::Checked { verdict, deployed }),
        told(Topic::Comparison, &Status::Running),
        told(Topic::Comparison, &Status::Compared { verdict, deployed }),
        // A change whose plan has nothing to do.
        told(Topic::Change, &Status::Checked { verdict, deployed }),
    ];
    insta::assert_snapshot!(lines.join("\n"), @"
    Services check: infra/estate: ⏳ Asking the services
    Services check: infra/estate: ⛔ A service does not answer as expected
    Code, state and cloud: infra/estate: ⏳ Comparing code, state and cloud
    Code, state and cloud: infra/estate: ⛔ Code, state and cloud do not agree
    Security group change: infra/estate: ⛔ A service does not answer as expected
    ");
}

#[test]
fn a_violation() {
    insta::assert_snapshot!(
        "violation",
        seen("violation", &violation(&pipeline(), &compliance(), &[]))
    );
}

#[test]
fn an_approval_request() {
    let report = passing();
    let exposure = exposure();
    let shown = Request {
        exposure: Some(&exposure),
        compliance: Some(&report),
        plan: Some("a: Refreshing state... [id=x]\n\nPlan: 0 to add, 1 to change, 0 to destroy.\n"),
        deploy_job: Some("https://gitlab.example/infra/estate/-/jobs/77"),
    };
    insta::assert_snapshot!(
        "requested",
        seen("requested", &requested(&pipeline(), &request(), shown))
    );
}

#[test]
fn an_approval_request_says_who_may_how_long_and_what_to_mind() {
    let mut request = request();
    request.approvers = vec![
        "grace".into(),
        "members of platform/ops (Developer or higher)".into(),
    ];
    request.good_until = Some("2026-02-07T12:00:00Z".into());
    request.remarks = vec![
        "this change touches the pipeline file .gitlab-ci.yml: it brought the jobs that check it".into(),
    ];
    let message = requested(&pipeline(), &request, Request::default());
    fits("requested-with-remarks", &message);
    let mut told = message.to_plain();
    request.approvers = vec!["grace".into()];
    told.push_str(requested(&pipeline(), &request, Request::default()).text());
    request.approvers = (1..=12).map(|n| format!("user{n}")).collect();
    told.push('\n');
    told.push_str(requested(&pipeline(), &request, Request::default()).text());
    insta::assert_snapshot!("requested-with-remarks", told);
}

#[test]
fn an_approval_request_without_the_reports_and_without_the_job() {
    let mut request = request();
    request.headline = String::new();
    let message = requested(&pipeline(), &request, Request::default());
    fits("requested-without-reports", &message);
    insta::assert_snapshot!(message.to_plain(), @"
    Approval needed
    Opens and closes nothing
    ✅ Policy pass
    To approve it, somebody other than Ada Lovelace plays the deploy job.
    Open the pipeline: https://gitlab.example/infra/estate/-/pipelines/1201
    Digest 9b2c4d6e8f01 Asked by ada Commit by Ada Lovelace terraform 1.11.4
    ");
}

#[test]
fn a_deploy_and_a_failed_one() {
    insta::assert_snapshot!(
        "deployed",
        seen("deployed", &deployed(&pipeline(), &approval("applied", 0)))
    );
    let failed = deployed(&pipeline(), &approval("apply_failed", 1));
    fits("deploy-failed", &failed);
    insta::assert_snapshot!(failed.text(), @"infra/estate 3f2a1b0c: deploy failed: terraform's exit code is 1. Approved by grace, digest 9b2c4d6e8f01");
    let mut told = Vec::new();
    for outcome in [Approval::LOCKED, Approval::BEGUN] {
        let exit_code = (outcome == Approval::LOCKED).then_some(1);
        let approval = Approval {
            exit_code,
            ..approval(outcome, 1)
        };
        told.push(deployed(&pipeline(), &approval).to_plain());
    }
    insta::assert_snapshot!("deploy-not-ended-well", told.join("\n"));
}

fn refusal(reason: &str) -> RefusalRecord {
    RefusalRecord {
        format_version: "1.0".into(),
        digest: "9b2c4d6e8f01".into(),
        played_by: "eve".into(),
        refused_at: "2026-11-23T12:00:00Z".into(),
        job_url: None,
        reason: reason.into(),
        hint: Some("let somebody else play the deploy job".into()),
    }
}

#[test]
fn failures_say_what_failed() {
    let jobs = [FailedJob {
        name: "validate".into(),
        url: Some("https://gitlab.example/infra/estate/-/jobs/71".into()),
        reason: Some("script_failure".into()),
    }];
    let (rules, asked) = (
        drifted(),
        services(vec![check(Verdict::Violation, "connection refused")]),
    );
    insta::assert_snapshot!(
        "failed-by-policy",
        seen("failed-by-policy", &violation(&pipeline(), &compliance(), &jobs))
    );
    let report = passing();
    let applied = approval("applied", 0);
    let not_applied = approval("apply_failed", 1);
    let refused = refusal("the state has moved from serial 3 to 4");
    let told: Vec<String> = [
        Failure::default(),
        Failure {
            jobs: &jobs,
            compliance: Some(&report),
            ..Failure::default()
        },
        Failure {
            approval: Some(&not_applied),
            compliance: Some(&report),
            ..Failure::default()
        },
        Failure {
            jobs: &jobs,
            compliance: Some(&report),
            refusal: Some(&refused),
            ..Failure::default()
        },
        Failure {
            approval: Some(&applied),
            consistency: Some(&rules),
            ..Failure::default()
        },
        Failure {
            approval: Some(&applied),
            services: Some(&asked),
            ..Failure::default()
        },
    ]
    .into_iter()
    .enumerate()
    .map(|(n, failure)| {
        let notice = failed(&pipeline(), failure);
        fits(&format!("failed-{n}"), &notice);
        notice.to_plain()
    })
    .collect();
    insta::assert_snapshot!("failures", told.join("\n\n"));
}

#[test]
fn the_three_views() {
    insta::assert_snapshot!(
        "consistent",
        seen("consistent", &consistency(&pipeline(), &agreeing()))
    );
    insta::assert_snapshot!(
        "not-consistent",
        seen("not-consistent", &consistency(&pipeline(), &drifted()))
    );
}

#[test]
fn many_states() {
    let row = |name: &str, verdict: Verdict, said: &str| StackRow {
        key: "001-x".into(),
        name: name.into(),
        verdict,
        said: vec![said.into()],
    };
    let mut report = StacksReport {
        format_version: "1.0".into(),
        kind: Kind::States,
        verdict: Verdict::Pass,
        stacks: (0..20)
            .map(|i| row(&format!("network-{i}"), Verdict::Pass, "fine"))
            .collect(),
        notes: vec![],
    };
    let (verdict, counts) = (report.verdict, report.counts());
    insta::assert_snapshot!(started(&pipeline(), &Status::Stacks { verdict, counts }).text(), @"infra/estate: 20 managed states: 20 pass. Move the web service to port 8000 (3f2a1b0c by Ada Lovelace on main)");
    insta::assert_snapshot!(
        "all-stacks-pass",
        seen("all-stacks-pass", &stacks(&pipeline(), &report))
    );
    report.verdict = Verdict::Violation;
    report.stacks.insert(0, row(HOSTILE, Verdict::Violation, HOSTILE));
    report.stacks.insert(
        1,
        row("production", Verdict::Undetermined, &"it is away; ".repeat(50)),
    );
    for i in 0..30 {
        report.stacks.insert(
            2,
            row(
                &format!("more-{i}"),
                Verdict::Undetermined,
                "nothing was left behind",
            ),
        );
    }
    report.notes.push(HOSTILE.into());
    let notice = stacks(&hostile_pipeline(), &report);
    assert_eq!(notice.documents(), ["stacks.txt"]);
    insta::assert_snapshot!("stacks-fail", seen("stacks-fail", &notice));
}

#[test]
fn the_services() {
    let passed = services(vec![check(Verdict::Pass, "200 OK")]);
    insta::assert_snapshot!(
        "services-answer",
        seen("services-answer", &checked(&pipeline(), &passed))
    );
    let failed = services(vec![
        check(Verdict::Pass, "200 OK"),
        check(Verdict::Violation, "connection refused"),
        check(
            Verdict::Undetermined,
            "a private address, not reachable from here",
        ),
    ]);
    let failed = checked(&pipeline(), &failed);
    fits("services-fail", &failed);
    insta::assert_snapshot!(failed.to_plain(), @"
    Services fail
    ⛔ A service does not answer as expected
    1 of 3 checks passed, 1 not testable
    • Failed: web-1 http://203.0.113.7:8000/, connection refused in 12 ms, asked 3 times
    • Not testable: web-1 http://203.0.113.7:8000/, a private address, not reachable from here in 12 ms, asked 3 times
    • Passed: web-1 http://203.0.113.7:8000/, 200 OK in 12 ms
    Open the pipeline: https://gitlab.example/infra/estate/-/pipelines/1201
    ");
}

#[test]
fn the_end() {
    let applied = approval("applied", 0);
    let failed = approval("apply_failed", 1);
    let well = Finish {
        compliance: Some(Verdict::Pass),
        approval: Some(&applied),
        refusal: None,
        consistency: Some(Verdict::Pass),
        services: Some(Verdict::Pass),
        asked: true,
        ..Finish::default()
    };
    let lost = Finish {
        compliance: Some(Verdict::Pass),
        asked: true,
        ..Finish::default()
    };
    for deploy_job in [DeployJob::Unknown, DeployJob::Ran] {
        let lost = Finish { deploy_job, ..lost };
        assert_eq!(lost.outcome().0, Verdict::Undetermined);
        let said = finished(&pipeline(), lost).to_plain();
        assert!(!said.to_lowercase().contains("not deployed"), "{said}");
        assert!(!said.contains("Deploy: not reached"), "{said}");
    }
    let refused = refusal("the plan file is not the approved one: approved 785842c556e8, found a0fcd911a13a");
    insta::assert_snapshot!("finished", seen("finished", &finished(&pipeline(), well)));
    let told: Vec<String> = [
        well,
        Finish {
            services: Some(Verdict::Violation),
            ..well
        },
        Finish {
            consistency: Some(Verdict::Violation),
            services: None,
            ..well
        },
        Finish {
            services: None,
            ..well
        },
        Finish {
            approval: Some(&failed),
            consistency: None,
            services: None,
            ..well
        },
        Finish {
            compliance: Some(Verdict::Violation),
            ..Finish::default()
        },
        Finish {
            compliance: Some(Verdict::Pass),
            refusal: Some(&refused),
            ..Finish::default()
        },
        Finish {
            undelivered: 2,
            ..Finish::default()
        },
        // Somebody was asked, and the deploy job has left nothing.
        lost,
        Finish {
            deploy_job: DeployJob::NotStarted,
            ..lost
        },
        Finish {
            deploy_job: DeployJob::Ran,
            ..lost
        },
    ]
    .into_iter()
    .enumerate()
    .map(|(n, finish)| {
        let notice = finished(&pipeline(), finish);
        fits(&format!("finished-{n}"), &notice);
        notice.text().to_owned()
    })
    .collect();
    insta::assert_snapshot!("ends", told.join("\n"));
}

#[test]
fn a_plan_that_changes_nothing_ends_well() {
    let idle = Finish {
        compliance: Some(Verdict::Pass),
        nothing_to_do: true,
        ..Finish::default()
    };
    assert_eq!(
        idle.outcome(),
        (Verdict::Pass, "nothing to deploy: the plan changes nothing")
    );
    let drift = Finish {
        consistency: Some(Verdict::Violation),
        ..idle
    };
    assert_eq!(drift.outcome().0, Verdict::Violation);
    let silent = Finish {
        services: Some(Verdict::Violation),
        ..idle
    };
    assert_eq!(silent.outcome().0, Verdict::Violation);
}

/// Hostile and huge input: Slack would take each message, and nothing in it is markup, a mention, a link of theirs, a
/// forged line, or text that runs backwards.
#[test]
fn nothing_from_outside_becomes_more_than_words() {
    let (report, open, asked) = (hostile_compliance(), hostile_exposure(), hostile_request());
    let (done, rules, answers) = (hostile_approval(), hostile_rules(), hostile_services());
    let jobs = vec![
        FailedJob {
            name: HOSTILE.into(),
            url: Some(HOSTILE.into()),
            reason: Some(HOSTILE.into())
        };
        300
    ];
    let pipeline = hostile_pipeline();
    let refused = RefusalRecord {
        played_by: HOSTILE.into(),
        ..refusal(HOSTILE)
    };
    let failure = Failure {
        jobs: &jobs,
        compliance: Some(&report),
        approval: Some(&done),
        refusal: Some(&refused),
        consistency: Some(&rules),
        services: Some(&answers),
    };
    let shown = Request {
        exposure: Some(&open),
        compliance: Some(&report),
        plan: Some("Plan: 1 to add <!channel>"),
        deploy_job: Some(HOSTILE),
    };
    let finish = Finish {
        approval: Some(&done),
        ..Finish::default()
    };
    let refused_notice = portcullis_messages::refused(&pipeline, &refused);
    let messages = [
        started(
            &pipeline,
            &Status::Failed {
                what: HOSTILE.repeat(9),
            },
        ),
        violation(&pipeline, &report, &jobs),
        requested(&pipeline, &asked, shown),
        consistency(&pipeline, &rules),
        checked(&pipeline, &answers),
        failed(&pipeline, failure),
        decided(&pipeline, &asked, shown, Decision::Refused(&refused)),
        decided(&pipeline, &asked, shown, Decision::Approved(&done)),
        decided(&pipeline, &asked, shown, Decision::NotTaken),
        refused_notice,
        deployed(&pipeline, &done),
        finished(&pipeline, finish),
    ];
    for message in &messages[1..6] {
        let words = message.to_plain();
        assert!(
            words.contains(" more in ") || !words.contains('•'),
            "a list is cut and does not say by how much: {words}"
        );
    }
    for (n, notice) in messages.iter().enumerate() {
        fits(&format!("hostile-{n}"), notice);
        for message in [notice.to_slack(), notice.to_slack_alone()] {
            assert!(
                !message.text().contains(['<', '>', '\n', '\u{202e}', '\u{2066}']),
                "{}",
                message.text()
            );
            let json = message.to_json().to_string();
            for hidden in [
                "\u{202e}",
                "\u{2066}",
                "\u{200b}",
                "mrkdwn",
                "\"url\":\"https://evil",
                "javascript:",
            ] {
                assert!(!json.contains(hidden), "{hidden:?} in {json}");
            }
            no_forged_line(&message.to_plain());
        }
        let mattermost = notice.to_mattermost();
        let text = mattermost["text"].as_str().unwrap();
        no_forged_line(text);
        // Code spans show their words as they are.
        let outside_code: String = text.split('`').step_by(2).collect();
        for markup in ["](https://evil", "@boss", ":skull", "\u{202e}", "javascript:"] {
            assert!(!outside_code.contains(markup), "{markup:?} in {text}");
        }
        let card = notice.to_teams().to_string();
        for markup in [
            "\"TextBlock\"",
            "\"url\":\"https://evil",
            "\u{202e}",
            "javascript:",
        ] {
            assert!(!card.contains(markup), "{markup:?} in {card}");
        }
        for json in [notice.to_json().to_string(), card] {
            assert!(!json.contains("\\nDeployed, approved"), "{json}");
        }
    }
    insta::assert_snapshot!(
        "hostile-request",
        seen("hostile-request", &requested(&pipeline, &asked, shown))
    );
}

fn no_forged_line(text: &str) {
    assert!(
        !text.lines().any(|line| line.starts_with("Deployed, approved by")),
        "a forged line in {text}"
    );
}

/// The same request as the other services show it.
#[test]
fn other_services() {
    let report = compliance();
    let exposure = exposure();
    let shown = Request {
        exposure: Some(&exposure),
        compliance: Some(&report),
        ..Request::default()
    };
    let notice = requested(&pipeline(), &request(), shown);
    insta::assert_snapshot!("mattermost", notice.to_mattermost()["text"].as_str().unwrap());
    let pretty = |json: &Value| serde_json::to_string_pretty(json).unwrap();
    insta::assert_snapshot!("teams", pretty(&notice.to_teams()));
    insta::assert_snapshot!("json", pretty(&notice.to_json()));
    insta::assert_snapshot!("slack-alone", notice.to_slack_alone().to_plain());
}

#[test]
fn a_decided_request_has_no_button() {
    let report = passing();
    let exposure = exposure();
    let shown = Request {
        exposure: Some(&exposure),
        compliance: Some(&report),
        ..Request::default()
    };
    let (done, refusal) = (
        approval("applied", 0),
        refusal("the state has moved from serial 3 to 4"),
    );
    let told: Vec<String> = [
        Decision::Approved(&done),
        Decision::Refused(&refusal),
        Decision::NotTaken,
        Decision::NotKnown,
    ]
    .into_iter()
    .enumerate()
    .map(|(n, decision)| {
        let notice = decided(&pipeline(), &request(), shown, decision);
        fits(&format!("decided-{n}"), &notice);
        assert!(!notice.to_slack().to_json().to_string().contains("button"));
        notice.to_plain()
    })
    .collect();
    insta::assert_snapshot!("decided", told.join("\n\n"));
}

#[test]
fn a_refusal() {
    let notice = refused(&pipeline(), &refusal("the state has moved from serial 3 to 4"));
    insta::assert_snapshot!("refused", seen("refused", &notice));
}

/// A plan of 2 MB stays whole, and its file begins with what matters.
#[test]
fn a_large_plan() {
    let plan = "aws_vpc.main: Refreshing state... [id=vpc-1]\n".repeat(1000)
        + "Plan: 1 to add, 0 to change, 0 to destroy.\n"
        + &"  + a line of the plan\n".repeat(100_000);
    let file = plan_file(&plan, Some(&exposure())).unwrap();
    assert!(file.starts_with("exposure: opens tcp 8000"), "{}", &file[..200]);
    assert_eq!(file.matches("+ a line of the plan").count(), 100_000);
    assert!(!file.contains("Refreshing"));
    let shown = Request {
        plan: Some(&plan),
        ..Request::default()
    };
    let notice = requested(&pipeline(), &request(), shown);
    fits("requested-large-plan", &notice);
    assert!(notice.to_plain().contains("Terraform Plan: 1 to add"));
}
