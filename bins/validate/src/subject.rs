//! What is judged: a plan, a state, or the live view.

use crate::command::Args;
use portcullis_compliance::{Hidden, Subject};
use portcullis_stage::{Failure, Stage};
use portcullis_terraform::{Configuration, Plan, ReadError, Sensitive, State, View};
use std::path::Path;

/// What is judged, what of it must not be shown, and a plan's rules before and after where artifacts are written.
pub(crate) type Read = (Subject, Hidden, Option<(View, View)>);

pub(crate) fn read(args: &Args, code: Option<&Configuration>, stage: &Stage) -> Result<Read, Failure> {
    match (&args.plan, &args.state, &args.live) {
        (Some(plan), state, _) => planned(args, plan, state.as_deref(), code, stage),
        (None, Some(state), _) => {
            let view = read_state(state, stage)?
                .view()
                .map_err(|error| unreadable(state, error))?;
            Ok((Subject::recorded(&view), Hidden::of(&[&view]), None))
        }
        (None, None, Some(live)) => {
            let files = stage.read_texts(live, "json")?;
            let inventory = portcullis_live::read_any(&files).map_err(|error| {
                let hint = error.hint();
                Failure::unreadable_in(live.display(), error).hint(hint)
            })?;
            Ok((Subject::live(&inventory), Hidden::default(), None))
        }
        // clap asks for one of them; --config alone does not come here.
        (None, None, None) => Err(Failure::internal("nothing to judge")),
    }
}

fn planned(
    args: &Args,
    path: &Path,
    state: Option<&Path>,
    code: Option<&Configuration>,
    stage: &Stage,
) -> Result<Read, Failure> {
    let file = stage.plan_file(path, args.config.as_deref(), args.terraform.as_deref())?;
    let text = file.text()?;
    let plan = match Plan::read(text) {
        Ok(plan) => plan,
        Err(error) => {
            // What is wrong may be told with a value that nobody should see.
            if let Ok(sensitive) = Sensitive::of_plan(text) {
                stage.mask_all(sensitive.values());
            }
            return Err(unreadable(path, error));
        }
    };
    stage.mask_all(plan.sensitive().values());
    // A plan keeps nothing of its text, which may be the largest thing in memory.
    drop(file);
    let plan = match code {
        Some(code) => plan.with_code(code.clone()),
        None => plan,
    };
    let after = plan.after().map_err(|error| unreadable(path, error))?;
    let mut before = plan.before().map_err(|error| unreadable(path, error))?;
    let subject = match state.filter(|_| before.groups.is_empty()) {
        Some(state) => {
            before = read_state(state, stage)?
                .view()
                .map_err(|error| unreadable(state, error))?;
            Subject::planned_on_state(&after, &before, plan.partial())
        }
        None => Subject::planned(&after, &before, plan.partial()),
    };
    let hidden = Hidden::of(&[&after, &before]);
    // The page shows them; nobody else asks for them again.
    let views = (before, after);
    let shown = if args.artifacts.is_some() {
        Some(views)
    } else {
        std::mem::forget(views);
        None
    };
    // The process ends soon: taking a large plan apart, value by value, would be a tenth of its time.
    std::mem::forget(plan);
    Ok((subject, hidden, shown))
}

fn read_state(path: &Path, stage: &Stage) -> Result<State, Failure> {
    let text = stage.read_text(path)?;
    let sensitive = Sensitive::of_state(&text).map_err(|error| unreadable(path, error))?;
    stage.mask_all(sensitive.values());
    State::read(&text).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: ReadError) -> Failure {
    let hint = error.hint();
    Failure::unreadable_in(path.display(), error).hint(hint)
}
