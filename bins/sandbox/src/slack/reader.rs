//! A thread as its readers see it, for a terminal.

use super::workspace::{File, Message, Workspace};
use crate::terminal::{Style, Styled};
use serde_json::Value;

/// The channel with all its threads, wrapped to `width` columns.
#[must_use]
pub fn channel(workspace: &Workspace, width: usize) -> Vec<Styled> {
    let mut out = Vec::new();
    for message in workspace
        .messages
        .iter()
        .filter(|message| message.thread_ts.is_none())
    {
        let replies: Vec<&Message> = workspace
            .messages
            .iter()
            .filter(|reply| reply.thread_ts.as_deref() == Some(message.ts.as_str()))
            .collect();
        let mut title = Styled::new(&format!("#{}", workspace.channel_name), Style::Bold);
        title.push(" · portcullis", Style::Plain);
        if message.edits > 0 {
            let times = if message.edits == 1 {
                "once".to_owned()
            } else {
                format!("{} times", message.edits)
            };
            title.push(&format!(" (updated in place {times})"), Style::Dim);
        }
        out.push(title);
        framed(&mut out, "┃ ", message_lines(message, width.saturating_sub(2)));
        for (index, reply) in replies.iter().enumerate() {
            out.push(Styled::default());
            out.push(Styled::new(
                &format!("  reply {} of {}", index + 1, replies.len()),
                Style::Dim,
            ));
            framed(&mut out, "  │ ", message_lines(reply, width.saturating_sub(4)));
        }
    }
    out
}

fn framed(out: &mut Vec<Styled>, edge: &str, lines: Vec<Styled>) {
    for line in lines {
        let mut framed = Styled::new(if line.is_empty() { edge.trim_end() } else { edge }, Style::Dim);
        framed.append(line);
        out.push(framed);
    }
}

/// One message. A message with blocks shows its blocks, else its text.
#[must_use]
pub fn message_lines(message: &Message, width: usize) -> Vec<Styled> {
    let mut out = Vec::new();
    match message.blocks.as_array() {
        Some(blocks) if !blocks.is_empty() => {
            for block in blocks {
                block_lines(block, width, &mut out);
            }
        }
        _ => mrkdwn(&message.text, width, &mut out),
    }
    for file in &message.files {
        file_lines(file, width, &mut out);
    }
    while out.last().is_some_and(Styled::is_empty) {
        out.pop();
    }
    out
}

/// How many lines of a text file are shown, as Slack previews it.
const PREVIEW_LINES: usize = 5;

fn file_lines(file: &File, width: usize, out: &mut Vec<Styled>) {
    let mut line = Styled::new(&format!("[{}]", file.title), Style::Bold);
    line.push(&format!(" {}, {} bytes", file.name, file.bytes.len()), Style::Dim);
    out.extend(line.wrap(width));
    if let Ok(text) = std::str::from_utf8(&file.bytes) {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in lines.iter().take(PREVIEW_LINES) {
            let cut = portcullis_report::text::cut(line, width.saturating_sub(2));
            out.push(Styled::new(&format!("  {cut}"), Style::Code));
        }
        if lines.len() > PREVIEW_LINES {
            out.push(Styled::new(
                &format!("  … {} more lines", lines.len() - PREVIEW_LINES),
                Style::Dim,
            ));
        }
    }
}

