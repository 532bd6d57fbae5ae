//! The guard: only what was approved gets through.

use crate::concern::{CLOCK_SKEW, Remark, Weight};
use crate::people::{Memberships, Origin, Player};
use crate::{ApprovalRequest, Bound, Concern, Digest, GuardRules};
use jiff::Timestamp;
use portcullis_report::{FORMAT_VERSION, Verdict};
use std::fmt;

/// Who plays the deploy job, when, and on what ground.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    /// The time of the deploy.
    pub now: Timestamp,
    /// The guard's own rules.
    pub rules: &'a GuardRules,
    /// Who plays the deploy job.
    pub player: Player,
    /// What the player is in the places that the list of approvers names.
    pub memberships: Memberships,
    /// Who started the pipeline, by login, as GitLab says; the request's word counts when it does not.
    pub starter: Option<String>,
    /// How the change came to its branch.
    pub origin: Origin,
    /// How many people other than the one who opened the merge request approved it; `None` when that cannot be read.
    pub approvals: Option<u64>,
    /// Where the ground is soft.
    pub remarks: &'a [Remark],
}

/// A part that is bound and was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The commit.
    Commit,
    /// The saved plan.
    PlanFile,
    /// The plan's JSON.
    PlanJson,
    /// The policy.
    Policy,
    /// The compliance report.
    Compliance,
    /// The exposure report.
    Exposure,
    /// Terraform's name and version.
    Terraform,
    /// The provider lock file.
    ProviderLock,
    /// Portcullis' own version.
    Portcullis,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Commit => "the commit",
            Self::PlanFile => "the plan file",
            Self::PlanJson => "the plan's JSON",
            Self::Policy => "the policy",
            Self::Compliance => "the compliance report",
            Self::Exposure => "the exposure report",
            Self::Terraform => "terraform's version",
            Self::ProviderLock => "the provider lock file",
            Self::Portcullis => "portcullis' version",
        })
    }
}

/// Why the guard keeps the gate shut: one sentence about the first and most telling difference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request was written in a format this version doesn't know.
    #[error(
        "the approval request has format version {version}; this version reads {}",
        FORMAT_VERSION
    )]
    Version {
        /// The request's version.
        version: String,
    },
    /// The request itself was changed after it was sealed.
    #[error(
        "the approval request was changed after it was made: it carries the digest {carried}, its content gives {computed}"
    )]
    Altered {
        /// The digest it carries, short.
        carried: String,
        /// The digest of its content, short.
        computed: String,
    },
    /// The compliance verdict is not pass.
    #[error("the compliance verdict is {verdict}, not pass")]
    NotPass {
        /// The verdict.
        verdict: Verdict,
    },
    /// A part is not the one that was approved.
    #[error("{part} is not the approved one: approved {approved}, found {found}")]
    Changed {
        /// Which part.
        part: Part,
        /// What was approved, short.
        approved: String,
        /// What is there now, short.
        found: String,
    },
    /// Somebody changed the state since.
    #[error("the state moved from serial {approved} to {found} since the request")]
    StateMoved {
        /// The serial that was approved.
        approved: u64,
        /// The serial now.
        found: u64,
    },
    /// It is another state, or there was none, or there is none any more.
    #[error("the state is another one: approved {approved}, found {found}")]
    OtherState {
        /// The lineage that was approved, or `no state`.
        approved: String,
        /// The lineage now, or `no state`.
        found: String,
    },
    /// The request is older than it may be.
    #[error("the request of {requested_at} is older than the limit of {limit}")]
    TooOld {
        /// When it was written.
        requested_at: String,
        /// The limit.
        limit: String,
    },
    /// The request's time cannot be right.
    #[error("the request's time {requested_at:?} is not a time before now")]
    NoTime {
        /// What stands there.
        requested_at: String,
    },
    /// Four eyes: the author must not deploy.
    #[error("{player} wrote the commit and must not be the one who deploys it")]
    OwnCommit {
        /// The player.
        player: String,
    },
    /// Four eyes: who started the pipeline must not deploy.
    #[error("{player} started the pipeline and must not be the one who deploys it")]
    OwnPipeline {
        /// The player.
        player: String,
    },
    /// Four eyes: who wrote a part of the change must not deploy.
    #[error("{player} wrote a commit of merge request !{iid} and must not be the one who deploys it")]
    OwnMergeRequestCommit {
        /// The player.
        player: String,
        /// The merge request.
        iid: u64,
    },
    /// Four eyes: who opened the merge request must not deploy.
    #[error("{player} opened merge request !{iid} and must not be the one who deploys it")]
    OwnMergeRequest {
        /// The player.
        player: String,
        /// The merge request.
        iid: u64,
    },
    /// Four eyes cannot be told.
    #[error("four eyes cannot be shown: {what} is not known")]
    Nobody {
        /// Who is not known.
        what: &'static str,
    },
    /// The player may not let anything through.
    #[error("{player} is not among those who may approve: {listed}")]
    NoApprover {
        /// The player.
        player: String,
        /// Who may.
        listed: String,
    },
    /// Whether the player may is not known.
    #[error("whether {player} may approve is not known: this job may not read who belongs to {whose}")]
    MembershipNotKnown {
        /// The player.
        player: String,
        /// The group or the project.
        whose: String,
    },
    /// Too few people approved the merge request.
    #[error("the merge request has {found} of the {needed} approvals that the guard's rules ask for")]
    TooFewApprovals {
        /// How many there are.
        found: u64,
        /// How many there must be.
        needed: u64,
    },
    /// Who approved the merge request is not known.
    #[error("the guard's rules ask for approvals of the merge request, and this job may not read them")]
    ApprovalsNotKnown,
    /// The ground is too soft.
    #[error("{text}")]
    Ground {
        /// The concern.
        concern: Concern,
        /// What was found.
        text: String,
    },
    /// The policy was judged once more, and no longer passes.
    #[error("judged again, the policy says {headline}")]
    JudgedAgain {
        /// The report's headline, with the verdict.
        headline: String,
    },
    /// A variable of the job says something else than GitLab.
    #[error("the variable {variable} says {says}, and GitLab says {gitlab}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What it says.
        says: String,
        /// What GitLab says.
        gitlab: String,
    },
}

