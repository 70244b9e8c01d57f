import assert from "node:assert/strict";
import { test } from "node:test";

import { parseLink } from "./format/link.js";
import { Recording } from "./recording.js";
import { randomFrom } from "./testing/read.mjs";
import { makeShow, plain } from "./testing/show.mjs";

/**
 * A plain show of ten seconds that broke off, and a gateway that has it: it runs
 * until `finished` is set, and `refusing` is the status that requests with some method get.
 */
function brokenOff(t) {
  const show = makeShow(100, { layout: plain, random: randomFrom(1) });
  const end = show.blocks.at(-1);
  const gateway = { finished: false, refusing: {}, requests: 0 };
  const file = show.file.subarray(0, end.offset + end.size);
  t.mock.method(globalThis, "fetch", async (_, { method = "GET", headers }) => {
    gateway.requests++;
    if (gateway.refusing[method]) return new Response(null, { status: gateway.refusing[method] });
    const [first, last] = headers.Range.match(/\d+/g).map(Number);
    if (first >= file.length) return new Response(null, { status: 416 });
    const body = file.subarray(first, (last ?? file.length) + 1);
    const range = `bytes ${first}-${first + body.length - 1}/${gateway.finished ? file.length : "*"}`;
    return new Response(method === "HEAD" ? null : body, { status: 206, headers: { "Content-Range": range } });
  });
  return gateway;
}

/** Opens the running show; nobody plays it. */
async function open() {
  const recording = new Recording("http://gateway.test/live/x", parseLink(""));
  await recording.open();
  assert.equal(recording.running, true);
  return recording;
}

test("a show whose end could not be read is measured later, and once", async (t) => {
  const gateway = brokenOff(t);
  const recording = await open();
  gateway.finished = true;
  gateway.refusing = { GET: 404 };
  await recording.updateEdge(20_000);
  assert.deepEqual([recording.running, recording.interrupted], [false, false]);
  gateway.refusing = {};
  const { requests } = gateway;
  await recording.updateEdge(25_000);
  assert.equal(gateway.requests, requests, "it is asked every ten seconds");
  await recording.updateEdge(31_000);
  assert.equal(recording.interrupted, true);
  assert.equal(recording.duration, recording.seconds(100 * 4800));
  const asked = gateway.requests;
  await recording.updateEdge(60_000);
  assert.equal(gateway.requests, asked);
});

test("a show is measured as soon as it is known to have ended", async (t) => {
  const gateway = brokenOff(t);
  const recording = await open();
  await recording.updateEdge(20_000);
  gateway.finished = true;
  await recording.stream.updateEdge(); // as a seek does
  await recording.updateEdge(20_500);
  assert.equal(recording.interrupted, true);
});

test("the question of one that runs is asked again when it failed", async (t) => {
  const gateway = brokenOff(t);
  const recording = await open();
  gateway.finished = true;
  gateway.refusing = { HEAD: 503 };
  await recording.updateEdge(20_000);
  assert.equal(recording.running, true);
  gateway.refusing = {};
  await recording.updateEdge(31_000);
  assert.equal(recording.interrupted, true);
});
