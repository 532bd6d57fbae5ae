//! The three views, from files or from GitLab.

use crate::command::Args;
use portcullis_report::{Location, Report};
use portcullis_secgroup::Inventory;
use portcullis_stage::{Failure, Stage, code_place};
use portcullis_terraform::{Address, Plan, ReadError, Sensitive, State, View};
use std::fmt;
use std::path::Path;

/// What the code declares, by its plan.
pub(crate) fn declared(args: &Args, stage: &Stage) -> Result<View, Failure> {
    let (path, config) = (&args.plan, args.config.as_deref());
    let unreadable = |error| unreadable(&path.display(), error);
    let text = stage.plan_json(path, config, args.terraform.as_deref())?;
    stage.mask_all(Sensitive::of_plan(&text).map_err(unreadable)?.values());
    let plan = Plan::read(&text).map_err(unreadable)?;
    let plan = match config {
        Some(folder) => plan.with_code(stage.read_code(folder, &[])?),
        None => plan,
    };
    plan.after().map_err(unreadable)
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

/// What the state records; `None` when no state is given, or GitLab has none yet.
pub(crate) fn recorded(args: &Args, stage: &Stage) -> Result<Option<View>, Failure> {
    let (text, what) = if let Some(path) = &args.state {
        (stage.read_text(path)?, path.display().to_string())
    } else if args.managed_state {
        let what = format!("the managed state {}", args.managed.state_name);
        match stage.managed_state(&args.managed.state_name)? {
            Some(text) => (text, what),
            None => {
                stage.say(format!("{what}: there is none yet, so nothing is recorded"));
                return Ok(Some(View::default()));
            }
        }
    } else {
        stage.say("no state is given: the column `recorded` stays open");
        return Ok(None);
    };
    let sensitive = Sensitive::of_state(&text).map_err(|error| unreadable(&what, error))?;
    stage.mask_all(sensitive.values());
    let view = State::read(&text)
        .and_then(|state| state.view())
        .map_err(|error| unreadable(&what, error))?;
    Ok(Some(view))
}

/// What EC2 has.
pub(crate) fn live(path: &Path, stage: &Stage) -> Result<Inventory, Failure> {
    let files = stage.read_texts(path, "json")?;
    portcullis_live::read_any(&files).map_err(|error| {
        let hint = error.hint();
        Failure::unreadable_in(path.display(), error).hint(hint)
    })
}

fn unreadable(what: &dyn fmt::Display, error: ReadError) -> Failure {
    let hint = error.hint();
    Failure::unreadable_in(what, error).hint(hint)
}
