//! After an apply that failed: what was done, and what to do next.

use portcullis_stage::{Artifacts, Failure, Stage};
use std::collections::BTreeSet;
use std::path::Path;

/// Where terraform leaves a state that it could not store, and under which name it is kept.
pub(crate) const UNSTORED: &str = "errored.tfstate";

/// How many addresses one line names.
const NAMED: usize = 20;

/// Keeps the state that terraform could not store: the job's folder is gone when the job ends.
pub(crate) fn keep_unstored(stage: &Stage, artifacts: &Artifacts, config: &Path) -> Result<bool, Failure> {
    let path = config.join(UNSTORED);
    if !path.is_file() {
        return Ok(false);
    }
    if !stage.write_sealed(artifacts, UNSTORED, &stage.read_bytes(&path)?)? {
        stage.say(format!(
            "WARNING: {UNSTORED} holds the whole state IN CLEAR: it is the only one, and everybody who may download this \
             job's artifacts can read it"
        ));
    }
    Ok(true)
}

/// Terraform takes the lock before it touches anything.
pub(crate) fn was_locked(transcript: &str) -> bool {
    transcript.contains("Error acquiring the state lock")
}

/// What was done before it failed, by terraform's own words: `ADDRESS: Creation complete after 1s`.
pub(crate) fn what_was_done(transcript: &str) -> Vec<String> {
    let addresses = |words: &[&str]| -> Vec<&str> {
        let mut seen = BTreeSet::new();
        transcript
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(_, said)| words.iter().any(|word| said.starts_with(word)))
            .map(|(address, _)| address.trim())
            .filter(|address| seen.insert(*address))
            .collect()
    };
    let done = addresses(&[
        "Creation complete",
        "Modifications complete",
        "Destruction complete",
    ]);
    let begun = addresses(&["Creating...", "Modifying...", "Destroying..."]);
    let open: Vec<&str> = begun
        .into_iter()
        .filter(|address| !done.contains(address))
        .collect();
    let line = |what: &str, addresses: &[&str]| {
        let more = match addresses.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named: Vec<&str> = addresses.iter().take(NAMED).copied().collect();
        (!addresses.is_empty()).then(|| format!("{what}: {}{more}", named.join(", ")))
    };
    [
        line("applied before it failed", &done),
        line("begun, and not finished", &open),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What to do after a failed apply, in the order in which it must be done.
pub(crate) fn what_to_do(transcript: &str, unstored: bool, holder: Option<&str>, terraform: &str) -> String {
    if was_locked(transcript) {
        let holder = holder.map_or_else(String::new, |holder| format!(" ({holder})"));
        return format!(
            "nothing was applied, since the state could not be locked{holder}: if another job holds the lock, wait for it and \
             play this job again; if no job runs, a killed one left it: unlock the state in GitLab (Operate, Terraform \
             states), as a Maintainer, then start a new pipeline; if GitLab says \"invalid auth\", somebody with the \
             Maintainer role has to play it"
        );
    }
    let dead = "the saved plan is dead, and a part of it may be done: do not play this job again";
    if unstored {
        format!(
            "{dead}; the new state could not be stored and is kept as {UNSTORED} among the artifacts (sealed, if there is a \
             PORTCULLIS_PLAN_KEY: open it with `portcullis-deploy --unseal {UNSTORED}`): store it first with \
             `{terraform} state push {UNSTORED}`, then start a new pipeline, which plans what is left"
        )
    } else {
        format!(
            "{dead}; mend what terraform names above, then start a new pipeline, which plans what is left; should that say \
             that the state is locked, unlock it in GitLab (Operate, Terraform states) when no job runs"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_was_not_stored_comes_first() {
        let hint = |unstored, terraform| what_to_do("Error: Throttled", unstored, None, terraform);
        assert!(!hint(false, "terraform").contains("state push"));
        assert!(hint(true, "tofu").contains("`tofu state push errored.tfstate`"));
    }

    #[test]
    fn without_the_lock_nothing_was_applied_and_how_to_free_it_is_told() {
        let locked = "Error: Error acquiring the state lock\n";
        insta::assert_snapshot!(
            "locked",
            what_to_do(
                locked,
                false,
                Some("grace holds it since 2026-11-24T03:00:00Z"),
                "terraform"
            )
        );
        assert!(!what_to_do(locked, false, None, "terraform").contains("dead"));
    }

    #[test]
    fn what_was_done_is_told_by_address() {
        let transcript = "aws_vpc.a: Refreshing state... [id=vpc-1]\naws_vpc.a: Creating...\naws_vpc.a: Still creating... [10s elapsed]\n\
             aws_vpc.a: Creation complete after 11s [id=vpc-1]\nmodule.x[\"a: b\"].aws_eip.b: Modifying... [id=e]\n\
             aws_sg.c: Destroying... [id=sg-1]\naws_sg.c: Destruction complete after 0s\naws_sg.d: Creating...\nError: boom\n";
        assert_eq!(
            what_was_done(transcript),
            [
                "applied before it failed: aws_vpc.a, aws_sg.c",
                "begun, and not finished: aws_sg.d"
            ]
        );
        assert_eq!(what_was_done("Error: boom\n"), [""; 0]);
        let many: String = (0..30).map(|n| format!("a.b{n}: Creation complete\n")).collect();
        assert!(what_was_done(&many)[0].ends_with("a.b19 and 10 more"));
    }
}
