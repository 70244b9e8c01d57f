import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { Player } from "./player.js";
import { fakeBrowser } from "./testing/browser.mjs";
import { gatewayWith } from "./testing/gateway.mjs";
import { randomFrom } from "./testing/read.mjs";
import { began, fragment, makeShow } from "./testing/show.mjs";

/** Waits until something holds of the player. */
async function until(holds, heard, sample) {
  for (let i = 0; i < 2000 && !holds(); i++) {
    heard?.(sample);
    await setTimeout(2);
  }
  assert.ok(holds());
}

test("who goes live behind damage hears what is said then, not the beginning", async (t) => {
  const heard = fakeBrowser(t);
  const { file, blocks } = makeShow(400, { signed: true, random: randomFrom(1) });
  const spoilt = new Uint8Array(file);
  spoilt[blocks[310].offset + 60] ^= 1;
  const gateway = gatewayWith(t, spoilt);
  gateway.size = blocks[300].offset;
  t.mock.method(Date, "now", () => began + 30_200);
  const player = new Player({ id: "x", base: "http://gateway.test", fragment: fragment() });
  await until(() => player.state === "live");
  await player.play();
  await until(() => player.position > 29);
  gateway.size = blocks[320].offset;
  await until(() => player.state === "damaged" && !player.playing, heard, 4800 * 309);
  gateway.file = file;
  gateway.size = blocks[330].offset;
  await player.goLive();
  await until(() => player.position > 32);
  gateway.refusing = { GET: 410, HEAD: 410 };
  await until(() => player.state === "deleted");
});
