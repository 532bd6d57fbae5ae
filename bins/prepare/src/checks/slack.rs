//! Whether Slack would take messages. Never more than a warning: the pipeline gates and deploys without it.

use crate::check::Check;
use portcullis_slack::client::{Client, Config, Error, Token};
use portcullis_stage::Stage;

const NAME: &str = "slack";

/// Where messages go without Slack's bot.
const WEBHOOKS: [&str; 4] = [
    "PORTCULLIS_SLACK_WEBHOOK",
    "PORTCULLIS_MATTERMOST_WEBHOOK",
    "PORTCULLIS_TEAMS_WEBHOOK",
    "PORTCULLIS_JSON_WEBHOOK",
];

pub(crate) fn check(stage: &Stage) -> Check {
    let Some(token) = stage.variable("PORTCULLIS_SLACK_TOKEN") else {
        // A webhook can't be asked who it is without posting to it.
        if WEBHOOKS.iter().any(|name| stage.variable(name).is_some()) {
            return Check::ok(NAME, "no bot; messages go to a webhook, each standing alone");
        }
        return Check::warn(
            NAME,
            "PORTCULLIS_SLACK_TOKEN is not set, so nobody is told anything",
        )
        .mend("set it to the bot's token (xoxb-…) as a masked CI/CD variable");
    };
    let mut config = Config::new(Token::new(token));
    if let Some(url) = stage.variable("PORTCULLIS_SLACK_URL") {
        config.base_url = url.trim().to_owned();
    }
    if let Some(wait) = stage.retry_wait() {
        config.retry.first_wait = wait;
    }
    let identity = Client::new(config).and_then(|slack| stage.block_on(slack.auth_test()));
    match identity {
        Err(error) => trouble(&error),
        Ok(who) => {
            let missing =
                |scope: &&str| !who.scopes.is_empty() && !who.scopes.iter().any(|has| has == *scope);
            let lacking: Vec<&str> = ["chat:write", "files:write"]
                .iter()
                .filter(|scope| missing(scope))
                .copied()
                .collect();
            let found = format!("{} in {}", who.user, who.team);
            if !lacking.is_empty() {
                Check::warn(NAME, format!("{found}, without the scope {}", lacking.join(", ")))
                    .mend("add it to the Slack app and install the app anew")
            } else if stage.variable("PORTCULLIS_SLACK_CHANNEL").is_none() {
                Check::warn(NAME, format!("{found}, but PORTCULLIS_SLACK_CHANNEL is not set"))
                    .mend("set it to the channel's id (C…)")
            } else {
                Check::ok(NAME, found)
            }
        }
    }
}

fn trouble(error: &Error) -> Check {
    Check::warn(NAME, format!("{error}; the pipeline goes on without messages")).maybe_mend(error.hint())
}
