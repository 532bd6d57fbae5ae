//! What the chains do, when the project does not say otherwise.

use portcullis_stacks::{Job, Yaml};

/// After the deploy: do the services of a state answer.
pub(crate) fn check() -> Vec<Job> {
    vec![Job::new(
        "check",
        ["check"],
        Yaml::map([(
            "script",
            Yaml::list(["portcullis-fan-out each check -- portcullis-check-services --managed-state"]),
        )]),
    )]
}

/// Before the merge: is the code allowed, and what would terraform do.
pub(crate) fn plan() -> Vec<Job> {
    let validate = "portcullis-fan-out each validate -- portcullis-validate --config={folder} --policy \
                    \"$PORTCULLIS_POLICY\" --artifacts {artifacts}";
    // Judged also when the plan of another folder in the same chain failed.
    let plan = [
        "code=0",
        "portcullis-fan-out each plan -- portcullis-plan --config={folder} || code=$?",
        "portcullis-fan-out each judge -- portcullis-validate --plan {artifacts}/plan.tfplan --config={folder} --policy \
         \"$PORTCULLIS_POLICY\" --artifacts {artifacts} || code=$?",
        "exit \"$code\"",
    ];
    // As in ci/base.yml: GitLab's identity token, in the file from which terraform and the AWS SDK read it.
    let sign_in = "if [ -n \"${AWS_ROLE_ARN:-}\" ]; then export AWS_WEB_IDENTITY_TOKEN_FILE=\"$(mktemp)\"; \
                   printf '%s' \"$PORTCULLIS_ID_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"; fi";
    let token = Yaml::map([("aud", "sts.amazonaws.com".into())]);
    vec![
        // No credentials for AWS in this job: the code is enough.
        Job::new(
            "validate",
            ["validate"],
            Yaml::map([("script", Yaml::list([validate]))]),
        ),
        Job::new(
            "plan",
            ["plan", "judge"],
            Yaml::map([
                ("id_tokens", Yaml::map([("PORTCULLIS_ID_TOKEN", token)])),
                ("before_script", Yaml::list([sign_in])),
                ("script", Yaml::list(plan)),
            ]),
        ),
    ]
}

/// What the child pipeline's last job runs. One message, whatever came of it; the job still ends as the report did.
pub(crate) fn report() -> Vec<String> {
    [
        "code=0",
        "portcullis-fan-out report --write junit=portcullis/stacks.junit.xml || code=$?",
        // Without the list of stacks there is no report, and that must be told, too.
        "if [ -s portcullis/stacks.json ]; then portcullis-notify stacks; else portcullis-notify failed; fi",
        "exit \"$code\"",
    ]
    .map(str::to_owned)
    .to_vec()
}
