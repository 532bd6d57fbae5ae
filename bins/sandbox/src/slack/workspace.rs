//! What the Slack stand-in remembers: one channel, its messages and files.

use super::block_kit;
use serde_json::{Value, json};
use std::collections::HashMap;

/// A message as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its timestamp, which is its name.
    pub ts: String,
    /// The first message of its thread, when it is a reply.
    pub thread_ts: Option<String>,
    /// Top-level text: the notification, and the fallback for screen readers.
    pub text: String,
    /// Blocks; empty when it has none.
    pub blocks: Value,
    /// `metadata`, when it has some.
    pub metadata: Option<Value>,
    /// How often it was edited.
    pub edits: u32,
    /// Files shared with it.
    pub files: Vec<File>,
}

/// A file that was uploaded and shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `F…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Upload {
    name: String,
    length: usize,
    bytes: Option<Vec<u8>>,
}

/// An `ok: false` answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Slack's code, such as `channel_not_found`.
    pub error: &'static str,
    /// Details, such as those of `invalid_blocks`.
    pub details: Vec<String>,
    /// The scope that is missing, and those that are there.
    pub scopes: Option<(&'static str, String)>,
}

impl Refusal {
    /// Only a code.
    #[must_use]
    pub fn code(error: &'static str) -> Self {
        Self {
            error,
            details: Vec::new(),
            scopes: None,
        }
    }
}

impl Refusal {
    /// The JSON body.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut body = json!({"ok": false, "error": self.error});
        if let Some((needed, provided)) = &self.scopes {
            body["needed"] = json!(needed);
            body["provided"] = json!(provided);
        }
        if !self.details.is_empty() {
            body["errors"] = json!(self.details);
            let messages: Vec<String> = self
                .details
                .iter()
                .map(|text| format!("[ERROR] {text}"))
                .collect();
            body["response_metadata"] = json!({"messages": messages});
        }
        body
    }
}

/// The workspace: one bot, one channel.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The bot's token.
    pub token: String,
    /// The secret part of the incoming webhook's address.
    pub hook: String,
    /// The channel's id.
    pub channel: String,
    /// The channel's name, without `#`.
    pub channel_name: String,
    /// All messages, oldest first.
    pub messages: Vec<Message>,
    /// What the bot may do: its token's scopes.
    pub scopes: Vec<&'static str>,
    /// What was refused, in order: method and code.
    pub refused: Vec<(String, &'static str)>,
    uploads: HashMap<String, Upload>,
    counter: u64,
}

impl Workspace {
    /// The messages as they stand, oldest first, without those that share files.
    #[must_use]
    pub fn posted(&self) -> Vec<Value> {
        self.messages
            .iter()
            .filter(|message| message.files.is_empty())
            .map(|message| {
                let mut json = json!({"text": message.text, "blocks": message.blocks});
                if let Some(metadata) = &message.metadata {
                    json["metadata"] = metadata.clone();
                }
                json
            })
            .collect()
    }

