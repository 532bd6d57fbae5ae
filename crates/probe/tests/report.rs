//! What a reader sees.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

use portcullis_probe::{
    Answer, BadCertificate, BadName, Certificate, CheckResult, Controlled, Expectation, HttpAnswer,
    MemberKind, Phase, Phases, Place, Reach, Reply, Scheme, ServiceCheck, ServicesReport, Target, Targets,
    Unasked, Wants, Wish, judge,
};
use portcullis_report::{Format, Tool, Verdict};
use serde_json::json;
use std::sync::Arc;

/// Something to ask at 198.51.100.N.
fn target(n: usize, wish: Wish) -> Target {
    Target {
        member: format!("host-{n:02}"),
        kind: MemberKind::Instance,
        group: "web".into(),
        place: Place::Address(format!("198.51.100.{n}").parse().unwrap()),
        port: 8000,
        wish,
    }
}

fn wanted(expectation: Expectation) -> Wish {
    Wish::Answer(Arc::new(expectation))
}

fn http(status: u16, body: &str) -> Answer {
    Answer::Http(Box::new(HttpAnswer {
        status,
        body: body.into(),
        ..HttpAnswer::default()
    }))
}

/// Everybody is reached over IPv4, as the control target tells.
fn reach(open: bool) -> Reach {
    let controlled = Controlled {
        control: "control.example.org:8000".parse().unwrap(),
        v4: Some(open),
        v6: None,
    };
    Reach::of([], vec![controlled])
}

fn checks(cases: Vec<(Wish, Answer)>, reach: &Reach) -> Vec<ServiceCheck> {
    let judged = cases.into_iter().enumerate().map(|(n, (wish, answer))| {
        let reply = Reply {
            milliseconds: matches!(answer, Answer::Http(_)).then_some(12),
            answer,
            address: Some("198.51.100.1".parse().unwrap()),
            ..Reply::default()
        };
        judge(&target(n + 1, wish), &reply, u32::try_from(n + 1).unwrap(), reach)
    });
    judged.collect()
}

fn in_words(cases: Vec<(Wish, Answer)>, reach: &Reach) -> String {
    let line = |check: ServiceCheck| format!("{}: {}\n", check.result.words(), check.outcome);
    checks(cases, reach).into_iter().map(line).collect()
}

/// Every answer that a service may give.
fn answers() -> Vec<Answer> {
    let mut redirect = HttpAnswer {
        status: 302,
        leads_to: Some("http://169.254.169.254".into()),
        ..HttpAnswer::default()
    };
    let away = Answer::Http(Box::new(redirect.clone()));
    redirect.status = 200;
    let mut out = vec![
        http(200, ""),
        Answer::Http(Box::new(redirect)),
        away,
        http(502, ""),
        http(299, ""),
        Answer::Connected,
        Answer::Refused,
        Answer::Broken,
        Answer::NotHttp,
        Answer::NotTls,
        Answer::TlsRefused,
        Answer::HeadTooLarge,
        Answer::NoRoute,
        Answer::Name(BadName::NotFound),
        Answer::Name(BadName::Elsewhere("10.0.0.1".parse().unwrap())),
        Answer::Other("too many \u{1b}[31mopen files".into()),
        Answer::default(),
    ];
    let phases = [Phase::Dns, Phase::Connect, Phase::Tls, Phase::Head, Phase::Body];
    out.extend(phases.map(Answer::TimedOut));
    let bad = [
        BadCertificate::Expired,
        BadCertificate::NotYetValid,
        BadCertificate::WrongName,
        BadCertificate::UnknownIssuer,
        BadCertificate::NoAuthorities,
        BadCertificate::Other,
    ];
    out.extend(bad.map(Answer::Certificate));
    out
}

#[test]
fn every_answer_in_words() {
    let all = || {
        answers()
            .into_iter()
            .map(|answer| (wanted(Expectation::default()), answer))
    };
    insta::assert_snapshot!("answers", in_words(all().collect(), &reach(true)));
    let named = || Expectation::default().named("shop.example.org").unwrap();
    let wrong_name = Answer::Certificate(BadCertificate::WrongName);
    insta::assert_snapshot!(in_words(vec![(wanted(named()), wrong_name)], &reach(true)), @"fails: the certificate is for another name");
}

