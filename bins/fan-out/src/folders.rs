//! A chain for each folder of code that a change touches.

use crate::child::ChildArgs;
use crate::git::Change;
use crate::{jobs, list};
use clap::{ArgGroup, ValueEnum};
use portcullis_gitlab::Project;
use portcullis_gitlab::state::StateAddress;
use portcullis_stacks::{FanOut, Kind, Roots, Stack, normal, touched};
use portcullis_stage::{Exit, Failure, LARGEST_CODE, Stage};
use portcullis_terraform::{Configuration, FactKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Writes a child pipeline with a chain for each folder of Terraform code that a change touches
///
/// A folder counts when its code names a backend: there terraform keeps a state. A change touches it when it touches a file in
/// it, below it, or in a local module that it uses. By default each chain validates and plans its folder. Run it in the
/// repository's own folder. Writes fan-out.json and fan-out.yml.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("change").args(["since", "changed", "all"]).required(true))]
pub(crate) struct Args {
    /// What git finds changed since this commit or branch, such as "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
    #[arg(long, value_name = "COMMIT")]
    since: Option<String>,
    /// A file with a changed path on each line, relative to the repository; `-` for standard input
    #[arg(long, value_name = "FILE")]
    changed: Option<PathBuf>,
    /// Every folder, whatever changed
    #[arg(long)]
    all: bool,
    /// A folder that terraform runs in; may be given again [default: each whose code names a backend]
    #[arg(long = "root", value_name = "DIR")]
    roots: Vec<String>,
    /// A file or folder that concerns every folder of code; may be given again. The policy does by itself
    #[arg(long = "shared", value_name = "PATH")]
    shared: Vec<String>,
    /// How a folder's managed state is called: by the whole path (`envs/prod` is `envs-prod`), or by its last part (`prod`)
    #[arg(long, value_enum, default_value_t = Naming::Path)]
    state_names: Naming,
    /// The policy that the folders are held to
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_POLICY", hide_env_values = true)]
    policy: Option<String>,
    #[command(flatten)]
    child: ChildArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Naming {
    Path,
    Last,
}

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    args.child.begin(stage)?;
    let policy = args.policy.as_deref().filter(|policy| !policy.is_empty());
    if policy.is_none() && !args.child.is_own() {
        return Err(
            Failure::usage("no policy is named").hint("set PORTCULLIS_POLICY, or give `--policy FILE`")
        );
    }
    let mut found = Found::default();
    let roots = found.roots(args, stage)?;
    let change = match &args.since {
        Some(before) => Change::since(before, stage)?,
        None => None,
    };
    let changed: Option<Vec<String>> = match (&change, &args.changed) {
        (Some(change), _) => Some(change.files()?),
        (None, Some(path)) => Some(list::entries(&list::text(path, stage)?)),
        (None, None) => None,
    };
    let folders: BTreeSet<String> = match &changed {
        None => {
            if args.since.is_some() {
                found
                    .notes
                    .push("there is no commit before this one: every folder is looked at".to_owned());
            }
            roots.folders().map(str::to_owned).collect()
        }
        Some(changed) => {
            let mut shared: Vec<&str> = args.shared.iter().map(String::as_str).collect();
            shared.extend(policy);
            let mut folders = touched(&roots, changed.iter().map(String::as_str), &shared).folders;
            folders.extend(found.unreadable.iter().cloned());
            folders
        }
    };
    let mut gone = match &changed {
        Some(changed) => Found::gone(&roots, changed, change.as_ref())?,
        None => BTreeMap::new(),
    };
    let (states, moved) = states(&roots, &mut gone, args.state_names, stage)?;
    found.notes.extend(moved);
    let stacks = stacks(&folders, &gone, &states);
    if stacks.is_empty() {
        found
            .notes
            .push("the change touches no folder of Terraform code".to_owned());
    }
    let jobs = args.child.jobs(jobs::plan());
    let mut fan_out = FanOut::new(Kind::Folders, &jobs, Stack::number(stacks));
    fan_out.notes = found.notes;
    let variables: Vec<(&str, &str)> = policy
        .map(|policy| ("PORTCULLIS_POLICY", policy))
        .into_iter()
        .collect();
    args.child.write(&fan_out, jobs, &variables, stage)
}

/// What was found on the way.
#[derive(Default)]
struct Found {
    notes: Vec<String>,
    /// Folders whose code cannot be read, so that nobody knows what they use.
    unreadable: BTreeSet<String>,
}

/// How deep folders are looked through.
const DEEPEST: usize = 16;

impl Found {
    /// The folders that terraform runs in, with the modules they use.
    fn roots(&mut self, args: &Args, stage: &Stage) -> Result<Roots, Failure> {
        let mut named: BTreeSet<String> = args.roots.iter().map(|root| normal(root)).collect();
        if named.is_empty() {
            for folder in with_code(Path::new("."))? {
                if self.keeps_a_state(&folder, stage)? {
                    named.insert(folder);
                }
            }
            if named.is_empty() {
                return Err(Failure::usage("no folder here has code that names a backend")
                    .hint("run it in the repository's own folder, or name the folders with `--root DIR`"));
            }
        }
        let mut roots = Roots::default();
        for root in named {
            match stage.read_code(&place(&root), &[]) {
                Ok(code) => roots.add(&root, code.folders()),
                // Its own chain will say where.
                Err(failure) if has_code(&place(&root)) => {
                    let text = failure.to_text(stage.redactor());
                    let line = text.lines().next().unwrap_or_default();
                    let line = line.strip_prefix("error: ").unwrap_or(line);
                    self.notes.push(format!("looked at whatever changed: {line}"));
                    roots.add(&root, []);
                    self.unreadable.insert(root);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(roots)
    }

    /// Whether the folder's own code names a backend. Code that cannot be read may.
    fn keeps_a_state(&self, folder: &str, stage: &Stage) -> Result<bool, Failure> {
        let files = stage.read_named(&place(folder), Configuration::reads, LARGEST_CODE)?;
        Ok(Configuration::read(files).map_or(true, |code| names_a_backend(&code)))
    }

    /// Folders that kept a state before the change, and do no more, with the reason. What a list of paths alone does not tell
    /// counts when the whole folder is gone.
    fn gone(
        roots: &Roots,
        changed: &[String],
        change: Option<&Change<'_>>,
    ) -> Result<BTreeMap<String, &'static str>, Failure> {
        let there: BTreeSet<&str> = roots.folders().collect();
        let mut files: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for path in changed {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let folder = normal(folder);
            if is_code(name) && !there.contains(folder.as_str()) {
                files.entry(folder).or_default().push(path);
            }
        }
        let mut gone = BTreeMap::new();
        for (folder, paths) in files {
            let is_left = has_code(&place(&folder));
            let kept_a_state = match change {
                None => !is_left,
                Some(change) => {
                    let mut before = Vec::new();
                    for path in paths {
                        if let Some(text) = change.before(path)? {
                            let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
                            before.push((name.to_owned(), text));
                        }
                    }
                    Configuration::read(before).map_or(!is_left, |code| names_a_backend(&code))
                }
            };
            if kept_a_state {
                gone.insert(folder, if is_left { NO_BACKEND } else { GONE });
            }
        }
        Ok(gone)
    }
}

const GONE: &str = "the change takes it away: what its managed state holds stays, and nothing manages it any more; \
                    destroy it before the code goes";
const NO_BACKEND: &str = "its code names no backend any more: terraform would begin a new state, and leave what the managed one \
                          holds";

fn names_a_backend(code: &Configuration) -> bool {
    let is_own = |path: &str| !path.contains('/');
    code.facts()
        .iter()
        .any(|fact| matches!(fact.kind, FactKind::Backend(_)) && is_own(&fact.path))
}

/// Every folder below with code in it, hidden ones and links left out, relative to it.
fn with_code(top: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let path = top.join(&folder);
        let mut has_code = false;
        let entries =
            std::fs::read_dir(&path).map_err(|error| Failure::unreadable_in(path.display(), error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Failure::unreadable_in(path.display(), error))?;
            // A name that is no text can stand in no pipeline.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !name.starts_with('.') && depth < DEEPEST {
                open.push((normal(&format!("{folder}/{name}")), depth + 1));
            }
            has_code |= !is_folder && is_code(&name);
        }
        if has_code {
            found.push(folder);
        }
    }
    Ok(found)
}

fn has_code(folder: &Path) -> bool {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            let name = entry.file_name();
            Configuration::reads(&name.to_string_lossy())
        })
}

