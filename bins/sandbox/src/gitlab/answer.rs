//! How the GitLab stand-in answers: error shapes, pages, and the fields of a request.

use super::state::Refusal;
use super::wire::LockedWrite;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(super) type Answer = Result<Response, Refused>;
pub(super) type Params = Query<Vec<(String, String)>>;

/// GitLab's error shapes: `message` as text, `message` per field, `error`, and `error` with a description.
#[derive(Debug)]
pub(super) enum Refused {
    Unauthorized,
    Forbidden,
    Scope(&'static str),
    Missing(&'static str),
    NoRoute,
    Bad(&'static str),
    Parameter(String),
    Field(&'static str, &'static str),
    State(Refusal, LockedWrite),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let message =
            |status: StatusCode, text: &str| (status, Json(json!({"message": text}))).into_response();
        match self {
            Self::Unauthorized => message(StatusCode::UNAUTHORIZED, "401 Unauthorized"),
            Self::Forbidden => message(StatusCode::FORBIDDEN, "403 Forbidden"),
            Self::Scope(scope) => {
                let body = json!({"error": "insufficient_scope", "scope": scope,
                    "error_description": "The request requires higher privileges than provided by the access token."});
                (StatusCode::FORBIDDEN, Json(body)).into_response()
            }
            Self::Missing(what) => message(StatusCode::NOT_FOUND, &format!("404 {what} Not Found")),
            Self::NoRoute => (StatusCode::NOT_FOUND, Json(json!({"error": "404 Not Found"}))).into_response(),
            Self::Bad(text) => message(StatusCode::BAD_REQUEST, &format!("400 Bad request - {text}")),
            Self::Parameter(text) => (StatusCode::BAD_REQUEST, Json(json!({"error": text}))).into_response(),
            Self::Field(field, text) => {
                (StatusCode::BAD_REQUEST, Json(json!({"message": {field: [text]}}))).into_response()
            }
            Self::State(refusal, locked_write) => state_refusal(refusal, locked_write),
        }
    }
}

pub(super) fn state_refusal(refusal: Refusal, locked_write: LockedWrite) -> Response {
    match refusal {
        Refusal::NotFound => Refused::Missing("File").into_response(),
        Refusal::Locked(lock) => (StatusCode::CONFLICT, Json(lock)).into_response(),
        Refusal::NotLocked => (StatusCode::CONFLICT, Json(json!({}))).into_response(),
        Refusal::LockedWrite => match locked_write {
            LockedWrite::Conflict => {
                (StatusCode::CONFLICT, Json(json!({"message": "409 Conflict"}))).into_response()
            }
            LockedWrite::ServerError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Json(json!({"message": "500 Internal Server Error"})),
            )
                .into_response(),
        },
        Refusal::BadLock(member) => Refused::Parameter(format!("{member} is missing")).into_response(),
        Refusal::IdTooLong => {
            Refused::Parameter("ID must be less than or equal to 255 characters".to_owned()).into_response()
        }
        Refusal::NotJson => {
            Refused::Parameter("Problem processing request parameters".to_owned()).into_response()
        }
        Refusal::Serial | Refusal::Deleting => {
            let text = if refusal == Refusal::Serial {
                "Validation failed: Version has already been taken"
            } else {
                "The Terraform state is scheduled for deletion"
            };
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": text}))).into_response()
        }
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    }
}

pub(super) fn parse<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Refused> {
    text.parse()
        .map_err(|_| Refused::Parameter(format!("{what} is invalid")))
}

/// JSON or form fields, as GitLab takes both.
pub(super) fn fields(headers: &HeaderMap, body: &Bytes) -> Result<Value, Refused> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return Ok(crate::form::parse(body));
    }
    serde_json::from_slice(body)
        .map_err(|_| Refused::Parameter("Problem processing request parameters".to_owned()))
}

/// One page of a list, with the headers of offset pagination. (Source: "REST API", pagination.)
pub(super) fn paged(all: Vec<Value>, path: &str, params: &Params) -> Answer {
    let number = |wanted: &str, default: usize| -> Result<usize, Refused> {
        match params.iter().find(|(name, _)| name == wanted) {
            None => Ok(default),
            Some((_, text)) => text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| Refused::Parameter(format!("{wanted} is invalid"))),
        }
    };
    let page = number("page", 1)?;
    let per_page = number("per_page", 20)?.min(100);
    let total = all.len();
    let pages = total.div_ceil(per_page).max(1);
    let others: String = params
        .iter()
        .filter(|(name, _)| name != "page" && name != "per_page")
        .map(|(name, value)| format!("{}={}&", crate::form::encode(name), crate::form::encode(value)))
        .collect();
    let link =
        |to: usize, rel: &str| format!("<{path}?{others}page={to}&per_page={per_page}>; rel=\"{rel}\"");
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page < pages {
        links.push(link(page + 1, "next"));
    }
    links.push(link(1, "first"));
    links.push(link(pages, "last"));

    let items: Vec<Value> = all
        .into_iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    let mut response = Json(items).into_response();
    let mut header = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    };
    header("link", links.join(", "));
    header("x-page", page.to_string());
    header("x-per-page", per_page.to_string());
    header(
        "x-next-page",
        if page < pages {
            (page + 1).to_string()
        } else {
            String::new()
        },
    );
    header(
        "x-prev-page",
        if page > 1 {
            (page - 1).to_string()
        } else {
            String::new()
        },
    );
    header("x-total", total.to_string());
    header("x-total-pages", pages.to_string());
    Ok(response)
}
