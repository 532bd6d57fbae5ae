use super::*;
use crate::Plan;

#[expect(clippy::disallowed_methods, reason = "tests read the recordings")]
fn recording(name: &str, file: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name)
        .join(file);
    std::fs::read_to_string(path).unwrap()
}

const CREATED: &str = r#"{"format_version":"1.2","terraform_version":"1.11.4",
 "variables":{"secret":{"value":"canary-<1>"},"open":{"value":"plain-value"}},
 "resource_changes":[{"address":"aws_security_group_rule.a","type":"aws_security_group_rule","change":{
  "actions":["create"],"before":null,"after_unknown":{},
  "after":{"type":"ingress","protocol":"tcp","from_port":22,"to_port":22,"security_group_id":"sg-5adc180858177f2d0",
    "cidr_blocks":["203.0.113.77/32"],"self":false,"big":123456789012345678901234567890,"description":"canary-<1>",
    "tags":{"name of a canary":"x"}},
  "after_sensitive":{"cidr_blocks":true,"from_port":true,"self":true,"description":true,"tags":true}}},
  {"address":"aws_x.echo","type":"aws_x","change":{"actions":["no-op"],
   "before":{"text":"has canary-\u003c1\u003e inside","number":22,"nested":"{\"a\":\"canary-\\u003c1\\u003e\"}"},
   "after":{"203.0.113.77/32":["203.0.113.77/32"]},"before_sensitive":{},"after_sensitive":false}}],
 "output_changes":{"o":{"actions":["create"],"before":null,"after":["one more canary"],"after_sensitive":true}},
 "configuration":{"root_module":{"variables":{"secret":{"default":"canary-default","sensitive":true},"open":{}}}}}"#;

#[test]
fn marked_places_and_telling_values_are_masked_and_nothing_else() {
    let (masked, sensitive) = mask_plan(CREATED).unwrap();
    insta::assert_snapshot!("masked-plan", masked);
    insta::assert_debug_snapshot!(sensitive.values().collect::<Vec<_>>(), @r#"
    [
        "203.0.113.77/32",
        "canary-<1>",
        "canary-default",
        "name of a canary",
        "one more canary",
    ]
    "#);
    serde_json::from_str::<serde_json::Value>(&masked).unwrap();
}

#[test]
fn a_masked_rule_is_never_taken_for_a_harmless_one() {
    let (masked, _) = mask_plan(CREATED).unwrap();
    let view = Plan::read(&masked).unwrap().after().unwrap();
    let rules: Vec<String> = view.groups[0]
        .rules
        .iter()
        .map(|owned| format!("{:?}", owned.rule))
        .collect();
    let problems: Vec<&str> = view
        .problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    insta::assert_debug_snapshot!("masked-rule", (rules, problems));
}

#[test]
fn a_plan_without_marks_is_left_as_it_is() {
    for name in [
        "estate/2-correct-web-port",
        "estate/9-errored",
        "estate/5-drift-refresh-only",
    ] {
        let plan = recording(name, "plan.json");
        let (masked, sensitive) = mask_plan(&plan).unwrap();
        assert!(sensitive.is_empty());
        assert_eq!(masked, plan, "{name}");
    }
}

#[test]
fn recorded_plans_hold_no_sensitive_value_when_masked_and_read_alike_but_for_it() {
    for step in [
        "1-create",
        "2-replace-move-remove",
        "3-destroy",
        "4-apply-replace",
    ] {
        let name = format!("rule-styles/{step}");
        let plan = recording(&name, "plan.json");
        assert!(plan.contains("hunter2"), "{name} is a test of nothing");
        let (masked, sensitive) = mask_plan(&plan).unwrap();
        assert!(!masked.contains("hunter2"), "{name}");
        assert_eq!(mask_plan(&masked).unwrap().0, masked, "{name}: masked twice");
        let text = sensitive.mask_plan_text(&recording(&name, "plan.txt"));
        assert!(!text.contains("hunter2"), "{name}");
        // Rule by rule; only descriptions may differ.
        let rules = |text: &str| {
            let plan = Plan::read(text).unwrap();
            let views = [plan.before().unwrap(), plan.after().unwrap()];
            let mut rules: Vec<String> = Vec::new();
            for view in &views {
                assert!(view.problems.is_empty(), "{:?}", view.problems);
                for group in &view.groups {
                    for owned in &group.rules {
                        let key = (
                            owned.rule.direction,
                            owned.rule.protocol,
                            owned.rule.ports,
                            &owned.rule.peer,
                        );
                        rules.push(format!("{} {key:?} {}", group.label(), owned.owner));
                    }
                }
            }
            rules
        };
        assert_eq!(rules(&masked), rules(&plan), "{name}");
    }
}

#[test]
fn what_terraform_shows_in_clear_is_masked() {
    let (_, sensitive) = mask_plan(&recording("rule-styles/3-destroy", "plan.json")).unwrap();
    let before = recording("rule-styles/3-destroy", "plan.txt");
    let after = sensitive.mask_plan_text(&before);
    let changed: Vec<(&str, &str)> = before
        .lines()
        .zip(after.lines())
        .filter(|(a, b)| a != b)
        .collect();
    insta::assert_debug_snapshot!(changed, @r#"
    [
        (
            "              - description      = \"hunter2-not-for-logs\"",
            "              - description      = \"(sensitive value)\"",
        ),
        (
            "      - description            = (sensitive value) -> null",
            "      - description            = (sensitive value)",
        ),
    ]
    "#);
}

#[test]
fn attributes_are_masked_whole_in_the_plans_text() {
    let plan = r#"{"format_version":"1.2","resource_changes":[{"address":"aws_x.a","change":{
      "before":{"ports":[1,2],"flag":true,"ingress":[{"cidr":"0.0.0.0/0"}],"note":"a","kept":22},"after":null,
      "before_sensitive":{"ports":[true,false],"flag":true,"ingress":[{"cidr":true}],"note":true}}}],
      "output_changes":{"o":{"before":1,"after":2,"before_sensitive":true,"after_sensitive":true}}}"#;
    let text = "  # aws_x.a will be destroyed\n  - resource \"aws_x\" \"a\" {\n      - flag  = true -> null\n      - kept  = 22 -> null\n      - ports = [\n          - 1,\n          - 2,\n        ] -> null\n      ~ note  = <<-EOT\n            line\n        EOT\n\n      - ingress {\n          - cidr = \"0.0.0.0/0\" -> null\n        }\n    }\n\n  # aws_x.b will be destroyed\n  - resource \"aws_x\" \"b\" {\n      - flag = true -> null\n    }\n\nPlan: 0 to add\n\nChanges to Outputs:\n  ~ o     = 1 -> 2\n  ~ other = 1 -> 2\n";
    let masked = mask_plan(plan).unwrap().1.mask_plan_text(text);
    insta::assert_snapshot!("masked-plan-text", masked);
}

