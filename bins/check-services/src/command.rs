//! Finds whom to ask, asks, writes down the answers.

use crate::{change, facts};
use clap::ArgGroup;
use portcullis_page::{Context, ServicesPage};
use portcullis_probe::client::{Settings, Trust, ask};
use portcullis_probe::{
    Control, Expectation, Expectations, Selection, ServicesReport, Targets, Wants, add_closed, targets,
};
use portcullis_report::text::clean;
use portcullis_report::{FORMAT_VERSION, Format, Tool};
use portcullis_secgroup::Inventory;
use portcullis_stage::{ArtifactArgs, Exit, Failure, FormatArgs, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// Asks the members of the groups that are open to the internet, and what a change closed
///
/// Whom to ask comes from facts: from states, from EC2, or from all together. Each public address of each member is asked on
/// each TCP port that the group opens to the whole internet; with --change, what was closed must not answer. Every member is
/// reported, even if the first fails. Writes services.json, services.txt and services.html.
#[derive(Debug, clap::Parser)]
#[command(name = "portcullis-check-services", version, after_help = EXAMPLES)]
#[command(group = ArgGroup::new("facts").args(["state", "managed_state", "live"]).required(true).multiple(true))]
pub(crate) struct Args {
    /// A state, as `terraform state pull` gives it; may be given again
    #[arg(long, value_name = "FILE", conflicts_with = "managed_state")]
    pub(crate) state: Vec<PathBuf>,
    /// Read the state that GitLab manages
    #[arg(long)]
    pub(crate) managed_state: bool,
    /// Name of the state that GitLab manages; may be given again, or with commas
    #[arg(
        long,
        value_name = "NAME",
        env = "PORTCULLIS_STATE_NAME",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "default"
    )]
    pub(crate) state_name: Vec<String>,
    /// What EC2 has: a live.json, or a folder of EC2's answers as the AWS CLI prints them; may be given again
    #[arg(long, value_name = "PATH")]
    pub(crate) live: Vec<PathBuf>,
    /// Only this group, by name (`*` stands for any characters), id or Terraform address; may be given again
    /// [default: each group that is open to the internet]
    #[arg(
        long = "group",
        value_name = "NAME|ID",
        env = "PORTCULLIS_GROUP",
        hide_env_values = true,
        value_delimiter = ','
    )]
    groups: Vec<String>,
    /// Only groups that carry this tag; may be given again, then all are meant
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// Of the open ports only this one; may be given again [default: each]
    #[arg(long = "port", value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    ports: Vec<u16>,
    /// What the services of each group should answer
    #[arg(long, value_name = "FILE", env = "PORTCULLIS_EXPECT", hide_env_values = true)]
    expect: Option<PathBuf>,
    /// What to ask for where --expect says nothing
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// What must be answered where --expect says nothing
    #[arg(long, value_name = "STATUS", default_value_t = 200)]
    status: u16,
    /// A change whose closings are checked: its exposure.json, or its plan's JSON
    #[arg(long, value_name = "FILE")]
    change: Option<PathBuf>,
    /// A place that always takes connections: where it does not, silence says nothing; may be given again
    #[arg(long = "control", value_name = "HOST:PORT")]
    controls: Vec<Control>,
    /// Trust these certificate authorities (PEM) beside those of this machine
    #[arg(long = "ca", value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Say what is another than in this earlier services.json
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// How long to ask again what is not as expected, since services start late; 0 asks once
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u16,
    /// How long one attempt may take
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    attempt: Duration,
    /// How many are asked at the same time
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    at_once: u16,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    artifacts: ArtifactArgs,
}

const EXAMPLES: &str = "\
Examples:
  portcullis-check-services --managed-state --live portcullis/live.json --group web --change portcullis/exposure.json
  portcullis-check-services --managed-state --state-name shop,blog --expect services.yaml --control example.org:443
  portcullis-check-services --state state.json --path /health --timeout 120
  portcullis-check-services --live ec2-answers/ --port 8000 --format json --compare yesterday/services.json

With --managed-state it reads CI_API_V4_URL, CI_PROJECT_ID and CI_JOB_TOKEN.

Exit codes (docs/exit-codes.md):
  0 all as expected · 1 one is not · 2 cannot tell, not testable from here, or nothing to ask
  64 wrong usage or bad expectations · 65 unreadable state, recording or change · 69 GitLab not available";

const JSON: &str = "services.json";
const TEXT: &str = "services.txt";
const PAGE: &str = "services.html";

pub(crate) fn run(args: &Args, stage: &Stage) -> Result<Exit, Failure> {
    // Before anything is taken away: it may be the file that this run writes anew.
    let earlier = earlier(args, stage)?;
    args.format.clear(stage)?;
    let expectations = expectations(args, stage)?;
    let settings = settings(args, stage)?;
    let artifacts = stage.artifacts(&args.artifacts.folder);
    // Earlier answers must not be taken for these.
    artifacts.remove(JSON)?;
    artifacts.remove(TEXT)?;
    artifacts.remove(PAGE)?;

    let inventory = facts::gather(args, stage)?;
    let found = find(args, &inventory, &expectations, settings.loopback, stage)?;
    let time = stage.now().to_string();
    if !found.targets.is_empty() {
        stage.say(asking(&found, args.timeout, settings.longest(&found.targets)));
    }
    let checks = stage
        .block_on(ask(&found.targets, &settings))
        .map_err(Failure::internal)?;

    let mut report = ServicesReport::new(checks, &found).asked_at(time, stage.ci().pipeline_id);
    if let Some(earlier) = &earlier {
        report = report.compared_with(earlier);
    }
    artifacts.write_text(JSON, &report.to_json().map_err(Failure::internal)?)?;
    artifacts.write_text(TEXT, &report.to_text())?;
    let page = ServicesPage {
        context: &Context::of_job(&stage.ci()),
        services: &report,
    };
    artifacts.write_text(PAGE, &page.to_html())?;
    // The other formats know findings only. These have no place in the code: the document stands for it.
    let findings = report.to_report();
    let tool = Tool::new(
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION"),
        artifacts.path(JSON).to_string_lossy(),
    );
    let render = |format| match format {
        Format::Text => Ok(report.to_text()),
        Format::Json => report.to_json(),
        Format::Markdown => Ok(report.to_markdown()),
        other => findings.render(other, &tool),
    };
    args.format.write(stage, render)?;
    stage.out(render(args.format.format).map_err(Failure::internal)?)?;
    Ok(report.verdict.into())
}