fn block_lines(block: &Value, width: usize, out: &mut Vec<Styled>) {
    match block["type"].as_str().unwrap_or_default() {
        "header" => out.extend(Styled::new(&emoji(&plain(&block["text"])), Style::Bold).wrap(width)),
        "section" => {
            if let Some(text) = block.get("text") {
                text_object(text, width, out);
            }
            fields(
                block["fields"].as_array().map_or(&[][..], Vec::as_slice),
                width,
                out,
            );
            if let Some(accessory) = block.get("accessory") {
                out.extend(element(accessory).wrap(width));
            }
        }
        "context" => {
            let mut line = Styled::default();
            for item in block["elements"].as_array().map_or(&[][..], Vec::as_slice) {
                if !line.is_empty() {
                    line.push("  ", Style::Dim);
                }
                let text = item["text"]
                    .as_str()
                    .or(item["alt_text"].as_str())
                    .unwrap_or_default();
                let shown = if item["type"] == "mrkdwn" {
                    entities(text)
                } else {
                    text.to_owned()
                };
                line.push(&emoji(&shown).replace('\n', " "), Style::Dim);
            }
            out.extend(line.wrap(width));
        }
        "actions" => {
            for item in block["elements"].as_array().map_or(&[][..], Vec::as_slice) {
                out.extend(element(item).wrap(width));
            }
        }
        "divider" => out.push(Styled::new(&"─".repeat(width.min(40)), Style::Dim)),
        "image" => out.push(Styled::new(
            &format!("[image: {}]", plain(&block["alt_text"])),
            Style::Dim,
        )),
        "markdown" => out.extend(
            block["text"]
                .as_str()
                .unwrap_or_default()
                .lines()
                .flat_map(|line| Styled::new(line, Style::Plain).wrap(width)),
        ),
        "rich_text" => {
            for container in block["elements"].as_array().map_or(&[][..], Vec::as_slice) {
                rich(container, width, out);
            }
        }
        "table" => table(block, width, out),
        other => out.push(Styled::new(&format!("[{other}]"), Style::Dim)),
    }
}

fn text_object(text: &Value, width: usize, out: &mut Vec<Styled>) {
    if text["type"] == "mrkdwn" {
        mrkdwn(text["text"].as_str().unwrap_or_default(), width, out);
    } else {
        for line in plain(text).lines() {
            out.extend(Styled::new(&emoji(line), Style::Plain).wrap(width));
        }
    }
}

/// Two columns, as Slack sets them.
fn fields(fields: &[Value], width: usize, out: &mut Vec<Styled>) {
    let column = width.saturating_sub(2) / 2;
    for pair in fields.chunks(2) {
        let sides: Vec<Vec<Styled>> = pair
            .iter()
            .map(|field| {
                let mut lines = Vec::new();
                text_object(field, column, &mut lines);
                lines
            })
            .collect();
        let height = sides.iter().map(Vec::len).max().unwrap_or_default();
        for row in 0..height {
            let mut line = Styled::default();
            for (index, side) in sides.iter().enumerate() {
                let cell = side.get(row).cloned().unwrap_or_default();
                if index > 0 && !cell.is_empty() {
                    let gap = (column + 2).saturating_sub(line.width());
                    line.push(&" ".repeat(gap), Style::Plain);
                }
                line.append(cell);
            }
            out.push(line);
        }
    }
}

/// A button as `[Label → address]`.
fn element(element: &Value) -> Styled {
    let label = emoji(&plain(&element["text"]));
    match (element["type"].as_str(), element["url"].as_str()) {
        (Some("button"), Some(url)) => {
            let mut out = Styled::new(&format!("[{label}"), Style::Bold);
            out.push(" → ", Style::Plain);
            out.push(url, Style::Dim);
            out.push("]", Style::Bold);
            out
        }
        (Some("button"), None) => Styled::new(&format!("[{label}]"), Style::Bold),
        _ => Styled::new(
            &format!("[{}]", element["alt_text"].as_str().unwrap_or_default()),
            Style::Dim,
        ),
    }
}