impl Refusal {
    /// What the reader can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::OwnCommit { .. }
            | Self::OwnPipeline { .. }
            | Self::OwnMergeRequestCommit { .. }
            | Self::OwnMergeRequest { .. } => "let somebody else play the deploy job",
            Self::NoApprover { .. } => {
                "let one of them play the deploy job; a group counts only if PORTCULLIS_GITLAB_TOKEN may see its members"
            }
            Self::MembershipNotKnown { .. } => {
                "set PORTCULLIS_GITLAB_TOKEN to an access token with the scope read_api that sees them, or name approvers by login"
            }
            Self::TooFewApprovals { .. } => "have the merge request approved, then play the deploy job again",
            Self::ApprovalsNotKnown => {
                "set PORTCULLIS_GITLAB_TOKEN to an access token with the scope read_api and the role Reporter; approvals are \
                 readable on Premium and Ultimate"
            }
            Self::Ground { concern, .. } => concern.hint(),
            Self::Variable { .. } => {
                "somebody set a variable of this name: take it out, and let nobody set pipeline variables (Settings, CI/CD, Variables)"
            }
            Self::Nobody { .. } => {
                "run the deploy as a manual job of the pipeline that made the request; what GitLab shows to no job's token \
                 needs PORTCULLIS_GITLAB_TOKEN"
            }
            Self::NotPass { .. } | Self::JudgedAgain { .. } => {
                "mend what the compliance report names, then start a new pipeline"
            }
            _ => "start a new pipeline: it plans anew and asks again",
        }
    }
}

/// Holds what is there now against what was approved.
///
/// # Errors
/// The [`Refusal`] to show; the deploy must not go on.
pub fn guard(
    request: &ApprovalRequest,
    now: &Bound,
    circumstances: &Circumstances<'_>,
) -> Result<(), Refusal> {
    untouched(request)?;
    // A later "violation" is more telling than the changed digest of the report that says so.
    for verdict in [request.bound.verdict, now.verdict] {
        if verdict != Verdict::Pass {
            return Err(Refusal::NotPass { verdict });
        }
    }
    same(&request.bound, now)?;
    in_time(request, circumstances)?;
    let rules = circumstances.rules;
    ground(rules, circumstances.remarks)?;
    let player = &circumstances.player;
    let starter = circumstances
        .starter
        .as_deref()
        .or(request.requested_by.as_deref());
    rules
        .four_eyes
        .hold(player, request.author.as_deref(), starter, &circumstances.origin)?;
    if let Some(approvers) = &rules.approvers {
        approvers.hold(player, &circumstances.memberships)?;
    }
    match circumstances.approvals {
        _ if rules.approvals == 0 => Ok(()),
        None => Err(Refusal::ApprovalsNotKnown),
        Some(found) if found < rules.approvals => Err(Refusal::TooFewApprovals {
            found,
            needed: rules.approvals,
        }),
        Some(_) => Ok(()),
    }
}