    /// A workspace whose bot has `token` and sits in `#deployments`.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            hook: "hook-of-the-sandbox".to_owned(),
            channel: "C0SANDBOX01".to_owned(),
            channel_name: "deployments".to_owned(),
            messages: Vec::new(),
            scopes: vec!["chat:write", "files:write", "channels:history"],
            refused: Vec::new(),
            uploads: HashMap::new(),
            counter: 0,
        }
    }

    /// A number, different from all given before.
    fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Whether the bot may call this method.
    ///
    /// # Errors
    /// `missing_scope`, with the scope that is needed and those that are there.
    pub fn allows(&self, method: &str) -> Result<(), Refusal> {
        let needed = match method {
            "chat.postMessage" | "chat.update" => "chat:write",
            "files.getUploadURLExternal" | "files.completeUploadExternal" => "files:write",
            "conversations.history" | "conversations.replies" => "channels:history",
            _ => return Ok(()),
        };
        if self.scopes.contains(&needed) {
            return Ok(());
        }
        Err(Refusal {
            error: "missing_scope",
            details: Vec::new(),
            scopes: Some((needed, self.scopes.join(","))),
        })
    }

    /// `conversations.history`: the channel's own messages, the latest first.
    ///
    /// # Errors
    /// `channel_not_found`.
    pub fn history(&self, call: &Value) -> Result<Value, Refusal> {
        let own = |message: &&Message| message.thread_ts.is_none();
        self.list(call, self.messages.iter().rev().filter(own).collect())
    }

    /// `conversations.replies`: a thread, its first message first.
    ///
    /// # Errors
    /// `channel_not_found`, `thread_not_found`.
    pub fn replies(&self, call: &Value) -> Result<Value, Refusal> {
        let ts = text(call, "ts").unwrap_or_default();
        if !self.messages.iter().any(|message| message.ts == ts) {
            return Err(Refusal::code("thread_not_found"));
        }
        let of_thread = |message: &&Message| message.ts == ts || message.thread_ts.as_deref() == Some(ts);
        self.list(call, self.messages.iter().filter(of_thread).collect())
    }

    fn list(&self, call: &Value, messages: Vec<&Message>) -> Result<Value, Refusal> {
        if text(call, "channel") != Some(self.channel.as_str()) {
            return Err(Refusal::code("channel_not_found"));
        }
        let limit = text(call, "limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(100);
        let with_metadata = text(call, "include_all_metadata") == Some("true");
        let has_more = messages.len() > limit;
        let listed: Vec<Value> = messages
            .into_iter()
            .take(limit)
            .map(|message| {
                let mut json = self.message_json(message);
                if let (true, Some(metadata)) = (with_metadata, &message.metadata) {
                    json["metadata"] = metadata.clone();
                }
                json
            })
            .collect();
        Ok(json!({"ok": true, "messages": listed, "has_more": has_more}))
    }

    /// What Slack's incoming webhook does with a body. It knows one channel, and never gives a timestamp.
    ///
    /// # Errors
    /// The code that the webhook answers as text.
    pub fn by_hook(&mut self, call: &Value, seconds: i64) -> Result<(), &'static str> {
        let mut call = call.clone();
        if !call.is_object() {
            return Err("invalid_payload");
        }
        call["channel"] = json!(self.channel);
        match self.post(&call, seconds) {
            Ok(_) => Ok(()),
            Err(refusal) if matches!(refusal.error, "no_text" | "invalid_blocks") => Err(refusal.error),
            Err(_) => Err("invalid_payload"),
        }
    }

    /// A person deletes a message; its answers stay.
    pub fn delete(&mut self, ts: &str) {
        self.messages.retain(|message| message.ts != ts);
    }

    /// `auth.test`.
    #[must_use]
    pub fn auth_test(&self, base: &str) -> Value {
        json!({"ok": true, "url": format!("{base}/"), "team": "Sandbox", "team_id": "T0SANDBOX01",
               "user": "portcullis", "user_id": "U0SANDBOX01", "bot_id": "B0SANDBOX01"})
    }

    /// `chat.postMessage`. `seconds` becomes the whole part of the timestamp.
    ///
    /// # Errors
    /// What Slack refuses. Unlike Slack, an unknown `thread_ts` is refused, too.
    pub fn post(&mut self, call: &Value, seconds: i64) -> Result<Value, Refusal> {
        let channel = text(call, "channel").unwrap_or_default();
        let name = channel.strip_prefix('#').unwrap_or(channel);
        if channel != self.channel && name != self.channel_name {
            return Err(Refusal::code("channel_not_found"));
        }
        let content = Content::read(call)?;
        let thread_ts = text(call, "thread_ts").map(str::to_owned);
        if let Some(parent) = &thread_ts {
            match self.messages.iter().find(|message| &message.ts == parent) {
                None => return Err(Refusal::code("thread_not_found")),
                Some(message) if message.thread_ts.is_some() => {
                    return Err(Refusal::code("cannot_reply_to_message"));
                }
                Some(_) => {}
            }
        }
        let ts = format!("{seconds}.{:06}", self.next());
        let message = Message {
            ts: ts.clone(),
            thread_ts,
            text: content.text,
            blocks: content.blocks.unwrap_or_else(|| json!([])),
            metadata: content.metadata,
            edits: 0,
            files: Vec::new(),
        };
        let mut answer =
            json!({"ok": true, "channel": self.channel, "ts": ts, "message": self.message_json(&message)});
        if content.truncated {
            answer["warning"] = json!("message_truncated");
            answer["response_metadata"] = json!({"warnings": ["message_truncated"]});
        }
        self.messages.push(message);
        Ok(answer)
    }

    /// `chat.update`. A call with text and without blocks removes the old blocks; metadata left out stays.
    ///
    /// # Errors
    /// What Slack refuses.
    pub fn update(&mut self, call: &Value) -> Result<Value, Refusal> {
        // Posting takes a name; updating takes the id only.
        if text(call, "channel") != Some(self.channel.as_str()) {
            return Err(Refusal::code("channel_not_found"));
        }
        let content = Content::read(call)?;
        let ts = text(call, "ts").unwrap_or_default();
        let Some(message) = self.messages.iter_mut().find(|message| message.ts == ts) else {
            return Err(Refusal::code("message_not_found"));
        };
        message.text = content.text;
        message.blocks = content.blocks.unwrap_or_else(|| json!([]));
        message.metadata = content.metadata.or(message.metadata.take());
        message.edits += 1;
        let message = message.clone();
        Ok(
            json!({"ok": true, "channel": self.channel, "ts": ts, "text": message.text,
                  "message": self.message_json(&message)}),
        )
    }

    /// `chat.getPermalink`.
    ///
    /// # Errors
    /// `channel_not_found`, `message_not_found`.
    pub fn permalink(&self, call: &Value, base: &str) -> Result<Value, Refusal> {
        if text(call, "channel") != Some(self.channel.as_str()) {
            return Err(Refusal::code("channel_not_found"));
        }
        let ts = text(call, "message_ts").unwrap_or_default();
        if !self.messages.iter().any(|message| message.ts == ts) {
            return Err(Refusal::code("message_not_found"));
        }
        let link = format!("{base}/archives/{}/p{}", self.channel, ts.replace('.', ""));
        Ok(json!({"ok": true, "channel": self.channel, "permalink": link}))
    }

    /// `files.getUploadURLExternal`: the first of three steps.
    ///
    /// # Errors
    /// `invalid_arguments` without a name or a length.
    pub fn upload_url(&mut self, call: &Value, base: &str) -> Result<Value, Refusal> {
        let name = text(call, "filename").filter(|name| !name.is_empty());
        let length = call
            .get("length")
            .and_then(|length| length.as_u64().or_else(|| length.as_str()?.parse().ok()))
            .filter(|length| *length > 0)
            .and_then(|length| usize::try_from(length).ok());
        let (Some(name), Some(length)) = (name, length) else {
            return Err(Refusal {
                error: "invalid_arguments",
                details: vec!["missing required field: filename or length".to_owned()],
                scopes: None,
            });
        };
        let id = format!("F0SANDBOX{:02}", self.next());
        self.uploads.insert(
            id.clone(),
            Upload {
                name: name.to_owned(),
                length,
                bytes: None,
            },
        );
        Ok(json!({"ok": true, "upload_url": format!("{base}/upload/v1/{id}"), "file_id": id}))
    }

    /// The second step: the bytes, without a token. False when the address or the length is wrong.
    pub fn upload(&mut self, id: &str, bytes: Vec<u8>) -> bool {
        match self.uploads.get_mut(id) {
            Some(upload) if upload.length == bytes.len() => {
                upload.bytes = Some(bytes);
                true
            }
            _ => false,
        }
    }

    /// `files.completeUploadExternal`: the third step, which shares the files.
    ///
    /// # Errors
    /// `file_not_found` when a file was never uploaded, `invalid_channel` for a channel's name in place of its id.
    pub fn complete_upload(&mut self, call: &Value, seconds: i64) -> Result<Value, Refusal> {
        // A form carries the list as text.
        let listed = match call.get("files") {
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
            Some(value) => value.clone(),
            None => Value::Null,
        };
        let Some(listed) = listed.as_array().filter(|list| !list.is_empty()) else {
            return Err(Refusal::code("invalid_arguments"));
        };
        if let Some(channel) = text(call, "channel_id")
            && channel != self.channel
        {
            return Err(Refusal::code("invalid_channel"));
        }
        let mut files = Vec::new();
        for item in listed {
            let id = text(item, "id").unwrap_or_default();
            let Some(Upload {
                name,
                bytes: Some(bytes),
                ..
            }) = self.uploads.get(id)
            else {
                return Err(Refusal::code("file_not_found"));
            };
            let title = text(item, "title").unwrap_or(name).to_owned();
            files.push(File {
                id: id.to_owned(),
                name: name.clone(),
                title,
                bytes: bytes.clone(),
            });
        }
        for file in &files {
            self.uploads.remove(&file.id);
        }
        let answer: Vec<Value> = files
            .iter()
            .map(|file| json!({"id": file.id, "title": file.title}))
            .collect();
        if text(call, "channel_id").is_some() {
            let ts = format!("{seconds}.{:06}", self.next());
            self.messages.push(Message {
                ts,
                thread_ts: text(call, "thread_ts").map(str::to_owned),
                text: text(call, "initial_comment").unwrap_or_default().to_owned(),
                blocks: json!([]),
                metadata: None,
                edits: 0,
                files,
            });
        }
        Ok(json!({"ok": true, "files": answer}))
    }

    fn message_json(&self, message: &Message) -> Value {
        json!({"type": "message", "user": "U0SANDBOX01", "bot_id": "B0SANDBOX01", "ts": message.ts,
               "thread_ts": message.thread_ts, "text": message.text, "blocks": message.blocks})
    }
}

