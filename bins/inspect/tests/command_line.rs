//! The binary against answers from the wire: recorded ones, and all the ways in which there is none. What it says is held
//! as snapshots; the exit codes are the documented ones, and no file is left where nothing was read.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests"
)]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use wiremock::matchers::{any, body_string_contains};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A key that must not be seen anywhere.
const SECRET: &str = "wJalrXUtnFEMI0K7MDENGbPxRfiCYEXAMPLEKEY";

const REGION: (&str, &str) = ("AWS_REGION", "eu-west-1");
const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
];

struct Ran {
    folder: tempfile::TempDir,
    code: i32,
    said: String,
    out: String,
}

impl Ran {
    fn report(&self) -> String {
        format!(
            "exit code {}\n--- standard error\n{}--- standard output\n{}",
            self.code, self.said, self.out
        )
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }

    fn live(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("portcullis/live.json")).unwrap()
    }
}

fn inspect(arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_portcullis-inspect"))
        .args(arguments)
        .env_clear()
        // Otherwise credentials would be looked for at the machine's own metadata address.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PORTCULLIS_RETRY_WAIT", "0.01")
        .env("HOME", folder.path())
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ran = Ran {
        folder,
        code: status.code().unwrap(),
        said: text(stderr),
        out: text(stdout),
    };
    assert!(!ran.report().contains(SECRET), "{}", ran.report());
    ran
}

/// The binary with a region, keys and this endpoint.
fn inspect_at(endpoint: &str, arguments: &[&str]) -> Ran {
    let variables = [REGION, KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", endpoint)];
    inspect(arguments, &variables)
}

/// Answers as EC2 gave them (`.ci/moto/suite.py --record`), but for the calls that are refused.
async fn recorded(refused: &[(&str, u16, &str)]) -> MockServer {
    let server = MockServer::start().await;
    for (call, status, code) in refused {
        let words = format!("You, arn:aws:iam::123456789012:user/somebody, are told no. {SECRET}");
        let body = format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{words}</Message></Error></Errors></Response>"
        );
        Mock::given(body_string_contains(format!("Action={call}")))
            .respond_with(ResponseTemplate::new(*status).set_body_raw(body, "text/xml"))
            .mount(&server)
            .await;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let call = path.file_stem().unwrap().to_str().unwrap();
        let body = std::fs::read_to_string(&path).unwrap();
        Mock::given(body_string_contains(format!("Action={call}&")))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body, "text/xml"))
            .mount(&server)
            .await;
    }
    server
}

#[tokio::test]
async fn recorded_answers_become_the_live_view() {
    let server = recorded(&[]).await;
    let ran = inspect_at(&server.uri(), &[]);
    insta::assert_snapshot!("recorded-answers-report", ran.report());
    let live = ran.live();
    insta::assert_snapshot!("recorded-answers-live-view", live);
    let inventory = portcullis_live::read(&live).unwrap();
    assert_eq!(inventory.gaps, []);

    // The service's own variable goes before the general one, and standard output takes the same text.
    let variables = [
        REGION,
        KEYS[0],
        KEYS[1],
        ("AWS_ENDPOINT_URL_EC2", &server.uri()),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];
    let again = inspect(&["--stdout"], &variables);
    assert_eq!(
        (
            again.code,
            again.out,
            again.folder.path().read_dir().unwrap().count()
        ),
        (0, live, 0)
    );
}

#[tokio::test]
async fn one_call_refused_is_a_gap() {
    let mut reports = String::new();
    for call in [
        "DescribeSecurityGroups&",
        "DescribeSecurityGroupRules",
        "DescribeNetworkInterfaces",
        "DescribeInstances",
        "GetManagedPrefixListEntries",
    ] {
        let server = recorded(&[(call, 403, "UnauthorizedOperation")]).await;
        let ran = inspect_at(&server.uri(), &[]);
        assert_eq!(ran.code, 0);
        let inventory = portcullis_live::read(&ran.live()).unwrap();
        assert_eq!(inventory.gaps.len(), 1, "{:?}", inventory.gaps);
        reports.push_str(&ran.out);
    }
    insta::assert_snapshot!("one-call-refused", reports);
}

