// The watch on drift, as a schedule runs it: it tells what it finds, and says nothing when nothing is new.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "./pipeline.mjs";

const WATCH = `
include:
  - component: gitlab.example.com/infra/portcullis/drift-watch@v0.1.0
    inputs: { image: x, state_name: estate }
`;

async function watch(name, given) {
    // The state is that of the correction; so is the code.
    const variables = { CI_PIPELINE_SOURCE: "schedule", TF_VAR_web_port: "8000" };
    // The stand-in for inspect wants the folder to be there.
    const files = { "portcullis/.keep": "", ...given.files };
    const result = await pipeline(name, { yaml: WATCH, variables, before: "2-correct-web-port", ...given, files });
    assert.deepEqual(result.ran.map((job) => job.name), ["drift watch"]);
    const report = JSON.parse(readFileSync(join(result.artifacts("drift watch"), "portcullis/consistency.json"), "utf8"));
    return { result, report };
}

// The stand-in's state was put there by no job, which is news once; the cache gives the last comparison.
const first = await watch("watch-first", {});
assert.equal(first.result.exit, 0, first.result.output);
assert.deepEqual(first.report.since.new, ["state written from elsewhere: serial 3"]);
assert.equal(first.result.slack.messages.length, 2, "a thread and the news in it");

const kept = (report) => ({ "portcullis-last/consistency.json": JSON.stringify(report) });
const quiet = await watch("watch-quiet", { files: kept(first.report) });
assert.equal(quiet.result.exit, 0, quiet.result.output);
assert.deepEqual(quiet.result.slack.messages, [], "nothing is new, and nothing is said");

const found = await watch("watch-found", { live: "4-hand-made-drift", files: kept(first.report) });
assert.notEqual(found.result.exit, 0);
assert.equal(found.report.since.new.length, 4, "two rules, and what the policy says of one of them by two rules");
assert.match(found.result.slack.messages.map((message) => message.text).join("\n"), /unmanaged/);

const same = await watch("watch-same", { live: "4-hand-made-drift", files: kept(found.report) });
assert.notEqual(same.result.exit, 0);
assert.deepEqual(same.result.slack.messages, [], "what was told is not told again");

console.log("drift watch: as it must be");
