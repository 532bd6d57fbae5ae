//! The page of a plan: before against after.

use crate::context::Context;
use crate::findings;
use crate::html::Html;
use crate::picture::{Caption, Flow, Group, Scene, draw, legend};
use crate::plan_rules;
use crate::shell;
use crate::status::{Status, Words, icon, tag, verdict};
use crate::transcript;
use portcullis_exposure::{Effect, ExposureLine, ExposureReport, GroupExposure, MemberExposure, Reach};
use portcullis_report::{Report, Verdict};
use portcullis_secgroup::Direction;
use portcullis_terraform::View;
use std::collections::BTreeMap;

/// What a plan would change: the exposure, the findings, the rules, terraform's own words.
#[derive(Debug, Clone, Copy)]
pub struct PlanPage<'a> {
    /// Which run it is.
    pub context: &'a Context,
    /// What the change opens and closes.
    pub exposure: &'a ExposureReport,
    /// The rules before the change.
    pub before: &'a View,
    /// The rules after it.
    pub after: &'a View,
    /// What gates said of it. Empty when none was asked yet, and the page says so.
    pub reports: &'a [&'a Report],
    /// What `terraform plan` printed.
    pub plan_text: Option<&'a str>,
}

/// At most this many changes stand in the table unfolded.
const UNFOLDED: usize = 60;

impl PlanPage<'_> {
    /// The page. The same input gives the same bytes.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut header = Html::default();
        header.raw("<p class=\"kind\">Terraform plan</p><h1>");
        header
            .text(&self.exposure.headline)
            .raw("</h1><p class=\"verdicts\">");
        match (self.verdict(), self.reports) {
            // A pass would read as if the policy had been asked.
            (Verdict::Pass, []) => {
                header.raw("<span class=\"verdict s\">");
                icon(&mut header, Status::Same.class());
                header.raw("not judged yet</span>");
            }
            (worst, _) => verdict(&mut header, worst),
        }
        header.raw("<span>").text(self.explanation()).raw("</span></p>");
        header.append(&self.context.facts());

        let mut main = self.exposure_section();
        main.append(&findings::section(self.reports, self.context));
        main.append(&plan_rules::table(self.before, self.after).section());
        if let Some(text) = self.plan_text {
            main.append(&transcript::section(text));
        }
        shell::page("Terraform plan", self.context.project.as_deref(), &header, &main)
    }

    /// The worst of all that was said.
    fn verdict(&self) -> Verdict {
        let gates = self.reports.iter().map(|report| report.verdict);
        gates.fold(self.exposure.verdict, Verdict::worst)
    }

    fn explanation(&self) -> &'static str {
        match (self.verdict(), self.reports.is_empty()) {
            (Verdict::Pass, true) => {
                "What the change opens and closes is fully known. No policy was held against it yet."
            }
            (Verdict::Pass, false) => "No rule of the policy speaks against it.",
            (Verdict::Undetermined, _) => "Something that matters is not known yet.",
            (Verdict::Violation, _) => "A rule of the policy speaks against it: see the findings.",
        }
    }

    fn exposure_section(&self) -> Html {
        let scene = self.scene();
        let mut html = Html::default();
        html.raw("<section aria-labelledby=\"exposure-h\"><h2 id=\"exposure-h\">What opens and closes</h2>");
        findings::notes(&mut html, &self.exposure.notes);
        let quiet = scene.flows.iter().all(|flow| flow.status == Status::Same);
        if quiet {
            html.raw("<p class=\"quiet\">Nothing opens and nothing closes. The change rewrites ")
                .count(self.exposure.rules_rewritten)
                .raw(" rules without changing what they let through.</p>");
        }
        let figures = [
            (
                Direction::Ingress,
                "ingress",
                "Who gets in",
                "stays-in",
                "Who still gets in",
            ),
            (
                Direction::Egress,
                "egress",
                "Where members get out to",
                "stays-out",
                "Where members still get out to",
            ),
        ];
        for (direction, id, title, ..) in figures {
            let chosen = scene.changes(direction);
            if chosen.flows.is_empty() {
                continue;
            }
            html.raw("<figure><figcaption><h3>").raw(title).raw("</h3>");
            legend(&mut html, &chosen, Words::CHANGE);
            html.raw("</figcaption>");
            let caption = Caption {
                id,
                title,
                direction,
                words: Words::CHANGE,
            };
            html.append(&draw(&scene, &chosen, &caption)).raw("</figure>");
        }
        if !quiet {
            self.changes(&mut html);
        }
        self.members(&mut html);
        let unchanged: Vec<_> = figures
            .into_iter()
            .map(|figure| (figure, scene.unchanged(figure.0)))
            .filter(|(_, chosen)| !chosen.flows.is_empty())
            .collect();
        if !unchanged.is_empty() {
            html.raw("<details class=\"unchanged\"><summary>What stays as it is</summary>");
            for ((direction, _, _, id, title), chosen) in unchanged {
                let caption = Caption {
                    id,
                    title,
                    direction,
                    words: Words::CHANGE,
                };
                html.raw("<figure><figcaption><h3>")
                    .raw(title)
                    .raw("</h3></figcaption>");
                html.append(&draw(&scene, &chosen, &caption)).raw("</figure>");
            }
            html.raw("</details>");
        }
        html.raw("</section>");
        html
    }

    /// The picture in words: each change, one by one, all of them.
    fn changes(&self, html: &mut Html) {
        let mut rows: Vec<(Status, &ExposureLine, &GroupExposure)> = self
            .exposure
            .groups
            .iter()
            .flat_map(|group| news(group).map(move |(status, line)| (status, line, group)))
            .collect();
        rows.sort_by_key(|(status, line, _)| (*status, line.reach));
        let (first, rest) = rows.split_at(rows.len().min(UNFOLDED));
        table(html, "The changes of the picture in words", first);
        if !rest.is_empty() {
            html.raw("<details><summary>")
                .count(rest.len())
                .raw(" further changes</summary>");
            table(html, "Further changes", rest);
            html.raw("</details>");
        }
    }

    fn members(&self, html: &mut Html) {
        if self.exposure.members.is_empty() {
            return;
        }
        html.raw("<h3>What members feel</h3><p class=\"note\">All groups of a member joined, as AWS joins them.</p><ul class=\"members\">");
        for member in self.exposure.members.iter().take(UNFOLDED) {
            html.raw("<li><h4>").text(labels(member)).raw("</h4><ul>");
            for (status, line) in felt(member) {
                html.raw("<li>");
                tag(html, status, Words::CHANGE.of(status));
                html.raw(" ").text(line.sentence()).raw("</li>");
            }
            if member.more > 0 {
                html.raw("<li>and ")
                    .count(member.more)
                    .raw(" more: exposure.json has them</li>");
            }
            html.raw("</ul></li>");
        }
        html.raw("</ul>");
        let more = self.exposure.members.len().saturating_sub(UNFOLDED);
        if more > 0 {
            html.raw("<p class=\"note\">And ")
                .count(more)
                .raw(" more: exposure.json has them.</p>");
        }
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::default();
        let mut at: BTreeMap<(Option<&str>, Option<&str>), usize> = BTreeMap::new();
        for group in &self.exposure.groups {
            at.insert(
                (group.group.address.as_deref(), group.group.id.as_deref()),
                scene.groups.len(),
            );
            let flows = news(group).map(|(status, line)| Flow {
                group: scene.groups.len(),
                status,
                direction: if line.direction == Direction::Egress.as_str() {
                    Direction::Egress
                } else {
                    Direction::Ingress
                },
                traffic: line.traffic.clone(),
                peer: line.peers.clone(),
                internet: line.reach == Some(Reach::Internet),
            });
            scene.flows.extend(flows);
            let name = group.name.as_deref().or(group.group.address.as_deref());
            let name = name
                .or(group.group.id.as_deref())
                .unwrap_or("a group not known yet");
            let detail = [&group.group.address, &group.group.id]
                .into_iter()
                .flatten()
                .find(|text| text.as_str() != name);
            scene.groups.push(Group {
                name: name.to_owned(),
                detail: detail.cloned().unwrap_or_default(),
                members: group.members.clone(),
            });
        }
        plan_rules::unchanged(self.before, self.after, &at, &mut scene);
        scene
    }
}

