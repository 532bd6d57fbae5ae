//! One request until its answer, with repeats.

use super::{Client, Error, ErrorKind, Operation};
use crate::ErrorBody;
use reqwest::{
    RequestBuilder, StatusCode,
    header::{HeaderMap, LINK, RETRY_AFTER},
};
use std::time::Duration;
use url::Url;

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Doing it twice does no harm: reads, replacements.
    Freely,
    /// Only when it certainly did not happen: 429, or no connection.
    UnlessItMayHaveHappened,
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// A bad answer, or none.
struct Fault {
    error: Error,
    certainly_not_done: bool,
    retry_after: Option<Duration>,
}

impl Client {
    /// Sends, and sends again while that may help.
    pub(super) async fn exchange(
        &self,
        operation: Operation,
        repeat: Repeat,
        request: RequestBuilder,
    ) -> Result<Answer, Error> {
        let mut repeats = 0;
        loop {
            // Bodies here are short texts held in memory, which always clone.
            let Some(copy) = request.try_clone() else {
                return Err(Error::new(operation, &self.config, ErrorKind::Setup));
            };
            let fault = match self.once(operation, copy).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            // A web page (a proxy's, most often) will be the same page next time.
            let may_help = fault.error.is_unavailable() && *fault.error.kind() != ErrorKind::Html;
            let allowed = repeat == Repeat::Freely || fault.certainly_not_done;
            if !may_help || !allowed || repeats >= self.config.retry.times {
                return Err(fault.error);
            }
            tokio::time::sleep(self.config.retry.wait(repeats, fault.retry_after)).await;
            repeats += 1;
        }
    }

    async fn once(&self, operation: Operation, request: RequestBuilder) -> Result<Answer, Fault> {
        let response = request
            .send()
            .await
            .map_err(|error| self.lost(operation, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await;
        if status.is_success() {
            let body = body.map_err(|error| self.lost(operation, error))?.into();
            return Ok(Answer {
                status,
                headers,
                body,
            });
        }
        let kind = match status.as_u16() {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            413 => ErrorKind::TooLarge,
            422 => ErrorKind::Unprocessable,
            429 => ErrorKind::RateLimited,
            code @ 300..=399 => ErrorKind::Redirected(code),
            code @ 500..=599 => ErrorKind::Server(code),
            code => ErrorKind::Unexpected(code),
        };
        let explanation = body
            .ok()
            .and_then(|body| ErrorBody::parse(&body))
            .map(|body| body.text());
        // GitLab does not repeat tokens; a proxy in between might.
        let secret = self.config.token.secret().expose();
        let explanation = explanation
            .map(|text| {
                if secret.is_empty() {
                    text
                } else {
                    text.replace(secret, "***")
                }
            })
            .filter(|text| !text.trim().is_empty());
        Err(Fault {
            certainly_not_done: kind == ErrorKind::RateLimited,
            retry_after: retry_after(&headers),
            error: Error::new(operation, &self.config, kind).explained(explanation),
        })
    }

    fn lost(&self, operation: Operation, error: reqwest::Error) -> Fault {
        let kind = if error.is_timeout() {
            ErrorKind::TimedOut
        } else if error.is_connect() {
            ErrorKind::NoConnection
        } else {
            ErrorKind::Truncated
        };
        Fault {
            certainly_not_done: error.is_connect(),
            retry_after: None,
            error: Error::new(operation, &self.config, kind).caused_by(error.without_url()),
        }
    }
}

/// Seconds; the other form, a date, would need a clock and GitLab does not use it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// The address of the next page: the present one with the query of `Link: rel="next"`. Scheme, host and path of
/// the link are left aside, since behind a proxy they may name another place, and the token must not go there.
pub(super) fn next_page(headers: &HeaderMap, present: &Url) -> Option<Url> {
    // Several links stand in one header, joined by commas, or in several headers.
    let target = headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(",<").flat_map(|part| part.split(", <")))
        .find_map(|link| {
            let (target, parameters) = link.trim().trim_start_matches('<').split_once('>')?;
            let next = parameters
                .split(';')
                .any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
            next.then(|| target.to_owned())
        })?;
    let link = present.join(&target).ok()?;
    let mut next = present.clone();
    next.set_query(link.query());
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn next(link: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_str(link).unwrap())]);
        let present = Url::parse("https://gitlab.example/api/v4/x?page=1").unwrap();
        next_page(&headers, &present).map(|url| url.to_string())
    }

    #[test]
    fn the_next_page_is_found_in_every_spelling_and_stays_on_the_host() {
        let second = Some("https://gitlab.example/api/v4/x?page=2&cursor=a,b".to_owned());
        let table = [
            (
                r#"<https://gitlab.example/api/v4/x?page=2&cursor=a,b>; rel="next""#,
                second.clone(),
            ),
            (
                r#"<https://gitlab.example/api/v4/x?page=1>; rel="first", <https://gitlab.example/api/v4/x?page=2&cursor=a,b>; rel="next""#,
                second.clone(),
            ),
            (
                r#"<https://a/?page=1>; rel="prev",<https://evil.example/?page=2&cursor=a,b>; rel="next""#,
                second.clone(),
            ),
            (r"</api/v4/x?page=2&cursor=a,b>; rel=next", second),
            (r#"<https://gitlab.example/api/v4/x?page=1>; rel="last""#, None),
            ("nonsense", None),
        ];
        for (link, expected) in table {
            assert_eq!(next(link), expected, "{link}");
        }
    }

    #[test]
    fn only_seconds_count_as_retry_after() {
        let read = |text: &str| {
            retry_after(&HeaderMap::from_iter([(
                RETRY_AFTER,
                HeaderValue::from_str(text).unwrap(),
            )]))
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(read("-1"), None);
    }
}
