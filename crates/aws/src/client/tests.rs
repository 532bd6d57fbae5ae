//! EC2's wire format, played by a local server: pages, scopes, gaps, several places, and what is asked at the same time.

use super::*;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use wiremock::matchers::{any, body_string_contains};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const HERE: [(&str, &str); 1] = [("eu-west-1", "")];

/// No second attempt, and little time.
fn once() -> Settings {
    Settings {
        attempts: Some(1),
        deadline: Duration::from_secs(10),
        ..Settings::default()
    }
}

async fn read(server: &MockServer, scope: &Scope) -> Result<Reading, ReadError> {
    Aws::at(&server.uri(), &HERE, &once()).read(scope, &|_| ()).await
}

fn gaps(inventory: &Inventory) -> Vec<String> {
    let told = |gap: &Gap| format!("{}: {}: {:?}", gap.what, gap.why, gap.missing);
    inventory.gaps.iter().map(told).collect()
}

/// Answers a call whose body holds all of these.
async fn answer(server: &MockServer, asked: &[&str], status: u16, body: &str) {
    let mut mock = Mock::given(body_string_contains(asked[0]));
    for part in &asked[1..] {
        mock = mock.and(body_string_contains(*part));
    }
    mock.respond_with(ResponseTemplate::new(status).set_body_raw(body.to_owned(), "text/xml"))
        .mount(server)
        .await;
}

/// A page of a listing; each set of EC2's is named a little differently.
fn page(call: &str, set: &str, items: &str, next: &str) -> String {
    format!("<{call}Response><{set}>{items}</{set}><nextToken>{next}</nextToken></{call}Response>")
}

async fn listing(server: &MockServer, call: &str, set: &str, items: &str) {
    answer(
        server,
        &[&format!("Action={call}&")],
        200,
        &page(call, set, items, ""),
    )
    .await;
}

/// What has been asked, as (call, body).
async fn asked(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(call_and_body).collect()
}

fn call_and_body(request: &Request) -> (String, String) {
    let body = String::from_utf8(request.body.clone()).unwrap();
    let call = body
        .split('&')
        .find_map(|part| part.strip_prefix("Action="))
        .unwrap()
        .to_owned();
    (call, body)
}

const WEB: &str = "<item><ownerId>111122223333</ownerId><groupId>sg-web</groupId><groupName>web</groupName>\
    <vpcId>vpc-1</vpcId><tagSet><item><key>exposure</key><value>public</value></item></tagSet>\
    <ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>8000</fromPort><toPort>8000</toPort>\
    <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp><description>for everyone</description></item></ipRanges></item>\
    <item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort><groups><item><userId>444455556666</userId>\
    <groupId>sg-far</groupId></item></groups></item></ipPermissions>\
    <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><prefixListIds><item><prefixListId>pl-1</prefixListId></item>\
    </prefixListIds></item></ipPermissionsEgress></item>";
const WEB_8000: &str = "<item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-web</groupId>\
    <groupOwnerId>111122223333</groupOwnerId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>\
    <fromPort>8000</fromPort><toPort>8000</toPort><cidrIpv4>0.0.0.0/0</cidrIpv4>\
    <tagSet><item><key>ticket</key><value>OPS-7</value></item></tagSet></item>";
const WEB_22: &str = "<item><securityGroupRuleId>sgr-2</securityGroupRuleId><groupId>sg-web</groupId>\
    <groupOwnerId>111122223333</groupOwnerId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>\
    <fromPort>22</fromPort><toPort>22</toPort><referencedGroupInfo><userId>444455556666</userId>\
    <groupId>sg-far</groupId></referencedGroupInfo></item>";
const WEB_OUT: &str = "<item><securityGroupRuleId>sgr-3</securityGroupRuleId><groupId>sg-web</groupId>\
    <groupOwnerId>111122223333</groupOwnerId><isEgress>true</isEgress><ipProtocol>-1</ipProtocol>\
    <fromPort>-1</fromPort><toPort>-1</toPort><prefixListId>pl-1</prefixListId></item>";