#[test]
fn every_answer_of_a_port_that_should_be_closed() {
    let all = |doubt: Option<&str>| -> Vec<_> {
        let answers = answers().into_iter().filter(|answer| {
            matches!(
                answer,
                Answer::Connected
                    | Answer::Refused
                    | Answer::Broken
                    | Answer::NoRoute
                    | Answer::TimedOut(Phase::Connect)
            )
        });
        answers
            .map(|answer| (Wish::Silence(doubt.map(str::to_owned)), answer))
            .collect()
    };
    insta::assert_snapshot!("closed", in_words(all(None), &reach(true)));
    let doubt = "203.0.113.0/28 may still come in, and this machine may be among them";
    insta::assert_snapshot!("closed-in-part", in_words(all(Some(doubt)), &reach(true)));
    insta::assert_snapshot!(
        "closed-and-the-way-out-is-closed",
        in_words(all(None), &reach(false))
    );
}

#[test]
fn silence_means_something_only_where_an_answer_would_come_through() {
    let silent = || {
        [Answer::TimedOut(Phase::Connect), Answer::Refused, http(200, "")]
            .map(|answer| (wanted(Expectation::default()), answer))
            .to_vec()
    };
    insta::assert_snapshot!("the-control-target-fails", in_words(silent(), &reach(false)));
    insta::assert_snapshot!("nobody-answered", in_words(silent(), &Reach::default()));
    let answered = Reply {
        answer: Answer::Refused,
        address: Some("198.51.100.9".parse().unwrap()),
        ..Reply::default()
    };
    insta::assert_snapshot!(
        "somebody-answered",
        in_words(silent(), &Reach::of([(8000, &answered)], vec![]))
    );
}

#[test]
fn bodies() {
    let says = |text: &str| wanted(Expectation::default().saying(text));
    let holds = |pointer: &str, value| wanted(Expectation::default().with_json(pointer, value).unwrap());
    let document = r#"{"status": "up", "parts": [{"ok": true}], "secret": "hunter2"}"#;
    let with = |edit: fn(&mut HttpAnswer)| {
        let mut http = HttpAnswer {
            status: 200,
            body: document.into(),
            ..HttpAnswer::default()
        };
        edit(&mut http);
        Answer::Http(Box::new(http))
    };
    let cases = vec![
        (says("\"up\""), http(200, document)),
        (says("down"), http(200, document)),
        (says("down"), with(|http| http.cut = true)),
        (says("up"), with(|http| http.cut = true)),
        (says("up"), with(|http| http.encoded = true)),
        (holds("/status", json!("up")), http(200, document)),
        (holds("/parts/0/ok", json!(true)), http(200, document)),
        (holds("/parts/1/ok", json!(true)), http(200, document)),
        (holds("/secret", json!("other")), http(200, document)),
        (holds("/status", json!("up")), http(200, "up")),
        (holds("/status", json!("up")), with(|http| http.cut = true)),
        (holds("", json!([])), http(200, "[]")),
        (wanted(Expectation::new("/", 204).unwrap()), http(200, "")),
        (
            wanted(Expectation::default().answering([401, 403]).unwrap()),
            http(403, ""),
        ),
        (
            wanted(Expectation::default().answering([401, 403]).unwrap()),
            http(200, ""),
        ),
    ];
    insta::assert_snapshot!("bodies", in_words(cases, &reach(true)));
}

#[test]
fn certificates() {
    let valid = |days_left| Certificate {
        not_after: "2027-01-31T00:00:00Z".into(),
        days_left,
    };
    let mut shown = String::new();
    for (wanted_days, certificate) in [
        (14, Some(valid(14))),
        (14, Some(valid(13))),
        (0, Some(valid(0))),
        (14, None),
    ] {
        let expectation = Expectation::default()
            .by(Scheme::Https)
            .certified_for(wanted_days);
        let reply = Reply {
            answer: http(200, ""),
            certificate,
            milliseconds: Some(12),
            phases: Phases {
                dns_us: None,
                connect_us: Some(1_600),
                tls_us: Some(4_000),
                first_byte_us: Some(400),
            },
            ..Reply::default()
        };
        let check = judge(&target(1, wanted(expectation)), &reply, 1, &Reach::default());
        shown += &format!("{}: {}{}\n", check.result.words(), check.outcome, check.effort());
    }
    insta::assert_snapshot!(shown);
}

