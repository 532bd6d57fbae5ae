//! The guard: only what was approved gets through.

use crate::{ApprovalRequest, Bound, Digest};
use jiff::{SignedDuration, Timestamp};
use portcullis_report::{FORMAT_VERSION, Verdict};
use std::fmt;

/// Two machines' clocks may differ by this much.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Who plays the deploy job, and when.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The time of the deploy.
    pub now: Timestamp,
    /// How old a request may be; without it a request never grows too old.
    pub max_age: Option<SignedDuration>,
    /// Who plays the deploy job.
    pub player: Player,
    /// Whose own hands the deploy must not be in.
    pub four_eyes: FourEyes,
}

/// Who plays the deploy job, as GitLab names them: `GITLAB_USER_LOGIN` and `GITLAB_USER_EMAIL` in the manual job
/// are the player's (GitLab docs, "Predefined CI/CD variables reference").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Player {
    /// The name for signing in.
    pub login: Option<String>,
    /// The mail address.
    pub mail: Option<String>,
}

/// Who must not deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FourEyes {
    /// Anybody may.
    Off,
    /// Not the commit's author, known by mail address. Git lets a committer write any author they like.
    Author,
    /// Nor who started the pipeline, known by login, which nobody can make up. Where pipelines are started by
    /// merging, the person who merges must then find another to deploy.
    AuthorAndRequester,
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
    /// The policy file.
    Policy,
    /// The compliance report.
    Compliance,
    /// The exposure report.
    Exposure,
    /// Terraform's name and version.
    Terraform,
    /// The provider lock file.
    ProviderLock,
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
    #[error("the request of {requested_at} is older than the limit of {limit_minutes} minutes")]
    TooOld {
        /// When it was written.
        requested_at: String,
        /// The limit.
        limit_minutes: i64,
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
    /// Four eyes cannot be told.
    #[error("four eyes cannot be shown: {what} is not known")]
    Nobody {
        /// Who is not known.
        what: &'static str,
    },
}

impl Refusal {
    /// What the reader can do.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::OwnCommit { .. } | Self::OwnPipeline { .. } => "let somebody else play the deploy job",
            Self::Nobody { .. } => "run the deploy as a manual job of the pipeline that made the request",
            Self::NotPass { .. } => "mend what the compliance report names, then start a new pipeline",
            _ => "start a new pipeline: it plans anew and asks again",
        }
    }
}

/// Holds what is there now against what was approved.
///
/// # Errors
/// The [`Refusal`] to show; the deploy must not go on.
pub fn guard(request: &ApprovalRequest, now: &Bound, circumstances: &Circumstances) -> Result<(), Refusal> {
    untouched(request)?;
    // A later "violation" is more telling than the changed digest of the report that says so.
    for verdict in [request.bound.verdict, now.verdict] {
        if verdict != Verdict::Pass {
            return Err(Refusal::NotPass { verdict });
        }
    }
    same(&request.bound, now)?;
    in_time(request, circumstances)?;
    four_eyes(request, circumstances)
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
    part(Part::Compliance, compliance, &found.compliance)?;
    part(Part::Exposure, exposure, &found.exposure)
}

fn part(part: Part, approved: &str, found: &str) -> Result<(), Refusal> {
    if approved == found {
        return Ok(());
    }
    let show = |text: &str| match part {
        Part::Terraform => text.to_owned(),
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

fn in_time(request: &ApprovalRequest, circumstances: &Circumstances) -> Result<(), Refusal> {
    let requested_at = || request.requested_at.clone();
    let Ok(at) = request.requested_at.parse::<Timestamp>() else {
        return Err(Refusal::NoTime {
            requested_at: requested_at(),
        });
    };
    let age = circumstances.now.duration_since(at);
    if age < -CLOCK_SKEW {
        return Err(Refusal::NoTime {
            requested_at: requested_at(),
        });
    }
    match circumstances.max_age {
        Some(limit) if age > limit => Err(Refusal::TooOld {
            requested_at: requested_at(),
            limit_minutes: limit.as_mins(),
        }),
        _ => Ok(()),
    }
}

fn four_eyes(request: &ApprovalRequest, circumstances: &Circumstances) -> Result<(), Refusal> {
    if circumstances.four_eyes == FourEyes::Off {
        return Ok(());
    }
    let player = &circumstances.player;
    let name = || {
        player
            .login
            .clone()
            .or_else(|| player.mail.clone())
            .unwrap_or_default()
    };
    let Some(author) = request
        .author
        .as_deref()
        .filter(|author| !author.trim().is_empty())
    else {
        return Err(Refusal::Nobody {
            what: "the commit's author",
        });
    };
    let (Some(login), Some(mail)) = (&player.login, &player.mail) else {
        return Err(Refusal::Nobody {
            what: "the player's login or mail address",
        });
    };
    if wrote(author, login, mail) {
        return Err(Refusal::OwnCommit { player: name() });
    }
    if circumstances.four_eyes == FourEyes::AuthorAndRequester {
        let Some(requester) = &request.requested_by else {
            return Err(Refusal::Nobody {
                what: "who started the pipeline",
            });
        };
        if same_word(requester, login) {
            return Err(Refusal::OwnPipeline { player: name() });
        }
    }
    Ok(())
}

/// Whether the author, `Name <mail>`, is this person: by mail address, by the private address that GitLab gives
/// (`ID-login@users.noreply.HOST`; GitLab docs, "Use an automatically-generated private commit email"), or, for an
/// author without a mail address, by name.
fn wrote(author: &str, login: &str, mail: &str) -> bool {
    let address = author
        .trim()
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
        .map(|(_, mail)| mail.trim());
    match address {
        Some(address) if !address.is_empty() => {
            let private = address
                .split_once('@')
                .filter(|(_, host)| host.starts_with("users.noreply."));
            let private = private
                .and_then(|(local, _)| local.split_once('-'))
                .map(|(_, login)| login);
            same_word(address, mail) || private.is_some_and(|owner| same_word(owner, login))
        }
        _ => same_word(author, login) || same_word(author, mail),
    }
}

fn same_word(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}
