//! What a reader sees on the pages of the recordings, and that text from outside stays text.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

mod support;

use portcullis_report::{Finding, GroupRef, Report, Severity, Verdict};
use proptest::prelude::*;
use support::{Compared, HOSTILE, Planned, hostile, hostile_services, large, services, services_page};

/// The page as text: one line per block, marks of structure kept, markup gone.
fn outline(html: &str) -> String {
    let body = html.split_once("<header>").unwrap().1;
    let body = body.split_once("<script>").unwrap().0;
    let mut out = String::new();
    for piece in body.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        let name: String = tag.chars().take_while(|c| !c.is_whitespace()).collect();
        match name.as_str() {
            "h1" | "h2" | "h3" | "h4" => {
                out.push_str("\n\n");
                out.push_str(&"#".repeat(name[1..].parse().unwrap()));
                out.push(' ');
            }
            "tr" | "li" | "dt" | "p" | "summary" | "figure" | "title" | "desc" | "caption" | "section"
            | "text" => {
                out.push('\n');
            }
            "td" | "th" => out.push_str(" | "),
            "dd" => out.push_str(": "),
            "br" => out.push_str(" / "),
            // What terraform printed comes last.
            "pre" if tag.contains("aria-label") => return squeezed(&out),
            "pre" => out.push('\n'),
            _ => {}
        }
        if name == "a" {
            let href = tag.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
            out.push_str(&format!("[{href}] "));
        }
        out.push_str(text);
    }
    squeezed(&out)
}

