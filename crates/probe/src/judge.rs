//! What a service answered, held against what is wanted of it.

use crate::reach::{Proof, Reach};
use crate::{
    Answer, BadCertificate, BadName, CheckResult, Expectation, HttpAnswer, Phase, Phases, Reply,
    ServiceCheck, Target, Unasked, Wants, Wish,
};
use portcullis_report::text::{clean, cut};
use serde_json::Value;
use url::{Host, Url};

/// Whether it is as wanted, so that asking again brings nothing.
#[must_use]
pub fn is_met(target: &Target, reply: &Reply) -> bool {
    match (&target.wish, &reply.answer) {
        (Wish::Answer(expectation), Answer::Http(http)) => of_http(target, expectation, http, reply).is_ok(),
        (Wish::Silence(_), Answer::TimedOut(Phase::Dns)) => false,
        (Wish::Answer(_), Answer::Connected)
        | (Wish::Silence(_), Answer::Refused | Answer::TimedOut(_) | Answer::NoRoute) => true,
        _ => false,
    }
}

/// The check that this reply makes, after so many attempts.
///
/// What only says something about the machine that asks, such as a way out that is closed, is no failure of the service.
#[must_use]
pub fn judge(target: &Target, reply: &Reply, attempts: u32, reach: &Reach) -> ServiceCheck {
    let (result, outcome) = match &target.wish {
        Wish::Answer(expectation) => answer(target, expectation, reply, reach),
        Wish::Silence(doubt) => silence(target, doubt.as_deref(), reply, reach),
    };
    // How long it took to be refused or let in is nobody's question.
    let timed = target.wants() == Wants::Answer;
    ServiceCheck {
        id: target.id(),
        member: target.member.clone(),
        kind: target.kind,
        group: target.group.clone(),
        url: target.url(),
        address: reply.address,
        wants: target.wants(),
        verdict: result.verdict(),
        result,
        status: match &reply.answer {
            Answer::Http(http) => Some(http.status),
            _ => None,
        },
        milliseconds: reply.milliseconds.filter(|_| timed),
        phases: if timed { reply.phases } else { Phases::default() },
        certificate: reply.certificate.clone(),
        attempts,
        outcome,
    }
}

/// The check that stands for what is not asked.
pub(crate) fn unasked(row: &Unasked) -> ServiceCheck {
    let outcome = match row.result {
        CheckResult::Skipped => format!("not asked: {}", row.why),
        _ => format!("cannot be tested from here: {}", row.why),
    };
    let question = format!("{} of {} in {}", row.what, row.member, row.group);
    ServiceCheck {
        id: match row.wants {
            Wants::Answer => question,
            Wants::Silence => format!("{} {question}", row.wants.as_str()),
        },
        member: row.member.clone(),
        kind: row.kind,
        group: row.group.clone(),
        url: row.what.clone(),
        address: None,
        wants: row.wants,
        verdict: row.result.verdict(),
        result: row.result,
        status: None,
        milliseconds: None,
        phases: Phases::default(),
        certificate: None,
        attempts: 0,
        outcome,
    }
}

