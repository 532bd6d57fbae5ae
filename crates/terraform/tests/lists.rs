//! A first plan tells of a list with an unknown element only what it refers to. What the code shows beside it, and what it
//! does not.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::format_collect,
    reason = "tests"
)]

use portcullis_terraform::{Configuration, Plan, View};

/// A resource that is made, with this part of its `after` and its `after_unknown`.
fn created(address: &str, after: &str, unknown: &str) -> String {
    let bare = address.rsplit("module.").next().unwrap();
    let kind = bare.split('.').find(|part| part.starts_with("aws_")).unwrap();
    format!(
        r#"{{"address": {address:?}, "mode": "managed", "type": "{kind}", "name": "x",
        "change": {{"actions": ["create"], "before": null, "after": {{{after}}}, "after_unknown": {{{unknown}}}}}}}"#
    )
}

/// Two groups `a` and `b` and a third that is counted, and what is given beside.
fn plan(changes: &[String], resources: &str, calls: &str) -> String {
    let group = |address: &str| {
        created(
            address,
            &format!(r#""name": {address:?}, "ingress": [], "egress": []"#),
            r#""id": true"#,
        )
    };
    let mut all: Vec<String> = [
        "aws_security_group.a",
        "aws_security_group.b",
        "aws_security_group.many[0]",
        "aws_security_group.many[1]",
        "aws_security_group.keyed[\"x\"]",
    ]
    .map(group)
    .to_vec();
    all.extend_from_slice(changes);
    format!(
        r#"{{"format_version": "1.2", "resource_changes": [{}], "configuration": {{"root_module": {{"resources": [{resources}],
        "module_calls": {{{calls}}}}}}}}}"#,
        all.join(",\n")
    )
}

