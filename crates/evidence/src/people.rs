//! Who plays the deploy job, who had a hand in the change, and who may let it through.

use crate::Refusal;
use std::fmt;

/// Who plays the deploy job, as GitLab names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Player {
    /// The number, unique on the instance.
    pub id: Option<u64>,
    /// The name for signing in.
    pub login: Option<String>,
    /// The mail address.
    pub mail: Option<String>,
}

impl Player {
    /// How a sentence calls them.
    pub(crate) fn name(&self) -> String {
        let name = self.login.as_deref().or(self.mail.as_deref());
        name.unwrap_or("an unknown player").to_owned()
    }
}

/// A hand in a change: whoever it belongs to may be asked not to let the change through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hand {
    /// The commit's author, known by mail address. Git lets a committer write any author they like.
    Author,
    /// The authors of all commits of the merge request, likewise.
    Commits,
    /// Who opened the merge request, known by login, which nobody can make up.
    Opener,
    /// Who started the pipeline, known by login. Where pipelines are started by merging, the person who merges must then
    /// find another to deploy.
    Starter,
}

/// Whose own hands the deploy must not be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FourEyes {
    /// They must be known, and not the player.
    pub known: Vec<Hand>,
    /// As far as they are known, they must not be the player.
    pub as_far_as_known: Vec<Hand>,
}

impl Default for FourEyes {
    /// The commit's author; and whoever opened the merge request or wrote another commit of it, where GitLab tells.
    fn default() -> Self {
        Self {
            known: vec![Hand::Author],
            as_far_as_known: vec![Hand::Commits, Hand::Opener],
        }
    }
}

/// How a change came to its branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// GitLab does not tell this job.
    #[default]
    NotKnown,
    /// Without a merge request.
    Pushed,
    /// By a merge request.
    MergeRequest {
        /// Its number within the project.
        iid: u64,
        /// Who opened it, by login.
        opener: Option<String>,
        /// The authors of its commits, `Name <mail>`; `None` when this job may not read them.
        commits: Option<Vec<String>>,
    },
}

impl FourEyes {
    /// Holds the player against everybody who had a hand in the change. `starter` is who started the pipeline.
    pub(crate) fn hold(
        &self,
        player: &Player,
        author: Option<&str>,
        starter: Option<&str>,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let wanted = self.known.iter().map(|hand| (hand, true));
        let wanted: Vec<_> = wanted
            .chain(self.as_far_as_known.iter().map(|hand| (hand, false)))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let (Some(login), Some(mail)) = (&player.login, &player.mail) else {
            return Err(Refusal::Nobody {
                what: "the player's login or mail address",
            });
        };
        let wrote = |author: &str| wrote(author, login, mail);
        let named = |name: &str| same_word(name, login);
        for (hand, must) in wanted {
            let unknown = |what| {
                if must {
                    Err(Refusal::Nobody { what })
                } else {
                    Ok(())
                }
            };
            let player = || player.name();
            match (hand, origin) {
                (Hand::Author, _) => match author.filter(|author| !author.trim().is_empty()) {
                    Some(author) if wrote(author) => return Err(Refusal::OwnCommit { player: player() }),
                    Some(_) => {}
                    None => unknown("the commit's author")?,
                },
                (Hand::Starter, _) => match starter {
                    Some(starter) if named(starter) => return Err(Refusal::OwnPipeline { player: player() }),
                    Some(_) => {}
                    None => unknown("who started the pipeline")?,
                },
                (Hand::Commits | Hand::Opener, Origin::Pushed) => {}
                (Hand::Commits | Hand::Opener, Origin::NotKnown) => {
                    unknown("which merge request brought the commit")?;
                }
                (Hand::Commits, Origin::MergeRequest { iid, commits, .. }) => match commits {
                    Some(commits) if commits.iter().any(|author| wrote(author)) => {
                        return Err(Refusal::OwnMergeRequestCommit {
                            player: player(),
                            iid: *iid,
                        });
                    }
                    Some(_) => {}
                    None => unknown("who wrote the merge request's commits")?,
                },
                (Hand::Opener, Origin::MergeRequest { iid, opener, .. }) => match opener {
                    Some(opener) if named(opener) => {
                        return Err(Refusal::OwnMergeRequest {
                            player: player(),
                            iid: *iid,
                        });
                    }
                    Some(_) => {}
                    None => unknown("who opened the merge request")?,
                },
            }
        }
        Ok(())
    }
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

/// Logins and mail addresses are the same in capitals.
fn same_word(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// Who may let changes through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvers {
    /// By login.
    pub users: Vec<String>,
    /// Members of groups, also of those above them.
    pub groups: Vec<GroupApprovers>,
    /// Members of the project with this role or a higher one.
    pub project_role: Option<Role>,
}

/// The members of a group, of this role or a higher one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupApprovers {
    /// The group's full path.
    pub path: String,
    /// The lowest role.
    pub role: Role,
}