fn rich(container: &Value, width: usize, out: &mut Vec<Styled>) {
    let pieces = container["elements"].as_array().map_or(&[][..], Vec::as_slice);
    match container["type"].as_str().unwrap_or_default() {
        "rich_text_list" => {
            let indent = usize::try_from(container["indent"].as_u64().unwrap_or(0))
                .unwrap_or(0)
                .min(8);
            for (index, item) in pieces.iter().enumerate() {
                let bullet = if container["style"] == "ordered" {
                    format!("{}{}. ", "  ".repeat(indent), index + 1)
                } else {
                    format!("{}• ", "  ".repeat(indent))
                };
                let inner = item["elements"].as_array().map_or(&[][..], Vec::as_slice);
                for (row, line) in rich_lines(inner, Style::Plain).into_iter().enumerate() {
                    let start = if row == 0 {
                        bullet.clone()
                    } else {
                        " ".repeat(bullet.chars().count())
                    };
                    let mut item = Styled::new(&start, Style::Plain);
                    item.append(line);
                    out.extend(item.wrap(width));
                }
            }
        }
        "rich_text_preformatted" => {
            for line in rich_lines(pieces, Style::Code) {
                let mut row = Styled::new("  ", Style::Plain);
                row.append(line);
                out.extend(row.wrap(width));
            }
        }
        "rich_text_quote" => {
            for line in rich_lines(pieces, Style::Plain) {
                let mut row = Styled::new("> ", Style::Dim);
                row.append(line);
                out.extend(row.wrap(width));
            }
        }
        _ => {
            for line in rich_lines(pieces, Style::Plain) {
                out.extend(line.wrap(width));
            }
        }
    }
}

/// The pieces of a rich text as lines. Their text is never markup.
fn rich_lines(pieces: &[Value], base: Style) -> Vec<Styled> {
    let mut lines = vec![Styled::default()];
    let mut push = |text: &str, style: Style| {
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                lines.push(Styled::default());
            }
            if let Some(line) = lines.last_mut() {
                line.push(part, style);
            }
        }
    };
    for piece in pieces {
        let text = |member: &str| piece[member].as_str().unwrap_or_default();
        let style = if piece["style"]["code"] == true {
            Style::Code
        } else if piece["style"]["bold"] == true {
            Style::Bold
        } else {
            base
        };
        match text("type") {
            "text" => push(text("text"), style),
            "link" if text("text").is_empty() || text("text") == text("url") => push(text("url"), Style::Dim),
            "link" => {
                push(text("text"), style);
                push(&format!(" ({})", text("url")), Style::Dim);
            }
            "emoji" => push(&emoji(&format!(":{}:", text("name"))), style),
            "user" => push(&format!("@{}", text("user_id")), style),
            "usergroup" => push(&format!("@{}", text("usergroup_id")), style),
            "channel" => push(&format!("#{}", text("channel_id")), style),
            "broadcast" => push(&format!("@{}", text("range")), style),
            "date" => push(text("fallback"), style),
            _ => {}
        }
    }
    while lines.len() > 1 && lines.last().is_some_and(Styled::is_empty) {
        lines.pop();
    }
    lines
}

fn table(block: &Value, width: usize, out: &mut Vec<Styled>) {
    for row in block["rows"].as_array().map_or(&[][..], Vec::as_slice) {
        let mut line = Styled::default();
        for cell in row.as_array().map_or(&[][..], Vec::as_slice) {
            if !line.is_empty() {
                line.push(" | ", Style::Dim);
            }
            if cell["type"] == "rich_text" {
                for container in cell["elements"].as_array().map_or(&[][..], Vec::as_slice) {
                    let pieces = container["elements"].as_array().map_or(&[][..], Vec::as_slice);
                    for part in rich_lines(pieces, Style::Plain) {
                        line.append(part);
                    }
                }
            } else {
                line.push(cell["text"].as_str().unwrap_or_default(), Style::Plain);
            }
        }
        out.extend(line.wrap(width));
    }
}

fn plain(text: &Value) -> String {
    text["text"]
        .as_str()
        .or(text.as_str())
        .unwrap_or_default()
        .to_owned()
}

// ------------------------------------------------------------------------------------------ mrkdwn