const DENIED: &str = "<Response><Errors><Error><Code>UnauthorizedOperation</Code>\
    <Message>You are not authorized. User: arn:aws:iam::1:user/x</Message></Error></Errors></Response>";

/// A region with something of everything.
async fn region() -> MockServer {
    region_but(&[]).await
}

/// The same, where some calls are refused. The first match wins, so the refusals stand first.
async fn region_but(refused: &[&str]) -> MockServer {
    let server = MockServer::start().await;
    for call in refused {
        answer(&server, &[&format!("Action={call}&")], 403, DENIED).await;
    }
    listing(&server, "DescribeSecurityGroups", "securityGroupInfo", WEB).await;
    // Pages with a token stand before the page without. The second one is empty, with a token.
    let rules =
        |items: &str, next: &str| page("DescribeSecurityGroupRules", "securityGroupRuleSet", items, next);
    let call = "Action=DescribeSecurityGroupRules&";
    answer(
        &server,
        &[call, "NextToken=three"],
        200,
        &rules(&format!("{WEB_22}{WEB_OUT}"), ""),
    )
    .await;
    answer(&server, &[call, "NextToken=two"], 200, &rules("", "three")).await;
    answer(&server, &[call], 200, &rules(WEB_8000, "two")).await;
    let instance = "<item><instancesSet><item><instanceId>i-1</instanceId>\
        <tagSet><item><key>Name</key><value>front</value></item></tagSet></item></instancesSet></item>";
    listing(&server, "DescribeInstances", "reservationSet", instance).await;
    let interfaces = "<item><networkInterfaceId>eni-1</networkInterfaceId><ownerId>111122223333</ownerId>\
        <vpcId>vpc-1</vpcId><interfaceType>interface</interfaceType><requesterId>AIDAUSER</requesterId>\
        <requesterManaged>false</requesterManaged><attachment><instanceId>i-1</instanceId></attachment>\
        <privateIpAddress>10.20.1.4</privateIpAddress>\
        <privateIpAddressesSet><item><privateIpAddress>10.20.1.4</privateIpAddress>\
        <association><publicIp>192.0.2.7</publicIp></association></item></privateIpAddressesSet>\
        <ipv6AddressesSet><item><ipv6Address>2001:db8::7</ipv6Address></item></ipv6AddressesSet>\
        <groupSet><item><groupId>sg-web</groupId></item></groupSet></item>\
        <item><networkInterfaceId>eni-2</networkInterfaceId><requesterId>amazon-elb</requesterId>\
        <requesterManaged>true</requesterManaged><description>ELB app/front/50dc6c495c0c9188</description>\
        <groupSet><item><groupId>sg-web</groupId></item></groupSet></item>";
    listing(
        &server,
        "DescribeNetworkInterfaces",
        "networkInterfaceSet",
        interfaces,
    )
    .await;
    let association = "<item><groupId>sg-web</groupId><vpcId>vpc-2</vpcId><vpcOwnerId>444455556666</vpcOwnerId>\
        <state>associated</state></item>";
    listing(
        &server,
        "DescribeSecurityGroupVpcAssociations",
        "securityGroupVpcAssociationSet",
        association,
    )
    .await;
    let stale = "<item><groupId>sg-web</groupId><vpcId>vpc-1</vpcId><staleIpPermissions><item><fromPort>22</fromPort>\
        <toPort>22</toPort><ipProtocol>tcp</ipProtocol><groups><item><groupId>sg-far</groupId>\
        <userId>444455556666</userId><vpcId>vpc-9</vpcId><peeringStatus>deleted</peeringStatus></item></groups></item>\
        </staleIpPermissions></item>";
    listing(
        &server,
        "DescribeStaleSecurityGroups",
        "staleSecurityGroupSet",
        stale,
    )
    .await;
    let entries = "<item><cidr>198.51.100.0/24</cidr></item>";
    listing(&server, "GetManagedPrefixListEntries", "entrySet", entries).await;
    server
}

