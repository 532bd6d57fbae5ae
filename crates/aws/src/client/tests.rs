//! EC2's wire format, played by a local server: pages, gaps and refusals.

use super::*;
use aws_sdk_ec2::config::{Config, Credentials, Region};
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn ec2(server: &MockServer) -> Ec2 {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(server.uri())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .build();
    Ec2::new(aws_sdk_ec2::Client::from_conf(config), "eu-west-1")
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

async fn groups(server: &MockServer) {
    let body = "<DescribeSecurityGroupsResponse><securityGroupInfo>\
        <item><ownerId>123456789012</ownerId><groupId>sg-web</groupId><groupName>web</groupName>\
        <tagSet><item><key>exposure</key><value>public</value></item></tagSet></item>\
        </securityGroupInfo></DescribeSecurityGroupsResponse>";
    answer(server, &["Action=DescribeSecurityGroups&"], 200, body).await;
}

fn rules_page(items: &str, next: &str) -> String {
    format!(
        "<DescribeSecurityGroupRulesResponse><securityGroupRuleSet>{items}</securityGroupRuleSet>\
         <nextToken>{next}</nextToken></DescribeSecurityGroupRulesResponse>"
    )
}

const WEB: &str = "<item><securityGroupRuleId>sgr-1</securityGroupRuleId><groupId>sg-web</groupId>\
    <isEgress>false</isEgress><ipProtocol>tcp</ipProtocol><fromPort>8000</fromPort><toPort>8000</toPort>\
    <cidrIpv4>0.0.0.0/0</cidrIpv4><description>Web service for everyone</description></item>";
const LIST: &str = "<item><securityGroupRuleId>sgr-2</securityGroupRuleId><groupId>sg-web</groupId>\
    <isEgress>true</isEgress><ipProtocol>-1</ipProtocol><fromPort>-1</fromPort><toPort>-1</toPort>\
    <prefixListId>pl-1</prefixListId></item>";

const NO_INSTANCES: &str = "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>\
     <tagSet><item><key>Name</key><value>front</value></item></tagSet></item></instancesSet></item></reservationSet>\
     </DescribeInstancesResponse>";

#[tokio::test]
async fn every_page_is_read() {
    let server = MockServer::start().await;
    groups(&server).await;
    // The first match wins: the page with a token stands before the page without.
    answer(
        &server,
        &["Action=DescribeSecurityGroupRules&", "NextToken=two"],
        200,
        &rules_page(LIST, ""),
    )
    .await;
    answer(
        &server,
        &["Action=DescribeSecurityGroupRules&"],
        200,
        &rules_page(WEB, "two"),
    )
    .await;
    answer(&server, &["Action=DescribeInstances&"], 200, NO_INSTANCES).await;
    let interfaces = "<DescribeNetworkInterfacesResponse><networkInterfaceSet><item>\
        <networkInterfaceId>eni-1</networkInterfaceId><attachment><instanceId>i-1</instanceId></attachment>\
        <privateIpAddress>10.20.1.4</privateIpAddress>\
        <privateIpAddressesSet><item><privateIpAddress>10.20.1.4</privateIpAddress>\
        <association><publicIp>192.0.2.7</publicIp></association></item></privateIpAddressesSet>\
        <ipv6AddressesSet><item><ipv6Address>2001:db8::7</ipv6Address></item></ipv6AddressesSet>\
        <groupSet><item><groupId>sg-web</groupId></item></groupSet>\
        </item></networkInterfaceSet></DescribeNetworkInterfacesResponse>";
    answer(&server, &["Action=DescribeNetworkInterfaces&"], 200, interfaces).await;
    let entries = "<GetManagedPrefixListEntriesResponse><entrySet><item><cidr>198.51.100.0/24</cidr></item></entrySet>\
        </GetManagedPrefixListEntriesResponse>";
    answer(
        &server,
        &["Action=GetManagedPrefixListEntries&", "PrefixListId=pl-1"],
        200,
        entries,
    )
    .await;

    let inventory = ec2(&server).await.inventory().await.unwrap();
    assert_eq!(inventory.gaps, []);
    assert_eq!(inventory.account.as_deref(), Some("123456789012"));
    assert_eq!(inventory.region.as_deref(), Some("eu-west-1"));
    let web = inventory.group("sg-web").unwrap();
    assert_eq!(web.tags["exposure"], "public");
    let rules: Vec<String> = web
        .rules
        .iter()
        .map(|rule| format!("{} {}", rule.direction, rule.peer))
        .collect();
    assert_eq!(rules, ["ingress 0.0.0.0/0", "egress pl-1"]);
    assert_eq!(
        inventory.prefix_lists.entries("pl-1").unwrap().cidrs()[0].to_string(),
        "198.51.100.0/24"
    );
    let front = inventory.members("sg-web").next().unwrap();
    assert_eq!(front.label(), "front");
    let public: Vec<String> = front.public_addresses.iter().map(ToString::to_string).collect();
    assert_eq!(public, ["192.0.2.7", "2001:db8::7"]);
    assert_eq!(front.private_addresses.len(), 1);
}

const DENIED: &str = "<Response><Errors><Error><Code>UnauthorizedOperation</Code>\
    <Message>You are not authorized. User: arn:aws:iam::1:user/x</Message></Error></Errors></Response>";

#[tokio::test]
async fn what_is_not_essential_becomes_a_gap() {
    let server = MockServer::start().await;
    groups(&server).await;
    let odd = "<item><securityGroupRuleId>sgr-3</securityGroupRuleId><groupId>sg-web</groupId>\
        <isEgress>false</isEgress><ipProtocol>tcp</ipProtocol></item>";
    answer(
        &server,
        &["Action=DescribeSecurityGroupRules&"],
        200,
        &rules_page(&format!("{LIST}{odd}"), ""),
    )
    .await;
    answer(&server, &["Action="], 403, DENIED).await;

    let inventory = ec2(&server).await.inventory().await.unwrap();
    let gaps: Vec<String> = inventory
        .gaps
        .iter()
        .map(|gap| format!("{}: {}", gap.what, gap.why))
        .collect();
    assert_eq!(
        gaps,
        [
            "rule sgr-3: EC2 names neither an address, a group nor a prefix list",
            "DescribeInstances: EC2 refused DescribeInstances: UnauthorizedOperation",
            "DescribeNetworkInterfaces: EC2 refused DescribeNetworkInterfaces: UnauthorizedOperation",
            "GetManagedPrefixListEntries pl-1: EC2 refused GetManagedPrefixListEntries: UnauthorizedOperation",
        ]
    );
    assert_eq!(inventory.prefix_lists.entries("pl-1"), None);
}

#[tokio::test]
async fn without_groups_or_rules_there_is_nothing_to_say() {
    let server = MockServer::start().await;
    answer(&server, &["Action="], 403, DENIED).await;
    let error = ec2(&server).await.inventory().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "EC2 refused DescribeSecurityGroups: UnauthorizedOperation"
    );
    assert!(
        !format!("{error:?}").contains("arn:aws:iam"),
        "the answer's text must not be kept"
    );

    let server = MockServer::start().await;
    groups(&server).await;
    answer(&server, &["Action="], 502, "<html>Bad gateway</html>").await;
    let error = ec2(&server).await.inventory().await.unwrap_err();
    assert_eq!(error.to_string(), "EC2 did not answer DescribeSecurityGroupRules");
    assert!(error.hint().unwrap().contains("AWS_ENDPOINT_URL"));
}
