//! What people are asked to approve, who did, and what came of it.

use crate::findings;
use crate::notice::Section;
use crate::pipeline::{at_most, count, short, symbol, time, upper_first};
use crate::{Notice, Pipeline, plan};
use portcullis_evidence::{Approval, ApprovalRequest, RefusalRecord};
use portcullis_exposure::{ExposureLine, ExposureReport, GroupExposure};
use portcullis_report::text::{clean, cut};
use portcullis_report::{Report, Verdict};
use portcullis_slack::{RichText, Text};

/// What an approval request shows besides the request itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// What the change opens and closes.
    pub exposure: Option<&'a ExposureReport>,
    /// What the policy says.
    pub compliance: Option<&'a Report>,
    /// Terraform's own words about the plan.
    pub plan: Option<&'a str>,
    /// The page of the manual job that deploys. Without it the button opens the pipeline.
    pub deploy_job: Option<&'a str>,
}

/// What became of an approval request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Decision<'a> {
    /// Somebody played the job, and terraform ran.
    Approved(&'a Approval),
    /// Somebody played the job, and the guard refused.
    Refused(&'a RefusalRecord),
    /// The pipeline ended before anybody decided.
    NotTaken,
    /// The pipeline ended, and whether anybody decided is not known: the deploy job has left no record.
    NotKnown,
}

/// Somebody has to let the change through: what it opens and closes, the verdict, what the approval is bound to, who may.
#[must_use]
pub fn requested(pipeline: &Pipeline, request: &ApprovalRequest, shown: Request<'_>) -> Notice {
    let who = who_may(request);
    let text = format!(
        "approval needed. {}. Policy {}. Digest {}. {who}",
        headline(request, shown.exposure),
        policy(request, shown.compliance),
        request.short_digest()
    );
    let notice = pipeline.notice("requested", None, "Approval needed", &text);
    let mut who = RichText::new().line(who);
    if let Some(until) = &request.good_until {
        who = who.line(format!("The request ends at {}.", time(until)));
    }
    let notice = asked(notice, request, shown).part(who);
    match shown.deploy_job {
        Some(url) => notice.link("Open the deploy job", Some(url), true),
        None => notice.pipeline_link(),
    }
}

/// The same request once it is decided, to stand in its place: what was asked, by whom it was decided, and no button.
#[must_use]
pub fn decided(
    pipeline: &Pipeline,
    request: &ApprovalRequest,
    shown: Request<'_>,
    decision: Decision<'_>,
) -> Notice {
    let (verdict, title, what) = match decision {
        Decision::Approved(approval) => (
            Verdict::Pass,
            "Approved",
            format!(
                "Approved by {}, {}",
                short(&approval.approved_by),
                time(&approval.approved_at)
            ),
        ),
        Decision::Refused(refusal) => (
            Verdict::Violation,
            "Refused by the approval guard",
            format!(
                "Played by {}, {}; not as approved",
                short(&refusal.played_by),
                time(&refusal.refused_at)
            ),
        ),
        Decision::NotTaken => (
            Verdict::Undetermined,
            "Not approved",
            "The pipeline ended before anybody approved".to_owned(),
        ),
        Decision::NotKnown => (
            Verdict::Undetermined,
            "Not known",
            "The deploy job left no record: whether the change was applied is not known".to_owned(),
        ),
    };
    let text = format!("{}. It was asked: {}", what, headline(request, shown.exposure));
    let decision = RichText::new().line(Text::new().plain(symbol(verdict)).plain(" ").bold(what));
    asked(
        pipeline
            .notice("requested", Some(verdict), title, &text)
            .part(decision),
        request,
        shown,
    )
}

/// What is asked, the same before and after the decision.
fn asked(notice: Notice, request: &ApprovalRequest, shown: Request<'_>) -> Notice {
    let mut notice = notice.section(change(request, shown.exposure));
    notice = match shown.compliance {
        Some(report) => notice.section(findings::verdict(report, 3)),
        None => notice.part(
            RichText::new().line(
                Text::new()
                    .plain(symbol(request.bound.verdict))
                    .plain(" ")
                    .bold("Policy ")
                    .plain(request.bound.verdict.as_str()),
            ),
        ),
    };
    if let Some(summary) = shown.plan.and_then(plan::summary) {
        notice = notice.part(RichText::new().line(Text::new().bold("Terraform ").plain(summary)));
    }
    if !request.remarks.is_empty() {
        let mind = Text::new().plain("⚠️ ").bold("Mind, before you approve:");
        let (points, _) = at_most(
            5,
            request
                .remarks
                .iter()
                .map(|remark| Text::new().plain(upper_first(&cut(&clean(remark), 300)))),
            "approval-request.json",
        );
        notice = notice.part(RichText::new().line(mind).bullets(points));
    }
    notice = notice.small(format!("Digest {}", request.short_digest()));
    if let Some(who) = &request.requested_by {
        notice = notice.small(format!("Asked by {}", short(who)));
    }
    if let Some(author) = &request.author {
        notice = notice.small(format!("Commit by {}", short(name(author))));
    }
    notice.small(short(&request.bound.terraform))
}

/// What the change opens and closes: each of it as a point, or the headline where there are no points.
fn change(request: &ApprovalRequest, exposure: Option<&ExposureReport>) -> Section {
    let headline = Text::new().bold(upper_first(&headline(request, exposure)));
    let Some(exposure) = exposure else {
        return Section {
            text: RichText::new().line(headline),
            document: None,
        };
    };
    let lines: Vec<Text> = exposure.groups.iter().flat_map(lines).collect();
    let (points, document) = at_most(12, lines.into_iter(), "exposure.txt");
    let mut text = match points.as_slice() {
        [] => RichText::new().line(headline),
        _ => RichText::new().bullets(points),
    };
    if exposure.verdict != Verdict::Pass {
        text = text.line("❔ Not all of it is known before the change is applied.");
    }
    for note in exposure.notes.iter().take(3) {
        text = text.line(Text::new().plain("Note: ").plain(cut(&clean(note), 200)));
    }
    Section { text, document }
}

fn policy(request: &ApprovalRequest, compliance: Option<&Report>) -> String {
    compliance.map_or_else(|| request.bound.verdict.to_string(), Report::headline)
}

fn who_may(request: &ApprovalRequest) -> String {
    let author = request
        .author
        .as_deref()
        .map(name)
        .filter(|name| !name.trim().is_empty());
    let not = match author {
        Some(author) => short(author),
        None => "the commit's author".to_owned(),
    };
    let names: Vec<String> = request
        .approvers
        .iter()
        .take(10)
        .map(|name| short(name))
        .collect();
    let more = request.approvers.len() - names.len();
    match names.as_slice() {
        [] => format!("To approve it, somebody other than {not} plays the deploy job."),
        [name] => format!("To approve it, {name} plays the deploy job. It must not be {not}."),
        names => {
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!(
                "To approve it, one of these plays the deploy job: {}{more}. It must not be {not}.",
                names.join(", ")
            )
        }
    }
}

/// How an apply ended that was not applied whole, in a few words.
pub(crate) fn how_it_ended(approval: &Approval) -> String {
    match (approval.outcome.as_str(), approval.exit_code) {
        (Approval::LOCKED, _) => "the state could not be locked".to_owned(),
        (_, Some(code)) => format!("terraform's exit code is {code}"),
        (_, None) => "the job ended while terraform ran".to_owned(),
    }
}

/// Somebody let the change through, and what came of it.
#[must_use]
pub fn deployed(pipeline: &Pipeline, approval: &Approval) -> Notice {
    let digest: String = short(&approval.digest).chars().take(12).collect();
    let by = short(&approval.approved_by);
    let applied = approval.is_applied();
    let (title, outcome, verdict) = if applied {
        ("Deployed", "Applied as approved".to_owned(), Verdict::Pass)
    } else {
        (
            "Deploy failed",
            upper_first(&how_it_ended(approval)),
            Verdict::Violation,
        )
    };
    let text = if applied {
        format!("deployed. Approved by {by}, digest {digest}")
    } else {
        format!(
            "deploy failed: {}. Approved by {by}, digest {digest}",
            how_it_ended(approval)
        )
    };
    let mut words = RichText::new().line(Text::new().plain(symbol(verdict)).plain(" ").bold(outcome));
    if !applied {
        words = words.line(if approval.outcome == Approval::LOCKED {
            "Nothing was applied. Who holds the lock, and how to take it off, is in the job's log."
        } else {
            "Part of the change may be applied, and the saved plan is spent. What terraform said is in apply.txt and in the \
             job's log."
        });
    }
    words = words.line(
        Text::new()
            .plain("Approved by ")
            .bold(by)
            .plain(", ")
            .plain(time(&approval.approved_at)),
    );
    let notice = pipeline
        .notice("deployed", Some(verdict), title, &text)
        .part(words)
        .small(format!("Digest {digest}"));
    match &approval.job_url {
        Some(url) => notice.link("Open the deploy job", Some(url), false),
        None => notice.pipeline_link(),
    }
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
    let mut on = short(group.label());
    if !group.members.is_empty() {
        on = format!("{} ({on})", cut(&clean(&group.members.join(", ")), 100));
    }
    let line = |word: &str, line: &ExposureLine| {
        Text::new()
            .bold(word)
            .plain(" ")
            .plain(cut(&clean(&line.sentence()), 160))
            .plain(format!(" on {on}"))
    };
    [
        ("Opens", &group.opens),
        ("May open", &group.may_open),
        ("Closes", &group.closes),
        ("May close", &group.may_close),
    ]
    .into_iter()
    .flat_map(|(word, of)| of.iter().map(move |it| (word, it)))
    .map(|(word, it)| line(word, it))
    .collect()
}

/// The name without the mail address: `Ada <ada@example.org>`.
fn name(author: &str) -> &str {
    match author.split_once('<') {
        Some((name, _)) if !name.trim().is_empty() => name.trim(),
        _ => author,
    }
}
