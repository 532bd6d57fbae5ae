//! Plans on which a rule-by-rule reading goes wrong: stale echoes, objects that are only forgotten, values that are not
//! known, encodings nobody expects. One question throughout: is SSH open to the internet afterwards?

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

mod support;

use portcullis_report::{Standing, Verdict};
use support::{RULE, SSH, change, echo, group_with, judged, one_rule, plan_of, ssh, tcp};

/// A standalone rule on `sg-1`.
fn rule(port: u16, cidr: &str) -> String {
    format!(
        r#"{{"id": "sgr-1", "security_group_id": "sg-1", "ip_protocol": "tcp", "from_port": {port}, "to_port": {port},
        "cidr_ipv4": "{cidr}"}}"#
    )
}

#[test]
fn the_echo_of_a_rule_that_goes_is_no_alarm() {
    for (actions, after) in [
        (r#""delete""#, "null".to_owned()),
        (r#""update""#, rule(443, "0.0.0.0/0")),
    ] {
        let report = ssh(&[
            echo(&[tcp(22, "0.0.0.0/0")]),
            change(RULE, actions, &rule(22, "0.0.0.0/0"), &after, "{}"),
        ]);
        assert_eq!(report.verdict, Verdict::Pass, "{actions}: {}", report.to_text());
        assert_eq!(report.findings[0].standing, Standing::Removed, "{actions}");
    }
}

#[test]
fn one_echoed_block_can_hold_both_what_goes_and_what_was_made_by_hand() {
    let both =
        r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}"#
            .to_owned();
    let report = ssh(&[
        echo(&[both]),
        change(RULE, r#""delete""#, &rule(22, "10.0.0.0/8"), "null", "{}"),
    ]);
    assert_eq!(report.verdict, Verdict::Violation);
    assert!(
        report.findings[0]
            .notes
            .iter()
            .any(|note| note.contains("made by hand")),
        "{}",
        report.to_text()
    );
}

#[test]
fn a_rule_written_inline_and_as_a_resource_is_one_hole() {
    let inline = change(
        "aws_security_group.web",
        r#""create""#,
        "null",
        &format!(
            r#"{{"name": "web", "egress": [], "ingress": [{}]}}"#,
            tcp(22, "0.0.0.0/0")
        ),
        r#"{"id": true}"#,
    );
    // The resource's group is found by its configuration.
    let resource = change(
        RULE,
        r#""create""#,
        "null",
        r#"{"ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "0.0.0.0/0"}"#,
        r#"{"security_group_id": true}"#,
    );
    let plan = format!(
        r#"{{"format_version": "1.2", "resource_changes": [{inline}, {resource}], "configuration": {{"root_module":
        {{"resources": [{{"address": "{RULE}", "expressions": {{"security_group_id": {{"references":
        ["aws_security_group.web.id", "aws_security_group.web"]}}}}}}]}}}}}}"#
    );
    let report = judged(&one_rule(SSH), &plan);
    assert_eq!(report.findings.len(), 1, "{}", report.to_text());
    assert_eq!(report.findings[0].resources, ["aws_security_group.web", RULE]);
}

