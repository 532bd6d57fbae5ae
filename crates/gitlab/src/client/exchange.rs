//! One call until its answer, with repeats.

use super::{Client, Error, ErrorKind, Operation};
use crate::ErrorBody;
use reqwest::{
    Method, Request, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, LINK, LOCATION, RETRY_AFTER},
};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// GitLab answers a read of a moved project with one redirect.
const MAX_REDIRECTS: usize = 5;

/// GitLab's explanations are a sentence; more is a proxy's page.
const EXPLANATION_LIMIT: usize = 64 * 1024;

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Doing it twice does no harm: reads, replacements.
    Freely,
    /// Only when it certainly did not happen: 429, or no connection.
    UnlessItMayHaveHappened,
}

/// A call that has begun: what all its requests share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) repeat: Repeat,
    /// The longest answer, in bytes.
    pub(super) limit: usize,
    started: Instant,
}

impl Call {
    pub(super) fn new(operation: Operation, repeat: Repeat, limit: usize) -> Self {
        Self {
            operation,
            repeat,
            limit,
            started: Instant::now(),
        }
    }

    /// With another limit on the answer.
    pub(super) const fn within(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// A bad answer, or none.
pub(super) struct Fault {
    pub(super) error: Error,
    /// The body, for the few refusals that say more than a sentence.
    pub(super) body: Vec<u8>,
    certainly_not_done: bool,
    retry_after: Option<Duration>,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.error
    }
}

impl Client {
    /// Sends, and sends again while that may help.
    pub(super) async fn exchange(&self, call: Call, request: RequestBuilder) -> Result<Answer, Error> {
        self.exchange_or_fault(call, request).await.map_err(Error::from)
    }

    /// As [`Client::exchange`], with the refusal's body.
    pub(super) async fn exchange_or_fault(
        &self,
        call: Call,
        request: RequestBuilder,
    ) -> Result<Answer, Fault> {
        let request = request
            .build()
            .map_err(|error| self.lost(call.operation, error))?;
        let deadline = self.config.retry.deadline;
        let mut repeats = 0;
        loop {
            let left = deadline.saturating_sub(call.started.elapsed());
            let fault = match self.once(call, copy(&request), left).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let allowed = call.repeat == Repeat::Freely || fault.certainly_not_done;
            if !may_help(fault.error.kind()) || !allowed || repeats >= self.config.retry.times {
                return Err(fault);
            }
            let wait = self.config.retry.wait(repeats, fault.retry_after);
            if call.started.elapsed().saturating_add(wait) >= deadline {
                return Err(fault);
            }
            tokio::time::sleep(wait).await;
            repeats += 1;
        }
    }

    /// One request; redirects of a read are followed on the same host only.
    async fn once(&self, call: Call, mut request: Request, left: Duration) -> Result<Answer, Fault> {
        *request.timeout_mut() = Some(self.config.timeouts.request.min(left));
        for _ in 0..MAX_REDIRECTS {
            let again = copy(&request);
            let response = self
                .http
                .execute(request)
                .await
                .map_err(|error| self.lost(call.operation, error))?;
            match redirect(&again, &response) {
                Some(url) => {
                    request = again;
                    *request.url_mut() = url;
                }
                None => return self.answer(call, response).await,
            }
        }
        let kind = ErrorKind::Redirected(StatusCode::FOUND.as_u16());
        Err(self.fault(call.operation, kind, None))
    }

    async fn answer(&self, call: Call, response: Response) -> Result<Answer, Fault> {
        let operation = call.operation;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            let body = self.body(operation, response, call.limit).await?;
            return Ok(Answer {
                status,
                headers,
                body,
            });
        }
        let kind = match status.as_u16() {
            400 => ErrorKind::BadRequest,
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            405 => ErrorKind::NotAllowed,
            409 => ErrorKind::Conflict,
            413 => ErrorKind::TooLarge,
            422 => ErrorKind::Unprocessable,
            429 => ErrorKind::RateLimited,
            code @ 300..=399 => ErrorKind::Redirected(code),
            code @ 500..=599 => ErrorKind::Server(code),
            code => ErrorKind::Unexpected(code),
        };
        // An explanation that does not come whole is none; the status says enough.
        let body = self
            .body(operation, response, EXPLANATION_LIMIT)
            .await
            .unwrap_or_default();
        let explanation = ErrorBody::parse(&body).map(|body| self.without_token(&body.text()));
        let certainly_not_done = kind == ErrorKind::RateLimited;
        Err(Fault {
            body,
            certainly_not_done,
            retry_after: retry_after(&headers),
            ..self.fault(operation, kind, explanation)
        })
    }

    /// The body, as long as it is within the limit.
    async fn body(
        &self,
        operation: Operation,
        mut response: Response,
        limit: usize,
    ) -> Result<Vec<u8>, Fault> {
        let too_long = || self.fault(operation, ErrorKind::AnswerTooLong(limit), None);
        let announced = response.content_length().unwrap_or_default();
        if usize::try_from(announced).map_or(true, |length| length > limit) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.lost(operation, error))?
        {
            if body.len() + chunk.len() > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// GitLab does not repeat tokens; a proxy in between might.
    pub(super) fn without_token(&self, text: &str) -> String {
        let secret = self.config.token.secret().expose();
        if secret.is_empty() {
            text.to_owned()
        } else {
            text.replace(secret, "***")
        }
    }

    fn fault(&self, operation: Operation, kind: ErrorKind, explanation: Option<String>) -> Fault {
        let explanation = explanation.filter(|text| !text.trim().is_empty());
        Fault {
            error: Error::new(operation, &self.config, kind).explained(explanation),
            body: Vec::new(),
            certainly_not_done: false,
            retry_after: None,
        }
    }

    fn lost(&self, operation: Operation, error: reqwest::Error) -> Fault {
        let kind = if error.is_timeout() {
            ErrorKind::TimedOut
        } else if error.is_connect() {
            ErrorKind::NoConnection
        } else if error.is_builder() {
            ErrorKind::Setup
        } else {
            ErrorKind::Truncated
        };
        let certainly_not_done = error.is_connect();
        let fault = self.fault(operation, kind, None);
        Fault {
            certainly_not_done,
            error: fault.error.caused_by(error.without_url()),
            ..fault
        }
    }
}

/// Whether the same request may go better a moment later. A web page (a proxy's, most often) will be the same page, and
/// a 500 is GitLab's own failure on this very request.
const fn may_help(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NoConnection
            | ErrorKind::TimedOut
            | ErrorKind::Truncated
            | ErrorKind::RateLimited
            | ErrorKind::Server(502..=504)
    )
}

/// The same request; bodies here are texts held in memory.
fn copy(request: &Request) -> Request {
    let mut copy = Request::new(request.method().clone(), request.url().clone());
    *copy.headers_mut() = request.headers().clone();
    *copy.body_mut() = request
        .body()
        .and_then(|body| body.as_bytes())
        .map(|bytes| bytes.to_vec().into());
    copy
}

/// Where a moved project is, when a read may follow: on the same host. reqwest itself follows to any, and takes only
/// `Authorization` off on the way, not GitLab's own token headers.
fn redirect(request: &Request, response: &Response) -> Option<Url> {
    if request.method() != Method::GET || !response.status().is_redirection() {
        return None;
    }
    let target = response.headers().get(LOCATION)?.to_str().ok()?;
    let url = request.url().join(target).ok()?;
    (url.origin() == request.url().origin()).then_some(url)
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
