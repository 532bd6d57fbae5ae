//! Masking secrets in everything that leaves the process.

use crate::Environment;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// Shorter values are not masked: they would take ordinary words with them.
const SHORTEST: usize = 6;

/// A variable whose name holds one of these is secret.
const SECRET_NAMES: [&str; 17] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "API_KEY",
    "APIKEY",
    "SIGNING_KEY",
    "ENCRYPTION_KEY",
    "DEPLOY_KEY",
    "SSH_KEY",
    "PLAN_KEY",
    "WEBHOOK",
    "AUTHORIZATION",
];

/// A variable whose name ends so says where a secret is, not what it is.
const PLACE_NAMES: [&str; 4] = ["_FILE", "_PATH", "_DIR", "_SOCK"];

/// `application/x-www-form-urlencoded` and RFC 3986 leave these alone.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Replaces secrets by `[masked]`.
///
/// It knows the values of environment variables whose names look secret, passwords inside URLs, and values added
/// later; each also in base64 (wherever it falls inside a longer encoded text, such as an `Authorization: Basic`
/// header), percent-encoded, as a JSON string and as text of HTML. Of a value of several lines, such as a private key, each longer
/// line counts as well, because logs are shown line by line. Values of fewer than 6 characters are left alone.
///
/// ```
/// use portcullis_stage::Redactor;
/// let redactor = Redactor::default();
/// redactor.add("s3cr3t/value");
/// assert_eq!(redactor.redact("GET /?token=s3cr3t%2Fvalue"), "GET /?token=[masked]");
/// ```
#[derive(Default)]
pub struct Redactor {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    forms: BTreeSet<String>,
    /// Finds all forms at once; made when it is first needed, and anew after each addition.
    finder: Option<Arc<AhoCorasick>>,
}

impl Redactor {
    /// What stands in a secret's place.
    pub const MASK: &str = "[masked]";

    /// One that knows the secrets in this environment.
    #[must_use]
    pub fn of_environment(environment: &Environment) -> Self {
        let redactor = Self::default();
        for (name, value) in environment.iter() {
            if looks_secret(name) {
                redactor.add(value);
            }
            if let Some(password) = url_password(value) {
                redactor.add(password);
            }
        }
        redactor
    }

    /// From now on, this value is masked as well.
    pub fn add(&self, secret: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.finder = None;
        known.forms.extend(forms_of(secret.trim()));
        if secret.trim().contains('\n') {
            for line in secret
                .lines()
                .map(str::trim)
                .filter(|line| line.len() >= 16 && !line.starts_with("-----"))
            {
                known.forms.extend(forms_of(line));
            }
        }
    }

    /// The text with every secret replaced. Secrets that overlap are masked together.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let Some(finder) = self.finder() else {
            return text.to_owned();
        };
        let mut spans: Vec<(usize, usize)> = finder
            .find_overlapping_iter(text)
            .map(|found| (found.start(), found.end()))
            .collect();
        spans.sort_unstable();
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (start, end) in spans {
            if start >= done {
                out.push_str(text.get(done..start).unwrap_or_default());
                out.push_str(Self::MASK);
            }
            done = done.max(end);
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }

    /// `None` when nothing is secret.
    fn finder(&self) -> Option<Arc<AhoCorasick>> {
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.finder.is_some() || known.forms.is_empty() {
                return known.finder.clone();
            }
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.finder.is_none() {
            known.finder = Some(Arc::new(find_all(&known.forms)));
        }
        known.finder.clone()
    }
}

#[expect(
    clippy::expect_used,
    reason = "fails for gigabytes of secrets only; then nothing may be shown, and `main` makes it exit 70"
)]
fn find_all(forms: &BTreeSet<String>) -> AhoCorasick {
    // What is shown is mostly short: the automaton that finds a little faster takes far longer to build.
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(forms)
        .expect("so many secrets cannot be looked for")
}

impl std::fmt::Debug for Redactor {
    /// The number of forms only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Redactor({} forms)", known.forms.len())
    }
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_NAMES.iter().any(|part| name.contains(part)) && !PLACE_NAMES.iter().any(|end| name.ends_with(end))
}

/// The password in `scheme://user:password@host`.
fn url_password(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password)
}

fn forms_of(secret: &str) -> Vec<String> {
    if secret.chars().count() < SHORTEST {
        return Vec::new();
    }
    let mut forms = vec![secret.to_owned()];
    for engine in [&STANDARD, &URL_SAFE] {
        // Inside a longer encoded text the secret may begin at any of three places of a base64 group.
        for shift in 0..3_usize {
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(secret.as_bytes());
            let encoded = engine.encode(&bytes);
            let (first, last) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
            forms.extend(encoded.get(first..last).map(str::to_owned));
        }
    }
    for set in [NON_ALPHANUMERIC, UNRESERVED] {
        let encoded = utf8_percent_encode(secret, set).to_string();
        forms.push(lower_percent(&encoded));
        forms.push(encoded.replace("%20", "+"));
        forms.push(encoded);
    }
    // A JSON document may be kept as text within another; Go escapes more than others do (encoding/json, HTMLEscape).
    for text in [secret.to_owned(), quoted(secret)] {
        let quoted = quoted(&text);
        forms.push(
            quoted
                .replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026"),
        );
        forms.push(quoted);
    }
    // On an HTML page.
    forms.push(
        secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
    );
    forms.retain(|form| !form.is_empty());
    forms
}

