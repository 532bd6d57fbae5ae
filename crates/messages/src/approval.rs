//! What people are asked to approve, and who did.

use crate::Pipeline;
use crate::findings;
use crate::pipeline::{at_most, count, short, symbol, upper_first};
use portcullis_evidence::{Approval, ApprovalRequest};
use portcullis_exposure::{ExposureLine, ExposureReport, GroupExposure};
use portcullis_report::text::{clean, cut};
use portcullis_report::{Report, Verdict};
use portcullis_slack::{Block, Button, Message, RichText, Text};

/// What an approval request shows besides the request itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// What the change opens and closes.
    pub exposure: Option<&'a ExposureReport>,
    /// What the policy says.
    pub compliance: Option<&'a Report>,
    /// The page of the manual job that deploys. Without it the button opens the pipeline.
    pub deploy_job: Option<&'a str>,
}

/// Somebody has to let the change through: what it opens and closes, the verdict, what the approval is bound to.
#[must_use]
pub fn requested(pipeline: &Pipeline, request: &ApprovalRequest, shown: Request<'_>) -> Message {
    let headline = headline(request, shown.exposure);
    let text = format!(
        "approval needed. {headline}. Policy: {}. Digest {}",
        shown
            .compliance
            .map_or_else(|| request.bound.verdict.to_string(), Report::headline),
        request.short_digest()
    );
    let mut blocks = vec![Block::header("Approval needed")];
    let mut change = RichText::new().line(Text::new().bold(upper_first(&headline)));
    if let Some(exposure) = shown.exposure {
        let lines: Vec<Text> = exposure.groups.iter().flat_map(lines).collect();
        change = change.bullets(at_most(
            12,
            lines.into_iter(),
            "exposure.txt, an artifact of the pipeline",
        ));
        if exposure.verdict != Verdict::Pass {
            change = change.line("❔ Not all of it is known before the change is applied.");
        }
        for note in exposure.notes.iter().take(3) {
            change = change.line(Text::new().plain("Note: ").plain(cut(&clean(note), 200)));
        }
    }
    blocks.push(Block::rich_text(change));
    blocks.push(Block::rich_text(match shown.compliance {
        Some(report) => findings::verdict(report, 3),
        None => RichText::new().line(
            Text::new()
                .plain(symbol(request.bound.verdict))
                .plain(" ")
                .bold("Policy: ")
                .plain(request.bound.verdict.as_str()),
        ),
    }));
    let button = match shown.deploy_job {
        Some(url) => Some(Button::link("Open the deploy job", url).primary()),
        None => pipeline.button(),
    };
    blocks.push(Block::actions(button));
    let mut small = vec![Text::new().plain("Digest ").plain(request.short_digest())];
    if let Some(who) = &request.requested_by {
        small.push(Text::new().plain("Asked by ").plain(short(who)));
    }
    if let Some(author) = &request.author {
        small.push(Text::new().plain("Commit by ").plain(short(name(author))));
    }
    small.push(Text::new().plain(short(&request.bound.terraform)));
    blocks.push(Block::context(small));
    pipeline.message("requested", &text, blocks)
}

/// Somebody let the change through, and what came of it.
#[must_use]
pub fn deployed(pipeline: &Pipeline, approval: &Approval) -> Message {
    let digest: String = short(&approval.digest).chars().take(12).collect();
    let by = short(&approval.approved_by);
    let applied = approval.outcome == "applied";
    let (title, outcome) = if applied {
        ("Deployed", format!("{} Applied", symbol(Verdict::Pass)))
    } else {
        (
            "Deploy failed",
            format!(
                "{} Terraform failed with exit code {}",
                symbol(Verdict::Violation),
                approval.exit_code
            ),
        )
    };
    let text = if applied {
        format!("deployed. Approved by {by}, digest {digest}")
    } else {
        format!(
            "deploy failed: terraform's exit code is {}. Approved by {by}, digest {digest}",
            approval.exit_code
        )
    };
    let words = RichText::new()
        .line(Text::new().bold(outcome))
        .line(
            Text::new()
                .plain("Approved by ")
                .bold(by)
                .plain(" at ")
                .plain(short(&approval.approved_at)),
        )
        .line(Text::new().plain("Digest ").code(digest));
    let button = match &approval.job_url {
        Some(url) => Some(Button::link("Open the deploy job", url)),
        None => pipeline.button(),
    };
    pipeline.message(
        "deployed",
        &text,
        vec![
            Block::header(title),
            Block::rich_text(words),
            Block::actions(button),
        ],
    )
}

fn headline(request: &ApprovalRequest, exposure: Option<&ExposureReport>) -> String {
    let said = [
        Some(request.headline.as_str()),
        exposure.map(|exposure| exposure.headline.as_str()),
    ];
    match said.into_iter().flatten().find(|line| !line.trim().is_empty()) {
        Some(line) => cut(clean(line).trim_end_matches('.'), 300),
        None => match exposure {
            Some(exposure) if exposure.rules_rewritten > 0 => {
                format!(
                    "opens and closes nothing; {} rewritten",
                    count(exposure.rules_rewritten, "rule")
                )
            }
            _ => "opens and closes nothing".to_owned(),
        },
    }
}

fn lines(group: &GroupExposure) -> Vec<Text> {
    let name = group.name.clone().unwrap_or_else(|| group.group.to_string());
    let mut on = short(&name);
    if !group.members.is_empty() {
        on = format!("{on}: {}", cut(&clean(&group.members.join(", ")), 100));
    }
    let line = |word: &str, line: &ExposureLine| {
        Text::new()
            .bold(word)
            .plain(" ")
            .plain(cut(&clean(&line.sentence()), 160))
            .plain(format!(" ({on})"))
    };
    let opens = group.opens.iter().map(|it| line("Opens", it));
    let may_open = group.may_open.iter().map(|it| line("May open", it));
    let closes = group.closes.iter().map(|it| line("Closes", it));
    opens.chain(may_open).chain(closes).collect()
}

/// The name without the mail address: `Ada <ada@example.org>`.
fn name(author: &str) -> &str {
    match author.split_once('<') {
        Some((name, _)) if !name.trim().is_empty() => name.trim(),
        _ => author,
    }
}
