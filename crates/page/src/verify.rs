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
use portcullis_secgroup::{AddressSet, Cidr, Direction, Inventory};
use portcullis_terraform::View;
use std::collections::{BTreeMap, BTreeSet};

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
        let internet = Internet::of(&self.consistency.rules);
        for row in &self.consistency.rules {
            // What neither the code nor EC2 has lets nobody through.
            let Some(status) = open_status(row) else {
                continue;
            };
            let group = *at.entry(&row.group).or_insert_with(|| {
                scene.groups.push(names.group(&row.group));
                scene.groups.len() - 1
            });
            let part = internet.part(row);
            scene.flows.push(Flow {
                group,
                status,
                direction: direction(row),
                traffic: traffic(row),
                internet: part.is_some(),
                peer: part.unwrap_or_else(|| names.peer(&row.peer)),
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
            code: row.repair.as_ref().and_then(|repair| repair.code.clone()),
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
            code: None,
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
        match self.by_id.get(peer) {
            Some(name) => format!("group {name}"),
            None => peer.to_owned(),
        }
    }
}

/// The same traffic through the same group.
type Way<'a> = (&'a GroupRef, &'a str, &'a str, i32, i32);

/// Which rules let in, or out to, the whole internet of a family: each by itself, or several of one way together.
struct Internet<'a> {
    ways: BTreeMap<Way<'a>, Reach>,
    internet: AddressSet,
}

/// The blocks of one way, and the families whose internet they cover together: whether IPv4, and its name.
#[derive(Default)]
struct Reach {
    blocks: BTreeSet<Cidr>,
    whole: Vec<(bool, String)>,
}

impl<'a> Internet<'a> {
    fn of(rows: &'a [RuleRow]) -> Self {
        let mut ways: BTreeMap<Way<'a>, Reach> = BTreeMap::new();
        for row in rows.iter().filter(|row| open_status(row).is_some()) {
            if let Ok(block) = row.peer.parse() {
                ways.entry(way(row)).or_default().blocks.insert(block);
            }
        }
        let internet = AddressSet::internet();
        for reach in ways.values_mut() {
            for ipv4 in [true, false] {
                let blocks = reach.blocks.iter().filter(|block| block.is_ipv4() == ipv4);
                let all: AddressSet = blocks.copied().collect();
                if covers(&all, &internet, ipv4) {
                    reach.whole.push((ipv4, all.describe()));
                }
            }
        }
        Self { ways, internet }
    }

    /// What to call the row's peer, when it is the internet or a part without which the others would not be. A block that
    /// stands within another one adds nothing.
    fn part(&self, row: &RuleRow) -> Option<String> {
        let block: Cidr = row.peer.parse().ok()?;
        let reach = self.ways.get(&way(row))?;
        let (_, whole) = reach.whole.iter().find(|(ipv4, _)| *ipv4 == block.is_ipv4())?;
        if covers(&AddressSet::from(block), &self.internet, block.is_ipv4()) {
            return Some(whole.clone());
        }
        let within = (0..block.length())
            .filter_map(|length| Cidr::new(block.network(), length))
            .any(|wider| reach.blocks.contains(&wider));
        (!within).then(|| format!("{block}, a part of {whole}"))
    }
}

fn way(row: &RuleRow) -> Way<'_> {
    (
        &row.group,
        &row.direction,
        &row.protocol,
        row.from_port,
        row.to_port,
    )
}

/// Whether no address of the family's internet is missing.
fn covers(set: &AddressSet, internet: &AddressSet, ipv4: bool) -> bool {
    if ipv4 {
        internet.v4().is_subset(set.v4())
    } else {
        internet.v6().is_subset(set.v6())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(peer: &str) -> RuleRow {
        RuleRow {
            direction: "ingress".to_owned(),
            protocol: "tcp".to_owned(),
            from_port: 22,
            to_port: 22,
            peer: peer.to_owned(),
            declared: Some(false),
            live: Some(true),
            ..RuleRow::default()
        }
    }

    #[test]
    fn halves_are_the_internet_and_no_more_is() {
        let told = |peers: &[&str]| {
            let rows: Vec<RuleRow> = peers.iter().map(|peer| row(peer)).collect();
            let internet = Internet::of(&rows);
            let told: Vec<String> = rows
                .iter()
                .map(|row| internet.part(row).unwrap_or_else(|| "-".to_owned()))
                .collect();
            told.join(" | ")
        };
        assert_eq!(
            told(&["0.0.0.0/0", "::/0", "8.8.8.8/32", "sg-1"]),
            "the whole IPv4 internet | the whole IPv6 internet | - | -"
        );
        assert_eq!(
            told(&["0.0.0.0/1", "128.0.0.0/1", "8.8.8.0/24", "2000::/3"]),
            "0.0.0.0/1, a part of the whole IPv4 internet | 128.0.0.0/1, a part of the whole IPv4 internet | - | \
             the whole IPv6 internet"
        );
        assert_eq!(told(&["0.0.0.0/1", "8000::/1"]), "- | -");
        // Another port is another way.
        let mut rows = [row("0.0.0.0/1"), row("128.0.0.0/1")];
        rows[1].to_port = 23;
        assert!(rows.iter().all(|row| Internet::of(&rows).part(row).is_none()));
    }
}
