// `take` starts the job whose name is in the environment and prints its own variables for the shell; `end CODE` ends it.
import { appendFileSync } from "node:fs";

const { CI_SERVER_URL: gitlab, CI_JOB_NAME: name, CI_JOB_STAGE: stage, PORTCULLIS_RUNNER_WORK: work } = process.env;
const [what, code] = process.argv.slice(2);

async function ask(method, path, body) {
    const answer = await fetch(`${gitlab}/-/runner/${path}`, { method, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer.status === 204 ? null : answer.json();
}

if (what === "take") {
    const manual = (process.env.PORTCULLIS_RUNNER_PLAYED ?? "").split(",").includes(name);
    const { id, variables } = await ask("POST", "jobs", { name, stage, manual });
    // Where gitlab-ci-local has put the checkout; it tells the folder of a container.
    const safe = name.replace(/[^\w-]+/g, (text) => Buffer.from(text).toString("base64url"));
    variables.CI_PROJECT_DIR = `${process.cwd()}/.gitlab-ci-local/builds/${safe}`;
    variables.PORTCULLIS_RUNNER_JOB = id;
    for (const [key, value] of Object.entries(variables)) {
        console.log(`export ${key}='${String(value).replaceAll("'", "'\\''")}'`);
    }
} else {
    await ask("PUT", `jobs/${process.env.PORTCULLIS_RUNNER_JOB}`, { exit_code: Number(code) });
    appendFileSync(`${work}/jobs.jsonl`, JSON.stringify({ name, code: Number(code) }) + "\n");
}
