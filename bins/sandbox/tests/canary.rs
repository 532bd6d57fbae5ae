//! The whole pipeline on a recording that holds sensitive values in every place where Terraform may write one: none of
//! them leaves a job, in whatever form.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests"
)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use portcullis_sandbox::demo::{INHERITED, Options, Scenario, run};
use portcullis_sandbox::terminal::Terminal;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tokio::sync::Mutex;

/// The web service has one address: one pipeline at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// Sensitive values, by the place they stand in. With what JSON, URLs and Go escape.
const CANARIES: [(&str, &str); 9] = [
    ("variable", "canary-variable <a&b> \"q\" /é"),
    ("default", "canary-default-77"),
    ("output", "canary-output <x>&y"),
    ("description", "canary: rotate with k/7+=="),
    ("cidr", "198.51.100.77/32"),
    ("name", "canary-name-77"),
    ("tag", "canary tag 77"),
    ("password", "canary\\password\n77 second line of it"),
    ("state", "canary-only-in-the-state"),
];

fn canary(place: &str) -> &'static str {
    CANARIES.iter().find(|(known, _)| *known == place).unwrap().1
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

const RULE: &str = "aws_vpc_security_group_ingress_rule.office";
const GROUP: &str = "aws_security_group.web";
const GROUP_ID: &str = "sg-5adc180858177f2d0";

fn rule() -> Value {
    json!({"cidr_ipv4": canary("cidr"), "cidr_ipv6": null, "description": canary("description"), "from_port": 8000,
        "to_port": 8000, "ip_protocol": "tcp", "prefix_list_id": null, "referenced_security_group_id": null,
        "security_group_id": GROUP_ID, "id": "sgr-0123456789abcdef0", "security_group_rule_id": "sgr-0123456789abcdef0",
        "tags": {"secret": canary("tag")}, "tags_all": {"secret": canary("tag")}})
}

fn rule_marks() -> Value {
    json!({"cidr_ipv4": true, "description": true, "tags": {"secret": true}, "tags_all": {}})
}

/// The recording with canaries put into each file.
fn recording(folder: &Path) {
    let from = root().join("fixtures/estate/2-correct-web-port");
    for name in ["plan.exitcode", "apply.exitcode"] {
        fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    let mut plan = read(&from.join("plan.json"));
    plan["variables"]["secret"] = json!({"value": canary("variable")});
    plan["configuration"]["root_module"]["variables"]["secret"] =
        json!({"sensitive": true, "default": canary("default")});
    plan["output_changes"]["secret"] = json!({"actions": ["create"], "before": null, "after": [canary("output")],
        "after_unknown": false, "before_sensitive": true, "after_sensitive": true});
    plan["planned_values"]["outputs"]["secret"] = json!({"sensitive": true, "value": [canary("output")]});
    let change = |address: &str, kind: &str, before: Value, after: Value, marks: Value| {
        json!({"address": address, "mode": "managed", "type": kind, "name": "x",
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {"actions": if before.is_null() { json!(["create"]) } else { json!(["update"]) }, "before": before,
                "after": after, "after_unknown": {}, "before_sensitive": marks, "after_sensitive": marks}})
    };
    let database =
        json!({"password": canary("password"), "notes": [{"of": canary("variable")}], "port": 5432});
    let changes = plan["resource_changes"].as_array_mut().unwrap();
    changes.push(change(
        RULE,
        "aws_vpc_security_group_ingress_rule",
        Value::Null,
        rule(),
        rule_marks(),
    ));
    changes.push(change(
        "aws_db_instance.main",
        "aws_db_instance",
        json!({"password": canary("password")}),
        database.clone(),
        json!({"password": true, "notes": [{"of": true}]}),
    ));
    // The group's name is marked; its computed attribute shows the rule again, unmarked.
    let group = changes
        .iter_mut()
        .find(|change| change["address"] == GROUP)
        .unwrap();
    for side in ["before", "after"] {
        group["change"][side]["name"] = json!(canary("name"));
        group["change"][side]["ingress"].as_array_mut().unwrap().push(json!({
            "cidr_blocks": [canary("cidr")], "description": canary("description"), "from_port": 8000, "to_port": 8000,
            "ipv6_cidr_blocks": [], "prefix_list_ids": [], "protocol": "tcp", "security_groups": [], "self": false}));
        group["change"][format!("{side}_sensitive")]["name"] = json!(true);
    }
    plan["prior_state"]["values"]["root_module"]["resources"]
        .as_array_mut()
        .unwrap()
        .push(json!({
        "address": "aws_db_instance.main", "mode": "managed", "type": "aws_db_instance", "name": "main",
        "values": database, "sensitive_values": {"password": true, "notes": [{"of": true}]}}));
    fs::write(folder.join("plan.json"), plan.to_string()).unwrap();

    let mut state = read(&from.join("state.json"));
    state["outputs"]["secret"] = json!({"value": canary("state"), "type": "string", "sensitive": true});
    state["resources"].as_array_mut().unwrap().push(json!({"mode": "managed",
        "type": "aws_vpc_security_group_ingress_rule", "name": "office",
        "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]", "instances": [{"schema_version": 0,
            "attributes": rule(), "sensitive_attributes": [[{"type": "get_attr", "value": "cidr_ipv4"}],
                [{"type": "get_attr", "value": "description"}],
                [{"type": "get_attr", "value": "tags"}, {"type": "index", "value": {"value": "secret", "type": "string"}}]]}]}));
    fs::write(folder.join("state.json"), state.to_string()).unwrap();
    fs::write(folder.join("state.show.json"), "{}").unwrap();

    // As a terraform would that masks nothing; it can't print what comes to be only later.
    let everything: String = CANARIES
        .iter()
        .filter(|(place, _)| *place != "state")
        .map(|(place, value)| format!("      + {place} = {value:?}\n        {value}\n"))
        .collect();
    for name in ["plan.txt", "apply.txt"] {
        let text = fs::read_to_string(from.join(name)).unwrap();
        fs::write(folder.join(name), format!("{text}\n{everything}")).unwrap();
    }
    // The saved plan's bytes hold all of them, too.
    let saved = CANARIES.map(|(_, value)| value).join("\0");
    fs::write(folder.join("plan.tfplan"), format!("PK\u{3}\u{4}{saved}")).unwrap();
}

/// Every way in which a value may be written.
fn forms(value: &str) -> Vec<String> {
    let quoted = serde_json::to_string(value).unwrap();
    let quoted = quoted.trim_matches('"').to_owned();
    let go = quoted
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    let url: String = value
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let debug = format!("{value:?}");
    let html = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut forms = vec![
        value.to_owned(),
        quoted,
        go,
        url,
        debug.trim_matches('"').to_owned(),
        html,
    ];
    forms.extend(value.lines().map(|line| line.trim().to_owned()));
    for shift in 0..3_usize {
        let bytes = [&vec![b' '; shift], value.as_bytes()].concat();
        let (first, last) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        forms.push(STANDARD.encode(&bytes)[first..last].to_owned());
        forms.push(URL_SAFE.encode(&bytes)[first..last].to_owned());
    }
    forms
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else {
            out.push(path);
        }
    }
}

