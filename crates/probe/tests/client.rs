//! Asking real sockets on loopback.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "tests")]

mod support;

use portcullis_probe::client::{Lookup, Settings, USER_AGENT, ask};
use portcullis_probe::{CheckResult, Expectation, Place, Scheme, ServiceCheck, Target, Wish};
use portcullis_report::Verdict;
use portcullis_secgroup::{AddressSet, Cidr};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::tls::{Authority, serves_tls};
use support::{Kind, LOOPBACK, answers, closed, says, settings, silent, target, wants};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn check(port: u16, expectation: Expectation, settings: &Settings) -> ServiceCheck {
    ask(&[target(port, wants(expectation))], settings)
        .await
        .unwrap()
        .remove(0)
}

/// One mock server, and what it says at `/`.
async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn port(server: &MockServer) -> u16 {
    server.address().port()
}

fn seen(check: &ServiceCheck) -> String {
    format!("{}: {}", check.result.words(), check.outcome)
}

#[tokio::test]
async fn a_service_that_answers_passes_and_sees_who_asks() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/"))
        .and(header("user-agent", USER_AGENT))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let check = check(port(&server), Expectation::default(), &settings()).await;
    assert_eq!(
        (check.verdict, check.status, check.attempts),
        (Verdict::Pass, Some(200), 1),
        "{}",
        check.outcome
    );
    assert!(
        check.milliseconds.is_some()
            && check.phases.connect_us.is_some()
            && check.phases.first_byte_us.is_some()
    );
    assert_eq!((check.phases.dns_us, check.phases.tls_us), (None, None));
    let asked = &server.received_requests().await.unwrap()[0];
    let mut names: Vec<&str> = asked.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "accept-encoding", "connection", "host", "user-agent"]
    );
    assert_eq!(asked.headers["accept-encoding"], "identity");
    assert_eq!(asked.headers["host"], format!("127.0.0.1:{}", port(&server)));
}

#[tokio::test]
async fn a_service_that_starts_late_is_waited_for() {
    let server = MockServer::start().await;
    let late = Mock::given(method("GET")).respond_with(ResponseTemplate::new(503));
    late.up_to_n_times(3).mount(&server).await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let patient = Settings {
        patience: Duration::from_secs(60),
        ..settings()
    };
    let late = check(port(&server), Expectation::default(), &patient).await;
    assert_eq!(
        (late.verdict, late.attempts),
        (Verdict::Pass, 4),
        "{}",
        late.outcome
    );
}

#[tokio::test]
async fn patience_ends() {
    let server = server(ResponseTemplate::new(503)).await;
    let short = Settings {
        patience: Duration::from_millis(50),
        ..settings()
    };
    let check = check(port(&server), Expectation::default(), &short).await;
    assert_eq!(check.outcome, "status 503 Service Unavailable, expected 200");
}

#[tokio::test]
async fn everybody_is_reported_even_if_the_first_fails() {
    let server = server(ResponseTemplate::new(200)).await;
    let mut targets = vec![target(closed(), wants(Expectation::default()))];
    targets.extend((0..40).map(|n| {
        let expectation = Expectation::new(format!("/?n={n}"), 200).unwrap();
        target(port(&server), wants(expectation))
    }));
    let few = Settings {
        at_once: 3,
        ..settings()
    };
    let checks = ask(&targets, &few).await.unwrap();
    assert_eq!(checks.len(), 41);
    assert_eq!(
        (checks[0].verdict, checks[0].outcome.as_str()),
        (Verdict::Violation, "connection refused")
    );
    for (check, target) in checks.iter().zip(&targets).skip(1) {
        assert_eq!((check.verdict, &check.url), (Verdict::Pass, &target.url()));
    }
}

#[tokio::test]
async fn plain_tcp_and_closed_ports() {
    let server = server(ResponseTemplate::new(200)).await;
    let (open, silent) = (port(&server), silent());
    let tcp = || wants(Expectation::default().by(Scheme::Tcp));
    let targets = [
        target(open, tcp()),
        target(silent, tcp()),
        target(closed(), tcp()),
        target(open, Wish::Silence(None)),
        target(closed(), Wish::Silence(None)),
    ];
    let checks = ask(&targets, &settings()).await.unwrap();
    let words: Vec<String> = checks.iter().map(seen).collect();
    assert_eq!(
        words,
        [
            "pass: the port takes connections",
            "pass: the port takes connections",
            "fails: connection refused",
            "open: it answers, and the port should be closed",
            "pass: closed: connection refused, so nobody listens (a security group would be silent)",
        ]
    );
    assert!(
        server.received_requests().await.unwrap().is_empty(),
        "nothing is said to a plain port"
    );
}

