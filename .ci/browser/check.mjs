// Opens the sample pages in a real Chromium, as a reader would, and holds them to what they promise.
//
//   node check.mjs FOLDER [CHROMIUM]
//
// FOLDER has the pages that `cargo run --package portcullis-page --example pages -- FOLDER` writes.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [folder, executablePath] = process.argv.slice(2);
assert.ok(folder && executablePath, "usage: node check.mjs FOLDER CHROMIUM");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const names = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
assert.ok(names.length >= 8, `only ${names.length} pages in ${folder}`);
const address = (name) => pathToFileURL(path.resolve(folder, name)).href;

// In a container the browser runs as root, where its sandbox can't start.
const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath, args });

/** A page that fails the check on any error, refusal or request. */
async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) trouble.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => trouble.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== address(name) && !request.url().startsWith("data:")) trouble.push(`request: ${request.url()}`);
  });
  await page.goto(address(name));
  return {
    page,
    async close() {
      await context.close();
      assert.deepEqual(trouble, [], name);
    },
  };
}

const visible = (page) => page.locator("#rows tr:visible").count();
const status = (page) => page.locator("#shown").textContent();

const checks = {
  async "every page loads without error, refusal or request"() {
    for (const name of names) {
      const { page, close } = await open(name);
      assert.equal(await page.locator("h1").count(), 1, name);
      await close();
    }
  },

  async "an error would be noticed"() {
    const { page, close } = await open(names[0]);
    await page.evaluate(() => {
      const picture = document.createElement("img");
      picture.src = "https://example.org/x.png";
      document.body.append(picture);
    });
    await page.waitForTimeout(100);
    await assert.rejects(close(), /Content Security Policy/);
  },

  async "hostile text is text"() {
    const { page, close } = await open("hostile.html");
    for (const details of await page.locator("details").all()) await details.evaluate((element) => { element.open = true; });
    assert.equal(await page.evaluate(() => window.hurt), undefined);
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.locator("script").count(), 1);
    assert.equal(await page.evaluate(() => document.querySelectorAll("*").length > 1000), true);
    const handlers = await page.evaluate(() => Array.from(document.querySelectorAll("*"))
      .flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith("on") || name === "style"));
    assert.deepEqual(handlers, []);
    const note = await page.locator("#rows td:last-child").first().textContent();
    assert.ok(note.includes("</script>") && note.includes("<img src=x onerror="), note);
    assert.ok((await page.locator("h1").textContent()).includes("</script>"));
    await close();
  },

  async "the filter works by keyboard"() {
    const { page, close } = await open("correct-web-port.html");
    await page.locator("#find").focus();
    await page.keyboard.type("8080 web");
    assert.equal(await visible(page), 1);
    assert.equal(await status(page), "Rules 1 to 1 of 1, out of 6 in all.");
    await page.keyboard.press("Escape");
    assert.equal(await visible(page), 6);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    assert.equal(await page.evaluate(() => document.activeElement.value), "added");
    assert.equal(await visible(page), 5);
    await page.keyboard.press("Space");
    assert.equal(await visible(page), 6);
    await page.locator("#find").fill("no such rule");
    assert.equal(await status(page), "No rule fits.");
    await close();
  },

  async "the skip link is the first stop and leads to the content"() {
    const { page, close } = await open("opens-ssh.html");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await close();
  },

  async "5,000 rules: filter and pages answer at once"() {
    const begun = Date.now();
    const { page, close } = await open("large.html");
    const loaded = Date.now() - begun;
    assert.equal(await visible(page), 100);
    assert.equal(await status(page), "Rules 1 to 100 of 5,000.");
    await page.locator("#next").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#page").textContent(), "Page 3 of 50");
    assert.equal(await status(page), "Rules 201 to 300 of 5,000.");
    const taken = await page.evaluate(async () => {
      const find = document.getElementById("find");
      const begun = performance.now();
      find.value = "service 4242";
      find.dispatchEvent(new Event("input"));
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return performance.now() - begun;
    });
    assert.equal(await visible(page), 1);
    assert.ok(taken < 1000, `the filter took ${taken} ms`);
    console.log(`    loaded in ${loaded} ms, filtered in ${Math.round(taken)} ms`);
    await close();
  },

  async "without scripts everything can be read"() {
    for (const name of names) {
      const { page, close } = await open(name, { javaScriptEnabled: false });
      assert.equal(await page.locator("#filters").isVisible(), false, name);
      const folds = page.locator("details");
      for (let index = 0; index < await folds.count(); index += 1) await folds.nth(index).locator("summary").first().click();
      assert.equal(await page.locator("table.rules tbody tr:not(:visible)").count(), 0, name);
      await close();
    }
  },

  async "nothing is wider than a phone"() {
    for (const name of names) {
      const { page, close } = await open(name, { viewport: { width: 390, height: 844 } });
      for (const details of await page.locator("details").all()) await details.evaluate((element) => { element.open = true; });
      const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(inner <= outer, `${name} is ${inner} px wide`);
      await close();
    }
  },

  async "no label leaves its box"() {
    for (const name of names) {
      const { page, close } = await open(name);
      for (const details of await page.locator("details").all()) await details.evaluate((element) => { element.open = true; });
      const left = await page.evaluate(() => Array.from(document.querySelectorAll(".picture g"), (group) => {
        const box = group.querySelector("rect").getBBox();
        return Array.from(group.querySelectorAll("text")).filter((text) => {
          const label = text.getBBox();
          return label.x < box.x || label.x + label.width > box.x + box.width;
        }).map((text) => text.textContent);
      }).flat());
      assert.deepEqual(left, [], name);
      await close();
    }
  },

  async "no accessibility rule of axe-core is broken"() {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [390, 1280]) {
        for (const name of names.filter((name) => name !== "large.html")) {
          const { page, close } = await open(name, { colorScheme, viewport: { width, height: 900 } });
          await page.evaluate(axe);
          const found = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }));
          const told = found.violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes[0].html.slice(0, 200)} ${rule.nodes[0].failureSummary}`);
          assert.deepEqual(told, [], `${name}, ${colorScheme}, ${width} px`);
          assert.ok(found.passes.some((rule) => rule.id === "color-contrast"), `${name}: contrast was not looked at`);
          await close();
        }
      }
    }
  },
};

let failed = 0;
for (const [title, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`  ok      ${title}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAILED  ${title}\n${error.stack}`);
  }
}
await browser.close();
process.exit(failed === 0 ? 0 : 1);
