import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { importsOf, modulesOf, preloadedBy } from "../testing/modules.mjs";

const player = new URL("../", import.meta.url);
const read = (url) => readFileSync(url, "utf8");

test("index.html preloads every module but main.js, and no other: else the page loads them one after the other", () => {
  const modules = [...modulesOf(new URL("main.js", player))].map((href) => href.slice(player.href.length));
  const needed = modules.filter((path) => path !== "main.js").map((path) => `player/${path}`);
  assert.deepEqual(preloadedBy(new URL("index.html", player)), needed.sort());
});

/** What the modules of a folder may import from: the way of a block to the ear. */
const ALLOWED = { format: ["format"], fetch: ["fetch", "format"], sound: ["sound", "format"] };

test("imports of the folders go one way", () => {
  for (const [folder, allowed] of Object.entries(ALLOWED)) {
    const names = readdirSync(new URL(folder, player)).filter((name) => name.endsWith(".js"));
    assert.ok(names.length > 3);
    for (const name of names) {
      for (const path of importsOf(new URL(`${folder}/${name}`, player))) {
        const [from] = path.href.slice(player.href.length).split("/");
        assert.ok(allowed.includes(from), `${folder}/${name} imports ${path.href.slice(player.href.length)}`);
      }
    }
  }
});

test("every element that the modules ask for is in index.html", () => {
  const page = read(new URL("index.html", player));
  const ids = [
    "main.js",
    "ui/copy.js",
    "ui/dom.js",
    "ui/download.js",
    "ui/keys.js",
    "ui/seekbar.js",
    "ui/sleep.js",
    "ui/speed.js",
    "ui/volume.js",
  ].flatMap((path) =>
    [...read(new URL(path, player)).matchAll(/(?:\$|\b(?:click|button|input|select|dialog|element))\("(\w+)"/g)].map(
      ([, id]) => id,
    ),
  );
  assert.ok(ids.length > 20);
  for (const id of ids) assert.ok(page.includes(`id="${id}"`), `index.html has no element with the id ${id}`);
});