#[tokio::test]
async fn redirects_stay_in_place() {
    let (here, elsewhere) = (
        MockServer::start().await,
        server(ResponseTemplate::new(200)).await,
    );
    let to = |place: String| ResponseTemplate::new(302).insert_header("location", place);
    for (from, answer) in [
        ("/near", to("/found".into())),
        ("/found", ResponseTemplate::new(200)),
        ("/far", to(elsewhere.uri())),
        (
            "/metadata",
            to("http://169.254.169.254/latest/meta-data/?token=secret".into()),
        ),
        ("/round", to("/round".into())),
        ("/nowhere", ResponseTemplate::new(302)),
    ] {
        Mock::given(path(from)).respond_with(answer).mount(&here).await;
    }
    let mut shown = String::new();
    for from in ["/near", "/far", "/metadata", "/round", "/nowhere"] {
        let check = check(port(&here), Expectation::new(from, 200).unwrap(), &settings()).await;
        shown += &format!(
            "{from} {}\n",
            seen(&check).replace(&port(&elsewhere).to_string(), "PORT")
        );
    }
    // A redirect that is what is expected is not followed.
    let told = check(port(&here), Expectation::new("/near", 302).unwrap(), &settings()).await;
    shown += &seen(&told).replace(&port(&here).to_string(), "HERE");
    insta::assert_snapshot!("redirects", shown);
    let rounds = here.received_requests().await.unwrap();
    let rounds = rounds
        .iter()
        .filter(|request| request.url.path() == "/round")
        .count();
    assert_eq!(rounds, 6, "five redirects are followed");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());

    // The other place is a target of the same address, too: then it may lead there.
    let far = Expectation::new("/far", 200).unwrap();
    let both = [
        target(port(&here), wants(far)),
        target(port(&elsewhere), wants(Expectation::default())),
    ];
    let checks = ask(&both, &settings()).await.unwrap();
    assert_eq!(seen(&checks[0]), "pass: 200 OK");
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let server = server(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 50_000_000])).await;
    let little = Settings {
        body: 1000,
        ..settings()
    };
    let plain = check(port(&server), Expectation::default(), &little).await;
    assert_eq!(seen(&plain), "pass: 200 OK");
    let wanted = Expectation::default().saying("y");
    let unread = check(port(&server), wanted, &little).await;
    assert_eq!(
        seen(&unread),
        "undetermined: 200 OK, and the text is not in the first 1000 bytes; no more are read"
    );
}

#[tokio::test]
async fn bodies_are_looked_at() {
    let up = ResponseTemplate::new(200).set_body_json(json!({"status": "up"}));
    let server = server(up).await;
    let wanted = Expectation::default()
        .with_json("/status", json!("up"))
        .unwrap()
        .saying("status");
    assert_eq!(
        seen(&check(port(&server), wanted, &settings()).await),
        "pass: 200 OK"
    );
    // A small answer that would unpack to a large one is not unpacked.
    let packed = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(vec![0x1f; 20]);
    let server = self::server(packed).await;
    let wanted = Expectation::default().saying("status");
    let packed = check(port(&server), wanted, &settings()).await;
    assert_eq!(
        seen(&packed),
        "fails: 200 OK, but the body is compressed, and nobody asked for that"
    );
}

#[tokio::test]
async fn odd_answers_in_words() {
    let impatient = Settings {
        attempt: Duration::from_secs(2),
        ..settings()
    };
    let https = || Expectation::default().by(Scheme::Https);
    let mut asked: Vec<(String, Target)> = Kind::ALL
        .into_iter()
        .map(|kind| {
            (
                format!("{kind:?}"),
                target(answers(kind), wants(Expectation::default())),
            )
        })
        .collect();
    for (name, port) in [
        ("Plain HTTP to TLS", answers(Kind::Fast)),
        ("Silent to TLS", silent()),
        ("TLS that is cut", says(b"\x16\x03")),
    ] {
        asked.push((name.into(), target(port, wants(https()))));
    }
    let targets: Vec<Target> = asked.iter().map(|(_, target)| target.clone()).collect();
    let checks = ask(&targets, &impatient).await.unwrap();
    let lines = asked
        .iter()
        .zip(&checks)
        .map(|((name, _), check)| format!("{name} {}\n", seen(check)));
    let shown: String = lines.collect();
    insta::assert_snapshot!("odd-answers", shown);
}