#[test]
fn a_state_tells_what_is_sensitive_in_it() {
    let raw = recording("rule-styles/1-create", "state.json");
    let shown = recording("rule-styles/1-create", "state.show.json");
    for text in [raw, shown] {
        let sensitive = Sensitive::of_state(&text).unwrap();
        assert_eq!(sensitive.values().collect::<Vec<_>>(), ["hunter2-not-for-logs"]);
    }
    let state = r#"{"version":4,"outputs":{"o":{"value":"output-canary","sensitive":true}},"resources":[{"instances":[
      {"attributes":{"list":[{"key":"list-canary"},{"key":"plain-value"}],"set":["set-canary"]},"sensitive_attributes":[
        [{"type":"get_attr","value":"list"},{"type":"index","value":{"value":0,"type":"number"}},{"type":"get_attr","value":"key"}],
        [{"type":"get_attr","value":"set"},{"type":"index","value":{"value":"set-canary","type":"string"}}]]}]}]}"#;
    let sensitive = Sensitive::of_state(state).unwrap();
    assert_eq!(
        sensitive.values().collect::<Vec<_>>(),
        ["list-canary", "output-canary", "set-canary"]
    );
    assert_eq!(format!("{sensitive:?}"), "Sensitive(3 marked)");
}

#[test]
fn two_masked_plans_are_compared_by_what_they_mean() {
    let plan = r#"{"a":["x","y"],"references":["var.a","var.b"],"n":1.0,"s":"secret one"}"#;
    assert!(same_plan(plan, plan, "[masked]"));
    let permuted = plan.replace(r#""var.a","var.b""#, r#""var.b","var.a""#);
    assert!(same_plan(plan, &permuted, "[masked]"));
    assert!(same_plan(&plan.replace("secret", "[masked]"), plan, "[masked]"));
    for other in [
        plan.replace(r#""x","y""#, r#""y","x""#),
        plan.replace("var.a", "var.c"),
        plan.replace("one", "two"),
        plan.replace("1.0", "2.0"),
        plan.replace('n', "m"),
        String::new(),
    ] {
        assert!(!same_plan(plan, &other, "[masked]"), "{other}");
        assert!(!same_plan(&other, plan, "[masked]"), "{other}");
    }
    // What is shown can't stand for anything.
    assert!(!same_plan(plan, &plan.replace("secret", "[masked]"), "[masked]"));
}

mod any_plan {
    use super::super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z\"\\\\<é ]{0,9}".prop_map(Value::from),
            "tor-[0-9]{8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z ]{1,4}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    /// Marks of any form, also of another than the value's.
    fn marks() -> impl Strategy<Value = Value> {
        any::<bool>()
            .prop_map(Value::from)
            .prop_recursive(3, 24, 4, |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                    prop::collection::btree_map("[a-z ]{1,4}", inner, 0..4).prop_map(|map| json!(map)),
                ]
            })
    }

    proptest! {
        #[test]
        fn masks_to_json_without_its_values_and_masked_again_to_itself(
            before in value(), after in value(), first in marks(), second in marks(), other in value(),
        ) {
            let plan = json!({"format_version": "1.2", "resource_changes": [
                {"address": "aws_x.a", "change": {"before": before, "after": after,
                    "before_sensitive": first, "after_sensitive": second}},
                {"address": "aws_x.b", "change": {"before": other, "after": null}},
            ]}).to_string();
            let (masked, sensitive) = mask_plan(&plan).unwrap();
            let read: Value = serde_json::from_str(&masked).unwrap();
            for value in sensitive.values() {
                prop_assert!(!leaves(&read).iter().any(|leaf| leaf.contains(value)), "{value:?} in {masked}");
            }
            prop_assert_eq!(&mask_plan(&masked).unwrap().0, &masked);
            prop_assert_eq!(sensitive.is_empty(), !masked.contains(MASKED));
            // Also where a glance tells that there is nothing to look for.
            let alone = Sensitive::of_plan(&plan).unwrap();
            prop_assert_eq!(alone.marked(), sensitive.marked());
            prop_assert!(alone.values().eq(sensitive.values()));
        }
    }

    /// Every string, and every name that is no identifier.
    fn leaves(value: &Value) -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().flat_map(leaves).collect(),
            Value::Object(members) => members
                .iter()
                .flat_map(|(name, value)| {
                    let mut found = leaves(value);
                    if name.contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_') {
                        found.push(name.clone());
                    }
                    found
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

#[test]
fn sensitive_variables_are_known_before_there_is_a_plan() {
    let code = r#"
variable "a" {
  sensitive = true
  default   = { "key canary" = ["list-canary"], plain = "value-canary" }
}
variable "b" { sensitive = true }
variable "c" { default = "plain-default" }
"#;
    let module = "variable \"d\" {\n  sensitive = true\n  default = <<EOT\nheredoc-canary\nEOT\n}\n";
    let files = [
        ("main.tf", code),
        ("modules/x/main.tf", module),
        ("broken.tf", "variable {"),
        ("terraform.tfvars", "b = \"tfvars-canary\"\nc = \"plain-value\"\n"),
        (
            "more.tf.json",
            r#"{"variable": {"e": {"sensitive": true, "default": {"key json canary": ["json-canary"]}}, "f": {"default": "plain"}}}"#,
        ),
        (
            "even.tofu",
            "variable \"g\" {\n  sensitive = true\n  default = \"tofu-canary\"\n}\n",
        ),
        (
            "even.tofu.json",
            r#"{"variable": [{"h": {"sensitive": true, "default": "tofu-json-canary"}}]}"#,
        ),
        ("broken.tf.json", "{"),
        // Text in JSON is no template there; a key may stand twice; a text may be the flag.
        (
            "odd.tf.json",
            r#"{"variable": {"i": {"sensitive": "true", "default": "odd${}-canary"}}, "variable": {"j": {"sensitive": true,
                "default": "twice-canary"}}}"#,
        ),
        (
            "text.tf",
            "variable \"k\" {\n  sensitive = \"true\"\n  default = \"flag-canary $${x}\"\n}\n",
        ),
        (
            "modules/y/v.tf",
            "variable \"l\" { default = \"override-canary\" }\n",
        ),
        ("modules/y/v_override.tf", "variable \"l\" { sensitive = true }\n"),
        (
            "modules/z/v.tf",
            "variable \"l\" { default = \"plain-elsewhere\" }\n",
        ),
        (
            "prod.tfvars.json",
            r#"{"g": "values-json-canary", "c": "plain", "e": {"x": "inner-canary"}}"#,
        ),
    ];
    let (names, sensitive) = sensitive_variables(&files);
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["a", "b", "e", "g", "h", "i", "j", "k"]
    );
    assert!(files.iter().all(|(path, _)| may_hold_variables(path)));
    assert!(!may_hold_variables("notes.md") && !may_hold_variables(".hidden.tf"));
    assert_eq!(
        sensitive.values().collect::<Vec<_>>(),
        [
            "flag-canary ${x}",
            "heredoc-canary",
            "inner-canary",
            "json-canary",
            "key canary",
            "key json canary",
            "list-canary",
            "odd${}-canary",
            "override-canary",
            "tfvars-canary",
            "tofu-canary",
            "tofu-json-canary",
            "twice-canary",
            "value-canary",
            "values-json-canary"
        ]
    );
}
