# Read by the shell of every job before it runs the job's script (BASH_ENV, set by pipeline.mjs): what a runner does.
# GitLab's stand-in gives the job its number, token and person; at the end it is told how the job ended.
if [ -n "${CI_JOB_NAME:-}" ] && [ -z "${PORTCULLIS_RUNNER_JOB:-}" ]; then
    taken="$PORTCULLIS_RUNNER_WORK/job-$CI_JOB_ID"
    if [ -e "$taken.sh" ]; then
        # Its after_script, in a shell of its own; gitlab-ci-local has made the checkout anew, which a runner does not.
        # shellcheck source=/dev/null # written by the driver, for this run
        . "$taken.sh"
        cp -a "$taken/." "$CI_PROJECT_DIR/"
    else
        node "$PORTCULLIS_RUNNER/job.mjs" take > "$taken.sh"
        # shellcheck source=/dev/null # written by the driver, for this run
        . "$taken.sh"
        export PORTCULLIS_RUNNER_LEFT="$taken"
        trap 'node "$PORTCULLIS_RUNNER/job.mjs" end "$?"; cp -a "$CI_PROJECT_DIR/." "$PORTCULLIS_RUNNER_LEFT"' EXIT
    fi
    unset taken
fi