#[tokio::test]
async fn certificates() {
    let authority = Authority::new("ours");
    let trusting = Settings {
        trust: authority.trust(),
        ..settings()
    };
    let named = || {
        Expectation::default()
            .named("shop.example.org")
            .unwrap()
            .by(Scheme::Https)
    };
    let mut shown = String::new();
    for (name, certified) in [
        ("valid", authority.certify(&["shop.example.org"], -1, 30)),
        ("any name below", authority.certify(&["*.example.org"], -1, 30)),
        ("other name", authority.certify(&["blog.example.org"], -1, 30)),
        ("expired", authority.certify(&["shop.example.org"], -30, -1)),
        ("not yet valid", authority.certify(&["shop.example.org"], 1, 30)),
        ("self-signed", Authority::self_signed("shop.example.org")),
        (
            "self-signed authority",
            Authority::self_signed_authority("shop.example.org"),
        ),
        (
            "of another authority",
            Authority::new("theirs").certify(&["shop.example.org"], -1, 30),
        ),
    ] {
        let port = serves_tls(certified).await;
        let check = check(port, named().certified_for(29), &trusting).await;
        let days = check
            .certificate
            .as_ref()
            .map(|certificate| certificate.days_left);
        shown += &format!(
            "{name} {} {days:?} {}\n",
            seen(&check),
            check.phases.tls_us.is_some()
        );
    }
    let port = serves_tls(authority.certify(&["shop.example.org"], -1, 30)).await;
    let soon = check(port, named().certified_for(31), &trusting).await;
    let other = Settings {
        trust: Authority::new("theirs").trust(),
        ..settings()
    };
    let nobody = check(port, named(), &other).await;
    let address = check(port, Expectation::default().by(Scheme::Https), &trusting).await;
    shown += &format!(
        "ends soon {}\nan authority that is not trusted {}\nby address {}\n",
        seen(&soon),
        seen(&nobody),
        seen(&address)
    );
    let port = serves_tls(authority.certify(&["127.0.0.1"], -1, 30)).await;
    let address = check(port, Expectation::default().by(Scheme::Https), &trusting).await;
    shown += &format!("for the address {}\n", seen(&address));
    insta::assert_snapshot!("certificates", shown);
}

/// A target that is asked by its name, which may lead to these blocks.
fn named(name: &str, port: u16, within: &[&str]) -> Target {
    let within: AddressSet = within
        .iter()
        .map(|block| block.parse::<Cidr>().unwrap())
        .collect();
    Target {
        place: Place::Name {
            name: name.into(),
            within,
        },
        ..target(port, wants(Expectation::default()))
    }
}

