// Executes the pipeline in the situations that its file has to get right, and holds what came of it to what must.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "./pipeline.mjs";

// As docs/gitlab.md tells a team to write it.
// (gitlab-ci-local falls over `inherit: variables` where there are no variables at all.)
const whole = (include) => `
variables: { PORTCULLIS_IMAGE: unused }
include:
  - ${include}
    inputs:
      image: registry.example.com/infra/portcullis:v0.1.0
      state_name: estate
      group: web
`;
const WHOLE = whole("component: gitlab.example.com/infra/portcullis/pipeline@v0.1.0");
// The same file, as a plain include.
const PLAIN = whole("project: infra/portcullis\n    ref: v0.1.0\n    file: templates/pipeline.yml");
// Two stages only, in a pipeline of one's own.
const SOME = `
stages: [test, plan]
include:
  - component: gitlab.example.com/infra/portcullis/validate@v0.1.0
    inputs: { image: x, stage: test }
  - component: gitlab.example.com/infra/portcullis/plan@v0.1.0
    inputs: { image: x, state_name: estate }
`;
// What the old path gives: defaults and a variable.
const THIN = `
include:
  - project: infra/portcullis
    ref: v0.1.0
    file: ci/portcullis.gitlab-ci.yml
variables:
  PORTCULLIS_IMAGE: registry.example.com/infra/portcullis:v0.1.0
`;

const names = (result) => result.ran.map((job) => job.name);
const failed = (result) => result.ran.filter((job) => job.code !== 0).map((job) => [job.name, job.code]);
const posted = (result) => result.slack.messages.map((message) => message.text).join("\n---\n");

const serial = (step) => JSON.parse(readFileSync(`fixtures/estate/${step}/state.json`, "utf8")).serial;

/** Every report that a job names lies among its artifacts, and is what its kind must be. */
function reports(result) {
    for (const { name } of result.ran) {
        // After a failure before the apply there is nothing to compare, and it says so.
        if (result.log(name).includes("nothing is compared")) continue;
        const declared = result.file[name]?.artifacts?.reports ?? {};
        for (const [kind, paths] of Object.entries(declared)) {
            for (const path of [paths].flat()) {
                const file = join(result.artifacts(name), path);
                // Written by portcullis-notify, which not every job runs.
                if (kind === "annotations" && !existsSync(file)) continue;
                assert(existsSync(file), `${name} left no ${path} for its ${kind} report`);
                const text = readFileSync(file, "utf8");
                if (["codequality", "terraform", "annotations"].includes(kind)) JSON.parse(text);
                if (kind === "junit") assert.match(text, /^<\?xml/);
                if (kind === "dotenv") assert.match(text, /^(\w+=\S*\n)+$/);
            }
        }
    }
}

/** Holds for every run: nothing was refused, no job is left running, no secret is in a log. */
function everywhere(result) {
    assert.deepEqual(result.slack.refused, [], "Slack refused something");
    // Every job was ended. (The stand-ins have one of their own, for trying things by hand.)
    const running = result.gitlab.jobs.filter(({ name, status }) => status === "running" && names(result).includes(name));
    assert.deepEqual(running, []);
    assert.doesNotMatch(result.output, /not-a-secret/, "a token stands in the log");
}

