//! What a change closed, read from its exposure report or its plan.

use portcullis_exposure::{Cause, ExposureLine, ExposureReport, Fate, NamedGroup, Reach, compare};
use portcullis_probe::{Closing, Whose};
use portcullis_secgroup::{AddressSet, Cidr};
use portcullis_stage::{Failure, Stage};
use portcullis_terraform::{Plan, ReadError, Sensitive};
use serde::Deserialize;
use std::path::Path;

/// What was closed to the internet, and what could not be told.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) closings: Vec<Closing>,
    pub(crate) unknown: Vec<String>,
}

/// Reads `exposure.json`, or a plan's JSON.
pub(crate) fn read(path: &Path, stage: &Stage) -> Result<Change, Failure> {
    #[derive(Deserialize)]
    struct Head {
        headline: Option<String>,
    }
    let text = stage.read_text(path)?;
    let json = |error: serde_json::Error| {
        Failure::unreadable_in(path.display(), error).hint("give an exposure.json, or a plan's JSON")
    };
    let head: Head = serde_json::from_str(&text).map_err(json)?;
    if head.headline.is_some() {
        return Ok(closed(&serde_json::from_str(&text).map_err(json)?));
    }
    let unreadable = |error: ReadError| {
        let hint = error.hint();
        Failure::unreadable_in(path.display(), error).hint(hint)
    };
    stage.mask_all(Sensitive::of_plan(&text).map_err(unreadable)?.values());
    let plan = Plan::read(&text).map_err(unreadable)?;
    let (before, after) = (
        plan.before().map_err(unreadable)?,
        plan.after().map_err(unreadable)?,
    );
    Ok(closed(&compare(
        &before,
        &after,
        plan.rules_rewritten(),
        plan.partial(),
    )))
}

/// Groups tell what went by their rules, members what went since they left a group. What is gone altogether is asked no more:
/// its addresses may be somebody else's by now.
fn closed(report: &ExposureReport) -> Change {
    let mut out = Change::default();
    let kept = |fate: Fate| !matches!(fate, Fate::Destroyed | Fate::Replaced);
    for group in report.groups.iter().filter(|group| kept(group.fate)) {
        // The id is exact; two states may both have a group of this address or name.
        let words = match &group.group.id {
            Some(id) => vec![id.clone()],
            None => group.group.address.iter().chain(&group.name).cloned().collect(),
        };
        let lines = group.closes.iter().filter(|line| !line.is_covered());
        out.add(lines, &Whose::Group(words), group.label());
        if !group.may_close.is_empty() {
            out.unknown
                .push(format!("{} may close more than is known", group.label()));
        }
    }
    for members in report.members.iter().filter(|members| kept(members.fate)) {
        for member in &members.members {
            let words = [&member.id, &member.address]
                .into_iter()
                .flatten()
                .cloned()
                .collect();
            let lines = members
                .closes
                .iter()
                .filter(|line| line.cause != Some(Cause::Rules));
            let left: Vec<&str> = members.left.iter().map(NamedGroup::label).collect();
            let whose = Whose::Member {
                words,
                left: left.join(", "),
            };
            out.add(lines, &whose, member.label());
        }
    }
    out
}

impl Change {
    fn add<'a>(&mut self, lines: impl Iterator<Item = &'a ExposureLine>, whose: &Whose, label: &str) {
        // What was never open to the internet cannot be looked at from there.
        let near = |line: &ExposureLine| matches!(line.reach, Some(Reach::Private | Reach::Groups));
        for line in lines.filter(|line| line.direction == "ingress" && !near(line)) {
            let Some(exact) = line.exact.as_ref().filter(|exact| !exact.cut) else {
                self.unknown.push(format!(
                    "what {label} closed is not told exactly: {}",
                    line.sentence()
                ));
                continue;
            };
            let closed: AddressSet = exact
                .cidrs
                .iter()
                .filter_map(|cidr| cidr.parse::<Cidr>().ok())
                .collect();
            let public = closed.intersection(&AddressSet::internet());
            let ports = |protocol: &str| {
                let spans = exact
                    .traffic
                    .iter()
                    .filter(|span| span.protocol == protocol || span.protocol == "-1");
                spans
                    .map(|span| match (u16::try_from(span.from), u16::try_from(span.to)) {
                        (Ok(from), Ok(to)) if span.protocol != "-1" => (from, to),
                        _ => (0, u16::MAX),
                    })
                    .collect::<Vec<_>>()
            };
            let (tcp, udp) = (ports("tcp"), ports("udp"));
            if public.is_empty() || (tcp.is_empty() && udp.is_empty()) {
                continue;
            }
            self.closings.push(Closing {
                whose: whose.clone(),
                tcp,
                udp,
                v4: !public.v4().is_empty(),
                v6: !public.v6().is_empty(),
                line: None,
            });
        }
    }
}
