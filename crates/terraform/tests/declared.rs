//! What the code declares, compared with what terraform planned from the same code, and case by case.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use portcullis_terraform::{Configuration, Declared, OwnedRule, Plan, View};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn folder(path: &str) -> Configuration {
    let mut files = Vec::new();
    let root = fixtures().join(path);
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|found| found == "tf") {
                let name = entry.strip_prefix(&root).unwrap().display().to_string();
                files.push((name, std::fs::read_to_string(&entry).unwrap()));
            }
        }
    }
    files.sort();
    Configuration::read(files).unwrap()
}

fn line(owned: &OwnedRule) -> String {
    let rule = &owned.rule;
    let service = match (rule.protocol.value(), rule.ports.value()) {
        (Some(protocol), Some(ports)) => {
            let (from, to) = ports.as_written(protocol);
            format!("{protocol} {from}-{to}")
        }
        _ => "(not known)".to_owned(),
    };
    let description = rule.description.as_deref().unwrap_or("-");
    format!(
        "{} {service} {} | {description} | {}",
        rule.direction, rule.peer, owned.owner
    )
}

/// Each group with its rules, one per line, in an order of their own.
fn rules(view: &View) -> BTreeMap<String, Vec<String>> {
    let mut out = BTreeMap::new();
    for group in &view.groups {
        let mut lines: Vec<String> = group.rules.iter().map(line).collect();
        lines.sort();
        lines.dedup();
        out.insert(group.label().to_owned(), lines);
    }
    out
}

fn shown(declared: &Declared) -> String {
    let mut out = String::new();
    for (group, rules) in rules(&declared.view) {
        let _ = writeln!(out, "{group}");
        for rule in rules {
            let _ = writeln!(out, "  {rule}");
        }
    }
    for orphan in &declared.view.orphans {
        let _ = writeln!(out, "of no known group: {}", line(orphan));
    }
    for member in &declared.view.members {
        let more = if member.groups_unknown { ", and others" } else { "" };
        let _ = writeln!(
            out,
            "{} carries {}{more}",
            member.address,
            member.groups.join(", ")
        );
    }
    for missing in &declared.missing {
        let _ = writeln!(out, "missing: {missing}");
    }
    for problem in &declared.view.problems {
        let _ = writeln!(out, "problem: {}: {}", problem.address, problem.what);
    }
    out
}

fn declared(files: &[(&str, &str)]) -> String {
    shown(
        &Configuration::read(files.iter().copied())
            .unwrap()
            .declared()
            .unwrap(),
    )
}

#[test]
fn the_code_declares_what_terraform_plans_from_it() {
    let plan = std::fs::read_to_string(fixtures().join("rule-styles/1-create/plan.json")).unwrap();
    let code = folder("rule-styles/config");
    let plan = Plan::read(&plan).unwrap().with_code(code.clone());
    let planned = rules(&plan.after().unwrap());
    let declared = code.declared().unwrap();
    let ours = rules(&declared.view);
    let mut differences = String::new();
    for (group, rules) in &planned {
        let own = ours.get(group).cloned().unwrap_or_default();
        for rule in rules.iter().filter(|rule| !own.contains(rule)) {
            let _ = writeln!(differences, "{group}: only planned:  {rule}");
        }
        for rule in own.iter().filter(|rule| !rules.contains(rule)) {
            let _ = writeln!(differences, "{group}: only declared: {rule}");
        }
    }
    let _ = writeln!(differences, "{} groups compared", planned.len());
    for missing in &declared.missing {
        let _ = writeln!(differences, "missing: {missing}");
    }
    insta::assert_snapshot!("declared-against-planned", differences);
}

