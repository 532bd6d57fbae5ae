# Read by the shell of every job before it runs the job's script (BASH_ENV, set by pipeline.mjs): what a runner does.
# GitLab's stand-in gives the job its number, token and person; at the end it is told how the job ended.
if [ -n "${CI_JOB_NAME:-}" ] && [ -z "${PORTCULLIS_RUNNER_JOB:-}" ]; then
    eval "$(node "$PORTCULLIS_RUNNER/job.mjs" take)"
    trap 'node "$PORTCULLIS_RUNNER/job.mjs" end "$?"' EXIT
fi