#[test]
fn what_terraform_only_forgets_stays_open() {
    for (actions, after) in [
        (r#""forget""#, "null".to_owned()),
        (r#""create", "forget""#, rule(443, "10.0.0.0/8")),
    ] {
        let report = ssh(&[
            echo(&[tcp(22, "0.0.0.0/0")]),
            change(RULE, actions, &rule(22, "0.0.0.0/0"), &after, "{}"),
        ]);
        assert_eq!(report.verdict, Verdict::Violation, "{actions}");
        assert_eq!(report.findings[0].standing, Standing::Existing, "{actions}");
    }
}

#[test]
fn a_replacement_is_its_new_object_in_both_orders() {
    for actions in [r#""delete", "create""#, r#""create", "delete""#] {
        let change_to = |cidr: &str| {
            ssh(&[
                echo(&[tcp(22, "0.0.0.0/0")]),
                change(RULE, actions, &rule(22, "0.0.0.0/0"), &rule(22, cidr), "{}"),
            ])
        };
        assert_eq!(change_to("10.0.0.0/8").verdict, Verdict::Pass, "{actions}");
        assert_eq!(change_to("9.0.0.0/8").verdict, Verdict::Violation, "{actions}");
    }
}

#[test]
fn a_deposed_object_that_goes_is_gone() {
    let deposed = change(RULE, r#""delete""#, &rule(22, "0.0.0.0/0"), "null", "{}").replacen(
        "\"mode\"",
        "\"deposed\": \"4f9a\", \"mode\"",
        1,
    );
    let current = change(
        RULE,
        r#""no-op""#,
        &rule(443, "0.0.0.0/0"),
        &rule(443, "0.0.0.0/0"),
        "{}",
    );
    assert_eq!(ssh(&[echo(&[]), deposed, current]).verdict, Verdict::Pass);
}

#[test]
fn an_action_nobody_knows_is_never_harmless() {
    let report = ssh(&[change(
        RULE,
        r#""transmogrify""#,
        "null",
        &rule(443, "10.0.0.0/8"),
        "{}",
    )]);
    assert_eq!(report.verdict, Verdict::Undetermined);
    assert!(
        report.findings[0].exposure.contains("transmogrify"),
        "{}",
        report.to_text()
    );
}

#[test]
fn deleting_the_default_group_leaves_its_rules_and_adopting_it_takes_them_away() {
    let address = "aws_default_security_group.default";
    let values = format!(
        r#"{{"id": "sg-1", "name": "default", "egress": [], "ingress": [{}]}}"#,
        tcp(22, "0.0.0.0/0")
    );
    assert_eq!(
        ssh(&[change(address, r#""delete""#, &values, "null", "{}")]).verdict,
        Verdict::Violation
    );
    let unknown = r#"{"id": true, "ingress": true, "egress": true, "name": true}"#;
    // The plan tells that no rule is written.
    let configuration = format!(
        r#"{{"configuration": {{"root_module": {{"resources": [{{"address": "{address}", "expressions": {{}}}}]}}}}, "#
    );
    let adopted = plan_of(&[change(address, r#""create""#, "null", "{}", unknown)]);
    let report = judged(&one_rule(SSH), &adopted.replacen('{', &configuration, 1));
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
}

#[test]
fn a_dynamic_block_over_something_unknown_is_undetermined() {
    let placeholder = r#"{"id": true, "ingress": [{"cidr_blocks": true, "from_port": true, "protocol": true, "to_port": true}]}"#;
    let group = change(
        "aws_security_group.web",
        r#""create""#,
        "null",
        r#"{"name": "web"}"#,
        placeholder,
    );
    let report = ssh(&[group]);
    assert_eq!(report.verdict, Verdict::Undetermined, "{}", report.to_text());
}

#[test]
fn a_whole_attribute_that_is_unknown_is_undetermined_only_where_it_is_written() {
    let group = change(
        "aws_security_group.web",
        r#""create""#,
        "null",
        r#"{"name": "web"}"#,
        r#"{"ingress": true, "egress": true}"#,
    );
    let with = |expressions: &str| {
        let plan = format!(
            r#"{{"format_version": "1.2", "resource_changes": [{group}], "configuration": {{"root_module": {{"resources":
            [{{"address": "aws_security_group.web", "expressions": {{{expressions}}}}}]}}}}}}"#
        );
        judged(&one_rule(SSH), &plan).verdict
    };
    assert_eq!(with(""), Verdict::Pass, "computed, and empty when made");
    assert_eq!(
        with(r#""ingress": {"references": ["local.rules"]}"#),
        Verdict::Undetermined
    );
}

#[test]
fn a_list_with_one_unknown_element_is_unknown_as_a_whole() {
    let address = "aws_security_group_rule.ssh";
    let after = r#"{"type": "ingress", "security_group_id": "sg-1", "protocol": "tcp", "from_port": 22, "to_port": 22}"#;
    let report = ssh(&[change(
        address,
        r#""create""#,
        "null",
        after,
        r#"{"cidr_blocks": true}"#,
    )]);
    assert_eq!(report.verdict, Verdict::Undetermined);
    assert!(
        report.findings[0].notes[0].contains("cidr_blocks of aws_security_group_rule.ssh"),
        "{}",
        report.to_text()
    );
}

#[test]
fn a_source_group_that_the_provider_always_plans_as_unknown_hides_no_address_and_invents_none() {
    let address = "aws_security_group_rule.ssh";
    let after = |cidr: &str| {
        format!(
            r#"{{"type": "ingress", "security_group_id": "sg-1", "protocol": "tcp", "from_port": 22, "to_port": 22,
            "cidr_blocks": ["{cidr}"], "self": false}}"#
        )
    };
    let judge = |cidr: &str| {
        ssh(&[change(
            address,
            r#""create""#,
            "null",
            &after(cidr),
            r#"{"source_security_group_id": true}"#,
        )])
        .verdict
    };
    assert_eq!(judge("0.0.0.0/0"), Verdict::Violation);
    assert_eq!(
        judge("10.0.0.0/8"),
        Verdict::Pass,
        "a group opens nothing toward addresses"
    );
}

#[test]
fn self_and_other_groups_beside_an_address_do_not_hide_it() {
    let block = r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"], "self": true,
        "security_groups": ["sg-9", "123456789012/sg-8"]}"#;
    assert_eq!(ssh(&[echo(&[block.to_owned()])]).verdict, Verdict::Violation);
    let inside =
        r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "self": true, "security_groups": ["sg-9"]}"#;
    assert_eq!(ssh(&[echo(&[inside.to_owned()])]).verdict, Verdict::Pass);
}