async function check(name, given, hold) {
    const started = Date.now();
    const result = await pipeline(name, given);
    try {
        everywhere(result);
        hold(result);
    } catch (error) {
        console.error(result.output);
        console.error(`${name}: ${JSON.stringify(result.ran)}`);
        throw error;
    }
    console.log(`${name}: ${names(result).join(", ")} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

await check("all-goes-well", { yaml: WHOLE, play: ["deploy"] }, (result) => {
    assert.equal(result.exit, 0);
    assert.deepEqual(names(result), [
        "prepare", "validate", "plan", "request approval", "deploy", "notify deploy", "verify", "check services",
        "notify services", "finish",
    ]);
    const deploy = result.jobs.find((job) => job.name === "deploy");
    assert.deepEqual([deploy.when, deploy.allow_failure], ["manual", false], "deploy blocks what comes after it");
    reports(result);
    // The player's name reaches GitLab's stand-in, and the record.
    const approval = JSON.parse(readFileSync(join(result.artifacts("deploy"), "portcullis/approval.json"), "utf8"));
    assert.equal(approval.approved_by, "tomas");
    assert.equal(approval.outcome, "applied");
    assert(result.gitlab.serial > serial("1-setup"), "the state moved on");
    // Files and variables of one job reach the later ones.
    assert(existsSync(join(result.artifacts("finish"), "portcullis/evidence.json")));
    // The saved plan stays where it was made and used.
    const saved = (job) => existsSync(join(result.artifacts(job), "portcullis/plan.tfplan"));
    assert.deepEqual(names(result).filter(saved), ["plan", "request approval", "deploy"]);
    assert.match(posted(result), /deployed\. Approved by tomas/);
    assert.match(posted(result), /: finished: deployed and verified$/m);
    assert.equal(result.gitlab.notes.length, 1);
    // The links on a job's page: its own pages, and what earlier jobs knew.
    const { Portcullis: links } = JSON.parse(
        readFileSync(join(result.artifacts("verify"), "portcullis/annotations.json"), "utf8"),
    );
    assert.deepEqual(links.map((link) => link.external_link.label), [
        "Doctor", "Slack thread", "Plan", "Merge request", "Deploy: the job to play", "Comparison",
    ]);
    assert.match(links.at(-1).external_link.url, /\/-\/jobs\/\d+\/artifacts\/file\/portcullis\/consistency\.html$/);
});

const OPENS_SSH = { yaml: WHOLE, play: ["deploy"], recording: "10-opens-ssh-to-the-world", before: "7-repair" };

await check("a-violation-in-the-code", OPENS_SSH, (result) => {
    assert.notEqual(result.exit, 0);
    assert.deepEqual(names(result), [
        "prepare", "validate", "verify failed apply", "notify services", "notify failure", "finish",
    ]);
    assert.deepEqual(failed(result), [["validate", 1]]);
    assert.match(posted(result), /policy violation: .* on aws_security_group.admin/);
    assert.equal(result.gitlab.serial, serial("7-repair"), "nothing was applied");
});

await check("a-violation-in-the-plan", { ...OPENS_SSH, code: "2-correct-web-port" }, (result) => {
    assert.notEqual(result.exit, 0);
    assert.deepEqual(names(result), [
        "prepare", "validate", "plan", "verify failed apply", "notify services", "notify failure", "finish",
    ]);
    assert.deepEqual(failed(result), [["plan", 1]]);
    reports(result);
    assert.match(posted(result), /policy violation: .* on aws_security_group.admin/);
    assert.equal(result.gitlab.serial, serial("7-repair"), "nothing was applied");
});

await check("a-merge-request", { yaml: WHOLE, mergeRequest: true, play: ["deploy"] }, (result) => {
    assert.equal(result.exit, 0);
    assert.deepEqual(names(result), ["prepare", "validate", "plan", "finish"]);
    assert.equal(result.gitlab.notes[0].merge_request, 7);
});

await check("drift", { yaml: WHOLE, play: ["deploy"], live: "4-hand-made-drift" }, (result) => {
    assert.notEqual(result.exit, 0);
    assert.deepEqual(failed(result), [["verify", 1]]);
    assert.deepEqual(names(result).slice(-2), ["notify failure", "finish"]);
});

await check("slack-is-away", { yaml: WHOLE, play: ["deploy"], slackFault: "unavailable" }, (result) => {
    assert.equal(result.exit, 0);
    assert.deepEqual([failed(result), names(result).at(-1)], [[], "finish"]);
    assert(existsSync(join(result.artifacts("finish"), "portcullis/undelivered.json")));
});

// Nobody is asked, and nothing is applied; a deploy job that is played all the same says so.
const IDLE = { yaml: WHOLE, recording: "3-nothing-to-do", before: "2-correct-web-port" };

await check("nothing-to-do", { ...IDLE, play: ["deploy"] }, (result) => {
    assert.equal(result.exit, 0);
    assert.match(result.log("request approval"), /nothing to approve/);
    assert.match(result.log("deploy"), /nothing to do/);
    assert.match(posted(result), /: finished: nothing to deploy: the plan changes nothing$/m);
    assert(!existsSync(join(result.artifacts("finish"), "portcullis/approval-request.json")));
    assert.equal(result.gitlab.serial, serial("2-correct-web-port"));
});

// Stricter rules than the built-in ones: the player is not on the list, so nothing is applied, and the reason is told.
const guard = { "terraform/guard.yaml": "version: 1\napprovers:\n  users: [grace]\n" };
const GUARDED = `${WHOLE}      guard: terraform/guard.yaml\n`;

await check("not-on-the-list", { yaml: GUARDED, files: guard, play: ["deploy"] }, (result) => {
    assert.notEqual(result.exit, 0);
    assert.deepEqual(failed(result), [["deploy", 3]]);
    assert.match(result.log("deploy"), /tomas is not among those who may approve/);
    assert.match(result.log("verify failed apply"), /The guard refused, so nothing was applied/);
    assert.deepEqual(names(result).slice(-2), ["notify failure", "finish"]);
    assert.match(posted(result), /not deployed: refused by the approval guard/);
    assert.equal(result.gitlab.serial, serial("1-setup"));
});

// Half of it is applied: what is there is compared, and told before the end. `verify` itself never ran, so that GitLab takes it
// up after another try.
const HALF = 'portcullis-replayed-terraform "$@"; echo "Error: Throttling: Rate exceeded" >&2; exit 1';
await check("the-apply-fails-half-way", { yaml: WHOLE, play: ["deploy"], apply: HALF, live: "1-setup" }, (result) => {
    assert.notEqual(result.exit, 0);
    assert.deepEqual(failed(result), [["deploy", 1], ["verify failed apply", 1]]);
    assert.deepEqual(names(result).slice(4), ["deploy", "verify failed apply", "notify services", "notify failure", "finish"]);
    assert.match(result.log("verify failed apply"), /terraform began to apply/);
    assert(existsSync(join(result.artifacts("finish"), "portcullis/consistency.json")));
    const approval = JSON.parse(readFileSync(join(result.artifacts("deploy"), "portcullis/approval.json"), "utf8"));
    assert.equal(approval.outcome, "apply_failed");
});

const LOCKED = 'echo "Error: Error acquiring the state lock" >&2; exit 1';
await check("the-state-is-locked", { yaml: WHOLE, play: ["deploy"], apply: LOCKED }, (result) => {
    assert.deepEqual(failed(result), [["deploy", 1]]);
    assert.match(result.log("verify failed apply"), /The state could not be locked, so nothing was applied/);
});

// An identity token reaches terraform and the AWS SDK as a file, in the jobs that talk to AWS and in no other.
const token = { AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/portcullis-plan", PORTCULLIS_ID_TOKEN: "ey.identity.token" };
await check("a-role-without-keys", { yaml: PLAIN, play: ["deploy"], variables: token }, (result) => {
    assert.equal(result.exit, 0);
    assert.match(result.log("verify"), /AWS_WEB_IDENTITY_TOKEN_FILE holds 17 bytes, mode 600/);
    assert.doesNotMatch(result.log("validate"), /AWS_WEB_IDENTITY_TOKEN_FILE/);
    for (const job of ["prepare", "validate", "request approval", "notify deploy", "notify failure", "finish"]) {
        assert.equal(result.file[job].id_tokens, undefined, `${job} has an identity token`);
    }
});

await check("two-stages-only", { yaml: SOME }, (result) => {
    assert.equal(result.exit, 0);
    assert.deepEqual(names(result), ["validate", "plan"]);
    reports(result);
});

await check("the-thin-include", { yaml: THIN, mergeRequest: true }, (result) => {
    // The stand-in has no state of the default's name, so the doctor is content and the plan makes all anew.
    assert.deepEqual(names(result).slice(0, 3), ["prepare", "validate", "plan"]);
    assert.deepEqual(result.file.stages.filter((stage) => !stage.startsWith(".")).at(-1), "finish");
});
