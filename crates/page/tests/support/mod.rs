//! Pages of the recordings, of hostile input and of very large estates.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "shared by tests, benchmarks and an example, each of which uses a part"
)]

use portcullis_compliance::{Policy, Subject, judge};
use portcullis_consistency::{ConsistencyReport, Views};
use portcullis_exposure::ExposureReport;
use portcullis_gitlab::ci::Variables;
use portcullis_page::{Context, PlanPage, ServicesPage, VerifyPage};
use portcullis_probe::{
    Answer, BadCertificate, Certificate, CheckResult, Expectation, HttpAnswer, MemberKind, Phase, Phases,
    Place, Reach, Reply, ServicesReport, Target, Targets, Unasked, Wants, Wish, judge as judge_answer,
};
use portcullis_report::{Finding, GroupRef, Location, Report, Severity, Standing, Verdict, Waived};
use portcullis_secgroup::Inventory;
use portcullis_terraform::{Configuration, Plan, State, View};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) fn context() -> Context {
    let job = Variables::from_lookup(|name| {
        let value = match name {
            "CI_PROJECT_PATH" => "infra/estate",
            "CI_PROJECT_URL" => "https://gitlab.example.org/infra/estate",
            "CI_PIPELINE_URL" => "https://gitlab.example.org/infra/estate/-/pipelines/4711",
            "CI_COMMIT_SHORT_SHA" => "3f2a1b0c",
            "CI_COMMIT_SHA" => "3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a",
            _ => return None,
        };
        Some(value.to_owned())
    });
    Context {
        digest: Some(("plan".to_owned(), "0d3f6a1b2c4d".to_owned())),
        ..Context::of_job(&job)
    }
}

pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

pub(crate) fn text(path: &str) -> String {
    std::fs::read_to_string(root(path)).unwrap()
}

/// Everything a plan's page is made of.
pub(crate) struct Planned {
    pub(crate) before: View,
    pub(crate) after: View,
    pub(crate) exposure: ExposureReport,
    pub(crate) reports: Vec<Report>,
    pub(crate) text: Option<String>,
}

impl Planned {
    pub(crate) fn read(json: &str) -> Self {
        let plan = Plan::read(json).unwrap();
        let (before, after) = (plan.before().unwrap(), plan.after().unwrap());
        let exposure = portcullis_exposure::compare(&before, &after, plan.rules_rewritten(), plan.partial());
        Self {
            before,
            after,
            exposure,
            reports: Vec::new(),
            text: None,
        }
    }

    /// A recorded step, held against the estate's policy.
    pub(crate) fn recorded(step: &str) -> Self {
        let mut planned = Self::read(&text(&format!("fixtures/{step}/plan.json")));
        let policy = Policy::read(&text("terraform/policy.yaml")).unwrap();
        let subject = Subject::planned(&planned.after, &planned.before, &[]);
        let mut report = judge(&policy, &subject, "2026-11-24".parse().unwrap());
        for finding in &mut report.findings {
            finding.location = Some(Location {
                path: "security groups.tf".to_owned(),
                line: 12,
            });
        }
        planned.reports.push(report);
        planned.text = std::fs::read_to_string(root(&format!("fixtures/{step}/plan.txt"))).ok();
        planned
    }

    pub(crate) fn html(&self) -> String {
        let reports: Vec<&Report> = self.reports.iter().collect();
        PlanPage {
            context: &context(),
            exposure: &self.exposure,
            before: &self.before,
            after: &self.after,
            reports: &reports,
            plan_text: self.text.as_deref(),
        }
        .to_html()
    }
}

/// A recorded comparison of the estate.
pub(crate) struct Compared {
    pub(crate) declared: View,
    pub(crate) live: Inventory,
    pub(crate) consistency: ConsistencyReport,
}

impl Compared {
    pub(crate) fn recorded(step: &str, with_live: bool) -> Self {
        let code = files("fixtures/estate/config");
        let plan = Plan::read(&text(&format!("fixtures/{step}/plan.json"))).unwrap();
        let declared = plan
            .with_code(Configuration::read(code).unwrap())
            .after()
            .unwrap();
        let state = State::read(&text(&format!("fixtures/{step}/state.json"))).unwrap();
        let live = portcullis_live::read_any(&files(&format!("fixtures/{step}/aws"))).unwrap();
        let consistency = portcullis_consistency::compare(
            &Views::declared(&declared)
                .recorded(Some(&state.view().unwrap()))
                .live(with_live.then_some(&live)),
        );
        Self {
            declared,
            live,
            consistency,
        }
    }