/// What terraform writes of an expression: each reference, and what it is a part of.
fn references(of: &[&str]) -> String {
    let all: Vec<String> = of
        .iter()
        .flat_map(|reference| {
            let short = reference
                .strip_suffix(".id")
                .filter(|_| !reference.starts_with("module."));
            std::iter::once(*reference).chain(short)
        })
        .map(|reference| format!("{reference:?}"))
        .collect();
    format!(r#"{{"references": [{}]}}"#, all.join(", "))
}

fn told(view: &View) -> Vec<String> {
    view.members
        .iter()
        .map(|member| {
            let more = if member.groups_unknown {
                " and perhaps others"
            } else {
                ""
            };
            format!("{} in {}{more}", member.address, member.groups.join(", "))
        })
        .collect()
}

/// The groups of an instance whose list is written so, while the plan refers to `refers`.
fn instance(list: &str, refers: &[&str]) -> String {
    let plan = plan(
        &[created("aws_instance.x", "", r#""vpc_security_group_ids": true"#)],
        &format!(
            r#"{{"address": "aws_instance.x", "expressions": {{"vpc_security_group_ids": {}}}}}"#,
            references(refers)
        ),
        "",
    );
    let code = format!(
        "locals {{\n  group = aws_security_group.a.id\n}}\nresource \"aws_instance\" \"x\" {{\n  vpc_security_group_ids = {list}\n}}\n"
    );
    let code = Configuration::read([("main.tf", code)]).unwrap();
    let view = Plan::read(&plan).unwrap().with_code(code).after().unwrap();
    told(&view)
        .join("; ")
        .replace("aws_security_group.", "")
        .replace("aws_instance.x in ", "")
}

const A: &str = "aws_security_group.a.id";
const B: &str = "aws_security_group.b.id";

#[test]
fn a_list_that_is_written_out_is_known() {
    for (list, refers, expected) in [
        ("[aws_security_group.a.id]", &[A][..], "a"),
        (
            "[aws_security_group.b.id, aws_security_group.a.id]",
            &[A, B],
            "a, b",
        ),
        ("[aws_security_group.a.id, aws_security_group.a.id]", &[A], "a"),
        ("[\"${aws_security_group.a.id}\"]", &[A], "a"),
        ("([(aws_security_group.a.id)])", &[A], "a"),
        ("[\n    aws_security_group.a.id, # the first\n  ]", &[A], "a"),
        (
            "[aws_security_group.many[1].id]",
            &["aws_security_group.many[1].id", "aws_security_group.many"],
            "many[1]",
        ),
        (
            "[aws_security_group.keyed[\"x\"].id]",
            &["aws_security_group.keyed[\"x\"].id", "aws_security_group.keyed"],
            "keyed[\"x\"]",
        ),
        // A group that is written out belongs to the list, whoever looks after it.
        ("[aws_security_group.a.id, \"sg-0a1b\"]", &[A], "a, sg-0a1b"),
    ] {
        assert_eq!(instance(list, refers), expected, "{list}");
    }
}

#[test]
fn what_has_to_be_worked_out_stays_unknown() {
    let a = "a and perhaps others";
    let nothing = " and perhaps others";
    for (list, refers, expected) in [
        (
            "concat([aws_security_group.a.id], [\"sg-0a1b\"])",
            &[A][..],
            nothing,
        ),
        (
            "var.more ? [aws_security_group.a.id] : [\"sg-0a1b\"]",
            &[A, "var.more"],
            nothing,
        ),
        (
            "[var.more ? aws_security_group.a.id : \"sg-0a1b\"]",
            &[A, "var.more"],
            nothing,
        ),
        ("[true ? \"sg-0a1b\" : aws_security_group.a.id]", &[A], nothing),
        (
            "[aws_security_group.a.id, module.other.group_id]",
            &[A, "module.other.group_id"],
            a,
        ),
        ("[module.other.group_id]", &["module.other.group_id"], nothing),
        ("module.other.group_ids", &["module.other.group_ids"], nothing),
        (
            "[aws_security_group.many[count.index].id]",
            &["aws_security_group.many", "count.index"],
            nothing,
        ),
        (
            "[aws_security_group.many[0 + 1].id]",
            &["aws_security_group.many"],
            nothing,
        ),
        (
            "aws_security_group.many[*].id",
            &["aws_security_group.many"],
            nothing,
        ),
        (
            "[for group in aws_security_group.many : group.id]",
            &["aws_security_group.many"],
            nothing,
        ),
        ("[aws_security_group.a.id, local.group]", &[A, "local.group"], a),
        ("[aws_security_group.a.id, var.group]", &[A, "var.group"], a),
        (
            "[aws_security_group.a.id, data.aws_security_group.other.id]",
            &[A, "data.aws_security_group.other.id"],
            a,
        ),
        (
            "[aws_security_group.a.id, aws_vpc.main.default_security_group_id]",
            &[A, "aws_vpc.main.default_security_group_id"],
            a,
        ),
        (
            "[aws_security_group.a.id, aws_security_group.elsewhere.id]",
            &[A, "aws_security_group.elsewhere.id"],
            a,
        ),
        ("[aws_security_group.a.id, null]", &[A], a),
        ("[\"sg-${aws_security_group.a.id}\"]", &[A], nothing),
        (
            "[aws_security_group.a.vpc_id]",
            &["aws_security_group.a.vpc_id"],
            nothing,
        ),
        ("jsondecode(\"[]\")", &[A], nothing),
    ] {
        assert_eq!(instance(list, refers), expected, "{list}");
    }
}

#[test]
fn code_that_the_plan_was_not_made_from_is_not_believed() {
    let unknown = " and perhaps others";
    assert_eq!(
        instance("[aws_security_group.a.id]", &[A, B]),
        unknown,
        "the plan refers to more"
    );
    assert_eq!(
        instance("[aws_security_group.a.id, aws_security_group.b.id]", &[A]),
        unknown,
        "to less"
    );
    assert_eq!(
        instance("[aws_security_group.a.id]", &[B]),
        unknown,
        "to something else"
    );
    assert_eq!(
        instance("[aws_security_group.a.id]", &[A, "local.group"]),
        unknown,
        "to what can't be followed"
    );
    assert_eq!(
        instance("[\"sg-0a1b\"]", &[A]),
        unknown,
        "a list without anything unknown is known"
    );
}

#[test]
fn without_the_code_references_prove_nothing() {
    let plan = plan(
        &[created("aws_instance.x", "", r#""vpc_security_group_ids": true"#)],
        &format!(
            r#"{{"address": "aws_instance.x", "expressions": {{"vpc_security_group_ids": {}}}}}"#,
            references(&[A])
        ),
        "",
    );
    let plan = Plan::read(&plan).unwrap();
    assert_eq!(
        told(&plan.after().unwrap()),
        ["aws_instance.x in  and perhaps others"]
    );
    let of_another_resource = Configuration::read([(
        "main.tf",
        "resource \"aws_instance\" \"y\" {\n  vpc_security_group_ids = [aws_security_group.a.id]\n}\n",
    )])
    .unwrap();
    let plan = plan.with_code(of_another_resource);
    assert_eq!(
        told(&plan.after().unwrap()),
        ["aws_instance.x in  and perhaps others"]
    );
}

#[test]
fn a_list_is_followed_to_the_call_of_its_module() {
    let changes = |module: &str| {
        [created(
            &format!("module.{module}.aws_instance.x"),
            "",
            r#""vpc_security_group_ids": true"#,
        )]
    };
    let calls = |argument: &str| {
        format!(
            r#""web": {{"expressions": {{"groups": {argument}}}, "module": {{"resources": [{{"address": "aws_instance.x",
            "expressions": {{"vpc_security_group_ids": {{"references": ["var.groups"]}}}}}}]}}}}"#
        )
    };
    let code = |argument: &str| {
        Configuration::read([
            (
                "main.tf",
                format!("module \"web\" {{\n  source = \"./web\"\n  groups = {argument}\n}}\n"),
            ),
            (
                "web/main.tf",
                "variable \"groups\" {\n  default = []\n}\nresource \"aws_instance\" \"x\" {\n  vpc_security_group_ids = var.groups\n}\n"
                    .to_owned(),
            ),
        ])
        .unwrap()
    };
    let view = |module: &str, argument: &str, refers: &[&str]| {
        let plan = plan(&changes(module), "", &calls(&references(refers)));
        told(
            &Plan::read(&plan)
                .unwrap()
                .with_code(code(argument))
                .after()
                .unwrap(),
        )
    };
    assert_eq!(
        view("web", "[aws_security_group.a.id, \"sg-0a1b\"]", &[A]),
        ["module.web.aws_instance.x in aws_security_group.a, sg-0a1b"]
    );
    assert_eq!(
        view("web[\"one\"]", "[aws_security_group.a.id]", &[A]),
        ["module.web[\"one\"].aws_instance.x in aws_security_group.a"]
    );
    assert_eq!(
        view("web", "concat([aws_security_group.a.id], [\"sg-0a1b\"])", &[A]),
        ["module.web.aws_instance.x in  and perhaps others"]
    );
    assert_eq!(
        view("web", "[aws_security_group.a.id, each.value]", &[A, "each.value"]),
        ["module.web.aws_instance.x in aws_security_group.a and perhaps others"]
    );
}

