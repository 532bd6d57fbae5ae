// Executes the check of services as another team has it: a project of its own that includes the component, or the child pipeline.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "./pipeline.mjs";

const COMPONENT = "component: gitlab.example.com/infra/portcullis/check-services@v0.1.0";
const CHILD = "project: infra/portcullis\n    ref: v0.1.0\n    file: ci/check-services.yml";

const yaml = (include, inputs) => `
include:
  - ${include}
    inputs:
      image: registry.example.com/infra/portcullis:v0.1.0
      states: estate
${Object.entries(inputs).map(([key, value]) => `      ${key}: ${value}`).join("\n")}
`;

async function check(name, include, inputs, given, expected) {
    const started = Date.now();
    const result = await pipeline(name, { yaml: yaml(include, inputs), before: "2-correct-web-port", ...given });
    try {
        assert.deepEqual(result.slack.refused, [], "Slack refused something");
        assert.doesNotMatch(result.output, /not-a-secret/, "a token stands in the log");
        assert.deepEqual(result.ran.map(({ name, code }) => [name, code]), [
            ["prepare services", 0],
            ["check services", expected.code],
            ["notify services", 0],
        ]);
        const services = JSON.parse(readFileSync(join(result.artifacts("check services"), "portcullis/services.json"), "utf8"));
        assert.equal(services.verdict, expected.verdict);
        const posted = result.slack.messages.map((message) => message.text);
        assert.equal(posted.length, 2, "one thread with one message in it");
        assert.match(posted[1], expected.says);
        // Nothing was changed here, so nothing may read as if it had been.
        assert.doesNotMatch(posted[0], /deployed|checking and planning|security group change/i);
        assert.equal(result.exit === 0, expected.code === 0);
    } catch (error) {
        console.error(result.output);
        console.error(posted(result));
        throw error;
    }
    console.log(`${name}: ${expected.verdict} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

const posted = (result) => JSON.stringify(result.slack.messages.map((message) => message.text), null, 2);

const MORE = '"--timeout 5 --path / --status 200"';
await check("services-component", COMPONENT, { group: "web", live: "ask", arguments: MORE }, {}, {
    code: 0,
    verdict: "pass",
    says: /the services answer/,
});
await check("services-child", CHILD, {}, {}, { code: 0, verdict: "pass", says: /the services answer/ });
await check("services-nothing-to-ask", CHILD, { group: "no-such-group" }, {}, {
    code: 2,
    verdict: "undetermined",
    says: /cannot tell whether the services answer/,
});
