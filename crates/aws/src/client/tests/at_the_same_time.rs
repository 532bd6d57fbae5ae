//! An EC2 that answers only when as many calls of a round wait for it as can be made without knowing each other's
//! answers. Calls that were made one after the other would never be answered.

use super::*;
use axum::extract::State;
use axum::routing::post;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Barrier;

/// Groups so large that each has a page of rules for itself.
const GROUPS: usize = 3;
const RULES: usize = 600;

struct Ec2 {
    /// Groups and what needs no group; then the rules of each group.
    rounds: Option<[Barrier; 2]>,
    waiting: AtomicUsize,
    most: AtomicUsize,
}

async fn respond(State(ec2): State<Arc<Ec2>>, body: String) -> String {
    let waiting = ec2.waiting.fetch_add(1, Ordering::SeqCst) + 1;
    ec2.most.fetch_max(waiting, Ordering::SeqCst);
    let call = body
        .split('&')
        .find_map(|part| part.strip_prefix("Action="))
        .unwrap()
        .to_owned();
    if let Some(rounds) = &ec2.rounds {
        rounds[usize::from(call == "DescribeSecurityGroupRules")]
            .wait()
            .await;
    }
    // Lets whoever else may ask, ask.
    tokio::task::yield_now().await;
    ec2.waiting.fetch_sub(1, Ordering::SeqCst);
    let ranges: String = (0..RULES)
        .map(|n| format!("<item><cidrIp>10.{}.{}.0/24</cidrIp></item>", n / 250, n % 250))
        .collect();
    let groups = (0..GROUPS).map(|n| {
        format!(
            "<item><groupId>sg-{n}</groupId><ipPermissions><item><ipProtocol>-1</ipProtocol><ipRanges>{ranges}\
             </ipRanges></item></ipPermissions></item>"
        )
    });
    match call.as_str() {
        "DescribeSecurityGroups" => page(&call, "securityGroupInfo", &groups.collect::<String>(), ""),
        _ => page(&call, "set", "", ""),
    }
}

async fn read(rounds: Option<[Barrier; 2]>, at_once: usize) -> (Reading, usize) {
    let ec2 = Arc::new(Ec2 {
        rounds,
        waiting: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let routes = axum::Router::new()
        .route("/", post(respond))
        .with_state(Arc::clone(&ec2));
    let server = tokio::spawn(async { axum::serve(listener, routes).await });
    let settings = Settings { at_once, ..once() };
    let reading = Aws::at(&endpoint, &HERE, &settings)
        .read(&Scope::default(), &|_| ())
        .await
        .unwrap();
    server.abort();
    (reading, ec2.most.load(Ordering::SeqCst))
}

#[tokio::test]
async fn calls_that_need_no_answer_of_each_other_are_made() {
    let (reading, most) = read(Some([Barrier::new(4), Barrier::new(GROUPS)]), 16).await;
    assert_eq!(
        reading.calls,
        Calls {
            made: 4 + 3,
            again: 0
        }
    );
    assert_eq!(most, 4);
}

#[tokio::test]
async fn no_more_calls_are_made_than_allowed() {
    let (reading, most) = read(None, 2).await;
    assert_eq!(reading.calls.made, 7);
    assert_eq!(most, 2);
}

#[tokio::test]
async fn the_deadline_ends_what_is_not_answered() {
    // Nobody accepts what comes here.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings {
        deadline: Duration::from_millis(200),
        ..once()
    };
    let error = Aws::at(&endpoint, &HERE, &settings)
        .read(&Scope::default(), &|_| ())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "DescribeSecurityGroups was not answered when the 0.2 s for the whole reading were over"
    );
}