/// The sources of all rules of `a`, whose resource or blocks are given in all three forms.
fn sources(changes: &[String], resources: &str, code: &str) -> Vec<String> {
    let plan = plan(changes, resources, "");
    let code = Configuration::read([("main.tf", code)]).unwrap();
    let view = Plan::read(&plan).unwrap().with_code(code).after().unwrap();
    let mut all: Vec<String> = view
        .groups
        .iter()
        .flat_map(|group| &group.rules)
        .map(|owned| format!("{} {}", owned.rule.direction, owned.rule.peer))
        .collect();
    all.sort();
    all
}

#[test]
fn what_a_rule_resource_writes_out_beside_an_unknown_source_is_open() {
    let rule = |list: &str, refers: &[&str]| {
        let address = "aws_security_group_rule.x";
        sources(
            &[created(
                address,
                r#""type": "ingress", "protocol": "tcp", "from_port": 22, "to_port": 22"#,
                r#""cidr_blocks": true, "security_group_id": true"#,
            )],
            &format!(
                r#"{{"address": "{address}", "expressions": {{"security_group_id": {}, "cidr_blocks": {}}}}}"#,
                references(&[A]),
                references(refers)
            ),
            &format!(
                "resource \"aws_security_group_rule\" \"x\" {{\n  security_group_id = aws_security_group.a.id\n  cidr_blocks = {list}\n}}\n"
            ),
        )
    };
    assert_eq!(
        rule(
            "[\"0.0.0.0/0\", \"${aws_eip.nat.public_ip}/32\"]",
            &["aws_eip.nat.public_ip", "aws_eip.nat"]
        ),
        ["ingress (known after apply)", "ingress 0.0.0.0/0"]
    );
    assert_eq!(
        rule(
            "[\"${aws_eip.nat.public_ip}/32\"]",
            &["aws_eip.nat.public_ip", "aws_eip.nat"]
        ),
        ["ingress (known after apply)"]
    );
    assert_eq!(
        rule(
            "concat([\"0.0.0.0/0\"], aws_eip.nat[*].public_ip)",
            &["aws_eip.nat"]
        ),
        ["ingress (known after apply)"]
    );
}

