import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { Stream } from "../fetch/stream.js";
import { parseLink } from "../format/link.js";
import { gatewayWith } from "../testing/gateway.mjs";
import { randomFrom } from "../testing/read.mjs";
import { began, fragment, makeShow, plain, sealed } from "../testing/show.mjs";
import { LiveEdge } from "./live-edge.js";
import { Playback } from "./playback.js";

/** What of a browser's sound an Output needs. `connected` has the nodes that are. */
function fakeSound() {
  const connected = new Set();
  class FakeNode {
    port = { postMessage() {} };
    connect(next) {
      connected.add(this);
      return next;
    }
    disconnect() {
      connected.delete(this);
    }
  }
  const context = { destination: {}, audioWorklet: { addModule: async () => {} } };
  return { connected, context, FakeNode };
}

test("without a decoder no loudspeaker is left behind", async () => {
  const { connected, context, FakeNode } = fakeSound();
  const unreachable = { createElement: () => ({}), head: { append: (script) => script.onerror() } };
  Object.assign(globalThis, { AudioWorkletNode: FakeNode, GainNode: FakeNode, document: unreachable });
  await assert.rejects(Playback.open(context, { stream: { head: { channels: 1 } } }), { name: "AbortError" });
  assert.equal(connected.size, 0);
});

const PAUSE = 60_000; // ms
const COUNT = 300; // blocks: checkpoints are in every fiftieth, and in those behind a restart

/**
 * A playback of a running show whose first `size` blocks are there. Nothing is
 * decoded or heard: `output.heard` is where the listener is.
 */
async function playing(t, { layout, size, ...options }) {
  const { file, blocks } = makeShow(COUNT, { signed: true, layout, random: randomFrom(1), ...options });
  const gateway = gatewayWith(t, file);
  gateway.size = blocks[size].offset;
  const stream = new Stream("http://gateway.test/live/x");
  await stream.open(parseLink(fragment({ layout })));
  const output = {
    epoch: 0,
    heard: 0,
    report: {},
    setPace() {},
    seek: (to) => (output.heard = to),
    complete() {},
    close() {},
  };
  const decoder = { decode() {}, flush: async () => {}, reset() {}, close() {} };
  const edge = new LiveEdge();
  const playback = new Playback(output, decoder, { stream, edge, wave: { add() {} }, onchange() {} });
  t.after(() => playback.close());
  const arrived = async (block) => {
    while (playback.received < 4800 * block) {
      assert.equal(playback.failure, null);
      await setTimeout(1);
    }
  };
  const grow = (more) => {
    gateway.size = blocks[more].offset;
    return arrived(more);
  };
  return { playback, output, edge, arrived, grow };
}

for (const [name, layout] of Object.entries({ sealed, plain })) {
  /** Signs of life stand before the block `at`, and only they tell that a minute is not recorded there. */
  const breakBefore = (at) => ({ signs: (i) => (i === at ? 6 : 0), pauses: (i) => (i === at ? PAUSE : 0) });
  const spoken = (block) => began + 100 * block;

  test(`${name}: going live behind a break tells no time before the next checkpoint`, async (t) => {
    const { playback, output, arrived, grow } = await playing(t, { layout, size: 240, ...breakBefore(220) });
    await playback.goLive();
    await arrived(240);
    assert.ok(output.heard > 4800 * 235);
    assert.equal(playback.captured, null);
    await grow(260);
    assert.equal(playback.captured, began + PAUSE + output.heard / 48);
  });

  test(`${name}: a seek to a moment behind a break tells no time before the next checkpoint`, async (t) => {
    const { playback, output, arrived, grow } = await playing(t, { layout, size: 240, ...breakBefore(220) });
    await playback.seekTo(4800 * 230);
    await arrived(240);
    assert.equal(playback.captured, null);
    await grow(260);
    assert.equal(playback.captured, spoken(230) + PAUSE);
    output.heard = 4800 * 255;
    assert.equal(playback.captured, spoken(255) + PAUSE);
  });

  test(`${name}: what was said before a break is as old as it is`, async (t) => {
    const { playback, output, arrived } = await playing(t, { layout, size: 252, ...breakBefore(250) });
    await playback.goLive();
    await arrived(252);
    output.heard = 4800 * 249;
    assert.equal(playback.captured, spoken(249));
    output.heard = 4800 * 251;
    assert.equal(playback.captured, spoken(251) + PAUSE);
  });

  test(`${name}: no time is counted through a restart of the station`, async (t) => {
    const here = (i) => i === 230;
    const options = { layout, size: 240, resumes: here, pauses: (i) => (here(i) ? PAUSE : 0) };
    const { playback, output, arrived } = await playing(t, options);
    await playback.seekTo(4800 * 225);
    await arrived(240);
    for (const [block, paused] of [
      [229.9, 0],
      [230, PAUSE],
      [230.5, PAUSE],
      [235, PAUSE],
    ]) {
      output.heard = 4800 * block;
      assert.equal(playback.captured, spoken(block) + paused, `block ${block}`);
    }
  });
}
