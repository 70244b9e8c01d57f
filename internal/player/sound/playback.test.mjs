import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { Stream } from "../fetch/stream.js";
import { parseLink } from "../format/link.js";
import { packetDuration } from "../format/opus.js";
import { gatewayWith } from "../testing/gateway.mjs";
import { randomFrom } from "../testing/read.mjs";
import { began, fragment, makeShow, plain, sealed, strangerKey } from "../testing/show.mjs";
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
  const grow = (more) => {
    gateway.size = blocks[more].offset;
    return arrived(more);
  };
  const { arrived, ...rest } = await playbackOf(t, layout);
  return { arrived, grow, ...rest };
}

/** A playback of what the gateway has. */
async function playbackOf(t, layout) {
  const stream = new Stream("http://gateway.test/live/x");
  await stream.open(parseLink(fragment({ layout })));
  const output = {
    epoch: 0,
    heard: 0,
    report: {},
    isCurrent: () => true,
    setPace() {},
    seek: (to) => (output.heard = to),
    complete: () => (output.report = { finished: true }),
    close() {},
  };
  let decoded = 0; // sample behind what was
  const decode = (packet, start) => (decoded = Math.max(decoded, start + packetDuration(packet)));
  const decoder = { decode, flush: async () => {}, reset() {}, close() {} };
  const edge = new LiveEdge();
  let ended;
  const end = new Promise((resolve) => (ended = resolve));
  const onchange = () => playback.failure && ended(playback.failure);
  const playback = new Playback(output, decoder, { stream, edge, wave: { add() {} }, onchange });
  t.after(() => playback.close());
  const arrived = async (block) => {
    while (playback.received < 4800 * block) {
      assert.equal(playback.failure, null);
      await setTimeout(1);
    }
  };
  return { playback, output, edge, arrived, end, decoded: () => decoded };
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

const PROVEN = 4800 * 51; // samples: the second checkpoint stands in the block before

/** A signed show in which another follows behind its second checkpoint, and then what ends it. */
function forgedThen(layout, ending) {
  const options = { signed: true, layout };
  const show = makeShow(120, { ...options, random: randomFrom(1) });
  const forged = makeShow(120, { ...options, random: randomFrom(2), signedWith: strangerKey });
  const at = (i) => show.blocks[i].offset;
  const spoilt = forged.file.slice(at(98), at(99));
  spoilt[60] ^= 1;
  const endings = {
    Checkpoint: forged.file.subarray(at(98)),
    Order: forged.file.subarray(at(99)),
    Spoilt: spoilt,
    Junk: new Uint8Array(100),
    CutOff: new Uint8Array(),
    Gone: new Uint8Array(),
  };
  return Buffer.concat([show.file.subarray(0, at(51)), forged.file.subarray(at(51), at(98)), endings[ending]]);
}

for (const [name, layout] of Object.entries({ sealed, plain })) {
  for (const ending of ["Checkpoint", "Order", "Spoilt", "Junk", "CutOff", "Gone"]) {
    test(`${name}: what nobody will prove any more is dropped, and doubted where it was heard: ${ending}`, async (t) => {
      const gateway = gatewayWith(t, forgedThen(layout, ending));
      const { playback, output, arrived, end } = await playbackOf(t, layout);
      const { size } = gateway;
      gateway.size = forgedThen(layout, "CutOff").length;
      await playback.seekTo(0);
      await arrived(98);
      output.heard = 4800 * 70;
      output.onreport({}); // decodes ahead of it
      gateway.size = size;
      if (ending === "CutOff") gateway.finished = true;
      if (ending === "Gone") gateway.refusing = { GET: 410 };
      await end;
      assert.deepEqual([playback.received, playback.doubted], [PROVEN, true]);
      assert.ok(output.heard <= PROVEN);
      playback.seekTo(0);
      assert.equal(playback.doubted, false);
    });

    test(`${name}: of a finished show nothing is played before it is proven: ${ending}`, async (t) => {
      gatewayWith(t, forgedThen(layout, ending)).finished = true;
      const { playback, output, end, decoded } = await playbackOf(t, layout);
      output.heard = 4800 * 45;
      await playback.seekTo(output.heard);
      await end;
      assert.equal(decoded(), PROVEN);
      assert.deepEqual([playback.received, playback.doubted], [PROVEN, false]);
    });
  }
}

for (const [name, layout] of Object.entries({ sealed, plain })) {
  test(`${name}: a finished show is heard to its end`, async (t) => {
    const { file } = makeShow(120, { signed: true, layout, random: randomFrom(1) });
    gatewayWith(t, file).finished = true;
    const { playback, output, arrived } = await playbackOf(t, layout);
    await playback.seekTo(0);
    await arrived(120);
    for (let i = 0; i < 100 && !playback.finished; i++) {
      output.heard = 4800 * 120;
      output.onreport(output.report);
      await setTimeout(5);
    }
    assert.ok(playback.finished);
  });
}