    pub(crate) fn html(&self) -> String {
        VerifyPage {
            context: &context(),
            consistency: &self.consistency,
            declared: Some(&self.declared),
            live: Some(&self.live),
            reports: &[],
        }
        .to_html()
    }
}

fn files(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = std::fs::read_dir(root(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "tf" || end == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Text that tries to be markup, to end the script, to reorder what stands beside it.
pub(crate) const HOSTILE: &str = "</script></title></svg><script>window.hurt=1</script><img src=x onerror=window.hurt=1>\"'onmouseover='window.hurt=1' &lt;b&gt; \u{202e}desrever\u{202c} \u{1b}[31m";

/// Hostile text everywhere, 300 findings, descriptions as long as EC2 takes them.
pub(crate) fn hostile() -> Planned {
    let long = "x".repeat(255);
    let rule = |port: usize, description: &str| {
        format!(
            r#"{{"protocol": "tcp", "from_port": {port}, "to_port": {port}, "cidr_blocks": ["0.0.0.0/0"], "description": {}}}"#,
            quoted(description)
        )
    };
    let json = format!(
        r#"{{"format_version": "1.2", "resource_changes": [
          {{"address": {0}, "mode": "managed", "type": "aws_security_group", "name": "web", "index": "x",
            "change": {{"actions": ["create"], "before": null, "after_unknown": {{}}, "after": {{"id": "sg-1", "name": {0}, "egress": [],
              "ingress": [{1}, {2}]}}}}}},
          {{"address": "aws_instance.front", "mode": "managed", "type": "aws_instance", "name": "front",
            "change": {{"actions": ["create"], "before": null, "after_unknown": {{}}, "after": {{"id": "i-1",
              "vpc_security_group_ids": ["sg-1"], "tags": {{"Name": {0}}}}}}}}}]}}"#,
        quoted(HOSTILE),
        rule(22, HOSTILE),
        rule(80, &long),
    );
    let mut planned = Planned::read(&json);
    let findings = (0..300).map(|n| {
        let mut finding = Finding::new(format!("rule-{n}"), Severity::High, Verdict::Violation)
            .title(HOSTILE)
            .group(GroupRef::address(HOSTILE))
            .exposure(format!("tcp {n} {HOSTILE}"))
            .witness(HOSTILE)
            .resources([HOSTILE, &long])
            .remedy(HOSTILE)
            .standing(Standing::New)
            .note(HOSTILE);
        finding.location = Some(Location {
            path: format!("../{HOSTILE}"),
            line: n,
        });
        if n % 10 == 0 {
            finding.waived = Some(Waived {
                reason: HOSTILE.to_owned(),
                owner: HOSTILE.to_owned(),
                expires: "2027-01-01".to_owned(),
            });
        }
        finding
    });
    planned
        .reports
        .push(Report::new(HOSTILE, findings.collect()).note(HOSTILE));
    planned.text = Some(format!("+ {HOSTILE}\n- {HOSTILE}\n~ {HOSTILE}\n"));
    planned
}