#[tokio::test]
async fn all_of_it_is_read() {
    let server = region().await;
    let Reading { inventory, calls } = read(&server, &Scope::default()).await.unwrap();
    assert_eq!(gaps(&inventory), [""; 0]);
    assert_eq!(calls, Calls { made: 9, again: 0 });
    assert_eq!(inventory.account.as_deref(), Some("111122223333"));
    assert_eq!(inventory.region.as_deref(), Some("eu-west-1"));
    let web = inventory.group("sg-web").unwrap();
    assert_eq!(web.tags["exposure"], "public");
    assert_eq!(web.region.as_deref(), Some("eu-west-1"));
    let rules: Vec<String> = web
        .rules
        .iter()
        .map(|rule| {
            let words = rule.description.as_deref().unwrap_or("-");
            let tags: Vec<&String> = rule.tags.values().collect();
            format!(
                "{} {} {} {words} {tags:?}",
                rule.id.as_ref().unwrap(),
                rule.direction,
                rule.peer
            )
        })
        .collect();
    assert_eq!(
        rules,
        [
            "sgr-2 ingress 444455556666/sg-far - []",
            "sgr-1 ingress 0.0.0.0/0 for everyone [\"OPS-7\"]",
            "sgr-3 egress pl-1 - []",
        ]
    );
    let entries = inventory.prefix_lists.entries("pl-1").unwrap();
    assert_eq!(entries.cidrs()[0].to_string(), "198.51.100.0/24");
    let members: Vec<_> = inventory.members("sg-web").collect();
    assert_eq!(members[0].label(), "front");
    assert_eq!(
        members[0].requester, None,
        "who made an ordinary interface says nothing"
    );
    assert_eq!(members[1].load_balancer(), Some("app/front/50dc6c495c0c9188"));
    let public: Vec<String> = members[0]
        .public_addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(public, ["192.0.2.7", "2001:db8::7"]);
    assert_eq!(members[0].private_addresses.len(), 1);
    assert_eq!(inventory.associations[0].vpc_id, "vpc-2");
    let stale = &inventory.stale[0];
    assert_eq!(
        (stale.group.as_str(), stale.peering.as_deref()),
        ("sg-web", Some("deleted"))
    );
    assert_eq!(Some(&stale.rule), web.rules[0].key().as_ref());
}

/// The policy that the documentation gives allows the calls that are made, and no other.
#[tokio::test]
async fn the_policy_holds_the_calls_made_and_no_other() {
    let server = region().await;
    read(&server, &Scope::default()).await.unwrap();
    let made: BTreeSet<String> = asked(&server)
        .await
        .into_iter()
        .map(|(call, _)| format!("ec2:{call}"))
        .collect();
    let policy = include_str!("../../../../docs/aws-policy.json");
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let allowed: BTreeSet<String> = statements
        .iter()
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(made, allowed);
    assert!(statements.iter().all(|statement| statement["Effect"] == "Allow"));
}

#[tokio::test]
async fn each_listing_is_paged_and_asks_for_what_services_made() {
    let server = region().await;
    read(&server, &Scope::default()).await.unwrap();
    for (call, body) in asked(&server).await {
        let size = match call.as_str() {
            "GetManagedPrefixListEntries" => "MaxResults=100",
            "DescribeStaleSecurityGroups" => "MaxResults=255",
            _ => "MaxResults=1000",
        };
        assert!(body.split('&').any(|part| part == size), "{body}");
        let managed = body.contains("IncludeManagedResources=true");
        assert_eq!(managed, call == "DescribeNetworkInterfaces", "{body}");
    }
}