#[test]
fn counted_keyed_and_dynamic() {
    insta::assert_snapshot!(
        "counted-keyed-dynamic",
        declared(&[(
            "main.tf",
            r#"
variable "services" {
  type = map(object({ port = number, from = optional(list(string), ["10.0.0.0/8"]) }))
  default = {
    web   = { port = "443", from = ["0.0.0.0/0"] }
    admin = { port = 22 }
  }
}
locals {
  subnets = [for n in range(2) : cidrsubnet(local.network, 8, n)]
  network = "10.20.0.0/16"
}
resource "aws_security_group" "each" {
  for_each = var.services
  name     = "each-${each.key}"
  ingress {
    protocol    = "tcp"
    from_port   = each.value.port
    to_port     = each.value.port
    cidr_blocks = each.value.from
  }
}
resource "aws_security_group" "dynamic" {
  dynamic "ingress" {
    for_each = { for name, service in var.services : name => service if service.port < 100 }
    iterator = service
    content {
      description = service.key
      protocol    = "tcp"
      from_port   = service.value.port
      to_port     = service.value.port
      cidr_blocks = concat(service.value.from, local.subnets)
    }
  }
}
resource "aws_security_group_rule" "between" {
  count                    = 2
  type                     = "ingress"
  security_group_id        = aws_security_group.each["web"].id
  source_security_group_id = aws_security_group.dynamic.id
  protocol                 = -1
  from_port                = 0
  to_port                  = 0
}
resource "aws_vpc_security_group_egress_rule" "all" {
  for_each          = aws_security_group.each
  security_group_id = each.value.id
  ip_protocol       = "tcp"
  from_port         = 1000 + length(each.key)
  to_port           = 1000 + length(each.key)
  cidr_ipv4         = local.subnets[0]
}
resource "aws_instance" "web" {
  vpc_security_group_ids = [aws_security_group.each["web"].id, aws_security_group.dynamic.id]
}
"#
        ),])
    );
}

