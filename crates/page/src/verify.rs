//! The page of a comparison: declared, recorded, live.

use crate::context::Context;
use crate::findings;
use crate::html::Html;
use crate::picture::{Caption, Flow, Group, Scene, draw, legend};
use crate::plan_rules::carriers;
use crate::rules::{Row, Table, ports, protocol};
use crate::shell;
use crate::status::{Status, Words, verdict};
use portcullis_consistency::{ConsistencyReport, RuleRow, RuleVerdict};
use portcullis_report::{GroupRef, Report, Verdict};
use portcullis_secgroup::{Direction, Inventory};
use portcullis_terraform::View;
use std::collections::BTreeMap;

/// Do code, state and cloud agree?
#[derive(Debug, Clone, Copy)]
pub struct VerifyPage<'a> {
    /// Which run it is.
    pub context: &'a Context,
    /// The comparison.
    pub consistency: &'a ConsistencyReport,
    /// The view of the code, for the names of groups and members.
    pub declared: Option<&'a View>,
    /// What EC2 has, for the names of groups and members.
    pub live: Option<&'a Inventory>,
    /// What gates said of it.
    pub reports: &'a [&'a Report],
}

impl VerifyPage<'_> {
    /// The page. The same input gives the same bytes.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut header = Html::default();
        header.raw("<p class=\"kind\">Code, state and cloud</p><h1>");
        let headline = self.consistency.headline();
        // The verdict stands beside it already.
        let sentence = headline
            .split_once(": ")
            .map_or(headline.as_str(), |(_, rest)| rest);
        let mut letters = sentence.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        header
            .text(capital)
            .text(letters.as_str())
            .raw("</h1><p class=\"verdicts\">");
        let gates = self.reports.iter().map(|report| report.verdict);
        let worst = gates.fold(self.consistency.verdict, Verdict::worst);
        verdict(&mut header, worst);
        header.raw("<span>").raw(match self.consistency.verdict {
            Verdict::Pass => "What the code declares, the state records and EC2 has is the same.",
            Verdict::Undetermined => "A view could not be read, so agreement is not proved.",
            Verdict::Violation => "What the code declares, the state records and EC2 has is not the same.",
        });
        header.raw("</span></p>").append(&self.context.facts());

        let mut main = self.picture();
        let policy = self.policy();
        let reports: Vec<&Report> = policy.iter().chain(self.reports.iter().copied()).collect();
        if !reports.is_empty() {
            main.append(&findings::section(&reports, self.context));
        }
        main.append(&self.table().section());
        shell::page(
            "Code, state and cloud",
            self.context.project.as_deref(),
            &header,
            &main,
        )
    }

    /// What the policy says of what is there.
    fn policy(&self) -> Option<Report> {
        let found = &self.consistency.policy;
        let findings = found.iter().map(|found| {
            let seen = format!("found in what is {}", found.views.join(" and in what is "));
            found.finding.clone().note(seen)
        });
        (!found.is_empty()).then(|| Report::new("the policy, on what is there", findings.collect()))
    }

    fn picture(&self) -> Html {
        let scene = self.scene();
        let mut html = Html::default();
        html.raw("<section aria-labelledby=\"exposure-h\"><h2 id=\"exposure-h\">What is open, and should it be</h2>");
        let report = self.consistency;
        let state = report
            .state
            .iter()
            .map(|state| format!("State: {}", state.sentence()));
        let since = report
            .since
            .iter()
            .map(|since| format!("Since the last time: {}", since.sentence()));
        let notes: Vec<String> = state.chain(since).chain(report.notes.iter().cloned()).collect();
        findings::notes(&mut html, &notes);
        if scene.flows.iter().all(|flow| flow.status == Status::Same) {
            html.raw(
                "<p class=\"quiet\">All that is open is declared, and all that is declared is open.</p>",
            );
        }
        let figures = [
            (
                Direction::Ingress,
                "ingress",
                "Who gets in",
                "stays-in",
                "Who gets in as declared",
            ),
            (
                Direction::Egress,
                "egress",
                "Where members get out to",
                "stays-out",
                "Where members get out to as declared",
            ),
        ];
        let mut folded = Html::default();
        for (direction, id, title, folded_id, folded_title) in figures {
            for (chosen, id, title, out) in [
                (scene.changes(direction), id, title, &mut html),
                (scene.unchanged(direction), folded_id, folded_title, &mut folded),
            ] {
                if chosen.flows.is_empty() {
                    continue;
                }
                out.raw("<figure><figcaption><h3>").raw(title).raw("</h3>");
                legend(out, &chosen, Words::COMPARISON);
                out.raw("</figcaption>");
                let caption = Caption {
                    id,
                    title,
                    direction,
                    words: Words::COMPARISON,
                };
                out.append(&draw(&scene, &chosen, &caption)).raw("</figure>");
            }
        }
        if !folded.is_empty() {
            html.raw("<details class=\"unchanged\"><summary>What is as it should be</summary>");
            html.append(&folded).raw("</details>");
        }
        html.raw("</section>");
        html
    }

    fn scene(&self) -> Scene {
        let mut scene = Scene::default();
        let mut at: BTreeMap<&GroupRef, usize> = BTreeMap::new();
        let names = Names::new(self.declared, self.live);
        for row in &self.consistency.rules {
            // What neither the code nor EC2 has lets nobody through.
            let Some(status) = open_status(row) else {
                continue;
            };
            let group = *at.entry(&row.group).or_insert_with(|| {
                scene.groups.push(names.group(&row.group));
                scene.groups.len() - 1
            });
            scene.flows.push(Flow {
                group,
                status,
                direction: direction(row),
                traffic: traffic(row),
                peer: names.peer(&row.peer),
                internet: matches!(row.peer.as_str(), "0.0.0.0/0" | "::/0"),
            });
        }
        scene
    }

    fn table(&self) -> Table {
        let names = Names::new(self.declared, self.live);
        let rows = self.consistency.rules.iter().map(|row| Row {
            status: row_status(row),
            verdict: row.verdict.words(),
            group: names.group(&row.group).name,
            direction: direction(row).as_str(),
            ports: ports(&row.protocol, row.from_port, row.to_port),
            protocol: protocol(&row.protocol),
            peer: match names.by_id.get(row.peer.as_str()) {
                Some(name) => format!("{name} ({})", row.peer),
                None => row.peer.clone(),
            },
            views: vec![row.declared, row.recorded, row.live],
            notes: notes(row),
        });
        let others = self.consistency;
        let whole = |group: &GroupRef, verdict: RuleVerdict, views: [Option<bool>; 3], what: String| Row {
            status: verdict_status(verdict),
            verdict: verdict.words(),
            group: names.group(group).name,
            direction: "",
            ports: String::new(),
            protocol: String::new(),
            peer: what,
            views: views.to_vec(),
            notes: Vec::new(),
        };
        let mut rows: Vec<Row> = rows.collect();
        rows.extend(others.groups.iter().map(|row| {
            let views = [row.declared, row.recorded, row.live];
            whole(&row.group, row.verdict, views, "the group itself".to_owned())
        }));
        rows.extend(others.members.iter().map(|row| {
            let views = [row.declared, row.recorded, row.live];
            whole(&row.group, row.verdict, views, row.sentence())
        }));
        rows.extend(others.prefix_lists.iter().map(|row| {
            let views = [row.declared, row.recorded, row.live];
            whole(&GroupRef::id(&row.id), row.verdict, views, row.sentence())
        }));
        Table {
            class: "verify",
            views: &["Declared", "Recorded", "Live"],
            verdicts: &[
                "unmanaged",
                "gone",
                "not applied",
                "state behind",
                "not declared",
                "state stale",
                "undetermined",
                "agree",
            ],
            rows,
        }
    }
}