#[tokio::test]
async fn only_what_is_asked_for_is_asked_for() {
    let ids = |ids: &[&str]| {
        ids.iter()
            .map(|id| (*id).to_owned())
            .collect::<BTreeSet<String>>()
    };
    for (scope, first) in [
        (
            Scope {
                groups: ids(&["sg-web"]),
                ..Scope::default()
            },
            "Filter.1.Name=group-id&Filter.1.Value.1=sg-web",
        ),
        (
            Scope {
                vpcs: ids(&["vpc-1"]),
                tags: [("exposure".to_owned(), "public".to_owned())].into(),
                ..Scope::default()
            },
            "Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.2.Name=tag%3Aexposure&Filter.2.Value.1=public",
        ),
    ] {
        let server = region().await;
        let inventory = read(&server, &scope).await.unwrap().inventory;
        assert_eq!(inventory.gaps, scope.gap().into_iter().collect::<Vec<_>>());
        for (call, body) in asked(&server).await {
            let filter = match call.as_str() {
                "DescribeSecurityGroups" => first,
                "DescribeInstances" => "Filter.1.Name=network-interface.group-id&Filter.1.Value.1=sg-web",
                "DescribeStaleSecurityGroups" => "VpcId=vpc-1",
                "GetManagedPrefixListEntries" => "PrefixListId=pl-1",
                _ => "Filter.1.Name=group-id&Filter.1.Value.1=sg-web",
            };
            assert!(body.contains(filter), "{call}: {body}");
        }
    }
}

