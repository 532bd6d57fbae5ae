//! The frame around every page: head, policy, style, script, landmarks.

use crate::html::Html;
use crate::status::SHAPES;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page: `kind` is what it is called, `header` and `main` what stands in it.
pub(crate) fn page(kind: &'static str, subject: Option<&str>, header: &Html, main: &Html) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
    source(&mut html, STYLE);
    html.raw("; script-src ");
    source(&mut html, SCRIPT);
    html.raw("; img-src data:; base-uri 'none'; form-action 'none'\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
    // An icon of its own, so that the browser asks nobody for one.
    html.raw("<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='none' stroke='%23888' stroke-width='2' d='M2 15V7a6 6 0 0 1 12 0v8M6 15V2M10 15V2M2 9h12'/%3E%3C/svg%3E\">\n<title>");
    if let Some(subject) = subject {
        html.text(subject).raw(" · ");
    }
    html.raw(kind)
        .raw("</title>\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n");
    html.raw("<a class=\"skip\" href=\"#main\">Skip to the content</a>\n")
        .raw(SHAPES);
    html.raw("<header>")
        .append(header)
        .raw("</header>\n<main id=\"main\" tabindex=\"-1\">\n");
    html.append(main);
    html.raw("\n</main>\n<footer><p>Made by Portcullis. This file is complete: it loads nothing, and it can be read without scripts.</p></footer>\n");
    html.raw("<script>")
        .raw(SCRIPT)
        .raw("</script>\n</body>\n</html>\n");
    html.into_string()
}

/// The hash that lets one inline text through (Content Security Policy Level 3, "hash-source").
fn source(html: &mut Html, text: &str) {
    let hash = STANDARD.encode(Sha256::digest(text.as_bytes()));
    // Base64 holds nothing that needs escaping.
    html.raw("'sha256-").text(hash).raw("'");
}