/// The part of a message that posting and updating share, checked.
struct Content {
    text: String,
    blocks: Option<Value>,
    metadata: Option<Value>,
    truncated: bool,
}

impl Content {
    fn read(call: &Value) -> Result<Self, Refusal> {
        let blocks = embedded(call, "blocks")?;
        let metadata = embedded(call, "metadata")?;
        let text = text(call, "text").unwrap_or_default();
        if text.is_empty()
            && blocks
                .as_ref()
                .and_then(Value::as_array)
                .is_none_or(Vec::is_empty)
        {
            return Err(Refusal::code("no_text"));
        }
        if let Some(blocks) = &blocks {
            let problems = block_kit::check(blocks);
            if !problems.is_empty() {
                let details = problems.iter().map(ToString::to_string).collect();
                return Err(Refusal {
                    error: "invalid_blocks",
                    details,
                    scopes: None,
                });
            }
            if block_kit::total_text(blocks) > block_kit::MAX_TOTAL_TEXT {
                return Err(Refusal::code("msg_blocks_too_long"));
            }
        }
        if let Some(metadata) = &metadata
            && !(metadata.get("event_type").is_some_and(Value::is_string)
                && metadata.get("event_payload").is_some_and(Value::is_object))
        {
            return Err(Refusal::code("invalid_metadata_format"));
        }
        let truncated = text.chars().count() > 40_000;
        let text = text.chars().take(40_000).collect();
        Ok(Self {
            text,
            blocks,
            metadata,
            truncated,
        })
    }
}

