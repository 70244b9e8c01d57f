import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { importsOf, modulesOf, preloadedBy } from "../../player/testing/modules.mjs";

const pages = new URL("../../", import.meta.url);
const studio = new URL("studio/", pages);
const pathOf = (href) => href.slice(pages.href.length);

test("index.html preloads every module but main.js, and no other: else the page loads them one after the other", () => {
  const needed = [...modulesOf(new URL("main.js", studio))].map(pathOf).filter((path) => path !== "studio/main.js");
  assert.deepEqual(preloadedBy(new URL("index.html", studio)), needed.sort());
});

/** What the modules of a folder may import from: the way of a frame to the station. */
const ALLOWED = {
  capture: ["studio/capture", "studio/state.js"],
  encode: ["studio/capture", "studio/encode"],
  line: ["studio/capture", "studio/line", "player/fetch"],
};

test("imports of the folders go one way", () => {
  for (const [folder, allowed] of Object.entries(ALLOWED)) {
    const names = readdirSync(new URL(folder, studio)).filter((name) => name.endsWith(".js"));
    assert.ok(names.length > 3);
    for (const name of names) {
      for (const { href } of importsOf(new URL(`${folder}/${name}`, studio))) {
        assert.ok(
          allowed.some((prefix) => pathOf(href).startsWith(prefix)),
          `${folder}/${name} imports ${pathOf(href)}`,
        );
      }
    }
  }
});