/// As a JSON string, without the quotes.
fn quoted(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// `%2F` becomes `%2f`.
fn lower_percent(encoded: &str) -> String {
    let mut hex = 0;
    encoded
        .chars()
        .map(|c| {
            let shown = if hex > 0 { c.to_ascii_lowercase() } else { c };
            hex = if c == '%' { 2 } else { i32::max(hex - 1, 0) };
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_look_secret() {
        for name in [
            "CI_JOB_TOKEN",
            "TF_HTTP_PASSWORD",
            "TF_VAR_db_password",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "SLACK_BOT_TOKEN",
            "SLACK_WEBHOOK_URL",
            "SSH_PRIVATE_KEY",
            "CI_REGISTRY_PASSWORD",
        ] {
            assert!(looks_secret(name), "{name}");
        }
        for name in [
            "CI_COMMIT_SHA",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "PATH",
            "SSH_AUTH_SOCK",
            "AWS_REGION",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let redactor = Redactor::of_environment(&Environment::from_pairs([
            ("CI_JOB_TOKEN", "glcbt-64_a/b+c=\"d"),
            (
                "CI_REPOSITORY_URL",
                "https://gitlab-ci-token:repo-pass@gitlab.example.com/group/x.git",
            ),
            ("CI_PROJECT_PATH", "group/project"),
            ("SHORT_TOKEN", "abc"),
        ]));
        let basic = STANDARD.encode("gitlab-ci-token:glcbt-64_a/b+c=\"d");
        let text = format!(
            "plain glcbt-64_a/b+c=\"d | header Basic {basic} | url ?t=glcbt-64_a%2Fb%2Bc%3D%22d \
             | lower glcbt%2d64%5fa%2fb%2bc%3d%22d | json glcbt-64_a/b+c=\\\"d | clone x:repo-pass@host \
             | abc group/project | html glcbt-64_a/b+c=&quot;d"
        );
        insta::assert_snapshot!(
            redactor.redact(&text),
            @r"plain [masked] | header Basic Z2l0bGFiLWNpLXRva2VuOm[masked] | url ?t=[masked] | lower [masked] | json [masked] | clone x:[masked]@host | abc group/project | html [masked]"
        );
    }

    #[test]
    fn a_private_key_is_masked_line_by_line() {
        let redactor = Redactor::default();
        redactor.add("-----BEGIN KEY-----\nMIIEpAIBAAKCAQEAxyz0123\nQWERTYUIOPASDFGH\n-----END KEY-----\n");
        assert_eq!(redactor.redact("  MIIEpAIBAAKCAQEAxyz0123"), "  [masked]");
        assert_eq!(redactor.redact("-----BEGIN KEY-----"), "-----BEGIN KEY-----");
    }

    #[test]
    fn overlapping_secrets_are_masked_together() {
        let redactor = Redactor::default();
        redactor.add("abcdef");
        redactor.add("defghi");
        redactor.add("abcdefgh");
        assert_eq!(redactor.redact("xabcdefghix abcdef"), "x[masked]x [masked]");
    }

    proptest! {
        #[test]
        fn no_form_of_any_secret_is_left(
            secrets in prop::collection::vec("[A-Z0-9/+=%\" é-]{6,20}", 1..4),
            pieces in prop::collection::vec("[A-Z0-9/+=% é-]{0,8}", 1..6),
            order in prop::collection::vec(0_usize..40, 0..8),
        ) {
            let redactor = Redactor::default();
            for secret in &secrets {
                redactor.add(secret);
            }
            let forms: Vec<String> = secrets.iter().flat_map(|secret| forms_of(secret.trim())).collect();
            let mut text = String::new();
            for (index, pick) in order.iter().enumerate() {
                text.push_str(&pieces[index % pieces.len()]);
                if !forms.is_empty() {
                    text.push_str(&forms[pick % forms.len()]);
                }
            }
            let shown = redactor.redact(&text);
            for form in &forms {
                prop_assert!(!shown.contains(form.as_str()), "{form:?} is left in {shown:?}");
            }
        }

        #[test]
        fn a_secret_inside_a_base64_text_is_masked(
            before in prop::collection::vec(any::<u8>(), 0..5),
            secret in "[A-Za-z0-9_-]{8,30}",
            after in prop::collection::vec(any::<u8>(), 0..5),
        ) {
            let redactor = Redactor::default();
            redactor.add(&secret);
            let mut bytes = before;
            bytes.extend_from_slice(secret.as_bytes());
            bytes.extend(after);
            prop_assert!(redactor.redact(&STANDARD.encode(&bytes)).contains(Redactor::MASK));
            prop_assert!(redactor.redact(&URL_SAFE.encode(&bytes)).contains(Redactor::MASK));
        }

        #[test]
        fn text_without_secrets_is_left_alone(text in "\\PC{0,60}") {
            let redactor = Redactor::default();
            redactor.add("ZZZZZZZZZZ-never-in-the-text-ZZZZZZZZZZ");
            prop_assert_eq!(redactor.redact(&text), text);
        }
    }
}
