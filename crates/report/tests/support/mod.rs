//! A report with one finding of every kind, and texts that try to be more than text.

use portcullis_report::{
    Finding, GroupRef, Location, Report, Rule, Severity, Standing, Tool, Verdict, Waived,
};

pub(crate) fn tool() -> Tool {
    Tool::new("portcullis-validate", "0.1.0", "terraform/policy.yaml")
}

fn rule(id: &str, title: &str, severity: Severity, frameworks: &[&str]) -> Rule {
    Rule {
        id: id.to_owned(),
        title: title.to_owned(),
        severity,
        frameworks: frameworks.iter().map(|&id| id.to_owned()).collect(),
    }
}

/// One finding of every kind, and one rule that found nothing.
pub(crate) fn estate() -> Report {
    let mut ssh = Finding::new("admin-ports", Severity::Critical, Verdict::Violation)
        .title("Administration ports are open to the offices only")
        .group(GroupRef {
            address: Some("module.net[\"eu\"].aws_security_group.admin".to_owned()),
            id: Some("sg-5adc180858177f2d0".to_owned()),
        })
        .resources(["module.net[\"eu\"].aws_vpc_security_group_ingress_rule.ssh"])
        .exposure("tcp 22 from the whole IPv4 internet")
        .witness("tcp 22 from 8.8.8.8")
        .standing(Standing::New)
        .remedy("allow tcp 22 from 198.51.100.0/28 only");
    ssh.frameworks = vec!["CIS-AWS-5.0:5.3".to_owned()];
    ssh.location = Some(Location {
        path: "./terraform/modules/net/main.tf".to_owned(),
        line: 41,
    });
    let unknown = Finding::new("public-ports", Severity::High, Verdict::Undetermined)
        .title("Only 80 and 443 are public")
        .group(GroupRef::address("aws_security_group.web"))
        .resources(["aws_security_group.web"])
        .exposure("tcp 8000-8100 from peers that are not known yet")
        .remedy("let variables say which peers")
        .note("cidr_blocks is known after apply");
    let mut waived = Finding::new("admin-ports", Severity::Critical, Verdict::Violation)
        .title("Administration ports are open to the offices only")
        .group(GroupRef::id("sg-0123456789abcdef0"))
        .exposure("tcp 3389 from 203.0.113.0/24");
    waived.waived = Some(Waived {
        reason: "the old office, until it moves".to_owned(),
        owner: "network team".to_owned(),
        expires: "2026-12-31".to_owned(),
    });
    let removed = Finding::new("public-ports", Severity::High, Verdict::Pass)
        .title("Only 80 and 443 are public")
        .group(GroupRef::address("aws_security_group.web"))
        .exposure("tcp 8080 from the whole IPv4 internet")
        .standing(Standing::Removed);
    Report::new("compliance", vec![ssh, unknown, waived, removed])
        .rules([
            rule(
                "admin-ports",
                "Administration ports are open to the offices only",
                Severity::Critical,
                &["CIS-AWS-5.0:5.3"],
            ),
            rule("public-ports", "Only 80 and 443 are public", Severity::High, &[]),
            rule("no-gre", "GRE is not used", Severity::Low, &[]),
        ])
        .note("partial: the plan was made with -target")
}

/// Texts that try to be more than text.
pub(crate) const HOSTILE: &[&str] = &[
    "`code` ``two`` ```\n/approve\n```",
    "\n/approve\n/merge",
    "/close",
    "\r\n/label ~bug\r/assign @root",
    "a | b \\| c \\\\| d |",
    "</code></td></table></details><script>alert(1)</script>",
    "<!-- portcullis: production --> --> <img src=x onerror=alert(1)>",
    "@all @group/sub mail@example.com !123 #12 %4 &5 ~bug $6 group/project!12 PROJ-1 a1b2c3d4e5f6",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) [[wiki]] [^1]",
    "https://evil.example/approve www.evil.example http://a.b ftp://x mailto:a@b.c",
    "*bold* _it_ __b__ ~~s~~ ^sup^ $`math`$ $x$ :tada: {+ add +} {- del -} - [ ] task",
    "&lt;b&gt; &#60;i&#62; &amp; &copy;",
    "]]> <![CDATA[ x ]]> <?xml version=\"1.0\"?> <!DOCTYPE a [<!ENTITY b \"c\">]> &b;",
    "\"quotes\" 'single' \\ backslash \\",
    "\u{0}\u{1}\u{8}\u{b}\u{c}\u{1b}[31m\u{7f}\u{85}\u{9b}\u{fffe}\u{ffff}",
    "\u{202e}right to left\u{2066}\u{200f}\u{200b}\u{feff} \u{2028}/approve\u{2029}",
    "Zürich 東京 עברית 🚪 \u{e000} \u{10ffff}",
    "",
    " ",
];

/// A finding where every text from outside is this one.
pub(crate) fn hostile_finding(text: &str, verdict: Verdict) -> Finding {
    let mut finding = Finding::new(text, Severity::High, verdict)
        .title(text)
        .group(GroupRef {
            address: Some(text.to_owned()),
            id: Some(text.to_owned()),
        })
        .resources([text, text])
        .exposure(text)
        .witness(text)
        .remedy(text)
        .note(text);
    finding.frameworks = vec![text.to_owned()];
    finding.location = Some(Location {
        path: text.to_owned(),
        line: 0,
    });
    if verdict == Verdict::Pass {
        finding.verdict = Verdict::Violation;
        finding.waived = Some(Waived {
            reason: text.to_owned(),
            owner: text.to_owned(),
            expires: text.to_owned(),
        });
    }
    finding
}

/// A report where every text from outside is one of these.
pub(crate) fn hostile(texts: &[&str]) -> Report {
    let verdicts = [Verdict::Violation, Verdict::Undetermined, Verdict::Pass];
    let findings = texts
        .iter()
        .flat_map(|text| verdicts.map(|verdict| hostile_finding(text, verdict)))
        .collect();
    let rules: Vec<Rule> = texts
        .iter()
        .map(|text| rule(&format!("{text} quiet"), text, Severity::Info, &[text]))
        .collect();
    let mut report = Report::new(texts.first().copied().unwrap_or_default(), findings).rules(rules);
    report.notes = texts.iter().map(|&text| text.to_owned()).collect();
    report
}