#[test]
fn a_prefix_list_is_its_entries_and_unknown_entries_are_undetermined() {
    let with = |entry: &str, unknown: &str| {
        let list = change(
            "aws_ec2_managed_prefix_list.partners",
            r#""no-op""#,
            "null",
            &format!(r#"{{"id": "pl-1", {entry}}}"#),
            unknown,
        );
        let by_list = rule(22, "x").replace(r#""cidr_ipv4": "x""#, r#""prefix_list_id": "pl-1""#);
        ssh(&[
            list,
            echo(&[]),
            change(RULE, r#""create""#, "null", &by_list, "{}"),
        ])
        .verdict
    };
    assert_eq!(
        with(r#""entry": [{"cidr": "9.0.0.0/8"}]"#, "{}"),
        Verdict::Violation
    );
    assert_eq!(with(r#""entry": [{"cidr": "10.0.0.0/8"}]"#, "{}"), Verdict::Pass);
    assert_eq!(
        with(r#""name": "partners""#, r#"{"entry": true}"#),
        Verdict::Undetermined
    );
}

#[test]
fn encodings_nobody_expects() {
    for (what, block) in [
        (
            "a number for the protocol",
            r#"{"protocol": "6", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
        (
            "upper case",
            r#"{"protocol": "TCP", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
        (
            "all, with a harmless range beside it",
            r#"{"protocol": "all", "from_port": 443, "to_port": 443, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
        (
            "a range around the port",
            r#"{"protocol": "tcp", "from_port": 0, "to_port": 65535, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
        (
            "host bits",
            r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["67.221.169.243/0"]}"#,
        ),
        (
            "IPv6, spelled out",
            r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "ipv6_cidr_blocks": ["0000:0000::/0"]}"#,
        ),
        (
            "IPv6 without zero",
            r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "ipv6_cidr_blocks": ["2000::/3"]}"#,
        ),
        (
            "an address of a cloud",
            r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["52.95.0.0/20"]}"#,
        ),
        (
            "numbers with a fraction",
            r#"{"protocol": "tcp", "from_port": 22.0, "to_port": 22.0, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
    ] {
        assert_eq!(
            ssh(&[echo(&[block.to_owned()])]).verdict,
            Verdict::Violation,
            "{what}"
        );
    }
    for (what, block) in [
        (
            "GRE has no ports",
            r#"{"protocol": "47", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
        (
            "icmp type 22 is no port",
            r#"{"protocol": "icmp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
        (
            "udp is not tcp",
            r#"{"protocol": "udp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}"#,
        ),
        (
            "link local is no internet",
            r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["169.254.0.0/16"]}"#,
        ),
        (
            "no source at all",
            r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": [], "ipv6_cidr_blocks": [],
                "prefix_list_ids": [], "security_groups": [], "self": false}"#,
        ),
    ] {
        assert_eq!(ssh(&[echo(&[block.to_owned()])]).verdict, Verdict::Pass, "{what}");
    }
}

#[test]
fn a_value_of_another_type_is_a_finding() {
    let odd =
        r#"{"protocol": "tcp", "from_port": "twenty-two", "to_port": 22, "cidr_blocks": ["0.0.0.0/0"]}"#;
    assert_ne!(ssh(&[echo(&[odd.to_owned()])]).verdict, Verdict::Pass);
    let odd = r#"{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": "0.0.0.0/0"}"#;
    assert_ne!(ssh(&[echo(&[odd.to_owned()])]).verdict, Verdict::Pass);
    let rule_without_source =
        r#"{"security_group_id": "sg-1", "ip_protocol": "tcp", "from_port": 22, "to_port": 22}"#;
    let report = ssh(&[
        echo(&[]),
        change(RULE, r#""create""#, "null", rule_without_source, "{}"),
    ]);
    assert_ne!(report.verdict, Verdict::Pass, "{}", report.to_text());
}

#[test]
fn two_regions_with_groups_of_one_name_are_two_groups() {
    let group = |address: &str, region: &str, blocks: &str| {
        let values = format!(
            r#"{{"id": "sg-{region}", "name": "web", "region": "{region}", "egress": [], "ingress": [{blocks}]}}"#
        );
        change(address, r#""no-op""#, &values, &values, "{}")
    };
    let report = ssh(&[
        group("aws_security_group.ireland", "eu-west-1", &tcp(22, "0.0.0.0/1")),
        group("aws_security_group.ohio", "us-east-2", &tcp(22, "128.0.0.0/1")),
    ]);
    assert_eq!(
        report.findings.len(),
        2,
        "each opens its half: {}",
        report.to_text()
    );
}

#[test]
fn an_old_object_that_is_forgotten_and_the_new_one_at_its_address_keep_their_rules_apart() {
    let old = format!(
        r#"{{"id": "sg-1", "name": "web-old", "egress": [], "ingress": [{}]}}"#,
        tcp(22, "0.0.0.0/0")
    );
    let new = format!(
        r#"{{"name": "web-new", "egress": [], "ingress": [{}]}}"#,
        tcp(22, "10.0.0.0/8")
    );
    let actions = r#""create", "forget""#;
    let changes = [change(
        "aws_security_group.web",
        actions,
        &old,
        &new,
        r#"{"id": true}"#,
    )];
    let report = ssh(&changes);
    assert_eq!(report.findings.len(), 1, "{}", report.to_text());
    assert_eq!(report.findings[0].group.id.as_deref(), Some("sg-1"));
    assert_eq!(report.findings[0].standing, Standing::Existing);
    let of_new = SSH.replace("deny:", "groups: { name: web-new }, deny:");
    assert_eq!(
        judged(&one_rule(&of_new), &plan_of(&changes)).verdict,
        Verdict::Pass,
        "the new one opens SSH to nobody"
    );
    let of_old = SSH.replace("deny:", "groups: { name: web-old }, deny:");
    assert_eq!(
        judged(&one_rule(&of_old), &plan_of(&changes)).verdict,
        Verdict::Violation
    );
}

#[test]
fn a_rule_that_may_be_attached_to_something_else_than_the_one_group_it_names_is_anybodys() {
    let plan = |references: &str| {
        let rule = r#"{"ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_ipv4": "0.0.0.0/0"}"#;
        let group = r#"{"name": "web", "ingress": [], "egress": []}"#;
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{}, {}], "configuration": {{"root_module": {{"resources":
            [{{"address": "{RULE}", "expressions": {{"security_group_id": {{"references": [{references}]}}}}}}]}}}}}}"#,
            change(
                "aws_security_group.web",
                r#""create""#,
                "null",
                group,
                r#"{"id": true}"#
            ),
            change(
                RULE,
                r#""create""#,
                "null",
                rule,
                r#"{"id": true, "security_group_id": true}"#
            )
        )
    };
    let other = one_rule(&SSH.replace("deny:", "groups: { name: db }, deny:"));
    let exact = plan(r#""aws_security_group.web.id", "aws_security_group.web""#);
    assert_eq!(judged(&other, &exact).verdict, Verdict::Pass);
    // `condition ? aws_security_group.web.id : aws_vpc.main.default_security_group_id`
    let either = plan(
        r#""aws_security_group.web.id", "aws_security_group.web", "aws_vpc.main.default_security_group_id", "aws_vpc.main""#,
    );
    let report = judged(&other, &either);
    assert_eq!(report.verdict, Verdict::Undetermined, "{}", report.to_text());
}

#[test]
fn a_selector_that_fits_nothing_is_said_and_fails_only_where_the_policy_asks_for_the_group() {
    let plan = plan_of(&[echo(&[tcp(22, "0.0.0.0/0")])]);
    let typo = judged(
        &one_rule(&SSH.replace("deny:", "groups: { name: wbe }, deny:")),
        &plan,
    );
    assert_eq!(typo.verdict, Verdict::Pass);
    assert_eq!(
        typo.notes,
        ["nothing to judge for ssh: no security group is named wbe"]
    );
    let fits = judged(
        &one_rule(&SSH.replace("deny:", "groups: { name: web }, deny:")),
        &plan,
    );
    assert!(fits.notes.is_empty(), "{}", fits.to_text());

    let exists = |name: &str| {
        one_rule(&format!(
            "{{ id: there, severity: high, groups: {{ name: {name} }}, require: {{ exists: true }} }}"
        ))
    };
    assert_eq!(judged(&exists("web"), &plan).verdict, Verdict::Pass);
    let missing = judged(&exists("wbe"), &plan);
    assert_eq!(missing.verdict, Verdict::Violation);
    assert_eq!(missing.findings[0].exposure, "no security group is named wbe");
    let partial = plan.replacen('{', r#"{"complete": false, "#, 1);
    assert_eq!(judged(&exists("wbe"), &partial).verdict, Verdict::Undetermined);
    let new = group_with("web", "", "", "").replace(r#""name": "web", "egress""#, r#""egress""#);
    assert_eq!(
        judged(&exists("wbe"), &plan_of(&[new])).verdict,
        Verdict::Undetermined,
        "its name is not known yet"
    );
}

#[test]
fn what_is_not_known_is_named_with_what_will_decide_it() {
    let plan = |address: &str, after: &str, unknown: &str, attribute: &str| {
        format!(
            r#"{{"format_version": "1.2", "resource_changes": [{}], "configuration": {{"root_module": {{"resources":
            [{{"address": "{address}", "expressions": {{"{attribute}": {{"references":
            ["aws_eip.nat.public_ip", "aws_eip.nat"]}}}}}}]}}}}}}"#,
            change(address, r#""create""#, "null", after, unknown)
        )
    };
    for (address, after, unknown, attribute, told) in [
        (
            RULE,
            r#"{"security_group_id": "sg-1", "ip_protocol": "tcp", "from_port": 22, "to_port": 22}"#,
            r#"{"cidr_ipv4": true}"#,
            "cidr_ipv4",
            "cidr_ipv4",
        ),
        (
            "aws_security_group_rule.ssh",
            r#"{"security_group_id": "sg-1", "type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22}"#,
            r#"{"cidr_blocks": true}"#,
            "cidr_blocks",
            "cidr_blocks",
        ),
        (
            "aws_security_group.web",
            r#"{"name": "web", "ingress": [{"protocol": "tcp", "from_port": 22, "to_port": 22}]}"#,
            r#"{"ingress": [{"cidr_blocks": true}]}"#,
            "ingress",
            "ingress.cidr_blocks",
        ),
        (
            "aws_security_group.web",
            r#"{"name": "web"}"#,
            r#"{"ingress": true}"#,
            "ingress",
            "ingress",
        ),
    ] {
        let report = judged(&one_rule(SSH), &plan(address, after, unknown, attribute));
        assert_eq!(report.verdict, Verdict::Undetermined, "{}", report.to_text());
        let note = format!("not known before apply: {told} of {address}, decided by aws_eip.nat.public_ip");
        assert_eq!(report.findings[0].notes, [note]);
    }
}