fn squeezed(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_port_moves() {
    let html = Planned::recorded("estate/2-correct-web-port").html();
    insta::assert_snapshot!("plan-correct-web-port", outline(&html));
}

#[test]
fn ssh_opens_to_the_world() {
    let html = Planned::recorded("estate/10-opens-ssh-to-the-world").html();
    insta::assert_snapshot!("plan-opens-ssh-to-the-world", outline(&html));
}

#[test]
fn nothing_to_do() {
    let html = Planned::recorded("estate/3-nothing-to-do").html();
    insta::assert_snapshot!("plan-nothing-to-do", outline(&html));
}

#[test]
fn half_of_a_port_range_says_within_what_it_will_be() {
    let ports = |from: &str, to: &str, unknown: &str| {
        let html = Planned::read(&format!(
            r#"{{"format_version": "1.2", "resource_changes": [
            {{"address": "aws_security_group_rule.a", "type": "aws_security_group_rule", "change": {{
              "actions": ["create"], "before": null, "after_unknown": {{{unknown}}}, "after": {{
              "type": "ingress", "protocol": "tcp", "from_port": {from}, "to_port": {to}, "self": false,
              "security_group_id": "sg-1", "cidr_blocks": ["10.0.0.0/8"]}}}}}}]}}"#
        ))
        .html();
        let outline = outline(&html);
        let row = outline.lines().find(|line| line.contains("| 10.0.0.0/8"));
        row.unwrap_or(&outline).to_owned()
    };
    let shown = [
        ports("null", "21", r#""from_port": true"#),
        ports("23", "null", r#""to_port": true"#),
        ports("null", "65535", r#""from_port": true"#),
        ports("null", "null", r#""from_port": true, "to_port": true"#),
    ];
    insta::assert_snapshot!(shown.join("\n"), @r"
    | not known yet | sg-1 | ingress | tcp | not known yet, within 0–21 | 10.0.0.0/8 | not known | yes | aws_security_group_rule.a
    | not known yet | sg-1 | ingress | tcp | not known yet, within 23–65535 | 10.0.0.0/8 | not known | yes | aws_security_group_rule.a
    | not known yet | sg-1 | ingress | tcp | not known yet | 10.0.0.0/8 | not known | yes | aws_security_group_rule.a
    | not known yet | sg-1 | ingress | tcp | not known yet | 10.0.0.0/8 | not known | yes | aws_security_group_rule.a
    ");
}

#[test]
fn the_estate_was_changed_by_hand() {
    let html = Compared::recorded("estate/4-hand-made-drift", true).html();
    insta::assert_snapshot!("verify-hand-made-drift", outline(&html));
}

#[test]
fn without_live_nothing_agrees() {
    let html = Compared::recorded("estate/4-hand-made-drift", false).html();
    assert!(!outline(&html).contains("All that is open is declared"));
    insta::assert_snapshot!("verify-live-not-read", outline(&html));
}

#[test]
fn services_answer_or_do_not() {
    let earlier = services(6);
    let report = services(8).compared_with(&earlier);
    insta::assert_snapshot!("services", outline(&services_page(&report)));
}

#[test]
fn hostile_services_are_text() {
    let html = services_page(&hostile_services());
    assert_only_our_tags(&html);
    assert!(!html.contains('\u{202e}') && !html.contains('\u{1b}'));
    assert!(html.contains("&lt;/script&gt;"));
}

#[test]
fn many_services_fold() {
    let html = services_page(&services(10_000));
    let (shown, folded) = html.split_once("<details id=\"rest\">").unwrap();
    assert_eq!(shown.matches("<tr data-v=").count(), 200);
    assert!(folded.contains("further checks"));
    assert!(html.len() < 16_000_000, "{} bytes", html.len());
}

#[test]
fn the_policy_of_the_page_lets_only_its_own_text_through() {
    let html = Planned::recorded("estate/2-correct-web-port").html();
    assert!(html.contains("content=\"default-src 'none'; style-src 'sha256-"));
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("<style").count(), 1);
    assert!(!html.contains(" style=") && !html.contains(" onclick"));
    // Nothing is fetched: the only addresses are links and the namespace in the icon.
    let others = html
        .match_indices("://")
        .filter(|(at, _)| !html[..*at].ends_with("href=\"https") && !html[..*at].ends_with("xmlns='http"));
    assert_eq!(others.count(), 0);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let again = || Planned::recorded("rule-styles/2-replace-move-remove").html();
    assert_eq!(again(), again());
}

#[test]
fn hostile_text_is_text() {
    let html = hostile().html();
    assert_only_our_tags(&html);
    assert!(!html.contains('\u{202e}') && !html.contains('\u{1b}'));
    assert!(html.contains("&lt;/script&gt;"));
    assert_eq!(html.matches("<li class=\"finding ").count(), 300);
    assert!(
        html.contains(&"x".repeat(255)),
        "a long description is shown whole"
    );
}

#[test]
fn a_large_page_folds_what_stays() {
    let html = large(5_000).html();
    assert_eq!(html.matches("<tr data-v=").count(), 5_000);
    let (shown, folded) = html.split_once("<details id=\"rest\">").unwrap();
    assert_eq!(shown.matches("<tr data-v=").count(), 100);
    assert!(folded.contains("4,900 further rules"));
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
}

/// Every tag of a page is one that we write, and the text between holds no angle bracket.
fn assert_only_our_tags(html: &str) {
    const OURS: &str = "html head meta link title style body a svg defs symbol circle path rect use g text desc header main footer \
        script section h1 h2 h3 h4 p span dl div dt dd ul li figure figcaption table caption thead tbody tr th td br details summary nav \
        button label input fieldset legend pre em ins del b code !doctype";
    let ours: Vec<&str> = OURS.split_whitespace().collect();
    let (head, rest) = html.split_once("<style>").unwrap();
    let body = rest.split_once("</style>").unwrap().1;
    let (body, foot) = body.rsplit_once("<script>").unwrap();
    let foot = foot.rsplit_once("</script>").unwrap().1;
    for piece in [head, body, foot] {
        for tag in piece.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').unwrap_or_else(|| panic_on(tag));
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
            assert!(ours.contains(&name), "<{tag}>");
            assert!(!text.contains('>'), "{text}");
            assert!(
                !tag.contains(" on")
                    || !tag.contains("hurt")
                    || tag.contains("&#39;")
                    || tag.contains("aria-label"),
                "<{tag}>"
            );
        }
    }
}

fn panic_on(tag: &str) -> (&str, &str) {
    assert!(tag.is_empty(), "an open tag: <{tag}");
    ("", "")
}

proptest! {
    #[test]
    fn no_text_becomes_a_tag(
        text in "(\\PC|[<>\"'&/=\u{0}-\u{1f}\u{202a}-\u{202e}]|</?script>|<img onerror=x>|-->|]]>){0,40}",
    ) {
        let mut planned = Planned::read(r#"{"format_version": "1.2", "resource_changes": []}"#);
        planned.exposure.headline.clone_from(&text);
        planned.exposure.notes.push(text.clone());
        let finding = Finding::new(text.clone(), Severity::Low, Verdict::Violation)
            .title(text.clone())
            .group(GroupRef::address(text.clone()))
            .exposure(text.clone())
            .witness(text.clone())
            .remedy(text.clone());
        planned.reports.push(Report::new(text.clone(), vec![finding]).note(text.clone()));
        planned.text = Some(text.clone());
        let html = planned.html();
        assert_only_our_tags(&html);
        // And it is the same page as for a text without any sign in it.
        let tags = html.matches('<').count() - html.matches("<ins>").count() * 2
            - html.matches("<del>").count() * 2 - html.matches("<b>").count() * 2;
        let mut plain = planned;
        for place in [&mut plain.exposure.headline, &mut plain.exposure.notes[0]] {
            *place = "x".to_owned();
        }
        plain.reports = vec![Report::new("x", vec![
            Finding::new("x", Severity::Low, Verdict::Violation)
                .title(if text.is_empty() { "" } else { "x" }).group(GroupRef::address("x")).exposure("x").witness("x").remedy("x"),
        ]).note("x")];
        plain.text = Some("x".to_owned());
        prop_assert_eq!(tags, plain.html().matches('<').count());
    }

    #[test]
    fn links_lead_to_the_web_or_nowhere(address in "(javascript|data|https?|vbscript|file|)(:|://|:///|)(\\PC|[\u{0}-\u{20}\"<>]){0,20}") {
        let planned = Planned::read(r#"{"format_version": "1.2", "resource_changes": []}"#);
        let page = portcullis_page::PlanPage {
            context: &portcullis_page::Context {
                commit: Some("c".to_owned()),
                commit_url: Some(address.clone()),
                pipeline_url: Some(address.clone()),
                ..portcullis_page::Context::default()
            },
            exposure: &planned.exposure,
            before: &planned.before,
            after: &planned.after,
            reports: &[],
            plan_text: None,
        };
        let html = page.to_html();
        assert_only_our_tags(&html);
        for href in html.split("<a ").skip(1).filter_map(|link| link.split("href=\"").nth(1)) {
            prop_assert!(href.starts_with("http") || href.starts_with("#main"), "{}", href);
        }
    }
}

#[test]
fn the_hostile_text_is_hostile() {
    assert!(HOSTILE.contains("</script>") && HOSTILE.contains("onerror") && HOSTILE.contains('\u{202e}'));
}