/// Code, and no file of values.
fn is_code(name: &str) -> bool {
    Configuration::reads(name) && !name.contains(".tfvars")
}

fn place(folder: &str) -> PathBuf {
    Path::new(".").join(folder)
}

/// The managed state of each folder, touched or not. No two may share one: the second would destroy what the first made.
///
/// A folder that is gone leaves its state to whoever has it now: then it was moved, and is taken out of `gone` and told.
fn states(
    roots: &Roots,
    gone: &mut BTreeMap<String, &'static str>,
    naming: Naming,
    stage: &Stage,
) -> Result<(BTreeMap<String, String>, Vec<String>), Failure> {
    let state_of = |folder: &str| match naming {
        _ if folder.is_empty() => stage
            .variable("PORTCULLIS_STATE_NAME")
            .unwrap_or("default")
            .to_owned(),
        Naming::Path => folder.replace('/', "-"),
        Naming::Last => folder.rsplit('/').next().unwrap_or(folder).to_owned(),
    };
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    let mut states = BTreeMap::new();
    for folder in roots.folders() {
        let state = state_of(folder);
        if let Some(other) = owners.insert(state.clone(), folder) {
            return Err(Failure::usage(SameState {
                one: other.to_owned(),
                other: folder.to_owned(),
                state,
            })
            .hint("rename one of the folders, or choose the other of `--state-names`"));
        }
        states.insert(folder.to_owned(), state);
    }
    let mut moved = Vec::new();
    gone.retain(|folder, _| {
        let state = state_of(folder);
        let Some(owner) = owners.get(&state) else {
            states.insert(folder.clone(), state);
            return true;
        };
        moved.push(format!(
            "{folder} is gone, and {owner} has its managed state {state} now"
        ));
        false
    });
    Ok((states, moved))
}

/// The stacks of the folders that are touched, and of those that are gone.
fn stacks(
    folders: &BTreeSet<String>,
    gone: &BTreeMap<String, &'static str>,
    states: &BTreeMap<String, String>,
) -> Vec<Stack> {
    let listed = states
        .iter()
        .filter(|(folder, _)| folders.contains(*folder) || gone.contains_key(*folder));
    listed
        .map(|(folder, state)| {
            let shown = if folder.is_empty() { "." } else { folder };
            let stack = Stack::of_folder(shown, state);
            // Whether GitLab could have such a state at all; the project is of no matter.
            match (gone.get(folder), StateAddress::new(Project::Id(0), state)) {
                (Some(why), _) => stack.left_out(*why),
                (None, Err(error)) => stack.left_out(error.to_string()),
                (None, Ok(_)) => stack,
            }
        })
        .collect()
}

#[derive(Debug, thiserror::Error)]
#[error("the folders {one} and {other} would share the managed state {state}")]
struct SameState {
    one: String,
    other: String,
    state: String,
}