#[tokio::test]
async fn nothing_of_the_groups_is_a_clear_report() {
    let mut reports = String::new();
    for (situation, status, code) in [
        ("access denied", 403, "UnauthorizedOperation"),
        ("expired credentials", 400, "RequestExpired"),
        ("keys of nobody", 401, "AuthFailure"),
        ("a region that the account has not enabled", 403, "OptInRequired"),
        ("throttled for ever", 503, "RequestLimitExceeded"),
        ("a code that nobody knows", 400, "Mystery\u{1b}[31m"),
    ] {
        let server = recorded(&[("", status, code)]).await;
        let ran = inspect_at(&server.uri(), &[]);
        assert_eq!(ran.files(), 0, "{situation}");
        reports.push_str(&format!("### {situation}\n{}\n", ran.report()));
    }
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(502).set_body_raw("<html>Bad gateway</html>", "text/html");
    Mock::given(any()).respond_with(page).mount(&server).await;
    reports.push_str(&format!(
        "### not EC2 at all\n{}\n",
        inspect_at(&server.uri(), &[]).report()
    ));
    // Port 9 (discard): nobody listens there. A name that is not found ends the same way.
    let ran = inspect_at("http://127.0.0.1:9", &["--region", "eu-nowhere-9"]);
    reports.push_str(&format!("### a region that does not exist\n{}\n", ran.report()));
    insta::assert_snapshot!("nothing-of-the-groups", reports);
}

#[test]
fn an_endpoint_that_hangs_does_not_hang_the_job() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let started = Instant::now();
    let ran = inspect_at(&endpoint, &["--deadline", "0.5"]);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(ran.files(), 0);
    insta::assert_snapshot!(ran.report(), @r"
    exit code 69
    --- standard error
    asking EC2 in eu-west-1
    error: DescribeSecurityGroups was not answered when the 0.5 s for the whole reading were over
    hint: if nothing answers at all, check AWS_ENDPOINT_URL and the way out of the job's network; if AWS is slow or there is much to read, allow more with --deadline
    --- standard output
    ");
}

#[test]
fn no_region_is_wrong_usage() {
    let ran = inspect(&[], &[]);
    assert_eq!(ran.files(), 0);
    insta::assert_snapshot!(ran.report(), @r"
    exit code 64
    --- standard error
    error: no AWS region is set
    hint: set AWS_REGION to the region of the estate, such as eu-west-1
    --- standard output
    ");
    let ran = inspect(&["--region", "EU West"], &KEYS);
    insta::assert_snapshot!(ran.report(), @r#"
    exit code 64
    --- standard error
    error: no AWS region is called like that: "EU West"
    hint: a region is small letters, digits and dashes, such as eu-west-1
    --- standard output
    "#);
}

#[test]
fn no_credentials_is_not_available() {
    let ran = inspect(&[], &[REGION]);
    assert_eq!(ran.files(), 0);
    insta::assert_snapshot!(ran.report(), @r"
    exit code 69
    --- standard error
    error: no AWS credentials could be found
      caused by: no credentials found in chain. Attempted: Environment: environment variable not set; Profile; WebIdentityToken: $AWS_WEB_IDENTITY_TOKEN_FILE was not set; EcsContainer: ECS provider not configured; Ec2InstanceMetadata: IMDS disabled by AWS_EC2_METADATA_DISABLED env var set to `true`
    hint: in a GitLab job, set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (from `id_tokens`), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    --- standard output
    ");
    let variables = [
        REGION,
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/inspect"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "no-such-file"),
    ];
    insta::assert_snapshot!(inspect(&[], &variables).report(), @r"
    exit code 69
    --- standard error
    error: the AWS credentials could not be fetched
      caused by: an error occurred while loading credentials
      caused by: No such file or directory (os error 2)
    hint: check the AWS_* variables of the job, and the files they name
    --- standard output
    ");
}

/// Where a container cannot reach the machine's metadata service, that takes its time: twice one second, not many.
#[test]
fn without_credentials_nobody_waits_long_for_the_metadata_service() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint),
    ];
    let started = Instant::now();
    let ran = inspect(&[], &[REGION, variables[0], variables[1]]);
    assert_eq!(ran.code, 69, "{}", ran.report());
    assert!(
        ran.said.contains("no AWS credentials could be found"),
        "{}",
        ran.report()
    );
    let ran = inspect(&[], &variables);
    assert_eq!(ran.code, 64, "{}", ran.report());
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}