/// Refuses when the ground is softer than the rules allow. Worth asking before people are asked.
///
/// # Errors
/// The first [`Refusal::Ground`].
pub fn ground(rules: &GuardRules, remarks: &[Remark]) -> Result<(), Refusal> {
    match remarks
        .iter()
        .find(|remark| rules.weight(remark.concern) == Weight::Refuse)
    {
        Some(remark) => Err(Refusal::Ground {
            concern: remark.concern,
            text: remark.text.clone(),
        }),
        None => Ok(()),
    }
}

fn untouched(request: &ApprovalRequest) -> Result<(), Refusal> {
    if request.format_version.split('.').next() != FORMAT_VERSION.split('.').next() {
        return Err(Refusal::Version {
            version: request.format_version.clone(),
        });
    }
    let computed = request.content_digest();
    if computed.to_string() != request.digest {
        return Err(Refusal::Altered {
            carried: request.short_digest(),
            computed: computed.short(),
        });
    }
    Ok(())
}

fn same(approved: &Bound, found: &Bound) -> Result<(), Refusal> {
    // Taken apart by name, so that a new field cannot be forgotten here.
    let Bound {
        plan_file,
        plan_json,
        policy,
        compliance,
        verdict: _,
        exposure,
        commit,
        state_lineage,
        state_serial,
        terraform,
        provider_lock,
        portcullis,
    } = approved;
    // Most telling first: another commit brings other files, another policy brings another report.
    part(Part::Commit, commit, &found.commit)?;
    part(Part::PlanFile, plan_file, &found.plan_file)?;
    part(Part::PlanJson, plan_json, &found.plan_json)?;
    part(Part::Policy, policy, &found.policy)?;
    state(
        (state_lineage, state_serial),
        (&found.state_lineage, &found.state_serial),
    )?;
    part(Part::Terraform, terraform, &found.terraform)?;
    if provider_lock != &found.provider_lock {
        let none = || "none".to_owned();
        let show = |lock: &Option<String>| lock.as_deref().map_or_else(none, short);
        return Err(Refusal::Changed {
            part: Part::ProviderLock,
            approved: show(provider_lock),
            found: show(&found.provider_lock),
        });
    }
    // Requests of versions that did not bind their own say nothing of it.
    if let (Some(approved), Some(found)) = (portcullis, &found.portcullis) {
        part(Part::Portcullis, approved, found)?;
    }
    part(Part::Compliance, compliance, &found.compliance)?;
    part(Part::Exposure, exposure, &found.exposure)
}

fn part(part: Part, approved: &str, found: &str) -> Result<(), Refusal> {
    if approved == found {
        return Ok(());
    }
    let show = |text: &str| match part {
        Part::Terraform | Part::Portcullis => text.to_owned(),
        _ => short(text),
    };
    Err(Refusal::Changed {
        part,
        approved: show(approved),
        found: show(found),
    })
}

fn short(digest: &str) -> String {
    digest.chars().take(Digest::SHORT).collect()
}

type StateFacts<'a> = (&'a Option<String>, &'a Option<u64>);

fn state(approved: StateFacts<'_>, found: StateFacts<'_>) -> Result<(), Refusal> {
    if approved == found {
        return Ok(());
    }
    if approved.0 == found.0
        && let (Some(approved), Some(found)) = (approved.1, found.1)
    {
        return Err(Refusal::StateMoved {
            approved: *approved,
            found: *found,
        });
    }
    let show = |facts: StateFacts<'_>| match facts {
        (None, None) => "no state".to_owned(),
        (lineage, serial) => format!(
            "lineage {} at serial {}",
            lineage.as_deref().unwrap_or("unknown"),
            serial.map_or_else(|| "unknown".to_owned(), |serial| serial.to_string())
        ),
    };
    Err(Refusal::OtherState {
        approved: show(approved),
        found: show(found),
    })
}

fn in_time(request: &ApprovalRequest, circumstances: &Circumstances<'_>) -> Result<(), Refusal> {
    let requested_at = || request.requested_at.clone();
    let age = request
        .requested_at
        .parse::<Timestamp>()
        .map(|at| circumstances.now.duration_since(at))
        .ok()
        .filter(|age| *age >= -CLOCK_SKEW)
        .ok_or_else(|| Refusal::NoTime {
            requested_at: requested_at(),
        })?;
    let limit = circumstances.rules.max_age;
    if age > limit {
        return Err(Refusal::TooOld {
            requested_at: requested_at(),
            limit: format!("{limit:#}"),
        });
    }
    Ok(())
}