/// A role in GitLab. (GitLab docs, "Roles and permissions"; numbers as in "Project members API".)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 10.
    Guest,
    /// 20.
    Reporter,
    /// 30.
    Developer,
    /// 40.
    Maintainer,
    /// 50.
    Owner,
}

impl Role {
    /// GitLab's number for it.
    #[must_use]
    pub const fn level(self) -> u64 {
        match self {
            Self::Guest => 10,
            Self::Reporter => 20,
            Self::Developer => 30,
            Self::Maintainer => 40,
            Self::Owner => 50,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guest => "Guest",
            Self::Reporter => "Reporter",
            Self::Developer => "Developer",
            Self::Maintainer => "Maintainer",
            Self::Owner => "Owner",
        })
    }
}

/// What somebody is in a project or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// A member, with this role's number; 0 for a stranger.
    Level(u64),
    /// This job may not ask.
    NotKnown,
}

/// What the player is in the places that the list of approvers names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memberships {
    /// In the project.
    pub project: Option<Membership>,
    /// In groups, by path.
    pub groups: Vec<(String, Membership)>,
}

impl Approvers {
    /// Who they are, in words.
    ///
    /// ```
    /// use portcullis_evidence::{Approvers, Role};
    /// let approvers = Approvers {
    ///     users: vec!["grace".to_owned()],
    ///     project_role: Some(Role::Maintainer),
    ///     ..Approvers::default()
    /// };
    /// assert_eq!(approvers.words(), ["grace", "members of the project (Maintainer or higher)"]);
    /// ```
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let groups = self.groups.iter().map(|group| match group.role {
            Role::Guest => format!("members of {}", group.path),
            role => format!("members of {} ({role} or higher)", group.path),
        });
        let project = self
            .project_role
            .map(|role| format!("members of the project ({role} or higher)"));
        self.users.iter().cloned().chain(groups).chain(project).collect()
    }

    pub(crate) fn hold(&self, player: &Player, memberships: &Memberships) -> Result<(), Refusal> {
        let login = player.login.as_deref().unwrap_or_default();
        if !login.is_empty() && self.users.iter().any(|user| same_word(user, login)) {
            return Ok(());
        }
        let in_group = |path: &str| {
            let found = memberships.groups.iter().find(|(known, _)| known == path);
            found.map(|(_, membership)| *membership)
        };
        let groups = self
            .groups
            .iter()
            .map(|group| (in_group(&group.path), group.role, group.path.as_str()));
        let project = self
            .project_role
            .map(|role| (memberships.project, role, "the project"));
        let mut doubt = None;
        for (membership, role, whose) in groups.chain(project) {
            match membership.unwrap_or(Membership::NotKnown) {
                Membership::Level(level) if level >= role.level() => return Ok(()),
                Membership::Level(_) => {}
                Membership::NotKnown => doubt = doubt.or(Some(whose)),
            }
        }
        Err(match doubt {
            Some(whose) => Refusal::MembershipNotKnown {
                player: player.name(),
                whose: whose.to_owned(),
            },
            None => Refusal::NoApprover {
                player: player.name(),
                listed: self.words().join(", "),
            },
        })
    }
}