/// Slack's markup as lines: entities resolved, emphasis turned into style, code kept verbatim.
fn mrkdwn(text: &str, width: usize, out: &mut Vec<Styled>) {
    let mut fenced = false;
    for line in text.lines() {
        let mut rest = line;
        // A fence may stand alone or share the line with its text.
        while let Some((before, after)) = rest.split_once("```") {
            if !before.trim().is_empty() {
                mrkdwn_line(before, fenced, width, out);
            }
            fenced = !fenced;
            rest = after;
        }
        if !rest.is_empty() || !line.contains("```") {
            mrkdwn_line(rest, fenced, width, out);
        }
    }
}

fn mrkdwn_line(line: &str, fenced: bool, width: usize, out: &mut Vec<Styled>) {
    if fenced {
        out.extend(Styled::new(&format!("  {}", entities(line)), Style::Code).wrap(width));
    } else {
        out.extend(inline(line).wrap(width));
    }
}

/// One line outside a fence.
fn inline(line: &str) -> Styled {
    let mut out = Styled::default();
    let mut rest = line;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let span = match c {
            '`' => delimited(rest, '`').map(|(inner, after)| (inner, after, Style::Code)),
            '*' if !before.is_alphanumeric() => {
                delimited(rest, '*').map(|(inner, after)| (inner, after, Style::Bold))
            }
            '_' | '~' if !before.is_alphanumeric() => {
                delimited(rest, c).map(|(inner, after)| (inner, after, Style::Plain))
            }
            _ => None,
        };
        if let Some((inner, after, style)) = span {
            let shown = entities(inner);
            out.push(
                &if style == Style::Code {
                    shown
                } else {
                    emoji(&shown)
                },
                style,
            );
            before = inner.chars().last().unwrap_or(' ');
            rest = after;
            continue;
        }
        // Plain text up to the next character that could start something.
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| matches!(c, '`' | '*' | '_' | '~'))
            .map_or(rest.len(), |(index, _)| index);
        // An entity is never split: its inside may hold an underscore.
        let end = match rest.find('<').filter(|open| *open < end) {
            Some(open) => rest[open..]
                .find('>')
                .map_or(end, |close| end.max(open + close + 1)),
            None => end,
        };
        let (text, after) = rest.split_at(end);
        out.push(&emoji(&entities(text)), Style::Plain);
        before = text.chars().last().unwrap_or(' ');
        rest = after;
    }
    out
}

/// The inside of `*…*` when the text starts with one, and what follows.
fn delimited(text: &str, mark: char) -> Option<(&str, &str)> {
    let inner_and_rest = text.strip_prefix(mark)?;
    let end = inner_and_rest.find(mark)?;
    let (inner, rest) = inner_and_rest.split_at(end);
    let after = rest.strip_prefix(mark)?;
    let tight = !inner.is_empty() && !inner.starts_with(' ') && !inner.ends_with(' ');
    let closed = !after.starts_with(char::is_alphanumeric);
    (tight && closed).then_some((inner, after))
}

/// `<…>` as a reader sees it, then the three escapes.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inner, after)) = after.split_once('>') else {
            out.push('<');
            out.push_str(after);
            rest = "";
            break;
        };
        let (target, label) = inner.split_once('|').map_or((inner, None), |(t, l)| (t, Some(l)));
        match target.chars().next() {
            Some('@' | '#') => {
                out.push_str(&target[..1]);
                out.push_str(label.unwrap_or(&target[1..]));
            }
            Some('!') if target.starts_with("!date^") => out.push_str(label.unwrap_or(target)),
            Some('!') => {
                out.push('@');
                out.push_str(label.unwrap_or(&target[1..]));
            }
            _ => match label {
                Some(label) => out.push_str(&format!("{label} ({target})")),
                None => out.push_str(target),
            },
        }
        rest = after;
    }
    out.push_str(rest);
    out.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// The emoji that the messages use; any other keeps its name.