#[test]
fn the_one_block_that_fits_tells_what_else_is_in_its_list() {
    let group = |blocks: &str, code: &str| {
        sources(
            &[created(
                "aws_security_group.web",
                &format!(r#""name": "web", "egress": [], "ingress": [{blocks}]"#),
                &format!(
                    r#""ingress": [{}]"#,
                    vec![r#"{"security_groups": true}"#; blocks.matches("protocol").count()].join(", ")
                ),
            )],
            &format!(
                r#"{{"address": "aws_security_group.web", "expressions": {{"ingress": {}}}}}"#,
                references(&[A, B])
            ),
            &format!("resource \"aws_security_group\" \"web\" {{\n{code}}}\n"),
        )
    };
    let block = |port: u16, list: &str| {
        format!(
            "  ingress {{\n    protocol = \"tcp\"\n    from_port = {port}\n    to_port = {port}\n    security_groups = {list}\n  }}\n"
        )
    };
    let shown = |port: u16| format!(r#"{{"protocol": "tcp", "from_port": {port}, "to_port": {port}}}"#);
    let two = format!("{}, {}", shown(22), shown(443));
    let code = format!(
        "{}{}",
        block(22, "[aws_security_group.a.id, \"sg-0a1b\"]"),
        block(443, "[aws_security_group.b.id]")
    );
    assert_eq!(
        group(&two, &code),
        [
            "ingress aws_security_group.a",
            "ingress aws_security_group.b",
            "ingress sg-0a1b"
        ]
    );
    // Which block is meant can't be told: its ports are not known.
    let unknown = r#"{"protocol": "tcp"}"#;
    let told = group(unknown, &code);
    assert!(
        told.contains(&"ingress (known after apply)".to_owned()),
        "{told:?}"
    );
    assert!(!told.contains(&"ingress sg-0a1b".to_owned()), "{told:?}");
    // A dynamic block may make any of them.
    let dynamic =
        format!("{code}  dynamic \"ingress\" {{\n    for_each = var.more\n    content {{}}\n  }}\n");
    let told = group(&two, &dynamic);
    assert!(
        told.contains(&"ingress (known after apply)".to_owned()),
        "{told:?}"
    );
}

#[test]
fn what_carries_groups_is_a_member() {
    let with = |kind: &str, after: &str, unknown: &str, expression: &str, code: &str| {
        let address = format!("{kind}.x");
        let plan = plan(
            &[created(&address, after, unknown)],
            &format!(r#"{{"address": "{address}", "expressions": {{{expression}}}}}"#),
            "",
        );
        let code = format!("resource \"{kind}\" \"x\" {{\n{code}\n}}\n");
        let code = Configuration::read([("main.tf", code)]).unwrap();
        told(&Plan::read(&plan).unwrap().with_code(code).after().unwrap()).join("; ")
    };
    let a = references(&[A]);
    for (kind, attribute) in [
        ("aws_lb", "security_groups"),
        ("aws_elb", "security_groups"),
        ("aws_vpc_endpoint", "security_group_ids"),
        ("aws_db_instance", "vpc_security_group_ids"),
        ("aws_elasticache_cluster", "security_group_ids"),
    ] {
        assert_eq!(
            with(
                kind,
                r#""vpc_endpoint_type": "Interface""#,
                &format!(r#""{attribute}": true"#),
                &format!(r#""{attribute}": {a}"#),
                &format!("  {attribute} = [aws_security_group.a.id]"),
            ),
            format!("{kind}.x in aws_security_group.a")
        );
    }
    for (kind, block, attribute) in [
        ("aws_lambda_function", "vpc_config", "security_group_ids"),
        ("aws_ecs_service", "network_configuration", "security_groups"),
    ] {
        assert_eq!(
            with(
                kind,
                &format!(r#""{block}": [{{}}]"#),
                &format!(r#""{block}": [{{"{attribute}": true}}]"#),
                &format!(
                    r#""{block}": [{{"{attribute}": {a}, "subnets": {}}}]"#,
                    references(&["aws_subnet.s.id"])
                ),
                &format!(
                    "  {block} {{\n    {attribute} = [aws_security_group.a.id]\n    subnets = [aws_subnet.s.id]\n  }}"
                ),
            ),
            format!("{kind}.x in aws_security_group.a")
        );
        assert_eq!(with(kind, "", "", "", ""), "", "in no network");
    }
    // It is on an interface that is a member itself.
    assert_eq!(
        with(
            "aws_instance",
            "",
            r#""vpc_security_group_ids": true"#,
            &format!(
                r#""network_interface": [{{"network_interface_id": {}}}]"#,
                references(&["aws_network_interface.n.id"])
            ),
            "",
        ),
        ""
    );
    // What AWS gives no group where none is written, and what it gives the default group of its VPC.
    let unknown = r#""security_groups": true"#;
    assert_eq!(
        with("aws_lb", r#""load_balancer_type": "network""#, unknown, "", ""),
        ""
    );
    assert_eq!(
        with(
            "aws_lb",
            r#""load_balancer_type": "application""#,
            unknown,
            "",
            ""
        ),
        "aws_lb.x in  and perhaps others"
    );
    assert_eq!(
        with("aws_vpc_endpoint", "", r#""security_group_ids": true"#, "", ""),
        ""
    );
}

#[test]
fn an_attachment_adds_a_group() {
    let attach = |interface: &str, refers: &[&str]| {
        let instances = ["x", "y"].map(|name| {
            created(
                &format!("aws_instance.{name}"),
                r#""vpc_security_group_ids": ["sg-1"]"#,
                "",
            )
        });
        let attachment = created(
            "aws_network_interface_sg_attachment.more",
            interface,
            r#""security_group_id": true, "network_interface_id": true"#,
        );
        let plan = plan(
            &[instances.as_slice(), &[attachment]].concat(),
            &format!(
                r#"{{"address": "aws_network_interface_sg_attachment.more", "expressions": {{"security_group_id": {},
                "network_interface_id": {}}}}}"#,
                references(&[A]),
                references(refers)
            ),
            "",
        );
        told(&Plan::read(&plan).unwrap().after().unwrap())
    };
    assert_eq!(
        attach(
            "",
            &["aws_instance.x.primary_network_interface_id", "aws_instance.x"]
        ),
        [
            "aws_instance.x in aws_security_group.a, sg-1",
            "aws_instance.y in sg-1"
        ]
    );
    assert_eq!(
        attach("", &["local.interface"]),
        [
            "aws_instance.x in sg-1 and perhaps others",
            "aws_instance.y in sg-1 and perhaps others"
        ]
    );
}

#[test]
fn where_a_member_is_reached() {
    let state = r#"{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "resources": [
      {"mode": "managed", "type": "aws_lb", "name": "front", "instances": [
        {"attributes": {"id": "arn:front", "internal": false, "dns_name": "front.example.com", "security_groups": ["sg-1"]}}]},
      {"mode": "managed", "type": "aws_lb", "name": "inner", "instances": [
        {"attributes": {"id": "arn:inner", "internal": true, "dns_name": "inner.example.com", "security_groups": ["sg-1"]}}]},
      {"mode": "managed", "type": "aws_instance", "name": "web", "instances": [
        {"attributes": {"id": "i-1", "public_ip": "", "public_dns": "", "ipv6_addresses": ["2001:db8::1"],
         "vpc_security_group_ids": ["sg-1"]}}]}]}"#;
    let view = portcullis_terraform::State::read(state).unwrap().view().unwrap();
    let reached: Vec<(&str, Option<&str>, &[String])> = view
        .members
        .iter()
        .map(|member| {
            (
                member.address.as_str(),
                member.public_dns.as_deref(),
                member.ipv6_addresses.as_slice(),
            )
        })
        .collect();
    assert_eq!(
        reached,
        [
            ("aws_instance.web", None, &["2001:db8::1".to_owned()][..]),
            ("aws_lb.front", Some("front.example.com"), &[]),
            ("aws_lb.inner", None, &[]),
        ]
    );
}