/// What becomes of a group's exposure, line by line.
fn news(group: &GroupExposure) -> impl Iterator<Item = (Status, &ExposureLine)> {
    lines([&group.opens, &group.may_open, &group.closes, &group.may_close])
}

fn felt(member: &MemberExposure) -> impl Iterator<Item = (Status, &ExposureLine)> {
    lines([&member.opens, &member.may_open, &member.closes, &member.may_close])
}

fn lines(
    [opens, may_open, closes, may_close]: [&Vec<ExposureLine>; 4],
) -> impl Iterator<Item = (Status, &ExposureLine)> {
    [
        (Status::Opens, opens),
        (Status::MayOpen, may_open),
        (Status::Closes, closes),
        (Status::MayClose, may_close),
    ]
    .into_iter()
    .flat_map(|(status, lines)| lines.iter().map(move |line| (status, line)))
}

fn table(html: &mut Html, caption: &'static str, rows: &[(Status, &ExposureLine, &GroupExposure)]) {
    html.raw("<table class=\"changes\"><caption class=\"sr\">")
        .raw(caption);
    html.raw("</caption><thead><tr><th scope=\"col\">What happens</th><th scope=\"col\">Traffic</th><th scope=\"col\">From or to</th><th scope=\"col\">Security group</th><th scope=\"col\">Carried by</th></tr></thead><tbody>\n");
    for (status, line, group) in rows {
        html.raw("<tr><td>");
        tag(html, *status, Words::CHANGE.of(*status));
        html.raw("</td><th scope=\"row\">")
            .text(&line.traffic)
            .raw("</th><td>");
        html.raw(if line.direction == Direction::Egress.as_str() {
            "to "
        } else {
            "from "
        });
        html.text(&line.peers).raw("</td><td>").text(group.label());
        html.raw("</td><td>").text(carriers(&group.members));
        if let Some(effect) = line.effect.and_then(|effect| effect_words(*status, effect)) {
            html.raw(" <span class=\"effect\">").raw(effect).raw("</span>");
        }
        html.raw("</td></tr>\n");
    }
    html.raw("</tbody></table>");
}

/// At most this many members are named in a cell.
const NAMED: usize = 4;

fn carriers(members: &[String]) -> String {
    match members {
        [] => "nobody known".to_owned(),
        few if few.len() <= NAMED => few.join(", "),
        many => format!("{} and {} more", many[..NAMED].join(", "), many.len() - NAMED),
    }
}

fn labels(member: &MemberExposure) -> String {
    let names: Vec<String> = member
        .members
        .iter()
        .map(|member| member.label().to_owned())
        .collect();
    carriers(&names)
}

/// Where the group's line is not the whole truth for its members.
fn effect_words(status: Status, effect: Effect) -> Option<&'static str> {
    match (status, effect) {
        (Status::Opens | Status::MayOpen, Effect::Covered) => {
            Some("no new exposure: other groups of all members open it already")
        }
        (_, Effect::Covered) => Some("stays open: other groups of all members open it"),
        (_, Effect::Unknown) => Some("who carries the group is not known yet"),
        _ => None,
    }
}