fn text<'a>(call: &'a Value, member: &str) -> Option<&'a str> {
    call.get(member).and_then(Value::as_str)
}

/// A member that a form carries as JSON text, and a JSON body as itself.
fn embedded(call: &Value, member: &str) -> Result<Option<Value>, Refusal> {
    match call.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let error = if member == "blocks" {
                "invalid_blocks_format"
            } else {
                "invalid_metadata_format"
            };
            serde_json::from_str(text)
                .map(Some)
                .map_err(|_| Refusal::code(error))
        }
        Some(value) => Ok(Some(value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::new("xoxb-1")
    }

    fn post(workspace: &mut Workspace, call: &Value) -> Result<String, &'static str> {
        match workspace.post(call, 100) {
            Ok(answer) => Ok(answer["ts"].as_str().unwrap().to_owned()),
            Err(refusal) => Err(refusal.error),
        }
    }

    #[test]
    fn a_channel_is_posted_to_by_name_or_id_and_updated_by_id_only() {
        let mut workspace = workspace();
        for channel in ["C0SANDBOX01", "#deployments", "deployments"] {
            post(&mut workspace, &json!({"channel": channel, "text": "hi"})).unwrap();
        }
        assert_eq!(
            post(&mut workspace, &json!({"channel": "#other", "text": "hi"})),
            Err("channel_not_found")
        );
        let ts = workspace.messages[0].ts.clone();
        let by_name = workspace.update(&json!({"channel": "#deployments", "ts": ts, "text": "x"}));
        assert_eq!(by_name.unwrap_err().error, "channel_not_found");
        workspace
            .update(&json!({"channel": "C0SANDBOX01", "ts": ts, "text": "x"}))
            .unwrap();
        assert_eq!(
            (workspace.messages[0].text.as_str(), workspace.messages[0].edits),
            ("x", 1)
        );
    }

    #[test]
    fn an_update_without_blocks_removes_them_and_keeps_the_metadata() {
        let mut workspace = workspace();
        let ts = post(
            &mut workspace,
            &json!({"channel": "deployments", "text": "t", "blocks": [{"type": "divider"}],
                   "metadata": {"event_type": "e", "event_payload": {}}}),
        )
        .unwrap();
        workspace
            .update(&json!({"channel": "C0SANDBOX01", "ts": ts, "text": "x"}))
            .unwrap();
        assert_eq!(workspace.messages[0].blocks, json!([]));
        assert!(workspace.messages[0].metadata.is_some());
    }

    #[test]
    fn bad_blocks_are_refused_with_their_place() {
        let refusal = workspace()
            .post(
                &json!({"channel": "deployments", "text": "t", "blocks": [{"type": "marquee"}]}),
                1,
            )
            .unwrap_err();
        insta::assert_snapshot!(refusal.json(), @r#"{"error":"invalid_blocks","errors":["unsupported type: marquee [json-pointer:/blocks/0/type]"],"ok":false,"response_metadata":{"messages":["[ERROR] unsupported type: marquee [json-pointer:/blocks/0/type]"]}}"#);
    }

    #[test]
    fn what_has_no_content_or_too_much_is_refused() {
        let mut workspace = workspace();
        assert_eq!(
            post(&mut workspace, &json!({"channel": "deployments"})),
            Err("no_text")
        );
        let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(2900)}});
        let call = json!({"channel": "deployments", "text": "t", "blocks": vec![section; 4]});
        assert_eq!(post(&mut workspace, &call), Err("msg_blocks_too_long"));
        let call = json!({"channel": "deployments", "text": "t", "metadata": {"event_type": 1}});
        assert_eq!(post(&mut workspace, &call), Err("invalid_metadata_format"));
    }

    #[test]
    fn a_reply_goes_to_the_threads_first_message() {
        let mut workspace = workspace();
        let parent = post(
            &mut workspace,
            &json!({"channel": "deployments", "text": "parent"}),
        )
        .unwrap();
        let reply = |ts: &str| json!({"channel": "deployments", "text": "reply", "thread_ts": ts});
        let child = post(&mut workspace, &reply(&parent)).unwrap();
        assert_eq!(
            post(&mut workspace, &reply(&child)),
            Err("cannot_reply_to_message")
        );
        assert_eq!(post(&mut workspace, &reply("1.0")), Err("thread_not_found"));
    }

    #[test]
    fn messages_are_listed_with_their_metadata_when_asked() {
        let mut workspace = workspace();
        let metadata = json!({"event_type": "e", "event_payload": {"key": "k"}});
        let first = post(&mut workspace, &json!({"channel": "deployments", "text": "1"})).unwrap();
        let answer = json!({"channel": "deployments", "text": "2", "thread_ts": first, "metadata": metadata});
        post(&mut workspace, &answer).unwrap();
        post(&mut workspace, &json!({"channel": "deployments", "text": "3"})).unwrap();
        let texts = |list: &Value| {
            let messages = list["messages"].as_array().unwrap();
            messages
                .iter()
                .map(|message| message["text"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let history = workspace.history(&json!({"channel": "C0SANDBOX01"})).unwrap();
        assert_eq!(texts(&history), ["3", "1"]);
        let call = json!({"channel": "C0SANDBOX01", "ts": first, "include_all_metadata": "true"});
        let thread = workspace.replies(&call).unwrap();
        assert_eq!(texts(&thread), ["1", "2"]);
        assert_eq!(thread["messages"][1]["metadata"]["event_payload"]["key"], "k");
        let by_name = workspace
            .history(&json!({"channel": "#deployments"}))
            .unwrap_err();
        assert_eq!(by_name.error, "channel_not_found");
        workspace.delete(&first);
        assert_eq!(workspace.replies(&call).unwrap_err().error, "thread_not_found");
    }

    #[test]
    fn a_missing_scope_is_named() {
        let mut workspace = workspace();
        workspace.scopes = vec!["chat:write"];
        assert_eq!(workspace.allows("chat.update"), Ok(()));
        let refusal = workspace.allows("files.getUploadURLExternal").unwrap_err();
        insta::assert_snapshot!(refusal.json(), @r#"{"error":"missing_scope","needed":"files:write","ok":false,"provided":"chat:write"}"#);
    }

    #[test]
    fn a_webhook_posts_to_its_channel_and_answers_in_a_word() {
        let mut workspace = workspace();
        workspace.by_hook(&json!({"text": "hi"}), 1).unwrap();
        assert_eq!(workspace.messages[0].text, "hi");
        assert_eq!(workspace.by_hook(&json!({}), 1), Err("no_text"));
        assert_eq!(workspace.by_hook(&json!([]), 1), Err("invalid_payload"));
        let bad = json!({"text": "x", "blocks": [{"type": "marquee"}]});
        assert_eq!(workspace.by_hook(&bad, 1), Err("invalid_blocks"));
    }

    #[test]
    fn a_file_takes_three_steps() {
        let mut workspace = workspace();
        let answer = workspace
            .upload_url(&json!({"filename": "plan.txt", "length": "4"}), "http://s")
            .unwrap();
        let id = answer["file_id"].as_str().unwrap().to_owned();
        let share = json!({"files": [{"id": id, "title": "The plan"}], "channel_id": "C0SANDBOX01"});
        assert_eq!(
            workspace.complete_upload(&share, 1).unwrap_err().error,
            "file_not_found"
        );
        assert!(!workspace.upload(&id, b"too long".to_vec()));
        assert!(workspace.upload(&id, b"plan".to_vec()));
        workspace.complete_upload(&share, 1).unwrap();
        assert_eq!(workspace.messages[0].files[0].title, "The plan");
        assert_eq!(
            workspace.complete_upload(&share, 1).unwrap_err().error,
            "file_not_found",
            "shared already"
        );
    }
}
