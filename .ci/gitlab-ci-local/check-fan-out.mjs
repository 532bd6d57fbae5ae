// Executes a chain of jobs for each of 20 managed states, and for a folder of code: the job that writes the child pipeline, the
// child pipeline itself, its one report and its one message.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "./pipeline.mjs";

const STATES = Array.from({ length: 17 }, (_, index) => `network-${String(index + 1).padStart(2, "0")}`);
// With the sandbox's own, `estate`, these are 20. One holds what is no state.
const ODD = ["odd name: {a} #1", "broken"];

// Whatever GitLab holds at the beginning is `estate`; the others are copies of it.
const seed = `
const { CI_API_V4_URL: api, CI_PROJECT_ID: project, PORTCULLIS_GITLAB_TOKEN: token } = process.env;
// Writing is for Maintainers, and a job that nobody played has its author's rights.
const headers = { "private-token": token, "content-type": "application/json" };
const at = (name) => api + "/projects/" + project + "/terraform/state/" + encodeURIComponent(name);
const state = await (await fetch(at("estate"), { headers })).text();
for (const name of ${JSON.stringify([...STATES, ...ODD])}) {
    const body = name === "broken" ? '{"serial": 1, "version": 3}' : state;
    const answer = await fetch(at(name), { method: "POST", headers, body });
    if (!answer.ok) throw new Error(name + ": " + answer.status);
}
`;

const parent = (command) => `
stages: [seed, test]
include:
  - component: gitlab.example.com/infra/portcullis/fan-out@v0.1.0
    inputs:
      image: registry.example.com/infra/portcullis:v0.1.0
      command: ${command}
variables:
  PORTCULLIS_GROUP: web
seed:
  stage: seed
  script: [node seed.mjs]
begin:
  stage: seed
  script: [portcullis-notify started]
  artifacts:
    paths: [portcullis/thread.env]
# gitlab-ci-local hands nothing from a parent to its child (\`needs:pipeline\`): the files go where the child's first job finds them.
hand down:
  stage: test
  needs: [fan-out]
  script:
    - cp -r portcullis "$PORTCULLIS_RUNNER_WORK/project/"
    - git -C "$PORTCULLIS_RUNNER_WORK/project" add --force portcullis
stacks:
  needs: [hand down]
`;

async function check(name, command, given, hold) {
    const started = Date.now();
    const result = await pipeline(name, { yaml: parent(command), files: { "seed.mjs": seed }, ...given });
    try {
        assert.deepEqual(result.slack.refused, [], "Slack refused something");
        assert.doesNotMatch(result.output, /not-a-secret/, "a token stands in the log");
        const folder = join(result.artifacts("report"), "portcullis");
        hold(result, folder, JSON.parse(readFileSync(join(folder, "stacks.json"), "utf8")));
        // One message for all, in the thread that the parent began.
        const posted = result.slack.messages;
        assert.equal(posted.length, 2, JSON.stringify(posted.map(({ text }) => text)));
        assert.equal(posted[1].thread_ts, posted[0].ts);
    } catch (error) {
        console.error(result.output);
        console.error(JSON.stringify(result.slack.messages, null, 2));
        throw error;
    }
    console.log(`${name}: ${result.ran.length} jobs (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

const STATES_RUN = "states --most-jobs 18 --variable PORTCULLIS_GROUP";
await check("fan-out-states", STATES_RUN, { before: "2-correct-web-port" }, (result, folder, report) => {
    // 18 jobs for 20 states: some share a chain, and the broken one takes nobody with it.
    const chains = result.ran.filter(({ name }) => name.startsWith("check: "));
    assert.equal(chains.length, 16);
    assert.deepEqual(
        chains.filter(({ code }) => code !== 0),
        [{ name: "check: broken and 1 more", code: 65 }],
    );
    assert.deepEqual(result.ran.at(-1), { name: "report", code: 2 });

    assert.equal(report.verdict, "undetermined");
    assert.deepEqual(
        report.stacks.map(({ name, verdict }) => `${verdict} ${name}`).sort(),
        ["undetermined broken", ...["estate", ...STATES, "odd name: {a} #1"].map((name) => `pass ${name}`)].sort(),
    );
    const own = report.stacks.find(({ name }) => name === "odd name: {a} #1");
    const services = JSON.parse(readFileSync(join(folder, "stacks", own.key, "services.json"), "utf8"));
    assert.equal(services.verdict, "pass");
    assert.match(result.slack.messages[1].text, /undetermined: 20 managed states: 1 undetermined, 19 pass$/);
});

await check("fan-out-folders", "folders --all", {}, (result, folder, report) => {
    const child = result.ran.slice(-4).map(({ name, code }) => [name, code]);
    assert.deepEqual(child, [["list stacks", 0], ["validate: terraform", 0], ["plan: terraform", 0], ["report", 0]]);
    assert.deepEqual(report.stacks.map(({ key, verdict }) => [key, verdict]), [["001-terraform", "pass"]]);
    const { steps } = JSON.parse(readFileSync(join(folder, "stacks/001-terraform/outcome.json"), "utf8"));
    assert.deepEqual(steps.map(({ step, exit_code }) => [step, exit_code]), [["validate", 0], ["plan", 0], ["judge", 0]]);
    assert(existsSync(join(folder, "stacks/001-terraform/plan.html")));
});