fn answer(target: &Target, expectation: &Expectation, reply: &Reply, reach: &Reach) -> (CheckResult, String) {
    let fails = |words: &str| (CheckResult::Fails, words.to_owned());
    let not_testable = |why: &str| {
        (
            CheckResult::NotTestable,
            format!("cannot be tested from here: {why}"),
        )
    };
    match &reply.answer {
        Answer::Http(http) => match of_http(target, expectation, http, reply) {
            Ok(words) => (CheckResult::AsExpected, words),
            Err(found) => found,
        },
        Answer::Connected => (CheckResult::AsExpected, "the port takes connections".to_owned()),
        Answer::Refused => match reach.refusal_says_nothing(reply.address, target.port) {
            Some(why) => not_testable(&format!("the connection is refused, but {why}")),
            None => fails("connection refused"),
        },
        Answer::TimedOut(Phase::Connect) => match reach.silence_says_nothing(reply.address, target.port) {
            Some(why) => not_testable(&why),
            None => fails("no answer in time: no connection was made"),
        },
        Answer::TimedOut(Phase::Dns) => (
            CheckResult::Unknown,
            "the name was not looked up in time".to_owned(),
        ),
        Answer::TimedOut(Phase::Tls) => fails("no answer in time: the TLS handshake did not end"),
        Answer::TimedOut(Phase::Head) => {
            fails("no answer in time: the connection was made, and nothing came")
        }
        Answer::TimedOut(Phase::Body) => fails("no answer in time: it began and did not end"),
        Answer::Broken => fails("the connection broke before the answer was complete"),
        Answer::NotHttp => fails("somebody answered, but not in HTTP"),
        Answer::NotTls => fails("somebody answered, but not in TLS"),
        Answer::TlsRefused => fails("the other side ended the TLS handshake"),
        Answer::HeadTooLarge => fails("the answer's head is larger than is read"),
        Answer::NoRoute => not_testable("this machine has no way to the address"),
        Answer::Certificate(BadCertificate::WrongName) if expectation.host().is_none() => not_testable(
            "the certificate is for a name, and the address was asked; the expectations can say it by `host`",
        ),
        Answer::Certificate(BadCertificate::NoAuthorities) => {
            not_testable("this machine trusts no certificate authority; install some, or give `--ca FILE`")
        }
        Answer::Certificate(bad) => fails(match bad {
            BadCertificate::Expired => "the certificate has expired",
            BadCertificate::NotYetValid => "the certificate is not valid yet",
            BadCertificate::WrongName => "the certificate is for another name",
            BadCertificate::UnknownIssuer => {
                "the certificate is self-signed, or its issuer is not trusted here"
            }
            BadCertificate::NoAuthorities | BadCertificate::Other => "the certificate is not acceptable",
        }),
        Answer::Name(BadName::NotFound) => {
            (CheckResult::Unknown, "the name could not be looked up".to_owned())
        }
        Answer::Name(BadName::Elsewhere(address)) => fails(&format!(
            "the name leads to {address}, which is none of the addresses it may lead to; it was not asked"
        )),
        Answer::Other(why) => (
            CheckResult::Unknown,
            format!("could not be asked: {}", clean(why)),
        ),
    }
}

fn silence(target: &Target, doubt: Option<&str>, reply: &Reply, reach: &Reach) -> (CheckResult, String) {
    let unknown = |words: &str| (CheckResult::Unknown, words.to_owned());
    let not_testable = |why: String| {
        (
            CheckResult::NotTestable,
            format!("cannot be tested from here: {why}"),
        )
    };
    match &reply.answer {
        Answer::TimedOut(Phase::Dns) => unknown("the name was not looked up in time"),
        Answer::Name(BadName::NotFound) => unknown("the name could not be looked up"),
        Answer::Name(BadName::Elsewhere(address)) => not_testable(format!(
            "the name leads to {address}, which is none of the addresses it may lead to; it was not asked"
        )),
        Answer::TimedOut(_) => match reach.silence_proves(reply.address, target.port) {
            Proof::Nothing(why) => not_testable(why),
            Proof::OfThePort => (CheckResult::AsExpected, "closed: no answer".to_owned()),
            Proof::OfTheWay => (
                CheckResult::AsExpected,
                format!(
                    "closed: no answer (not proven for this port: nobody was reached on {port} from here; \
                     `--control HOST:{port}` tells)",
                    port = target.port
                ),
            ),
        },
        // A security group says nothing at all; a refusal comes from the machine itself, or from something in between.
        Answer::Refused => match reach.refusal_says_nothing(reply.address, target.port) {
            Some(why) => not_testable(why),
            None => (
                CheckResult::AsExpected,
                "closed: connection refused, so nobody listens (a security group would be silent)".to_owned(),
            ),
        },
        Answer::NoRoute => not_testable("this machine has no way to the address".to_owned()),
        Answer::Connected => match doubt {
            Some(why) => (CheckResult::Unknown, format!("it answers; {}", clean(why))),
            None => (
                CheckResult::Open,
                "it answers, and the port should be closed".to_owned(),
            ),
        },
        Answer::Other(why) => (
            CheckResult::Unknown,
            format!("could not be asked: {}", clean(why)),
        ),
        _ => unknown("the connection broke"),
    }
}

