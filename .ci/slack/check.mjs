// Holds messages to implementations that are not ours: Slack's own TypeScript types, and Microsoft's Adaptive Cards library.
//
//   node check.mjs MANIFEST FOLDER FILE...
//
// MANIFEST is the Slack app's, in YAML.
// FOLDER has what `cargo test -p portcullis-messages` leaves (NAME.slack.json, NAME.teams.json, …); each FILE holds an array of
// messages as a workspace has them at the end of a demo.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse as parseYaml } from "yaml";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const ts = require("typescript");

const [manifest, folder, ...files] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const forms = (end) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => [name, read(join(folder, name))]);

const messages = [...forms(".slack.json"), ...forms(".slack-alone.json")];
for (const file of files) {
  read(file).forEach((message, n) => messages.push([`${file} [${n}]`, message]));
}
const cards = forms(".teams.json");
if (messages.length < 20 || cards.length < 20) {
  throw new Error(`only ${messages.length} messages and ${cards.length} cards: were the tests run?`);
}

// An object literal may have no member that its type does not know, so everything is written as literals.
const held = (name, head, list) => {
  const path = join(here, name);
  const lines = [head, ...list.map(([, value]) => `((_: Held) => {})(${JSON.stringify(value)});`)];
  writeFileSync(path, lines.join("\n"));
  const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext };
  const found = ts.getPreEmitDiagnostics(ts.createProgram([path], options));
  return found.map((problem) => {
    const line = problem.file?.getLineAndCharacterOfPosition(problem.start).line ?? 0;
    const about = list[line - 1]?.[0] ?? name;
    return `${about}: ${ts.flattenDiagnosticMessageText(problem.messageText, "\n")}`;
  });
};
const MESSAGE =
  'import type { KnownBlock, MessageMetadata } from "@slack/types"; type Held = { text: string; blocks: KnownBlock[]; metadata?: MessageMetadata };';
const program = (name, list) => held(name, MESSAGE, list);

let problems = program("messages.ts", messages);
// Types that took anything would pass all of that.
const wrong = [
  { text: "x", blocks: [{ type: "header", text: { type: "mrkdwn", text: "x" } }] },
  { text: "x", blocks: [{ type: "marquee" }] },
  { text: "x", blocks: [{ type: "divider", colour: "red" }] },
  { text: "x", blocks: [], metadata: { event_type: "x" } },
];
const refused = wrong.filter((message, n) => program(`wrong-${n}.ts`, [["wrong", message]]).length > 0);
if (refused.length !== wrong.length) {
  problems.push("the types take a message that Slack would refuse");
}
console.log(`@slack/types: ${messages.length} messages`);

const MANIFEST =
  'import type { AppsManifestValidateArguments } from "@slack/web-api"; type Held = AppsManifestValidateArguments["manifest"];';
const app = parseYaml(readFileSync(manifest, "utf8"));
problems.push(...held("manifest.ts", MANIFEST, [[manifest, app]]));
const misspelt = structuredClone(app);
misspelt.oauth_config.scopes.bot.push("chat:shout");
if (held("wrong-manifest.ts", MANIFEST, [["wrong", misspelt]]).length === 0) {
  problems.push("the types take a manifest with a scope that does not exist");
}
console.log("@slack/web-api: the app's manifest");

// The library is written for browsers; parsing needs none.
globalThis.self = globalThis;
const { AdaptiveCard, SerializationContext, Versions } = require("adaptivecards/dist/adaptivecards.js");
const parse = (body) => {
  const [attachment] = body.attachments;
  const context = new SerializationContext(Versions.v1_4);
  const card = new AdaptiveCard();
  card.parse(attachment.content, context);
  const said = [];
  for (let n = 0; n < context.eventCount; n += 1) {
    said.push(context.getEventAt(n).message);
  }
  if (card.getItemCount() !== attachment.content.body.length) {
    said.push(`${card.getItemCount()} of ${attachment.content.body.length} elements are understood`);
  }
  if (card.getActionCount() !== attachment.content.actions.length) {
    said.push("an action is not understood");
  }
  return said;
};
for (const [name, body] of cards) {
  problems.push(...parse(body).map((said) => `${name}: ${said}`));
}
const bad = structuredClone(cards[0][1]);
bad.attachments[0].content.body.push({ type: "Marquee" });
if (parse(bad).length === 0) {
  problems.push("the Adaptive Cards library takes an element that does not exist");
}
console.log(`adaptivecards: ${cards.length} cards`);

if (problems.length > 0) {
  console.error(problems.slice(0, 20).join("\n"));
  process.exit(1);
}