/// Refused alone, each call leaves a gap that says what may be missing, and nothing of the caller's identity.
#[tokio::test]
async fn each_call_may_be_refused_alone() {
    let mut told = String::new();
    for call in [
        "DescribeSecurityGroups",
        "DescribeSecurityGroupRules",
        "DescribeNetworkInterfaces",
        "DescribeInstances",
        "DescribeSecurityGroupVpcAssociations",
        "DescribeStaleSecurityGroups",
        "GetManagedPrefixListEntries",
    ] {
        let server = region_but(&[call]).await;
        let inventory = read(&server, &Scope::default()).await.unwrap().inventory;
        let web = inventory.group("sg-web").unwrap();
        assert_eq!(web.rules.len(), 3, "{call}");
        assert_eq!(inventory.prefix_lists.ids().collect::<Vec<_>>(), ["pl-1"]);
        told.push_str(&format!("{}\n", gaps(&inventory).join("\n")));
    }
    insta::assert_snapshot!(told, @r#"
    DescribeSecurityGroups: EC2 refused DescribeSecurityGroups: UnauthorizedOperation: Groups { except: {} }
    DescribeSecurityGroupRules: EC2 refused DescribeSecurityGroupRules: UnauthorizedOperation: Details
    DescribeNetworkInterfaces: EC2 refused DescribeNetworkInterfaces: UnauthorizedOperation: Members
    DescribeInstances: EC2 refused DescribeInstances: UnauthorizedOperation: Details
    DescribeSecurityGroupVpcAssociations: EC2 refused DescribeSecurityGroupVpcAssociations: UnauthorizedOperation: Details
    DescribeStaleSecurityGroups: EC2 refused DescribeStaleSecurityGroups: UnauthorizedOperation: Details
    GetManagedPrefixListEntries pl-1: EC2 refused GetManagedPrefixListEntries: UnauthorizedOperation: Entries { of: "pl-1" }
    "#);
}

#[tokio::test]
async fn nothing_of_the_groups_is_an_error() {
    let server = region_but(&["DescribeSecurityGroups", "DescribeSecurityGroupRules"]).await;
    let error = read(&server, &Scope::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "EC2 refused DescribeSecurityGroups: UnauthorizedOperation"
    );
    assert!(
        !format!("{error:?}").contains("arn:aws:iam"),
        "the answer's text must not be kept"
    );
}

#[tokio::test]
async fn pages_before_a_failure_stand() {
    let server = MockServer::start().await;
    let call = "Action=DescribeSecurityGroups&";
    let first = page("DescribeSecurityGroups", "securityGroupInfo", WEB, "two");
    answer(&server, &[call, "NextToken=two"], 403, DENIED).await;
    answer(&server, &[call], 200, &first).await;
    let odd = "<item><securityGroupRuleId>sgr-9</securityGroupRuleId><groupId>sg-web</groupId>\
        <isEgress>false</isEgress><ipProtocol>tcp</ipProtocol></item>";
    let other = WEB_8000.replace("sg-web", "sg-other").replace("sgr-1", "sgr-8");
    let rules = format!("{WEB_8000}{WEB_22}{odd}{other}");
    listing(
        &server,
        "DescribeSecurityGroupRules",
        "securityGroupRuleSet",
        &rules,
    )
    .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(403).set_body_raw(DENIED, "text/xml"))
        .mount(&server)
        .await;
    let inventory = read(&server, &Scope::default()).await.unwrap().inventory;
    insta::assert_snapshot!(gaps(&inventory).join("\n"), @r#"
    DescribeSecurityGroups: EC2 refused DescribeSecurityGroups: UnauthorizedOperation: Groups { except: {} }
    rule sgr-9: EC2 names neither an address, a group nor a prefix list: Rules { of: Some("sg-web") }
    group sg-web: DescribeSecurityGroups and DescribeSecurityGroupRules name different rules; both are kept: Rules { of: Some("sg-web") }
    GetManagedPrefixListEntries pl-1: EC2 refused GetManagedPrefixListEntries: UnauthorizedOperation: Entries { of: "pl-1" }
    DescribeNetworkInterfaces: EC2 refused DescribeNetworkInterfaces: UnauthorizedOperation: Members
    DescribeInstances: EC2 refused DescribeInstances: UnauthorizedOperation: Details
    DescribeSecurityGroupVpcAssociations: EC2 refused DescribeSecurityGroupVpcAssociations: UnauthorizedOperation: Details
    DescribeStaleSecurityGroups: EC2 refused DescribeStaleSecurityGroups: UnauthorizedOperation: Details
    "#);
    // The rule that only the group's own answer has is there, and the group that only its rules tell of.
    assert_eq!(inventory.group("sg-web").unwrap().rules.len(), 3);
    assert_eq!(inventory.group("sg-other").unwrap().rules.len(), 1);
    assert!(inventory.may_lack_rules_of("sg-web") && !inventory.may_lack_rules_of("sg-other"));
    assert!(inventory.may_lack_group("sg-third"));
    let rules = asked(&server)
        .await
        .into_iter()
        .find(|(call, _)| call == "DescribeSecurityGroupRules")
        .unwrap();
    assert!(
        !rules.1.contains("Filter"),
        "without all groups, all rules are asked for"
    );
}

/// A page that names itself, or an earlier one, as the next is no end: what comes after was not read.
#[tokio::test]
async fn pages_that_lead_round_in_a_circle_are_a_gap() {
    let odd = MockServer::start().await;
    let call = "Action=DescribeNetworkInterfaces&";
    let to = |next| page("DescribeNetworkInterfaces", "networkInterfaceSet", "", next);
    answer(&odd, &[call, "NextToken=two"], 200, &to("three")).await;
    answer(&odd, &[call, "NextToken=three"], 200, &to("two")).await;
    answer(&odd, &[call], 200, &to("two")).await;
    let call = "Action=DescribeSecurityGroups&";
    let groups = page("DescribeSecurityGroups", "securityGroupInfo", WEB, "same");
    answer(&odd, &[call], 200, &groups).await;
    let call = "Action=DescribeInstances&";
    answer(
        &odd,
        &[call],
        200,
        &page("DescribeInstances", "reservationSet", "", "same"),
    )
    .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(403).set_body_raw(DENIED, "text/xml"))
        .mount(&odd)
        .await;
    let inventory = read(&odd, &Scope::default()).await.unwrap().inventory;
    insta::assert_snapshot!(gaps(&inventory).join("\n"), @r#"
    DescribeSecurityGroups: EC2's pages of DescribeSecurityGroups in eu-west-1 lead round in a circle: Groups { except: {} }
    DescribeSecurityGroupRules: EC2 refused DescribeSecurityGroupRules: UnauthorizedOperation: Details
    GetManagedPrefixListEntries pl-1: EC2 refused GetManagedPrefixListEntries: UnauthorizedOperation: Entries { of: "pl-1" }
    DescribeNetworkInterfaces: EC2's pages of DescribeNetworkInterfaces in eu-west-1 lead round in a circle: Members
    DescribeInstances: EC2's pages of DescribeInstances in eu-west-1 lead round in a circle: Details
    DescribeSecurityGroupVpcAssociations: EC2 refused DescribeSecurityGroupVpcAssociations: UnauthorizedOperation: Details
    DescribeStaleSecurityGroups: EC2 refused DescribeStaleSecurityGroups: UnauthorizedOperation: Details
    "#);
    assert_eq!(inventory.group("sg-web").unwrap().rules.len(), 3);
    let asked = asked(&odd).await;
    assert_eq!(
        asked
            .iter()
            .filter(|(call, _)| call == "DescribeNetworkInterfaces")
            .count(),
        3
    );
}

/// Of a group that only some of its rules tell of, there may be more.
#[tokio::test]
async fn some_rules_of_a_group_that_was_not_read_are_not_all_of_them() {
    let server = MockServer::start().await;
    let call = "Action=DescribeSecurityGroupRules&";
    let first = page(
        "DescribeSecurityGroupRules",
        "securityGroupRuleSet",
        WEB_8000,
        "two",
    );
    answer(&server, &[call, "NextToken=two"], 403, DENIED).await;
    answer(&server, &[call], 200, &first).await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(403).set_body_raw(DENIED, "text/xml"))
        .mount(&server)
        .await;
    let inventory = read(&server, &Scope::default()).await.unwrap().inventory;
    assert_eq!(inventory.group("sg-web").unwrap().rules.len(), 1);
    assert!(inventory.may_lack_rules_of("sg-web"));
}