fn emoji(text: &str) -> String {
    const KNOWN: [(&str, &str); 22] = [
        (":white_check_mark:", "✅"),
        (":heavy_check_mark:", "✔"),
        (":x:", "❌"),
        (":no_entry:", "⛔"),
        (":warning:", "⚠"),
        (":rocket:", "🚀"),
        (":lock:", "🔒"),
        (":unlock:", "🔓"),
        (":hourglass:", "⌛"),
        (":hourglass_flowing_sand:", "⏳"),
        (":eyes:", "👀"),
        (":mag:", "🔍"),
        (":shield:", "🛡"),
        (":question:", "❓"),
        (":raised_hand:", "✋"),
        (":bell:", "🔔"),
        (":arrow_forward:", "▶"),
        (":large_green_circle:", "🟢"),
        (":red_circle:", "🔴"),
        (":large_yellow_circle:", "🟡"),
        (":rotating_light:", "🚨"),
        (":information_source:", "ℹ"),
    ];
    KNOWN
        .iter()
        .fold(text.to_owned(), |text, (name, shown)| text.replace(name, shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(blocks: Value) -> String {
        let message = Message {
            ts: "1.0".to_owned(),
            thread_ts: None,
            text: "fallback".to_owned(),
            blocks,
            metadata: None,
            edits: 0,
            files: Vec::new(),
        };
        message_lines(&message, 60)
            .iter()
            .map(|line| line.render(false))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn inline_text(text: &str) -> String {
        inline(text).render(false)
    }

    #[test]
    fn entities_are_resolved() {
        assert_eq!(inline_text("a &lt;b&gt; &amp;amp;"), "a <b> &amp;");
        assert_eq!(
            inline_text("see <https://a.example/x_y_z|job>"),
            "see job (https://a.example/x_y_z)"
        );
        assert_eq!(inline_text("<!channel> <@U1> <#C1|ops>"), "@channel @U1 #ops");
        assert_eq!(inline_text("<!date^1^{date}|23 Nov>"), "23 Nov");
    }

    #[test]
    fn emphasis_is_style_and_not_text() {
        assert_eq!(inline_text("*Approved* by _grace_"), "Approved by grace");
        assert_eq!(
            inline_text("2*3*4 and snake_case_name"),
            "2*3*4 and snake_case_name"
        );
        assert_eq!(inline("*b*").render(true), "\u{1b}[1mb\u{1b}[0m");
    }

    #[test]
    fn a_message_as_its_reader_sees_it() {
        insta::assert_snapshot!(
            "message-in-a-terminal",
            shown(json!([
                {"type": "header", "text": {"type": "plain_text", "text": ":lock: Approval wanted"}},
                {"type": "section", "fields": [
                    {"type": "mrkdwn", "text": "*Author*\nAda Author"},
                    {"type": "mrkdwn", "text": "*Commit*\n`0123abcd` Correct the port"}]},
                {"type": "section", "text": {"type": "mrkdwn", "text": "*Opens*\n```tcp 8000 from 0.0.0.0/0\ntcp 443```\n"}},
                {"type": "rich_text", "elements": [
                    {"type": "rich_text_list", "style": "bullet", "elements": [
                        {"type": "rich_text_section", "elements": [
                            {"type": "text", "text": "a rule whose description is so long that it must be wrapped"}]}]},
                    {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<!channel> *x*"}]}]},
                {"type": "divider"},
                {"type": "actions", "elements": [
                    {"type": "button", "text": {"type": "plain_text", "text": "Open the job"}, "url": "https://a.example/j"}]},
                {"type": "context", "elements": [{"type": "mrkdwn", "text": "pipeline <https://a.example|#7>"}]}
            ]))
        );
    }

    #[test]
    fn outside_text_cannot_steer_the_terminal() {
        let text = shown(json!([{"type": "section", "text": {"type": "plain_text", "text": "x\u{1b}[2Jy"}}]));
        assert_eq!(text, "x␛[2Jy");
    }
}
