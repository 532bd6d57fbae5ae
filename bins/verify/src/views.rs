//! The three views, from files or from GitLab.

use crate::command::Args;
use portcullis_consistency::ConsistencyReport;
use portcullis_live::cloudtrail::{self, Event};
use portcullis_report::{Location, Report};
use portcullis_secgroup::Inventory;
use portcullis_stage::{Failure, Stage, code_place};
use portcullis_terraform::{Address, Plan, ReadError, Sensitive, State, View};
use std::fmt;
use std::path::{Path, PathBuf};

/// What the code declares, and what its plan found before.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) view: View,
    pub(crate) before: Option<View>,
    /// What the code alone does not tell.
    pub(crate) missing: Vec<String>,
    /// Why the plan does not tell everything.
    pub(crate) partial: Vec<String>,
}

/// What the code declares, by its plan, else by itself.
pub(crate) fn declared(args: &Args, stage: &Stage) -> Result<Declared, Failure> {
    let config = args.config.as_deref();
    let Some(path) = &args.plan else {
        let Some(folder) = config else {
            return Err(Failure::internal("clap asks for --plan or --config"));
        };
        let declared = stage.read_code(folder, &args.var_file)?.declared();
        let declared = declared.map_err(|error| unreadable(&folder.display(), error))?;
        return Ok(Declared {
            view: declared.view,
            before: None,
            missing: declared.missing,
            partial: Vec::new(),
        });
    };
    let unreadable = |error| unreadable(&path.display(), error);
    let text = stage.plan_json(path, config, args.terraform.as_deref())?;
    stage.mask_all(Sensitive::of_plan(&text).map_err(unreadable)?.values());
    let plan = Plan::read(&text).map_err(unreadable)?;
    if let Some(folder) = config.filter(|_| plan.is_refresh_only()) {
        return by_code(folder, path, &text, stage);
    }
    let plan = match config {
        Some(folder) => plan.with_code(stage.read_code(folder, &[])?),
        None => plan,
    };
    Ok(Declared {
        view: plan.after().map_err(unreadable)?,
        before: Some(plan.before().map_err(unreadable)?),
        missing: Vec::new(),
        partial: plan.partial().to_vec(),
    })
}

/// What the code declares with the values that a plan of `-refresh-only` was made with: of itself, that plan declares nothing.
fn by_code(folder: &Path, plan: &Path, text: &str, stage: &Stage) -> Result<Declared, Failure> {
    let document: serde_json::Value = serde_json::from_str(text).map_err(Failure::internal)?;
    let variables = document.get("variables").and_then(serde_json::Value::as_object);
    let values: serde_json::Map<String, serde_json::Value> = variables
        .into_iter()
        .flatten()
        .filter_map(|(name, variable)| Some((name.clone(), variable.get("value")?.clone())))
        .collect();
    let values = serde_json::Value::Object(values).to_string();
    let mut code = stage.read_code(folder, &[])?;
    code.add_values("variables of the plan.json", &values)
        .map_err(|error| Failure::unreadable_in(plan.display(), error))?;
    let declared = code
        .declared()
        .map_err(|error| unreadable(&folder.display(), error))?;
    Ok(Declared {
        view: declared.view,
        missing: declared.missing,
        ..Declared::default()
    })
}

/// Each finding with the place in the code of the group it is about.
pub(crate) fn located(mut report: Report, config: Option<&Path>, stage: &Stage) -> Result<Report, Failure> {
    let Some(folder) = config.filter(|_| !report.findings.is_empty()) else {
        return Ok(report);
    };
    let code = stage.read_code(folder, &[])?;
    for finding in &mut report.findings {
        let address = finding.group.address.as_deref().and_then(Address::parse);
        let block = address.and_then(|address| code.find(&address));
        finding.location = block.map(|block| Location {
            path: code_place(folder, &block.path),
            line: block.line,
        });
    }
    Ok(report)
}

/// What the state records; without view when no state is given.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) view: Option<View>,
    pub(crate) serial: Option<u64>,
    pub(crate) lineage: Option<String>,
}

pub(crate) fn recorded(args: &Args, stage: &Stage) -> Result<Recorded, Failure> {
    let (text, what) = if let Some(path) = &args.state {
        (stage.read_text(path)?, path.display().to_string())
    } else if args.managed_state {
        let what = format!("the managed state {}", args.managed.state_name);
        match stage.managed_state(&args.managed.state_name)? {
            Some(text) => (text, what),
            None => {
                stage.say(format!("{what}: there is none yet, so nothing is recorded"));
                return Ok(Recorded {
                    view: Some(View::default()),
                    ..Recorded::default()
                });
            }
        }
    } else {
        stage.say("no state is given: the column `recorded` stays open");
        return Ok(Recorded::default());
    };
    let sensitive = Sensitive::of_state(&text).map_err(|error| unreadable(&what, error))?;
    stage.mask_all(sensitive.values());
    let state = State::read(&text).map_err(|error| unreadable(&what, error))?;
    Ok(Recorded {
        view: Some(state.view().map_err(|error| unreadable(&what, error))?),
        serial: state.serial,
        lineage: state.lineage,
    })
}

/// What EC2 has.
pub(crate) fn live(path: &Path, stage: &Stage) -> Result<Inventory, Failure> {
    let files = stage.read_texts(path, "json")?;
    portcullis_live::read_any(&files).map_err(|error| {
        let hint = error.hint();
        Failure::unreadable_in(path.display(), error).hint(hint)
    })
}

/// CloudTrail's events that changed rules.
pub(crate) fn events(paths: &[PathBuf], stage: &Stage) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    for path in paths {
        for (_, text) in stage.read_texts(path, "json")? {
            let read = cloudtrail::read(&text).map_err(|error| {
                let hint = error.hint();
                Failure::unreadable_in(path.display(), error).hint(hint)
            })?;
            events.extend(read);
        }
    }
    Ok(events)
}

/// An earlier comparison. That there is none, or that it can't be read, is said, and is no failure: then all that differs is
/// new.
pub(crate) fn last(path: &Path, stage: &Stage) -> Option<ConsistencyReport> {
    let read = stage
        .read_text(path)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display())));
    read.inspect_err(|error| stage.say(format!("no earlier comparison: {error}")))
        .ok()
}

fn unreadable(what: &dyn fmt::Display, error: ReadError) -> Failure {
    let hint = error.hint();
    Failure::unreadable_in(what, error).hint(hint)
}