fn leaks(bytes: &[u8]) -> Vec<&'static str> {
    // What is not UTF-8 is replaced, and no form holds such a byte.
    let text = String::from_utf8_lossy(bytes);
    CANARIES
        .iter()
        .filter(|(_, value)| forms(value).iter().any(|form| text.contains(form.as_str())))
        .map(|(place, _)| *place)
        .collect()
}

/// The pipeline on the recording with canaries; gives the exit code and the terminal's text.
async fn play(folder: &Path, more: &[(&str, &str)]) -> (u8, String) {
    let _turn = TURN.lock().await;
    let recorded = folder.join("recording");
    fs::create_dir(&recorded).unwrap();
    recording(&recorded);
    let mut inherited: Vec<(String, String)> = INHERITED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .collect();
    inherited.push(("PORTCULLIS_REPLAY".to_owned(), recorded.display().to_string()));
    inherited.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let options = Options {
        scenario: Scenario::CorrectWebPort,
        keep: Some(folder.join("project")),
        workspace: root(),
        cargo: std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from),
        inherited,
        terminal: Terminal {
            width: 200,
            ..Terminal::PLAIN
        },
    };
    let mut out = Vec::new();
    let exit = run(&options, &mut out).await.unwrap();
    (exit, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn no_sensitive_value_leaves_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let private = folder.path().join("private");
    fs::create_dir(&private).unwrap();
    let key = "0123456789abcdef".repeat(4);
    let (exit, text) = play(
        folder.path(),
        &[
            ("PORTCULLIS_PLAN_KEY", &key),
            ("TMPDIR", private.to_str().unwrap()),
        ],
    )
    .await;
    // The new rule is not in EC2's recorded answers: the comparison says so, and the services are not asked.
    assert_eq!(exit, 1, "{text}");
    assert_eq!(leaks(text.as_bytes()), [""; 0], "{text}");
    let mut files = Vec::new();
    for name in ["portcullis", "logs"] {
        files_below(&folder.path().join("project").join(name), &mut files);
    }
    let mut seen = Vec::new();
    for file in &files {
        let bytes = fs::read(file).unwrap();
        assert_eq!(
            leaks(&bytes),
            [""; 0],
            "{}:\n{}",
            file.display(),
            String::from_utf8_lossy(&bytes)
        );
        assert!(
            !String::from_utf8_lossy(&bytes).contains(&key),
            "{}",
            file.display()
        );
        seen.push(file.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for name in [
        "plan.tfplan",
        "plan.json",
        "plan.txt",
        "exposure.json",
        "compliance.json",
        "approval-request.json",
        "approval.json",
        "apply.txt",
        "consistency.json",
        "evidence.json",
    ] {
        assert!(
            seen.iter().any(|found| found == name),
            "{name} is not there: {seen:?}"
        );
    }
    assert!(
        fs::read(folder.path().join("project/portcullis/plan.tfplan"))
            .unwrap()
            .starts_with(b"portcullis sealed file")
    );
    assert_eq!(
        fs::read_dir(&private).unwrap().count(),
        0,
        "a plan in clear is left behind"
    );
    // Judged, and said without its peer.
    let exposure = fs::read_to_string(folder.path().join("project/portcullis/exposure.txt")).unwrap();
    assert!(exposure.contains("tcp 8000 from (sensitive)"), "{exposure}");
}

#[tokio::test]
async fn without_a_key_the_plan_file_alone_holds_them_and_that_is_said_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let (_, text) = play(folder.path(), &[]).await;
    assert_eq!(leaks(text.as_bytes()), [""; 0], "{text}");
    let mut files = Vec::new();
    for name in ["portcullis", "logs"] {
        files_below(&folder.path().join("project").join(name), &mut files);
    }
    let leaking: Vec<&str> = files
        .iter()
        .filter(|file| !leaks(&fs::read(file).unwrap()).is_empty())
        .map(|file| file.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(leaking, ["plan.tfplan"]);
    let log = fs::read_to_string(folder.path().join("project/logs/03-plan.log")).unwrap();
    assert!(
        log.contains("WARNING: plan.tfplan holds") && log.contains("PORTCULLIS_PLAN_KEY"),
        "{log}"
    );
}