/// The name that a redirect leads to, where only an address, or another name, was asked, and nobody said under which name: then the
/// service may be right, and the question is not.
fn other_name(target: &Target, expectation: &Expectation, reply: &Reply, place: &str) -> Option<String> {
    if expectation.host().is_some() || reply.redirects >= expectation.redirects() {
        return None;
    }
    match Url::parse(place).ok()?.host()? {
        Host::Domain(name) if name != target.place.to_string() => Some(name.to_owned()),
        _ => None,
    }
}

/// What an answer in HTTP comes to: one line, or what is wrong with it.
fn of_http(
    target: &Target,
    expectation: &Expectation,
    http: &HttpAnswer,
    reply: &Reply,
) -> Result<String, (CheckResult, String)> {
    let fails = |words: String| Err((CheckResult::Fails, words));
    let status = named(http.status);
    if !expectation.statuses().contains(&http.status) {
        let expected: Vec<String> = expectation.statuses().iter().map(u16::to_string).collect();
        let mut words = format!("status {status}, expected {}", expected.join(" or "));
        if let Some(place) = &http.leads_to {
            if let Some(name) = other_name(target, expectation, reply, place) {
                return Err((
                    CheckResult::NotTestable,
                    format!(
                        "cannot be tested from here: status {status} leads to {}, and {} was asked; the expectations can say \
                         `host: {}`, or `status: {}`",
                        cut(&clean(place), 200),
                        target.place,
                        cut(&clean(&name), 200),
                        http.status
                    ),
                ));
            }
            words += &match reply.redirects {
                n if n > 0 && n >= expectation.redirects() => format!(", after {n} redirects"),
                _ => format!("; it leads to {}, which is not asked", cut(&clean(place), 200)),
            };
        }
        return fails(words);
    }
    if expectation.wants_body() && http.encoded {
        return fails(format!(
            "{status}, but the body is compressed, and nobody asked for that"
        ));
    }
    if let Some(text) = &expectation.text {
        let found = http.body.windows(text.len()).any(|part| part == text.as_bytes());
        if !found && http.cut {
            return Err((
                CheckResult::Unknown,
                format!(
                    "{status}, and the text is not in the first {} bytes; no more are read",
                    http.body.len()
                ),
            ));
        }
        if !found {
            return fails(format!("{status}, but the expected text is not in the body"));
        }
    }
    if !expectation.json.is_empty() {
        if http.cut {
            return Err((
                CheckResult::Unknown,
                format!(
                    "{status}, and the body is longer than the {} bytes that are read",
                    http.body.len()
                ),
            ));
        }
        let Ok(document) = serde_json::from_slice::<Value>(&http.body) else {
            return fails(format!("{status}, but the body is not JSON"));
        };
        for (pointer, value) in &expectation.json {
            match document.pointer(pointer) {
                None => {
                    return fails(format!(
                        "{status}, but there is nothing at {}",
                        cut(&clean(pointer), 100)
                    ));
                }
                // What stands there instead may be secret.
                Some(found) if found != value => {
                    return fails(format!(
                        "{status}, but another value than the expected stands at {}",
                        cut(&clean(pointer), 100)
                    ));
                }
                Some(_) => {}
            }
        }
    }
    let wanted = i64::from(expectation.certificate_days);
    match &reply.certificate {
        Some(certificate) if certificate.days_left < wanted => fails(format!(
            "{status}, but the certificate ends in {} days, expected at least {wanted}",
            certificate.days_left
        )),
        None if wanted > 0 => fails(format!(
            "{status}, but without TLS, and a certificate is expected"
        )),
        _ => Ok(match &http.leads_to {
            Some(place) => format!("{status}, leading to {}", cut(&clean(place), 200)),
            None => status,
        }),
    }
}

/// The status with the name people know (RFC 9110, section 15).
fn named(status: u16) -> String {
    let name = match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => return status.to_string(),
    };
    format!("{status} {name}")
}