fn report() -> ServicesReport {
    let unasked = |result, what: &str, why: &str| Unasked {
        member: "hidden|host\u{1b}[31m".into(),
        kind: MemberKind::Other,
        group: "web <!channel>".into(),
        what: what.into(),
        wants: Wants::Answer,
        result,
        why: why.into(),
    };
    let cases = vec![
        (wanted(Expectation::default()), http(200, "")),
        (wanted(Expectation::default()), http(502, "")),
        (Wish::Silence(None), Answer::Refused),
        (Wish::Silence(None), Answer::Connected),
    ];
    let mut checks = checks(cases, &reach(true));
    checks.reverse();
    ServicesReport::new(
        checks,
        &Targets {
            unasked: vec![
                unasked(
                    CheckResult::NotTestable,
                    "tcp 8000",
                    "it has no public address that the port is open on",
                ),
                unasked(CheckResult::Skipped, "udp 53", "the resolver team checks it"),
            ],
            notes: vec!["a | note".into()],
            ..Targets::default()
        },
    )
}

#[test]
fn the_report_in_each_form() {
    let report = report();
    insta::assert_snapshot!("services.txt", report.to_text());
    insta::assert_snapshot!("services.md", report.to_markdown());
    insta::assert_snapshot!("services.json", report.to_json().unwrap());
    let tool = Tool::new("portcullis-check-services", "0", "services.json");
    insta::assert_snapshot!(
        "services.junit",
        report.to_report().render(Format::Junit, &tool).unwrap()
    );
}

#[test]
fn the_document_reads_back() {
    let text = report().to_json().unwrap();
    assert_eq!(serde_json::from_str::<ServicesReport>(&text).unwrap(), report());
    // As the first version wrote it.
    let first = r#"{"format_version": "1.0", "verdict": "pass", "checks": [{"member": "front", "group": "web",
        "url": "http://198.51.100.7/", "verdict": "pass", "status": 200, "milliseconds": 3, "attempts": 1, "outcome": "200 OK"}]}"#;
    assert_eq!(
        serde_json::from_str::<ServicesReport>(first).unwrap().checks[0].status,
        Some(200)
    );
}

#[test]
fn two_runs_compared() {
    let now = |answers: Vec<Answer>| {
        let cases = answers
            .into_iter()
            .map(|answer| (wanted(Expectation::default()), answer));
        ServicesReport::new(checks(cases.collect(), &reach(true)), &Targets::default())
    };
    let earlier = now(vec![http(200, ""), http(502, ""), http(200, "")]);
    let later = now(vec![Answer::Refused, http(200, "")]).compared_with(&earlier);
    insta::assert_snapshot!("compared", later.to_text());
    let again = now(vec![http(200, ""), http(502, ""), http(200, "")]).compared_with(&earlier);
    assert_eq!(
        again.changes.map(|changes| (changes.same, changes.checks.len())),
        Some((3, 0))
    );
}

#[test]
fn many_checks_are_folded() {
    let mut answers = vec![(wanted(Expectation::default()), http(200, "")); 240];
    answers[7].1 = Answer::Refused;
    let report = ServicesReport::new(checks(answers, &reach(true)), &Targets::default());
    insta::assert_snapshot!("folded", report.to_text());
    assert_eq!(report.to_markdown().lines().count(), 244);
    let few = ServicesReport::new(vec![report.checks[0].clone(); 501], &Targets::default());
    assert!(
        few.to_markdown()
            .ends_with("\n1 further checks are in `services.json`.\n")
    );
}

