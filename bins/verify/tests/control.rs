//! What verify adds to the comparison: the policy once more, who did it, what is new, a plan-less run, EC2 asked again.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and write files"
)]

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(path).display().to_string()
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

fn verify(arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis-verify"))
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("PORTCULLIS_RETRY_WAIT", "0")
        .env("PORTCULLIS_NOW", "2026-11-24T06:00:00Z")
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The estate after the correction, compared with what EC2 had at another step.
fn drifted(live: &str, more: &[&str]) -> Run {
    let [plan, state, code] = [
        "fixtures/estate/2-correct-web-port/plan.json",
        "fixtures/estate/2-correct-web-port/state.json",
        "fixtures/estate/config",
    ]
    .map(repository);
    let mut arguments = vec![
        "--plan", &plan, "--state", &state, "--config", &code, "--live", live,
    ];
    arguments.extend(more);
    verify(&arguments)
}

fn aws(step: &str) -> String {
    repository(&format!("fixtures/estate/{step}/aws"))
}

#[test]
fn the_policy_speaks_of_what_is_live_by_the_rules_it_had_before() {
    let policy = repository("terraform/policy.yaml");
    let good = drifted(&aws("2-correct-web-port"), &["--policy", &policy]);
    assert_eq!(good.code, 0, "{}{}", good.stdout, good.stderr);
    let run = drifted(
        &aws("4-hand-made-drift"),
        &["--policy", &policy, "--format", "json"],
    );
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let found: Vec<String> = report["policy"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            format!(
                "{} {} {}",
                found["views"], found["rule"], found["group"]["address"]
            )
        })
        .collect();
    insta::assert_snapshot!("policy-on-the-live-view", found.join("\n"));
    assert_eq!(run.code, 1);
    let wrong = drifted(
        &aws("4-hand-made-drift"),
        &["--policy", &aws("4-hand-made-drift")],
    );
    assert_eq!(wrong.code, 64, "{}", wrong.stderr);
}

/// CloudTrail's record of the two rules made by hand: one named by its id, the other by its content only.
fn events() -> [Value; 2] {
    let record = |user: &str, at: &str, group: &str, answer: Value, cidr: &str| {
        json!({"eventVersion": "1.10", "eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress",
            "eventTime": at, "eventID": format!("id-of-{user}"), "sourceIPAddress": "203.0.113.9",
            "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::123456789012:user/{user}")},
            "requestParameters": {"groupId": group, "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 22,
                "toPort": 22, "groups": {}, "ipRanges": {"items": [{"cidrIp": cidr}]}}]}},
            "responseElements": answer})
    };
    let answer = json!({"securityGroupRuleSet": {"items": [{"groupId": "sg-5adc180858177f2d0", "isEgress": false,
        "securityGroupRuleId": "sgr-f77d31b70aa7eff67", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
        "cidrIpv4": "0.0.0.0/0"}]}});
    [
        record(
            "grace\u{1b}[31m",
            "2026-11-23T22:14:05Z",
            "sg-5adc180858177f2d0",
            answer,
            "0.0.0.0/0",
        ),
        record(
            "linus",
            "2026-11-23T22:20:41Z",
            "sg-0975a63965d2e5f09",
            Value::Null,
            "198.51.100.7/32",
        ),
    ]
}

#[test]
fn who_may_have_done_it_is_told_by_either_form_of_cloudtrail() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, document: Value| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, document.to_string()).unwrap();
        path
    };
    let log = file("log.json", json!({ "Records": events() }));
    let listed =
        events().map(|event| json!({"EventName": event["eventName"], "CloudTrailEvent": event.to_string()}));
    let looked_up = file("lookup.json", json!({ "Events": listed }));
    let by = |path: &Path| {
        drifted(
            &aws("4-hand-made-drift"),
            &["--cloudtrail", path.to_str().unwrap()],
        )
    };
    let told = by(&log);
    assert_eq!(told.stdout, by(&looked_up).stdout);
    assert!(!told.stdout.contains('\u{1b}'));
    let lines: Vec<&str> = told
        .stdout
        .lines()
        .filter(|line| line.contains("CloudTrail"))
        .collect();
    insta::assert_snapshot!("who-may-have-done-it", lines.join("\n"));
    let wrong = by(&file("other.json", json!({})));
    assert_eq!(wrong.code, 65, "{}", wrong.stderr);
    assert!(
        wrong.stderr.contains("lookup-events") && wrong.stderr.contains("other.json"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn without_a_plan_the_code_declares() {
    let folder = tempfile::tempdir().unwrap();
    let values = folder.path().join("change.tfvars");
    fs::write(&values, "web_port = 8000\n").unwrap();
    let by_code = |step: &str| {
        let [code, state] = ["config", &format!("{step}/state.json")]
            .map(|path| repository(&format!("fixtures/estate/{path}")));
        verify(&[
            "--config",
            &code,
            "--var-file",
            values.to_str().unwrap(),
            "--state",
            &state,
            "--live",
            &aws(step),
        ])
    };
    let agree = by_code("2-correct-web-port");
    assert_eq!(agree.code, 0, "{}{}", agree.stdout, agree.stderr);
    let drift = by_code("6-rule-removed-by-hand");
    assert_eq!(drift.code, 1, "{}", drift.stderr);
    assert!(
        drift
            .stdout
            .contains("3 of 7 rules disagree (2 unmanaged, 1 gone)"),
        "{}",
        drift.stdout
    );
    assert_eq!(verify(&["--live", "x"]).code, 64);
}

#[test]
fn a_watch_tells_what_is_new_since_the_last_time() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let last = out.join("consistency.json");
    let look = |step: &str| {
        let more = [
            "--since",
            last.to_str().unwrap(),
            "--artifacts",
            out.to_str().unwrap(),
            "--format",
            "json",
        ];
        let run = drifted(&aws(step), &more);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        format!("{step}: {}\n{:#}\n", run.code, report["since"])
    };
    let steps = [
        "2-correct-web-port",
        "4-hand-made-drift",
        "4-hand-made-drift",
        "6-rule-removed-by-hand",
        "2-correct-web-port",
    ];
    insta::assert_snapshot!("what-is-new", steps.map(look).join("\n"));
}

/// A program that shows EC2's answers as they were before the change, and, after some calls, as they are.
fn settling(calls: usize) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    fs::create_dir(&live).unwrap();
    let copy = |step: &str| {
        for entry in fs::read_dir(aws(step)).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), live.join(entry.file_name())).unwrap();
        }
    };
    copy("1-setup");
    let counter = folder.path().join("calls");
    let script = format!(
        "echo >> '{counter}'; if [ $(wc -l < '{counter}') -ge {calls} ]; then cp '{}'/* '{}'; fi",
        aws("2-correct-web-port"),
        live.display(),
        counter = counter.display(),
    );
    drifted(
        live.to_str().unwrap(),
        &["--settle", "60s", "--", "sh", "-c", &script],
    )
}