#[tokio::test]
async fn throttled_calls_are_made_again_and_counted() {
    let server = MockServer::start().await;
    let throttled = DENIED.replace("UnauthorizedOperation", "RequestLimitExceeded");
    Mock::given(any())
        .respond_with(ResponseTemplate::new(503).set_body_raw(throttled, "text/xml"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    for (call, set) in [
        ("DescribeSecurityGroups", "securityGroupInfo"),
        ("DescribeNetworkInterfaces", "networkInterfaceSet"),
        ("DescribeInstances", "reservationSet"),
        (
            "DescribeSecurityGroupVpcAssociations",
            "securityGroupVpcAssociationSet",
        ),
    ] {
        listing(&server, call, set, "").await;
    }
    let settings = Settings {
        attempts: Some(3),
        ..once()
    };
    let pages = Mutex::new(Vec::new());
    let tell = |progress: Progress<'_>| {
        let page = (progress.place.to_owned(), progress.items);
        pages.lock().unwrap().push(page);
    };
    let reading = Aws::at(&server.uri(), &HERE, &settings)
        .read(&Scope::default(), &tell)
        .await
        .unwrap();
    assert_eq!(reading.inventory.gaps, []);
    assert_eq!(reading.calls, Calls { made: 6, again: 2 });
    assert_eq!(*pages.lock().unwrap(), vec![("eu-west-1".to_owned(), 0); 4]);
}

#[tokio::test]
async fn a_region_that_cannot_be_read_is_a_gap_beside_the_others() {
    let server = region().await;
    let mut aws = Aws::at(&server.uri(), &[("eu-west-1", "eu-west-1")], &once());
    let nowhere = Aws::at(
        "http://127.0.0.1:9",
        &[("us-east-1", "us-east-1, a role")],
        &once(),
    );
    aws.places.extend(nowhere.places);
    assert_eq!(aws.regions(), ["eu-west-1", "us-east-1"]);
    // A named group may be in the region that was not read.
    let scope = Scope {
        groups: ["sg-web".to_owned(), "sg-far".to_owned()].into(),
        ..Scope::default()
    };
    let inventory = aws.read(&scope, &|_| ()).await.unwrap().inventory;
    assert_eq!(
        gaps(&inventory),
        ["us-east-1, a role: EC2 did not answer DescribeSecurityGroups in us-east-1: Groups { except: {} }"]
    );
    assert!(inventory.may_lack_group("sg-far") && inventory.may_lack_members());
    assert!(!inventory.may_lack_rules_of("sg-web"));
}

mod at_the_same_time;