#[test]
fn verdicts() {
    let of = |checks: Vec<ServiceCheck>| ServicesReport::new(checks, &Targets::default()).verdict;
    let all = report().checks;
    let pick = |result: CheckResult| -> Vec<ServiceCheck> {
        all.iter()
            .filter(|check| check.result == result)
            .cloned()
            .collect()
    };
    assert_eq!(of(pick(CheckResult::AsExpected)), Verdict::Pass);
    assert_eq!(of(pick(CheckResult::NotTestable)), Verdict::Undetermined);
    assert_eq!(of(pick(CheckResult::Open)), Verdict::Violation);
    assert_eq!(of(all.clone()), Verdict::Violation);
    assert_eq!(of(vec![]), Verdict::Undetermined, "nothing to check is no pass");
    assert_eq!(
        of(pick(CheckResult::Skipped)),
        Verdict::Undetermined,
        "nor is all that is skipped"
    );
    let mut some = pick(CheckResult::AsExpected);
    some.extend(pick(CheckResult::Skipped));
    assert_eq!(of(some), Verdict::Pass);
}

#[test]
fn a_redirect_to_a_name_that_nobody_asked_for_tells_nothing() {
    let leads_to = |place: &str| {
        let redirect = HttpAnswer {
            status: 301,
            leads_to: Some(place.into()),
            ..HttpAnswer::default()
        };
        Answer::Http(Box::new(redirect))
    };
    let named = Expectation::default().named("shop.example.org").unwrap();
    let none = Expectation::default().following(0).unwrap();
    let cases = vec![
        (
            wanted(Expectation::default()),
            leads_to("https://shop.example.org"),
        ),
        (wanted(named), leads_to("https://blog.example.org")),
        (wanted(none), leads_to("https://shop.example.org")),
        (wanted(Expectation::default()), leads_to("http://169.254.169.254")),
        (wanted(Expectation::default()), leads_to("a place that is no URL")),
        (
            wanted(Expectation::new("/", 301).unwrap()),
            leads_to("https://shop.example.org"),
        ),
    ];
    insta::assert_snapshot!("redirects-to-names", in_words(cases, &reach(true)));
}

#[test]
fn silence_of_a_closed_port_needs_somebody_beyond_the_web() {
    let reached = |port: u16, answer: Answer| {
        let address = Some("52.95.110.9".parse().unwrap());
        (
            port,
            Reply {
                answer,
                address,
                ..Reply::default()
            },
        )
    };
    let mut shown = String::new();
    for (port, answer) in [
        (443, http(200, "")),
        (22, Answer::Refused),
        (8000, Answer::Connected),
        (8000, Answer::TimedOut(Phase::Connect)),
    ] {
        let (port, reply) = reached(port, answer);
        let mut target = target(1, Wish::Silence(None));
        target.port = 22;
        let (_, silent) = reached(22, Answer::TimedOut(Phase::Connect));
        let reach = Reach::of([(port, &reply), (22, &silent)], vec![]);
        let check = judge(&target, &silent, 1, &reach);
        shown += &format!("{port}: {}: {}\n", check.result.words(), check.outcome);
    }
    insta::assert_snapshot!("silence-beyond-the-web", shown);
}

#[test]
fn a_closed_port_of_a_name() {
    let silence = || Wish::Silence(None);
    let cases = vec![
        (silence(), Answer::TimedOut(Phase::Dns)),
        (silence(), Answer::Name(BadName::NotFound)),
        (
            silence(),
            Answer::Name(BadName::Elsewhere("10.0.0.1".parse().unwrap())),
        ),
    ];
    insta::assert_snapshot!("closed-by-name", in_words(cases.clone(), &reach(true)));
    let one = checks(cases.into_iter().take(1).collect(), &reach(true));
    let report = ServicesReport::new(one, &Targets::default());
    assert_eq!(report.headline(), "undetermined: the closed port is undetermined");
}

#[test]
fn documents_without_ids_are_compared_by_what_was_asked() {
    let row = |url: &str| {
        format!(
            r#"{{"member": "front", "group": "web", "url": "{url}", "verdict": "pass", "status": 200, "milliseconds": 3,
            "attempts": 1, "outcome": "200 OK"}}"#
        )
    };
    let (one, other) = (row("http://x/"), row("http://y/"));
    let text = format!(r#"{{"format_version": "1.0", "verdict": "pass", "checks": [{one}, {other}]}}"#);
    let earlier: ServicesReport = serde_json::from_str(&text).unwrap();
    let changes = earlier.clone().compared_with(&earlier).changes.unwrap();
    assert_eq!((changes.same, changes.checks.len()), (2, 0));
}
