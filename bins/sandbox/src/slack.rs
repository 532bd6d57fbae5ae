//! The Slack stand-in.
//!
//! [`block_kit`] checks every message against Block Kit's limits, by its own reading of Slack's documentation;
//! [`workspace`] keeps what was posted; [`reader`] shows a thread as a reader sees it. These three are pure.
//! [`wire`] puts them on HTTP.

pub mod block_kit;
pub mod reader;
pub mod wire;
pub mod workspace;

pub use wire::Slack;
pub use workspace::{Message, Workspace};