#[test]
fn ec2_is_asked_again_while_the_change_is_not_seen() {
    let run = settling(3);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("they were read 4 times"), "{}", run.stdout);
    insta::assert_snapshot!("asked-again", run.stderr);
    // Waits of two, four, eight, three times fifteen and one second make sixty.
    let never = settling(100);
    assert_eq!(never.code, 1);
    assert!(
        never
            .stdout
            .contains("EC2 was read 8 times over 60 s, and 2 rules are still"),
        "{}",
        never.stdout
    );
}

#[test]
fn what_was_made_by_hand_is_not_waited_for() {
    let run = drifted(&aws("4-hand-made-drift"), &["--settle", "60s", "--", "false"]);
    assert_eq!(run.code, 1);
    assert!(
        !run.stderr.contains("once more") && !run.stdout.contains("read again"),
        "{}",
        run.stderr
    );
    let broken = drifted(
        &aws("1-setup"),
        &[
            "--settle",
            "60s",
            "--",
            "sh",
            "-c",
            "echo no credentials >&2; exit 69",
        ],
    );
    assert!(
        broken.stdout.contains("EC2 could not be read again: sh"),
        "{}",
        broken.stdout
    );
    assert!(
        broken.stdout.contains("ended with 69: no credentials"),
        "{}",
        broken.stdout
    );
}

#[test]
fn while_ec2s_two_calls_name_different_rules_it_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    fs::create_dir(&live).unwrap();
    for entry in fs::read_dir(aws("2-correct-web-port"))
        .unwrap()
        .map(Result::unwrap)
    {
        fs::copy(entry.path(), live.join(entry.file_name())).unwrap();
    }
    let changed = |name: &str, change: &dyn Fn(&mut Value)| {
        let path = live.join(name);
        let mut answer: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut answer);
        fs::write(&path, answer.to_string()).unwrap();
    };
    // Neither shows the new port, and one a rule that this plan has nothing to do with.
    changed("describe-security-groups.json", &|answer| {
        for group in answer["SecurityGroups"].as_array_mut().unwrap() {
            if group["GroupName"] == "web" {
                group["IpPermissions"] = json!([{"IpProtocol": "udp", "FromPort": 53, "ToPort": 53,
                    "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}]);
            }
        }
    });
    changed("describe-security-group-rules.json", &|answer| {
        let rows = answer["SecurityGroupRules"].as_array_mut().unwrap();
        rows.retain(|row| row["FromPort"] != 8000 || row["CidrIpv4"].is_null());
    });
    let script = format!("cp '{}'/* '{}'", aws("2-correct-web-port"), live.display());
    let run = drifted(
        live.to_str().unwrap(),
        &["--settle", "60s", "--", "sh", "-c", &script],
    );
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("they were read 2 times"), "{}", run.stdout);
}

#[test]
fn a_command_that_is_not_there_is_not_taken_for_terraform() {
    let run = drifted(&aws("1-setup"), &["--settle", "60s", "--", "no-such-command"]);
    assert_eq!(run.code, 64, "{}", run.stderr);
    assert!(
        run.stderr.contains("no-such-command") && run.stderr.contains("portcullis-inspect"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("install terraform"), "{}", run.stderr);
}

#[test]
fn the_code_that_keeps_a_rule_is_as_terraform_writes_it() {
    let run = drifted(&aws("4-hand-made-drift"), &["--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let rules = report["rules"].as_array().unwrap();
    let code: Vec<&str> = rules
        .iter()
        .filter_map(|row| row["repair"]["code"].as_str())
        .collect();
    assert_eq!(code.len(), 2, "{}", run.stdout);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kept.tf"), code.join("\n")).unwrap();
    match Command::new("terraform")
        .arg("fmt")
        .arg("-check")
        .arg("-diff")
        .current_dir(folder.path())
        .output()
    {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        ),
        Err(error) => assert!(
            std::env::var_os("PORTCULLIS_REQUIRE_TERRAFORM").is_none(),
            "terraform: {error}"
        ),
    }
}
