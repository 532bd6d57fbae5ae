//! The calls, and what GitLab wants to see for each: which token, which scope, which role.
//!
//! Sources: GitLab docs, "GitLab CI/CD job token", "Fine-grained permissions for CI/CD job tokens", "GitLab-managed
//! Terraform/OpenTofu state", "Roles and permissions"; `lib/api/ci/jobs.rb` in GitLab.

use std::fmt;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Getting the client ready.
    Setup,
    /// Reading the newest version of a managed state.
    ReadState,
    /// Reading one version of a managed state.
    ReadStateVersion,
    /// Taking the lock of a managed state.
    LockState,
    /// Taking the lock off a managed state.
    UnlockState,
    /// Asking who wrote and who holds a managed state.
    StateFacts,
    /// Listing the managed states.
    ListStates,
    /// Asking which job this is.
    OwnJob,
    /// Reading one job.
    ReadJob,
    /// Listing a pipeline's jobs.
    ListJobs,
    /// Listing the jobs that start other pipelines.
    ListBridges,
    /// Playing a manual job.
    PlayJob,
    /// Reading one file of a job's artifacts.
    ReadArtifact,
    /// Reading a pipeline.
    ReadPipeline,
    /// Reading a merge request.
    ReadMergeRequest,
    /// Finding the merge requests of a commit.
    FindMergeRequests,
    /// Reading who approved a merge request.
    ReadApprovals,
    /// Listing a merge request's notes.
    ListNotes,
    /// Creating or changing a note.
    WriteNote,
    /// Setting a commit's status.
    SetCommitStatus,
    /// Listing a merge request's commits.
    ListMergeRequestCommits,
    /// Reading a commit.
    ReadCommit,
    /// Reading a file of the repository.
    ReadFile,
    /// Asking whether somebody belongs to the project or to a group.
    ReadMember,
    /// Reading a branch.
    ReadBranch,
    /// Reading who may push to a branch.
    ReadProtectedBranch,
    /// Reading who may deploy to an environment.
    ReadProtectedEnvironment,
    /// Listing the protected environments.
    ListProtectedEnvironments,
    /// Reading the project.
    ReadProject,
    /// Asking whose token this is.
    OwnUser,
    /// Asking what the token may do.
    OwnToken,
}

/// Whether a job's token is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobTokenRight {
    /// On every GitLab that is supported.
    Yes,
    /// On newer ones; older answer 401, 403 or 404. The client tries.
    Newer,
    /// On none. The client sends nothing.
    No,
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Whether a job's token is enough.
    pub job_token: JobTokenRight,
    /// The scope of an access token; `None` when only a job's token works.
    pub scope: Option<&'static str>,
    /// The lowest role in the project; `None` when no role is needed.
    pub role: Option<&'static str>,
    /// Whether GitLab has this on paid tiers only.
    pub paid: bool,
}

impl Operation {
    /// Every call, in the order of the documentation.
    pub const ALL: [Self; 30] = [
        Self::ReadState,
        Self::ReadStateVersion,
        Self::LockState,
        Self::UnlockState,
        Self::StateFacts,
        Self::ListStates,
        Self::OwnJob,
        Self::ReadJob,
        Self::ListJobs,
        Self::ListBridges,
        Self::PlayJob,
        Self::ReadArtifact,
        Self::ReadPipeline,
        Self::ReadMergeRequest,
        Self::FindMergeRequests,
        Self::ReadApprovals,
        Self::ListNotes,
        Self::WriteNote,
        Self::SetCommitStatus,
        Self::ListMergeRequestCommits,
        Self::ReadCommit,
        Self::ReadFile,
        Self::ReadMember,
        Self::ReadBranch,
        Self::ReadProtectedBranch,
        Self::ReadProtectedEnvironment,
        Self::ListProtectedEnvironments,
        Self::ReadProject,
        Self::OwnUser,
        Self::OwnToken,
    ];

    /// What GitLab wants to see.
    #[must_use]
    pub const fn needs(self) -> Needs {
        use JobTokenRight::{Newer, No, Yes};
        let (job_token, scope, role) = match self {
            Self::Setup => (Yes, None, None),
            Self::ReadState | Self::ReadStateVersion => (Yes, Some("api"), Some("Developer")),
            Self::LockState | Self::UnlockState => (Yes, Some("api"), Some("Maintainer")),
            Self::StateFacts | Self::ListStates => (No, Some("read_api"), Some("Developer")),
            Self::OwnJob => (Yes, None, None),
            Self::ReadArtifact => (Yes, Some("read_api"), Some("Reporter")),
            Self::ListJobs | Self::ReadPipeline | Self::FindMergeRequests => {
                (Newer, Some("read_api"), Some("Reporter"))
            }
            Self::ReadMergeRequest
            | Self::ListNotes
            | Self::ReadBranch
            | Self::ReadCommit
            | Self::ReadFile => (Newer, Some("read_api"), Some("Reporter")),
            Self::ReadJob
            | Self::ListBridges
            | Self::ReadApprovals
            | Self::ListMergeRequestCommits
            | Self::ReadMember
            | Self::ReadProject => (No, Some("read_api"), Some("Reporter")),
            Self::PlayJob | Self::SetCommitStatus => (No, Some("api"), Some("Developer")),
            Self::WriteNote => (No, Some("api"), Some("Reporter")),
            Self::ReadProtectedBranch | Self::ReadProtectedEnvironment | Self::ListProtectedEnvironments => {
                (No, Some("read_api"), Some("Maintainer"))
            }
            Self::OwnUser | Self::OwnToken => (No, Some("read_api"), None),
        };
        Needs {
            job_token,
            scope,
            role,
            paid: matches!(
                self,
                Self::ReadApprovals | Self::ReadProtectedEnvironment | Self::ListProtectedEnvironments
            ),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Setup => "get ready to ask GitLab",
            Self::ReadState => "read the managed state",
            Self::ReadStateVersion => "read a version of the managed state",
            Self::LockState => "lock the managed state",
            Self::UnlockState => "unlock the managed state",
            Self::StateFacts => "ask who wrote and who holds the managed state",
            Self::ListStates => "list the managed states",
            Self::OwnJob => "ask GitLab about this job",
            Self::ReadJob => "read a job",
            Self::ListJobs => "list the pipeline's jobs",
            Self::ListBridges => "list the pipeline's child pipelines",
            Self::PlayJob => "play the job",
            Self::ReadArtifact => "read a job's artifact",
            Self::ReadPipeline => "read the pipeline",
            Self::ReadMergeRequest => "read the merge request",
            Self::FindMergeRequests => "find the commit's merge requests",
            Self::ReadApprovals => "read who approved the merge request",
            Self::ListNotes => "list the merge request's notes",
            Self::WriteNote => "write the merge request's note",
            Self::SetCommitStatus => "set the commit's status",
            Self::ListMergeRequestCommits => "list the merge request's commits",
            Self::ReadCommit => "read the commit",
            Self::ReadFile => "read a file of the repository",
            Self::ReadMember => "ask who belongs to the project or to a group",
            Self::ReadBranch => "read the branch",
            Self::ReadProtectedBranch => "read who may push to the branch",
            Self::ReadProtectedEnvironment => "read who may deploy to the environment",
            Self::ListProtectedEnvironments => "list the protected environments",
            Self::ReadProject => "read the project",
            Self::OwnUser => "ask whose token this is",
            Self::OwnToken => "ask what the token may do",
        })
    }
}