/// Groups of fifty rules each, for one port and one source; the last two groups are new.
pub(crate) fn large(rules: usize) -> Planned {
    const OF_A_GROUP: usize = 50;
    let mut changes = Vec::new();
    let groups = rules / OF_A_GROUP;
    for group in 0..groups {
        let mut ingress = String::new();
        for n in group * OF_A_GROUP..(group + 1) * OF_A_GROUP {
            let comma = if ingress.is_empty() { "" } else { "," };
            let (port, a, b) = (8000 + n % OF_A_GROUP, n / 256 % 256, n % 256);
            let _ = write!(
                ingress,
                r#"{comma}{{"protocol": "tcp", "from_port": {port}, "to_port": {port}, "cidr_blocks": ["10.{a}.{b}.0/24"], "description": "service {n} for the partners"}}"#
            );
        }
        let object = format!(
            r#"{{"id": "sg-{group:017x}", "name": "partner-{group}", "egress": [], "ingress": [{ingress}]}}"#
        );
        let (actions, before) = if group + 2 < groups {
            (r#"["no-op"]"#, object.as_str())
        } else {
            (r#"["create"]"#, "null")
        };
        changes.push(format!(
            r#"{{"address": "aws_security_group.partner[{group}]", "mode": "managed", "type": "aws_security_group", "name": "partner", "index": {group},
              "change": {{"actions": {actions}, "before": {before}, "after_unknown": {{}}, "after": {object}}}}}"#
        ));
    }
    Planned::read(&format!(
        r#"{{"format_version": "1.2", "resource_changes": [{}]}}"#,
        changes.join(",")
    ))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What so many members answered, a few of them badly.
pub(crate) fn services(members: usize) -> ServicesReport {
    let http = |status| {
        Answer::Http(Box::new(HttpAnswer {
            status,
            ..HttpAnswer::default()
        }))
    };
    let named = Arc::new(Expectation::default().named("shop.example.org").unwrap());
    let checks = (0..members).map(|n| {
        let answer = match n % 100 {
            1 => http(502),
            2 => Answer::Refused,
            3 => Answer::TimedOut(Phase::Connect),
            4 => Answer::Certificate(BadCertificate::Expired),
            5 | 6 => Answer::Connected,
            _ => http(200),
        };
        let wish = match n % 100 {
            5 | 7 => Wish::Silence(None),
            6 => Wish::Silence(Some(
                "1.1.1.0/28 may still come in, and this machine may be among them".into(),
            )),
            _ => Wish::Answer(Arc::clone(&named)),
        };
        let port = if n % 100 == 5 { 8080 } else { 443 };
        let answer = if n % 100 == 7 { Answer::Refused } else { answer };
        let [high, low] = u16::try_from(n).unwrap().to_be_bytes();
        let address: IpAddr = [198, 18, high, low].into();
        let target = Target {
            member: format!("front-{n}"),
            kind: if n % 3 == 0 {
                MemberKind::LoadBalancer
            } else {
                MemberKind::Instance
            },
            group: "web".into(),
            place: Place::Address(address),
            port,
            wish,
        };
        let took = |us: u64| Some(us * (1 + u64::try_from(n % 7).unwrap()));
        let answered = matches!(answer, Answer::Http(_));
        let reply = Reply {
            address: Some(address),
            milliseconds: answered.then_some(12),
            phases: if answered {
                Phases {
                    dns_us: None,
                    connect_us: took(1_200),
                    tls_us: took(4_300),
                    first_byte_us: took(7_900),
                }
            } else {
                Phases::default()
            },
            certificate: answered.then(|| Certificate {
                not_after: "2027-01-31T00:00:00Z".into(),
                days_left: 63,
            }),
            answer,
            redirects: 0,
        };
        judge_answer(&target, &reply, if answered { 1 } else { 3 }, &Reach::default())
    });
    let unasked = |result, what: &str, why: &str| Unasked {
        member: "dns-1".into(),
        kind: MemberKind::Instance,
        group: "resolver".into(),
        what: what.into(),
        wants: Wants::Answer,
        result,
        why: why.into(),
    };
    let targets = Targets {
        unasked: vec![
            unasked(
                CheckResult::NotTestable,
                "udp 53",
                "UDP gives no sign of being open",
            ),
            unasked(CheckResult::Skipped, "tcp 853", "the resolver team checks it"),
        ],
        ..Targets::default()
    };
    ServicesReport::new(checks.collect(), &targets)
}

/// The same in hostile words.
pub(crate) fn hostile_services() -> ServicesReport {
    let mut report = services(12);
    for check in &mut report.checks {
        for text in [
            &mut check.id,
            &mut check.member,
            &mut check.group,
            &mut check.url,
            &mut check.outcome,
        ] {
            *text = format!("{HOSTILE} {text}");
        }
    }
    report.notes = vec![HOSTILE.repeat(3)];
    let earlier = services(3);
    report.compared_with(&earlier)
}

pub(crate) fn services_page(report: &ServicesReport) -> String {
    ServicesPage {
        context: &context(),
        services: report,
    }
    .to_html()
}