/// What a reader should know of a rule: what it is tied to, who may have done it, what to do.
fn notes(row: &RuleRow) -> Vec<String> {
    let mut notes: Vec<String> = row.pair_title().into_iter().chain(row.told()).collect();
    notes.extend(row.news().map(str::to_owned));
    if let Some(repair) = &row.repair {
        notes.push(repair.advice.clone());
        notes.extend(repair.command.clone());
    }
    notes
}

/// How a row of the table is marked.
const fn row_status(row: &RuleRow) -> Status {
    verdict_status(row.verdict)
}

const fn verdict_status(verdict: RuleVerdict) -> Status {
    match verdict {
        RuleVerdict::Unmanaged | RuleVerdict::NotDeclared => Status::Opens,
        RuleVerdict::Undetermined | RuleVerdict::StateBehind => Status::MayOpen,
        RuleVerdict::Gone | RuleVerdict::NotApplied | RuleVerdict::StateStale => Status::Closes,
        RuleVerdict::Agree => Status::Same,
    }
}

/// How a way through is drawn: what counts here is what is open and what the code asks for.
const fn open_status(row: &RuleRow) -> Option<Status> {
    match (row.declared, row.live) {
        (Some(true), Some(true)) => Some(Status::Same),
        (Some(false), Some(true)) => Some(Status::Opens),
        (Some(true), Some(false)) => Some(Status::Closes),
        (Some(false), Some(false)) => None,
        _ => Some(Status::MayOpen),
    }
}

