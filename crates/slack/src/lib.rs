//! Slack messages that a CI job can send without breaking anything.
//!
//! **What it is for.** A program that tells people what happened: [`Message`], [`Block`], [`RichText`] and [`Text`]
//! are Block Kit as types. Slack's limits are *held and fitted* when a message is built: long text is cut (in code
//! points, after escaping, never inside an entity), a message that is too big is shortened and says so; nothing fails.
//! Text from outside (a branch name, a commit title, somebody's description) can be handed over as it is: it can't become a
//! mention, a link, a new line, or text that runs backwards. The feature `client` (on by default) sends: post, update,
//! files, permalinks, `auth.test`, incoming webhooks, with short time limits and a retry that never posts twice.
//!
//! **What it is not.** No events, no socket mode, no slash commands, no interactive answers: a CI job is short-lived,
//! and a button that opens a link needs none of them.
//!
//! ```
//! use portcullis_slack::{Block, Button, Message, RichText, Text};
//!
//! let branch = "fix/<!channel>"; // text from outside
//! let message = Message::new(
//!     format!("Nightly backup of {branch}: done in 3 min"), // for notifications and screen readers
//!     [
//!         Block::header("Nightly backup"),
//!         Block::rich_text(RichText::new().line(Text::new().bold("Done").plain(" in 3 min on ").code(branch))),
//!         Block::actions([Button::link("Open the job", "https://gitlab.example.com/infra/-/jobs/42")]),
//!     ],
//! );
//! assert_eq!(message.text(), "Nightly backup of fix/&lt;!channel&gt;: done in 3 min");
//! assert!(portcullis_slack::limits::check(&message.to_json()).is_empty());
//! ```
//!
//! Sending it (scope `chat:write`, and the bot invited to the channel):
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn tell(token: String, message: &portcullis_slack::Message) -> Result<(), portcullis_slack::client::Error> {
//! use portcullis_slack::client::{Client, Config, Token};
//!
//! let slack = Client::new(Config::new(Token::new(token)))?;
//! let posted = slack.post("#deploys", None, message).await?;
//! // Into its thread; recognised by its key, so that a time-out never makes two of it.
//! slack.post_once(&posted.channel, Some(&posted.ts), message, "backup/42").await?;
//! # Ok(())
//! # }
//! ```

mod block;
#[cfg(feature = "client")]
pub mod client;
mod escape;
pub mod limits;
mod message;
mod rich_text;
mod text;

pub use block::{Block, Button};
pub use escape::{clean, clean_lines, escape};
pub use message::{Message, Metadata};
pub use rich_text::{Part, RichText};
pub use text::{Run, Style, Text};