fn expectations(args: &Args, stage: &Stage) -> Result<Expectations, Failure> {
    let default = Expectation::new(args.path.as_str(), args.status)
        .map_err(|error| Failure::usage(error).hint("such as `--path /health --status 200`"))?;
    // A variable that is set to nothing names no file.
    let Some(path) = args.expect.as_ref().filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(Expectations::all(default));
    };
    let text = stage.read_text(path).map_err(|error| {
        let hint = error.hint();
        Failure::policy(error).maybe_hint(hint)
    })?;
    Expectations::read(&text, default).map_err(|error| {
        let hint = error.hint();
        Failure::policy(format!("{}: {error}", path.display())).hint(hint)
    })
}

fn earlier(args: &Args, stage: &Stage) -> Result<Option<ServicesReport>, Failure> {
    let Some(path) = &args.compare else {
        return Ok(None);
    };
    let unreadable = |error: String| {
        Failure::unreadable_in(path.display(), error).hint("give the services.json of an earlier run")
    };
    let report: ServicesReport =
        serde_json::from_str(&stage.read_text(path)?).map_err(|error| unreadable(error.to_string()))?;
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(&report.format_version) != major(FORMAT_VERSION) {
        return Err(unreadable(format!(
            "it has the format version {}, and this version reads {FORMAT_VERSION}",
            clean(&report.format_version)
        )));
    }
    Ok(Some(report))
}

/// Who should answer, and who should not.
fn find(
    args: &Args,
    inventory: &Inventory,
    expectations: &Expectations,
    loopback: bool,
    stage: &Stage,
) -> Result<Targets, Failure> {
    // A variable that is set to nothing selects nothing, and a list may have spaces behind its commas.
    let groups = args.groups.iter().map(|group| group.trim());
    let selection = Selection {
        groups: groups
            .filter(|group| !group.is_empty())
            .map(str::to_owned)
            .collect(),
        tags: args.tags.iter().cloned().collect::<BTreeMap<_, _>>(),
        ports: args.ports.clone(),
        loopback,
    };
    let mut found = targets(inventory, &selection, expectations);
    let mut closings = expectations.closings(inventory);
    if let Some(path) = &args.change {
        let change = change::read(path, stage)?;
        if change.closings.is_empty() {
            found
                .notes
                .push("the change closes nothing to the internet".to_owned());
        }
        found.incomplete |= !change.unknown.is_empty();
        found.notes.extend(change.unknown);
        closings.extend(change.closings);
    }
    add_closed(&mut found, inventory, &closings);
    Ok(found)
}

fn asking(found: &Targets, timeout: u16, longest: Duration) -> String {
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (answer, silence): (Vec<_>, Vec<_>) = found
        .targets
        .iter()
        .partition(|target| target.wants() == Wants::Answer);
    let members: BTreeSet<&str> = found
        .targets
        .iter()
        .map(|target| target.member.as_str())
        .collect();
    let mut what = Vec::new();
    if !answer.is_empty() {
        what.push(plural(answer.len(), "service"));
    }
    if !silence.is_empty() {
        what.push(plural(silence.len(), "closed port"));
    }
    let once = if timeout == 0 { "once, " } else { "" };
    let members = plural(members.len(), "member");
    format!(
        "asking {} of {members}, {once}for up to {} s",
        what.join(" and "),
        longest.as_secs_f64().ceil()
    )
}

/// However impatient the caller: a service that starts needs its machine for itself.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

fn settings(args: &Args, stage: &Stage) -> Result<Settings, Failure> {
    let usual = Settings::default();
    let trust = match &args.authorities {
        None => Trust::default(),
        Some(path) => Trust::default().also(&stage.read_text(path)?).map_err(|error| {
            Failure::unreadable_in(path.display(), error)
                .hint("give certificates as PEM: text between BEGIN CERTIFICATE and END CERTIFICATE")
        })?,
    };
    Ok(Settings {
        attempt: args.attempt,
        patience: Duration::from_secs(args.timeout.into()),
        wait: stage.retry_wait().unwrap_or(usual.wait).max(SHORTEST_WAIT),
        at_once: args.at_once.into(),
        trust,
        controls: args.controls.clone(),
        loopback: may_ask_loopback(stage)?,
        ..usual
    })
}

/// The variable that allows to ask this machine itself.
const LOOPBACK: &str = "PORTCULLIS_ASK_LOOPBACK";

/// Whether addresses of this machine may be asked: for tests and the demo. No fact from outside can say so.
fn may_ask_loopback(stage: &Stage) -> Result<bool, Failure> {
    match stage.variable(LOOPBACK) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(
            Failure::usage(format!("the variable {LOOPBACK} is neither true nor false"))
                .hint("unset it: it is for tests and demos, in which services listen on this machine"),
        ),
    }
}

fn tag(text: &str) -> Result<(String, String), &'static str> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = pair.ok_or("write KEY=VALUE, such as team=shop")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// More than nothing, at most ten minutes.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (0.01..=600.0).contains(seconds));
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or("a number of seconds from 0.01 to 600")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