fn looking_up(
    answer: impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static,
) -> (Settings, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup = Lookup::by(move |name: String| {
        let found = answer(&name, count.fetch_add(1, Ordering::SeqCst));
        async move {
            if found.is_empty() {
                Err(std::io::ErrorKind::NotFound.into())
            } else {
                Ok(found)
            }
        }
    });
    let settings = Settings { lookup, ..settings() };
    (settings, asked)
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_stays() {
    let server = MockServer::start().await;
    let late = Mock::given(method("GET")).respond_with(ResponseTemplate::new(503));
    late.up_to_n_times(2).mount(&server).await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    // A name that leads somewhere else the second time it is looked up.
    let (settings, asked) = looking_up(|_, times| {
        vec![if times == 0 {
            LOOPBACK
        } else {
            Ipv4Addr::new(169, 254, 169, 254).into()
        }]
    });
    let patient = Settings {
        patience: Duration::from_secs(60),
        ..settings
    };
    let target = named("shop.example.org", port(&server), &["127.0.0.0/8"]);
    let checks = ask(&[target.clone(), target], &patient).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    for check in &checks {
        assert_eq!(check.attempts, 2);
        assert_eq!(
            (check.address, check.phases.dns_us.is_some()),
            (Some(LOOPBACK), true)
        );
    }
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(
        request.headers["host"],
        format!("shop.example.org:{}", port(&server))
    );
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_not_asked() {
    let server = server(ResponseTemplate::new(200)).await;
    let private: IpAddr = Ipv4Addr::new(10, 0, 0, 1).into();
    let (settings, _) = looking_up(move |name, _| match name {
        "gone.example.org" => vec![],
        "private.example.org" => vec![private],
        "both.example.org" => vec![LOOPBACK, private],
        "six.example.org" => vec!["fd00:ec2::254".parse().unwrap()],
        _ => vec![LOOPBACK],
    });
    let mut shown = String::new();
    for (name, within) in [
        ("shop.example.org", "127.0.0.1/32"),
        // As of a load balancer of which only the name is known: anywhere on the internet.
        ("loopback.example.org", "0.0.0.0/1"),
        ("private.example.org", "127.0.0.1/32"),
        ("both.example.org", "127.0.0.1/32"),
        ("gone.example.org", "127.0.0.1/32"),
        ("six.example.org", "127.0.0.1/32"),
        ("six.example.org", "2000::/3"),
    ] {
        let mut target = named(name, port(&server), &[within]);
        if name.starts_with("loopback") {
            target.place = Place::Name {
                name: name.into(),
                within: AddressSet::internet(),
            };
        }
        let check = ask(&[target], &settings).await.unwrap().remove(0);
        shown += &format!("{name} in {within} {}\n", seen(&check));
    }
    insta::assert_snapshot!("names", shown);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_systems_names() {
    let server = server(ResponseTemplate::new(200)).await;
    let local = named("localhost", port(&server), &["127.0.0.0/8"]);
    let check = ask(&[local], &settings()).await.unwrap().remove(0);
    assert_eq!(seen(&check), "pass: 200 OK");
}

#[tokio::test]
async fn a_name_may_have_many_addresses() {
    let second: IpAddr = Ipv4Addr::new(127, 0, 0, 2).into();
    let server = server(ResponseTemplate::new(200)).await;
    // Nobody listens at the second address.
    let (settings, _) = looking_up(move |_, _| vec![second, LOOPBACK]);
    let target = named("shop.example.org", port(&server), &["127.0.0.0/8"]);
    let check = ask(&[target], &settings).await.unwrap().remove(0);
    assert_eq!(
        (seen(&check), check.address),
        ("fails: connection refused".to_owned(), Some(second))
    );
}

#[tokio::test]
async fn control_targets() {
    let server = server(ResponseTemplate::new(200)).await;
    let with = |control: String| Settings {
        controls: vec![control.parse().unwrap()],
        ..settings()
    };
    let targets = [
        target(closed(), Wish::Silence(None)),
        target(port(&server), wants(Expectation::default())),
    ];
    let open = ask(&targets, &with(format!("127.0.0.1:{}", port(&server))))
        .await
        .unwrap();
    assert_eq!([open[0].result, open[1].result], [CheckResult::AsExpected; 2]);
    let shut = ask(&targets, &with(format!("127.0.0.1:{}", closed())))
        .await
        .unwrap();
    assert_eq!(
        [shut[0].result, shut[1].result],
        [CheckResult::NotTestable, CheckResult::AsExpected]
    );
    let (unknown, _) = looking_up(|_, _| vec![]);
    let nameless = Settings {
        controls: with("gone.example.org:443".into()).controls,
        ..unknown
    };
    let checks = ask(&targets, &nameless).await.unwrap();
    assert_eq!(checks[0].result, CheckResult::NotTestable);
}

#[tokio::test]
async fn a_control_target_on_this_machine_needs_leave() {
    let server = server(ResponseTemplate::new(200)).await;
    let control = format!("127.0.0.1:{}", port(&server));
    let with = |loopback: bool| Settings {
        controls: vec![control.parse().unwrap()],
        loopback,
        ..settings()
    };
    let targets = [target(closed(), Wish::Silence(None))];
    for (leave, result) in [(true, CheckResult::AsExpected), (false, CheckResult::NotTestable)] {
        let checks = ask(&targets, &with(leave)).await.unwrap();
        assert_eq!(checks[0].result, result, "{}", checks[0].outcome);
    }
}

#[tokio::test]
async fn a_name_that_should_be_silent() {
    let server = server(ResponseTemplate::new(200)).await;
    let second: IpAddr = Ipv4Addr::new(127, 0, 0, 2).into();
    let silence = |port: u16| Target {
        wish: Wish::Silence(None),
        ..named("shop.example.org", port, &["127.0.0.0/8"])
    };
    // Nobody listens at the second address; at the first somebody does.
    let (settings, _) = looking_up(move |_, _| vec![second, LOOPBACK]);
    let checks = ask(&[silence(port(&server)), silence(closed())], &settings)
        .await
        .unwrap();
    assert_eq!(
        [checks[0].result, checks[1].result],
        [CheckResult::Open, CheckResult::AsExpected],
        "{}, {}",
        checks[0].outcome,
        checks[1].outcome
    );
    assert_eq!(checks[0].address, Some(LOOPBACK));
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_user_agent_that_cannot_be_sent() {
    let odd = Settings {
        user_agent: "a\nb".into(),
        ..settings()
    };
    let error = ask(&[], &odd).await.unwrap_err();
    assert_eq!(error.to_string(), "the user agent \"a\\nb\" cannot be sent");
}

#[tokio::test]
async fn nobody_is_left_listening() {
    // A listener that is dropped frees its port: the helpers of these tests rely on it.
    let port = closed();
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
}