#[test]
fn modules_get_their_arguments_and_give_outputs() {
    insta::assert_snapshot!(
        "modules",
        declared(&[
            (
                "main.tf",
                r#"
module "service" {
  source   = "./modules/service"
  for_each = toset(["orders", "a/b"])
  name     = each.key
  ports    = [80]
}
module "elsewhere" {
  source  = "terraform-aws-modules/security-group/aws"
  version = "5.1.0"
}
resource "aws_vpc_security_group_ingress_rule" "from_orders" {
  security_group_id            = module.service["a/b"].group_id
  referenced_security_group_id = module.service["orders"].group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
"#
            ),
            (
                "modules/service/main.tf",
                r#"
variable "name" { type = string }
variable "ports" { type = set(number) }
resource "aws_security_group" "this" {
  name = "${var.name}-group"
  dynamic "ingress" {
    for_each = var.ports
    content {
      protocol    = "tcp"
      from_port   = ingress.value
      to_port     = ingress.key
      cidr_blocks = ["10.0.0.0/8"]
      self        = true
    }
  }
}
output "group_id" { value = aws_security_group.this.id }
"#
            ),
        ])
    );
}

#[test]
fn values_and_overrides_in_terraforms_order() {
    insta::assert_snapshot!(
        "values-and-overrides",
        declared(&[
            (
                "main.tf",
                r#"
variable "office" { default = "192.0.2.1/32" }
variable "port" { default = 1 }
variable "token" {
  sensitive = true
  default   = "198.51.100.7/32"
}
resource "aws_security_group" "web" {
  ingress = [
    { protocol = "tcp", from_port = var.port, to_port = var.port, cidr_blocks = [var.office] },
    { protocol = "tcp", from_port = 1, to_port = 1, cidr_blocks = [var.token] },
  ]
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}
"#
            ),
            (
                "main_override.tf",
                r#"
resource "aws_security_group" "web" {
  egress {
    protocol    = "udp"
    from_port   = 53
    to_port     = 53
    cidr_blocks = ["10.0.0.2/32"]
  }
}
"#
            ),
            ("terraform.tfvars", "office = \"192.0.2.2/32\"\nport = 2\n"),
            ("b.auto.tfvars.json", r#"{"port": 3}"#),
            ("a.auto.tfvars", "port = 4\n"),
            ("modules/x/terraform.tfvars", "port = 5\n"),
        ])
    );
}

#[test]
fn what_cannot_be_told_is_never_said() {
    insta::assert_snapshot!(
        "cannot-tell",
        declared(&[
            (
                "main.tf",
                r#"
variable "open" { type = bool }
variable "blocks" { type = list(string) }
data "aws_vpc" "main" {}
resource "aws_vpc" "own" { cidr_block = "10.9.0.0/16" }
resource "aws_security_group" "maybe" {
  count = var.open ? 1 : 0
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_security_group" "partly" {
  name = "partly"
  ingress {
    protocol    = "tcp"
    from_port   = 1
    to_port     = 1
    cidr_blocks = ["10.1.0.0/16", data.aws_vpc.main.cidr_block, aws_vpc.own.cidr_block]
  }
  ingress {
    protocol    = "tcp"
    from_port   = 2
    to_port     = 2
    cidr_blocks = concat(["10.1.0.0/16"], var.blocks)
  }
  dynamic "egress" {
    for_each = var.blocks
    content {
      protocol    = "-1"
      from_port   = 0
      to_port     = 0
      cidr_blocks = [egress.value]
    }
  }
}
resource "aws_security_group_rule" "orphan" {
  type              = "ingress"
  security_group_id = data.aws_vpc.main.default_security_group_id
  protocol          = "tcp"
  from_port         = 3
  to_port           = 3
  prefix_list_ids   = [aws_ec2_managed_prefix_list.own.id, aws_vpc.own.id]
}
resource "aws_ec2_managed_prefix_list" "own" {
  name = "own"
  entry { cidr = "10.7.0.0/16" }
}
resource "aws_security_group" "exploding" {
  count = 1000000000
}
resource "aws_security_group" "also_exploding" {
  for_each = toset([for n in range(1000000000) : tostring(n)])
}
resource "aws_security_group" "circle" {
  count = length(aws_security_group.circle)
}
locals {
  a = local.b
  b = local.a
}
resource "aws_security_group" "local_circle" {
  for_each = local.a
}
module "circle" { source = "./m" }
module "away" { source = "../../../etc" }
"#
            ),
            ("m/main.tf", "module \"again\" { source = \"../m\" }\n"),
            ("twice.tf", "resource \"aws_security_group\" \"twice\" {}\n"),
            ("twice2.tf", "resource \"aws_security_group\" \"twice\" {}\n"),
        ])
    );
}

#[test]
fn json_is_code_too() {
    insta::assert_snapshot!(
        "json",
        declared(&[(
            "main.tf.json",
            r#"{
  "//": "a remark",
  "variable": {"port": {"type": "number", "default": 8080}},
  "locals": {"name": "web-${var.port}"},
  "resource": {
    "aws_security_group": {
      "web": {
        "name": "${local.name}",
        "ingress": [{"protocol": "tcp", "from_port": "${var.port}", "to_port": "${var.port + 1}", "cidr_blocks": ["10.0.0.0/8"]}]
      },
      "dynamic": [{"dynamic": {"ingress": {"for_each": [1], "content": {"protocol": "tcp"}}}}]
    }
  }
}"#
        ),])
    );
}

#[test]
fn hostile_code_is_refused_or_read_in_time() {
    let deep = format!("locals {{ x = {}1{} }}\n", "[".repeat(5_000), "]".repeat(5_000));
    let error = Configuration::read([("a/deep.tf", deep)]).unwrap_err();
    assert_eq!((error.path.as_str(), error.line), ("a/deep.tf", 1), "{error}");
    for operators in ["!", "-"] {
        let text = format!("locals {{ x = {}1 }}\n", operators.repeat(50_000));
        let _ = Configuration::read([("main.tf", text)]).map(|code| code.declared().is_ok());
    }
    let blocks = format!("{}{}", "a {\n".repeat(5_000), "}\n".repeat(5_000));
    assert!(Configuration::read([("main.tf", blocks)]).is_err());
    let json = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let error = Configuration::read([("main.tf.json", json)]).unwrap_err();
    assert_eq!(error.language, "JSON");
    let large = "#".repeat((16 << 20) + 1);
    let error = Configuration::read([("large.tf", large)]).unwrap_err();
    insta::assert_snapshot!(error, @"large.tf:1: not readable as HCL: the file is larger than 16 MiB");
    let error = Configuration::read([("main.tf.json", "{\n  \"a\": }")]).unwrap_err();
    insta::assert_snapshot!(error, @"main.tf.json:2: not readable as JSON: expected value at line 2 column 8");
    let twice = "{\"data\": {\"external\": {\"x\": {}}},\n \"data\": {}}";
    let error = Configuration::read([("main.tf.json", twice)]).unwrap_err();
    insta::assert_snapshot!(error, @"main.tf.json:2: not readable as JSON: `data` stands twice at line 2 column 12");
    // Modules that fan out: 3 to the power of 16.
    let fan = (0..3)
        .map(|n| format!("module \"m{n}\" {{ source = \"./\" }}\n"))
        .collect::<String>();
    let code = Configuration::read([("main.tf", fan)]).unwrap();
    assert!(!code.declared().unwrap().missing.is_empty());
    // Large sets, made once for each of many instances.
    let products = "resource \"aws_security_group\" \"x\" {\n  count = 10000\n  name  = \"${length(setproduct(range(400 + \
                    count.index % 2), range(400)))}\"\n}\n";
    let code = Configuration::read([("main.tf", products)]).unwrap();
    assert_eq!(code.declared().unwrap().view.groups.len(), 10_000);
    let sums: String = (0..2_000).map(|_| "1+").collect();
    let _ = Configuration::read([("main.tf", format!("locals {{ x = {sums}1 }}\n"))]);
}
