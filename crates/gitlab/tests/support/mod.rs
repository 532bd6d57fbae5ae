//! Clients for a GitLab that is faked at the wire.
#![allow(dead_code, reason = "not every test file needs all of it")]

use portcullis_gitlab::{
    Project, Secret,
    client::{Client, Config, Error, Retry, Timeouts, Token},
    state::StateAddress,
};
use std::{fmt::Write as _, time::Duration};
use url::Url;

pub const TOKEN: &str = "glcbt-64_never-shown";

/// Three quick repeats.
pub fn config(root: &str, token: Token) -> Config {
    Config {
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(5),
        },
        retry: Retry {
            times: 3,
            wait_min: Duration::ZERO,
            wait_max: Duration::ZERO,
            retry_after_max: Duration::ZERO,
            deadline: Duration::from_secs(60),
        },
        ..Config::new(Url::parse(&format!("{root}/api/v4")).unwrap(), token)
    }
}

pub fn job_client(root: &str) -> Client {
    Client::new(config(root, Token::Job(Secret::new(TOKEN)))).unwrap()
}

pub fn private_client(root: &str) -> Client {
    Client::new(config(root, Token::Private(Secret::new(TOKEN)))).unwrap()
}

pub fn production() -> StateAddress {
    StateAddress::new(Project::Id(42), "production").unwrap()
}

/// The error with its whole chain and its hint, as a stage would print them; the stand-in's port taken out.
pub fn told(error: &Error, root: &str) -> String {
    let mut text = format!("{error}\n");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        writeln!(text, "  because {cause}").unwrap();
        source = cause.source();
    }
    writeln!(text, "  hint: {}", error.hint().as_deref().unwrap_or("-")).unwrap();
    assert!(!text.contains(TOKEN), "a token in {text}");
    text.replace(root.trim_start_matches("http://"), "GITLAB")
}
