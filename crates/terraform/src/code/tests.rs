//! What expressions come to, compared with the real `terraform console`; and what must never end the process.

use super::Configuration;
use super::expression::Place;
use super::scope::Evaluator;
use super::value::{Evaluated, Value};

/// The value of `local.x`, and whether terraform would refuse it.
fn evaluated(code: &Configuration) -> Evaluated {
    let (evaluator, root) = Evaluator::new(code).unwrap();
    let expression = root.module.locals.get("x").unwrap();
    let place = Place {
        scope: &root,
        bound: None,
    };
    evaluator.evaluate(place, expression)
}

fn local(expression: &str) -> Configuration {
    Configuration::read([("main.tf", format!("locals {{\n  x = {expression}\n}}\n"))]).unwrap()
}

fn shown(value: &Value) -> String {
    match value.unknown_within() {
        Some(unknown) => format!("unknown: {}", unknown.why),
        None => {
            let mut out = String::new();
            match super::functions::write_json(value, &mut out) {
                Ok(()) => out,
                Err(_) => "no JSON".to_owned(),
            }
        }
    }
}

#[test]
fn expressions_come_to_what_terraform_console_says() {
    let table = include_str!("../../tests/functions.txt");
    let mut compared = 0;
    let mut wrong = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let (expression, answer) = line.rsplit_once(" => ").unwrap();
        let code = local(expression);
        let ours = match evaluated(&code) {
            Err(_) => "refused".to_owned(),
            Ok(value) => shown(&value),
        };
        // Where terraform refuses we may also be unable to tell; never the other way round.
        if ours != answer && !(answer == "refused" && ours.starts_with("unknown")) {
            wrong.push(format!("{expression}\n  terraform {answer}\n  ours      {ours}"));
        }
        compared += 1;
    }
    assert!(compared > 150, "the table is not empty");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_known_stays_so_with_its_name() {
    for (expression, answer) in [
        ("var.nowhere", "unknown: var.nowhere"),
        (
            "data.aws_vpc.main.cidr_block",
            "unknown: data.aws_vpc.main.cidr_block",
        ),
        ("length(data.aws_vpc.main.ids)", "unknown: data.aws_vpc.main.ids"),
        ("\"a-${terraform.workspace}\"", "unknown: terraform.workspace"),
        ("timestamp()", "unknown: timestamp()"),
        ("file(\"x\")", "unknown: file()"),
        ("try(var.nowhere, \"default\")", "unknown: var.nowhere"),
        ("can(var.nowhere)", "unknown: var.nowhere"),
        ("var.nowhere ? 1 : 2", "unknown: var.nowhere"),
        ("var.nowhere || true", "true"),
        ("var.nowhere && false", "false"),
        ("[\"a\", var.nowhere][0]", "\"a\""),
        ("merge({ a = 1 }, var.nowhere)", "unknown: var.nowhere"),
        ("keys({ a = var.nowhere })", "[\"a\"]"),
        ("contains([\"a\", var.nowhere], \"a\")", "true"),
        ("contains([\"a\", var.nowhere], \"b\")", "unknown: var.nowhere"),
        ("length(toset([\"a\", var.nowhere]))", "unknown: var.nowhere"),
        ("local.x", "unknown: a reference in a circle"),
        ("[1] == [1]", "unknown: types that are not kept here"),
        ("10 / 3", "no JSON"),
        ("<<-EOT\n    a\n  EOT\n", "unknown: a heredoc with indentation"),
    ] {
        assert_eq!(
            evaluated(&local(expression)).map(|value| shown(&value)),
            Ok(answer.to_owned()),
            "{expression}"
        );
    }
}

#[test]
fn what_explodes_is_bounded() {
    let doubling: String = (0..60)
        .map(|n| format!("  l{} = [local.l{n}, local.l{n}]\n", n + 1))
        .collect();
    let longer: String = (0..30)
        .map(|n| format!("  t{} = \"${{local.t{n}}}${{local.t{n}}}\"\n", n + 1))
        .collect();
    let chain: String = (0..5_000)
        .map(|n| format!("  c{n} = local.c{}\n", n + 1))
        .collect();
    let winding: String = (0..400)
        .map(|n| {
            format!(
                "  w{n} = [for k, v in {{ a = try(merge({{ a = \"${{local.w{0}}}\" }}, {{}}).a, \"x\") }} : (v == \"y\" ? v : v)][0]\n",
                n + 1
            )
        })
        .collect();
    let code =
        Configuration::read([("main.tf", format!("locals {{\n{winding}  x = local.w0\n}}\n"))]).unwrap();
    assert!(evaluated(&code).is_ok());
    let text = format!(
        "locals {{\n  l0 = 1\n  t0 = \"a\"\n{doubling}{longer}{chain}  x = [local.l60, local.t30, local.c0]\n}}\n"
    );
    let code = Configuration::read([("main.tf", text)]).unwrap();
    let Ok(Value::List(items)) = evaluated(&code) else {
        panic!("a list");
    };
    let shown: Vec<String> = items.items.iter().map(shown).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    unknown: a collection too large to be looked at
    unknown: a text too long to be looked at
    unknown: an expression too large to be followed
    ");
}
