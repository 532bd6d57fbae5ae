//! The picture as SVG. Styles are classes of the page's one style sheet.

use super::layout::{Edge, GROUPS, Layout, MEMBERS, PEERS, PORTS, Place, Port, TOP, WIDTH};
use super::scene::{Scene, Selection};
use crate::html::Html;
use crate::status::{Status, Words, icon};
use portcullis_report::text::{clean, cut};
use portcullis_secgroup::Direction;

/// What makes one picture differ from another.
pub(crate) struct Caption<'a> {
    /// Unique on the page.
    pub(crate) id: &'static str,
    pub(crate) title: &'a str,
    pub(crate) direction: Direction,
    pub(crate) words: Words,
}

/// Characters per line: columns are wide enough for them in a fixed-width font of 13 and 11 pixels, where a character is six
/// tenths of that wide.
const PEER_LINE: usize = 30;
const PORT_LINE: usize = 22;
const GROUP_LINE: usize = 25;
const GROUP_DETAIL: usize = 30;
const MEMBER_LINE: usize = 23;
/// A group's box higher than this has its name at its upper end.
const TALL: i32 = 330;

/// The picture, with title and description, in a frame that scrolls where the screen is narrow.
pub(crate) fn draw(scene: &Scene, chosen: &Selection<'_>, caption: &Caption<'_>) -> Html {
    let layout = Layout::new(scene, chosen, caption.direction == Direction::Egress);
    let mut html = Html::default();
    let members = !layout.members.is_empty();
    // Without members their column is left out.
    let width = if members { WIDTH } else { GROUPS.0 + GROUPS.1 + 10 };
    let left = match caption.direction {
        Direction::Ingress => 0,
        Direction::Egress => WIDTH - width,
    };
    html.raw("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"")
        .text(caption.title)
        .raw(if members {
            "\"><svg class=\"picture\""
        } else {
            "\"><svg class=\"picture short\""
        })
        .raw(" role=\"img\" viewBox=\"")
        .number(left)
        .raw(" 0 ")
        .number(width)
        .raw(" ")
        .number(layout.height)
        .raw("\" aria-labelledby=\"")
        .raw(caption.id)
        .raw("-t ")
        .raw(caption.id)
        .raw("-d\"><title id=\"")
        .raw(caption.id)
        .raw("-t\">")
        .text(caption.title)
        .raw("</title><desc id=\"")
        .raw(caption.id)
        .raw("-d\">");
    describe(&mut html, chosen, caption.words);
    html.raw("</desc>");
    headings(&mut html, &layout, caption.direction);
    edges(&mut html, &layout, caption);
    for (label, place) in &layout.peers {
        boxed(&mut html, "peer", *place, 20, label);
        lines(&mut html, *place, 16, &wrap(label, PEER_LINE));
        html.raw("</g>");
    }
    for (port, place) in &layout.ports {
        port_box(&mut html, port, *place, caption.words);
    }
    for (group, place) in &layout.groups {
        let Some(group) = scene.groups.get(*group) else {
            continue;
        };
        boxed(
            &mut html,
            "group",
            *place,
            8,
            &format!("{} {}", group.name, group.detail),
        );
        // Of a group with very many ports, the name stands where reading begins.
        let middle = if place.height > TALL {
            place.y + 30
        } else {
            place.middle()
        };
        let y = middle - if group.detail.is_empty() { 0 } else { 9 };
        text(
            &mut html,
            "name",
            place.x + 16,
            y,
            &short(&group.name, GROUP_LINE),
        );
        if !group.detail.is_empty() {
            text(
                &mut html,
                "small",
                place.x + 16,
                y + 19,
                &short(&group.detail, GROUP_DETAIL),
            );
        }
        html.raw("</g>");
    }
    for (label, real, place) in &layout.members {
        let class = if *real { "member" } else { "more" };
        boxed(&mut html, class, *place, 8, label);
        text(
            &mut html,
            "",
            place.x + 14,
            place.middle(),
            &short(label, MEMBER_LINE),
        );
        html.raw("</g>");
    }
    html.raw("</svg></div><p class=\"hint\" aria-hidden=\"true\">The picture can be moved sideways.</p>");
    if chosen.elsewhere > 0 {
        html.raw("<p class=\"note\">And ")
            .count(chosen.elsewhere)
            .raw(" more in other groups: see the tables below.</p>");
    }
    html
}

/// The legend: line, shape and word of each state that is drawn.
pub(crate) fn legend(html: &mut Html, chosen: &Selection<'_>, words: Words) {
    html.raw("<ul class=\"legend\" aria-label=\"What the lines mean\">");
    for status in Status::ALL {
        if !chosen.flows.iter().any(|flow| flow.status == status) {
            continue;
        }
        html.raw("<li class=\"").raw(status.class());
        html.raw("\"><svg class=\"sample\" aria-hidden=\"true\" focusable=\"false\" viewBox=\"0 0 36 12\"><path class=\"edge ");
        html.raw(status.class()).raw("\" d=\"M1 6h34\"/></svg>");
        icon(html, status.class());
        html.text(words.of(status)).raw("</li>");
    }
    html.raw("</ul>");
}

fn describe(html: &mut Html, chosen: &Selection<'_>, words: Words) {
    let mut first = true;
    for status in Status::ALL {
        let count = chosen.flows.iter().filter(|flow| flow.status == status).count();
        if count > 0 {
            html.raw(if first { "" } else { ", " });
            html.count(count).raw(" × ").text(words.of(status));
            first = false;
        }
    }
    html.raw(". The tables on this page say the same in words.");
}

fn headings(html: &mut Html, layout: &Layout, direction: Direction) {
    let peers = match direction {
        Direction::Ingress => "From",
        Direction::Egress => "To",
    };
    for ((x, width), label) in [
        (PEERS, peers),
        (PORTS, "Ports"),
        (GROUPS, "Security group"),
        (MEMBERS, "Carried by"),
    ] {
        if label == "Carried by" && layout.members.is_empty() {
            continue;
        }
        let x = match direction {
            Direction::Ingress => x,
            Direction::Egress => WIDTH - x - width,
        };
        text(html, "head", x + 2, TOP - 24, label);
    }
}

fn edges(html: &mut Html, layout: &Layout, caption: &Caption<'_>) {
    let egress = caption.direction == Direction::Egress;
    // What stays is drawn first, so that the news lies above it.
    let mut peer_edges: Vec<&Edge> = layout.peer_to_port.iter().collect();
    peer_edges.sort_by_key(|edge| std::cmp::Reverse(edge.status));
    for (group, member) in &layout.group_to_member {
        let (from, to) = (layout.groups[*group].1, layout.members[*member].2);
        curve(html, from, to, Status::Same, egress);
    }
    for edge in peer_edges {
        let (from, to) = (layout.peers[edge.from].1, layout.ports[edge.to].1);
        curve(html, from, to, edge.status, egress);
    }
    for edge in &layout.port_to_group {
        let (from, mut to) = (layout.ports[edge.from].1, layout.groups[edge.to].1);
        // A group is as high as all its ports: the line goes straight.
        (to.y, to.height) = (from.y, from.height);
        curve(html, from, to, edge.status, egress);
    }
}

/// A line with its head: an arrow, or a cross for what closes. `from` stands nearer to the peers; with egress the traffic
/// goes the other way.
fn curve(html: &mut Html, from: Place, to: Place, status: Status, egress: bool) {
    let (from, to) = if egress { (to, from) } else { (from, to) };
    let (x1, y1) = (from.x + from.width, from.middle());
    let (x2, y2) = (to.x - 8, to.middle());
    let bend = (x2 - x1) / 2;
    html.raw("<path class=\"edge ")
        .raw(status.class())
        .raw("\" d=\"M");
    html.number(x1).raw(" ").number(y1).raw("C");
    for (x, y, end) in [(x1 + bend, y1, " "), (x2 - bend, y2, " "), (x2, y2, "")] {
        html.number(x).raw(" ").number(y).raw(end);
    }
    html.raw("\"/>");
    html.raw("<path class=\"tip ").raw(status.class()).raw("\" d=\"M");
    let (x, y) = (to.x, y2);
    match status {
        Status::Opens => html.number(x - 1).raw(" ").number(y).raw("l-12 -6.5v13z"),
        Status::MayOpen | Status::MayClose => html.number(x - 2).raw(" ").number(y).raw("l-9 -5v10z"),
        Status::Closes => html
            .number(x - 12)
            .raw(" ")
            .number(y - 5)
            .raw("l10 10m0 -10l-10 10"),
        Status::Same => html.number(x - 7).raw(" ").number(y - 3).raw("l6 3l-6 3"),
    };
    html.raw("\"/>");
}

fn port_box(html: &mut Html, port: &Port, place: Place, words: Words) {
    let Some(status) = port.status else {
        boxed(html, "more", place, 6, &port.label);
        text(html, "", place.x + 14, place.middle(), &port.label);
        html.raw("</g>");
        return;
    };
    let full = format!("{}: {}", words.of(status), port.label);
    html.raw("<g class=\"port ").raw(status.class()).raw("\"><title>");
    html.text(full).raw("</title>");
    rect(html, place, 6);
    html.raw("<use class=\"mark\" href=\"#i-")
        .raw(status.class())
        .raw("\" x=\"");
    html.number(place.x + 12)
        .raw("\" y=\"")
        .number(place.middle() - 8);
    html.raw("\" width=\"16\" height=\"16\"/>");
    let (x, y) = (place.x + 38, place.middle());
    if status == Status::Same {
        text(html, "", x, y, &short(&port.label, PORT_LINE));
    } else {
        text(html, "name", x, y - 8, &short(&port.label, PORT_LINE));
        text(html, "small", x, y + 10, words.of(status));
    }
    html.raw("</g>");
}

/// Opens a group with a box and its full text; the caller closes it.
fn boxed(html: &mut Html, class: &'static str, place: Place, radius: i32, full: &str) {
    html.raw("<g class=\"").raw(class).raw("\">");
    html.element("title", full.trim());
    rect(html, place, radius);
}

fn rect(html: &mut Html, place: Place, radius: i32) {
    html.raw("<rect x=\"")
        .number(place.x)
        .raw("\" y=\"")
        .number(place.y);
    html.raw("\" width=\"")
        .number(place.width)
        .raw("\" height=\"")
        .number(place.height);
    html.raw("\" rx=\"").number(radius).raw("\"/>");
}

/// Text, vertically around `y`.
fn text(html: &mut Html, class: &'static str, x: i32, y: i32, label: &str) {
    html.raw("<text");
    if !class.is_empty() {
        html.raw(" class=\"").raw(class).raw("\"");
    }
    html.raw(" x=\"")
        .number(x)
        .raw("\" y=\"")
        .number(y + 4)
        .raw("\">");
    html.text(label).raw("</text>");
}

fn lines(html: &mut Html, place: Place, inset: i32, lines: &[String]) {
    let count = i32::try_from(lines.len()).unwrap_or(1);
    for (line, n) in lines.iter().zip(0i32..) {
        let y = place.middle() + n * 17 - (count - 1) * 17 / 2;
        text(html, "", place.x + inset, y, line);
    }
}

/// At most two lines of `width` columns, broken at a blank where there is one.
fn wrap(label: &str, width: usize) -> Vec<String> {
    let label = clean(label);
    let chars: Vec<char> = label.chars().collect();
    if columns(&label) <= width {
        return vec![label];
    }
    let blank = (width / 2..=width.min(chars.len() - 1))
        .rev()
        .find(|&at| chars[at] == ' ');
    let at = blank.unwrap_or(width).min(chars.len());
    let (first, rest): (String, String) = (chars[..at].iter().collect(), chars[at..].iter().collect());
    [short(&first, width), short(rest.trim(), width)]
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect()
}

/// Cut so that it takes at most `width` columns of a fixed-width font.
fn short(label: &str, width: usize) -> String {
    let label = clean(label);
    let mut length = width;
    loop {
        let shown = cut(&label, length);
        if columns(&shown) <= width || length == 1 {
            return shown;
        }
        length -= 1;
    }
}

/// How many columns a text takes at most: East Asian letters and pictures take two.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| if c < '\u{1100}' || c == '…' { 1 } else { 2 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_fit_their_boxes() {
        for label in [
            "the whole IPv4 internet",
            "198.51.100.0/24, 203.0.113.0/28 and 192.0.2.128/25",
            &"x".repeat(255),
            &"東".repeat(40),
            &format!("{} {}", "a".repeat(29), "b".repeat(60)),
        ] {
            let lines = wrap(label, PEER_LINE);
            assert!(lines.len() <= 2, "{lines:?}");
            for line in lines.iter().chain([&short(label, PEER_LINE)]) {
                assert!(columns(line) <= PEER_LINE, "{line}");
            }
        }
    }
}
