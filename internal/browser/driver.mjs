// Drives Chromium for Go tests: a command on each line of standard input, an
// answer on a line of standard output. browser.go has the other end.
//
// Expressions are evaluated by the DevTools protocol itself and not by
// page.evaluate, which counts as a gesture of the user and so allows sound.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.env.BROWSER_MODULES + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await chromium.launch({
  executablePath: process.env.BROWSER_CHROMIUM,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=document-user-activation-required",
    ...process.env.BROWSER_FLAGS.split("\n").filter(Boolean),
  ],
});

const pages = new Map(); // by the number that Go gave them

/** A page in a context, and so with storage and a network, of its own. */
async function open({ width, height, dark, init }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", reducedMotion: "reduce" });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(`uncaught: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(`${message.text()} (${message.location().url.replace(/#.*/, "")})`);
  });
  if (init) await page.addInitScript(init);
  return { context, page, errors, devtools: await context.newCDPSession(page) };
}

async function evaluate({ devtools }, expression) {
  const { result, exceptionDetails } = await devtools.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value ?? null;
}

/** Waits until an expression is true. While a page loads there is nobody to ask. */
async function wait(tab, { expression, patience }) {
  let last;
  for (const deadline = Date.now() + patience; Date.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 30))) {
    try {
      last = await evaluate(tab, expression);
    } catch (error) {
      last = error.message;
    }
    if (last === true) return;
  }
  throw new Error(`after ${patience} ms this is ${JSON.stringify(last)}, not true: ${expression}`);
}

const commands = {
  goto: ({ page }, { url }) => page.goto(url, { waitUntil: "load" }).then(() => null),
  reload: ({ page }) => page.reload({ waitUntil: "load" }).then(() => null),
  eval: (tab, { expression }) => evaluate(tab, expression),
  wait,
  click: ({ page }, { selector }) => page.click(selector, { timeout: 10_000 }),
  press: ({ page }, { selector, key }) => (selector ? page.press(selector, key, { timeout: 10_000 }) : page.keyboard.press(key)),
  offline: ({ context }, { offline }) => context.setOffline(offline),
  screenshot: ({ page }, { path }) => page.screenshot({ path, fullPage: true }).then(() => null),
  errors: ({ errors }) => errors,
  async axe(tab) {
    await evaluate(tab, `${axe};0`);
    return evaluate(tab, `axe.run().then(({violations}) => violations.map((v) => v.id + ": " + v.help + " at " + v.nodes.map((n) => n.target + " " + n.failureSummary).join("; ")))`);
  },
  async heap({ devtools }) {
    await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = await devtools.send("Runtime.getHeapUsage");
    return usedSize + embedderHeapUsedSize + backingStorageSize; // objects, the DOM, and the bytes of buffers
  },
};

async function obey({ page, name, ...rest }) {
  if (name === "open") {
    pages.set(page, await open(rest));
    return null;
  }
  const tab = pages.get(page);
  if (name !== "close") return commands[name](tab, rest);
  pages.delete(page);
  return tab.context.close();
}

async function end() {
  await browser.close().catch(() => {});
  process.exit(0);
}

// The end of the input is the end of the test, however it ended.
const input = createInterface({ input: process.stdin });
input.on("line", async (line) => {
  const { id, ...command } = JSON.parse(line);
  let answer;
  try {
    answer = { id, value: (await obey(command)) ?? null };
  } catch (error) {
    answer = { id, error: String(error.message ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
input.on("close", end);
process.stdout.on("error", end); // nobody reads any more
process.stdout.write("{}\n"); // ready
