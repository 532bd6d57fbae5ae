//! How long a reading takes, by the API's round trips: the program itself against a local endpoint that takes its time
//! for each answer. It waits, it does not compute, so the build for debugging tells as much:
//!
//! ```sh
//! cargo bench --profile dev -p portcullis-inspect
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::allow_attributes,
    reason = "a benchmark"
)]

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// What EC2 takes for a page, roughly.
const ROUND_TRIP: Duration = Duration::from_millis(300);
const PAGE: usize = 1000;

/// How much there is in each region.
#[derive(Clone, Copy)]
struct Size {
    groups: usize,
    rules: usize,
    interfaces: usize,
}

impl Size {
    /// The rules of one group: a port and a source each.
    fn rules_of(self, group: usize) -> usize {
        self.rules / self.groups + usize::from(group < self.rules % self.groups)
    }

    fn answer(self, body: &str) -> String {
        let value = |name: &str| body.split('&').find_map(|part| part.strip_prefix(name));
        let call = value("Action=").unwrap();
        let from: usize = value("NextToken=").map_or(0, |token| token.parse().unwrap());
        let asked: Vec<usize> = body
            .split('&')
            .filter_map(|part| part.split_once("=sg-")?.1.parse().ok())
            .collect();
        match call {
            "DescribeSecurityGroups" => page(call, "securityGroupInfo", from, self.groups, |out, at| {
                write!(
                    out,
                    "<item><groupId>sg-{at}</groupId><vpcId>vpc-1</vpcId><ipPermissions>"
                )
                .unwrap();
                for rule in 0..self.rules_of(at) {
                    let port = 1000 + rule;
                    write!(
                        out,
                        "<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort>\
                         <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>"
                    )
                    .unwrap();
                }
                out.push_str("</ipPermissions></item>");
            }),
            "DescribeSecurityGroupRules" => {
                let rules: Vec<(usize, usize)> = asked
                    .iter()
                    .flat_map(|group| (0..self.rules_of(*group)).map(|rule| (*group, rule)))
                    .collect();
                page(call, "securityGroupRuleSet", from, rules.len(), |out, at| {
                    let (group, rule) = rules[at];
                    let port = 1000 + rule;
                    write!(
                        out,
                        "<item><securityGroupRuleId>sgr-{group}-{rule}</securityGroupRuleId><groupId>sg-{group}</groupId>\
                         <isEgress>false</isEgress><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort>\
                         <toPort>{port}</toPort><cidrIpv4>10.0.0.0/8</cidrIpv4></item>"
                    )
                    .unwrap();
                })
            }
            "DescribeNetworkInterfaces" => {
                page(call, "networkInterfaceSet", from, self.interfaces, |out, at| {
                    let group = at % self.groups;
                    write!(
                    out,
                    "<item><networkInterfaceId>eni-{at}</networkInterfaceId><groupSet><item><groupId>sg-{group}</groupId>\
                     </item></groupSet></item>"
                )
                .unwrap();
                })
            }
            other => page(other, "set", 0, 0, |_, _| ()),
        }
    }
}

fn page(call: &str, set: &str, from: usize, all: usize, item: impl Fn(&mut String, usize)) -> String {
    let to = all.min(from + PAGE);
    let mut items = String::new();
    for at in from..to {
        item(&mut items, at);
    }
    let next = if to < all { to.to_string() } else { String::new() };
    format!("<{call}Response><{set}>{items}</{set}><nextToken>{next}</nextToken></{call}Response>")
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!(
        "round trip {} ms; one after the other: calls x round trip\n",
        ROUND_TRIP.as_millis()
    );
    println!("| in each region | regions | calls | one after the other | took |");
    println!("|---|---|---|---|---|");
    for (groups, rules, interfaces, regions) in [
        (10, 100, 50, "eu-west-1"),
        (100, 5_000, 1_000, "eu-west-1"),
        (1_000, 50_000, 5_000, "eu-west-1"),
        (100, 5_000, 1_000, "eu-west-1,eu-west-2,us-east-1,us-west-2"),
    ] {
        let size = Size {
            groups,
            rules,
            interfaces,
        };
        let server = MockServer::start().await;
        let respond = move |request: &Request| {
            let body = size.answer(std::str::from_utf8(&request.body).unwrap());
            ResponseTemplate::new(200)
                .set_body_raw(body, "text/xml")
                .set_delay(ROUND_TRIP)
        };
        Mock::given(any()).respond_with(respond).mount(&server).await;
        let began = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis-inspect"))
            .args(["--stdout", "--region", regions])
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI0K7MDENGbPxRfiCYEXAMPLEKEY")
            .env("AWS_ENDPOINT_URL", server.uri())
            .output()
            .unwrap();
        let took = began.elapsed();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let calls = server.received_requests().await.unwrap().len();
        let each = ROUND_TRIP * u32::try_from(calls).unwrap();
        println!(
            "| {groups} groups, {rules} rules, {interfaces} interfaces | {} | {calls} | {:.1} s | {:.1} s |",
            regions.split(',').count(),
            each.as_secs_f32(),
            took.as_secs_f32(),
        );
    }
}