fn direction(row: &RuleRow) -> Direction {
    if row.direction == Direction::Egress.as_str() {
        Direction::Egress
    } else {
        Direction::Ingress
    }
}

fn traffic(row: &RuleRow) -> String {
    match row.protocol.as_str() {
        "-1" => "all traffic".to_owned(),
        other => format!("{other} {}", ports(other, row.from_port, row.to_port)),
    }
}

/// What groups are called, and who carries them.
struct Names<'a> {
    by_id: BTreeMap<&'a str, &'a str>,
    by_address: BTreeMap<&'a str, &'a str>,
    carriers: BTreeMap<&'a str, Vec<String>>,
}

impl<'a> Names<'a> {
    fn new(declared: Option<&'a View>, live: Option<&'a Inventory>) -> Self {
        let mut names = Self {
            by_id: BTreeMap::new(),
            by_address: BTreeMap::new(),
            carriers: declared.map(carriers).unwrap_or_default(),
        };
        for group in declared.into_iter().flat_map(|view| &view.groups) {
            let name = group.name.as_deref();
            names.by_id.extend(group.id.as_deref().zip(name));
            names.by_address.extend(group.address.as_deref().zip(name));
        }
        let Some(live) = live else {
            return names;
        };
        for group in &live.groups {
            names.by_id.extend(group.id.as_deref().zip(group.name.as_deref()));
        }
        // EC2 knows better who carries a group than a plan does.
        let mut carriers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for interface in &live.interfaces {
            for group in &interface.groups {
                carriers
                    .entry(group)
                    .or_default()
                    .push(interface.label().to_owned());
            }
        }
        for (group, mut members) in carriers {
            members.sort();
            members.dedup();
            names.carriers.insert(group, members);
        }
        names
    }

    fn group(&self, group: &GroupRef) -> Group {
        let (address, id) = (group.address.as_deref(), group.id.as_deref());
        let by_id = id.and_then(|id| self.by_id.get(id));
        let by_address = address.and_then(|address| self.by_address.get(address));
        let name = by_id
            .or(by_address)
            .copied()
            .or(address)
            .or(id)
            .unwrap_or("a group not known yet");
        let detail = [address, id].into_iter().flatten().find(|text| *text != name);
        let members = id.and_then(|id| self.carriers.get(id));
        Group {
            name: name.to_owned(),
            detail: detail.unwrap_or_default().to_owned(),
            members: members.cloned().unwrap_or_default(),
        }
    }

    /// A group as peer, with its name.
    fn peer(&self, peer: &str) -> String {
        match (peer, self.by_id.get(peer)) {
            ("0.0.0.0/0", _) => "the whole IPv4 internet".to_owned(),
            ("::/0", _) => "the whole IPv6 internet".to_owned(),
            (_, Some(name)) => format!("group {name}"),
            _ => peer.to_owned(),
        }
    }
}
