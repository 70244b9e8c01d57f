import assert from "node:assert/strict";
import { test } from "node:test";

import { parseLink } from "./format/link.js";
import { Recording } from "./recording.js";
import { gatewayWith } from "./testing/gateway.mjs";
import { randomFrom } from "./testing/read.mjs";
import { began, fragment, makeShow, plain, sealed, strangerKey } from "./testing/show.mjs";

/** A plain show of ten seconds that broke off. */
function brokenOff(t) {
  const show = makeShow(100, { layout: plain, random: randomFrom(1) });
  const end = show.blocks.at(-1);
  return gatewayWith(t, show.file.subarray(0, end.offset + end.size));
}

/** Opens the running show; nobody plays it. */
async function open(link = "") {
  const recording = new Recording("http://gateway.test/live/x", parseLink(link));
  await recording.open();
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

const SIGNED = 200; // blocks: 20 s
const PROVEN = 15.1; // seconds: where the block with the last checkpoint of a running one ends
const show = makeShow(SIGNED, { signed: true, random: randomFrom(1) });
const end = show.blocks.at(-1).offset + show.blocks.at(-1).size;

/** The gateway has so many bytes of a signed show, which was begun some seconds ago. */
function onAir(t, seconds, size = end, file = show.file) {
  const gateway = gatewayWith(t, file);
  gateway.size = size;
  t.mock.method(Date, "now", () => began + 1000 * seconds);
  return gateway;
}

globalThis.navigator ??= {}; // Node.js 20 has none

const stateOf = (recording, after = 0) => recording.state(performance.now() + after, false);

for (const [name, seconds, state] of [
  ["one that arrives as it is spoken is live", 20.4, "live"],
  ["one that is held back for 40 s is not", 60.4, "late"],
  ["nor is one of yesterday", 86_420, "late"],
  ["nor can it be told by a clock that is slow", 10, "askew"],
]) {
  for (const layout of [sealed, plain]) {
    test(`of shows that the gateway calls running, ${name}`, async (t) => {
      const { file, blocks } = makeShow(SIGNED, { signed: true, layout, random: randomFrom(1) });
      const { offset, size } = blocks.at(-1);
      onAir(t, seconds, offset + size, file);
      const recording = await open(fragment({ layout }));
      assert.deepEqual([recording.running, stateOf(recording)], [true, state]);
      assert.ok(Math.abs(recording.edge.late - (seconds - PROVEN)) < 0.01, `${recording.edge.late} s late`);
    });
  }
}

test("what nobody has signed yet is not what shows a show to be live", async (t) => {
  for (const [seconds, state] of [
    [PROVEN + 9.8, "live"],
    [PROVEN + 10.1, "late"], // though what is not proven may be said 5 s ago
    [PROVEN - 0.9, "live"],
    [PROVEN - 1.1, "askew"],
  ]) {
    onAir(t, seconds);
    assert.equal(stateOf(await open(fragment())), state, `${seconds} s`);
    t.mock.restoreAll();
  }
});

test("a show that nobody plays is live as long as its proof is fresh, and costs the gateway questions only", async (t) => {
  const gateway = onAir(t, 20.4);
  const recording = await open(fragment());
  const opened = performance.now();
  assert.deepEqual([stateOf(recording), stateOf(recording, 14_000)], ["live", "live"]);
  gateway.asked = [];
  for (let second = 16; second < 200; second++) {
    await recording.updateEdge(opened + second * 1000);
    assert.equal(recording.state(opened + second * 1000, false), "unproven", `second ${second}`);
  }
  assert.deepEqual(gateway.asked, []);
  assert.ok(gateway.requests < 30);
});

test("a show is not live on a device that has slept", async (t) => {
  onAir(t, 20.4);
  const recording = await open(fragment());
  Date.now = () => began + 40_000; // performance.now may have stood still
  assert.equal(stateOf(recording), "unproven");
});

for (const signed of [true, false]) {
  test(`signed ${signed}: a gateway that does not answer any more has no show on air`, async (t) => {
    const gateway = onAir(t, 20.4);
    const recording = await open(fragment({ signed }));
    const opened = performance.now();
    const stateAt = async (second) => {
      await recording.updateEdge(opened + second * 1000);
      return recording.state(opened + second * 1000, false);
    };
    gateway.refusing = { GET: 503, HEAD: 503 };
    assert.notEqual(await stateAt(11), "stalled", "one answer may be lost");
    assert.equal(await stateAt(22), "stalled");
    assert.equal(await stateAt(119), "stalled");
    gateway.refusing = {};
    assert.equal(await stateAt(130), "unproven");
  });
}

test("old bytes that come again prove nothing", async (t) => {
  onAir(t, 20.4);
  const { edge, stream } = await open(fragment());
  const { late, captured } = edge;
  Date.now = () => began + 60_000;
  const again = await open(fragment());
  edge.noteProof(again.stream.checkpoint);
  edge.noteProof({ ...stream.checkpoint, sequence: stream.checkpoint.sequence - 1, time: Date.now() });
  edge.noteProof(null);
  assert.deepEqual([edge.late, edge.captured], [late, captured]);
  assert.equal(stateOf(again), "late");
});

test("while the speaker pauses, nothing shows that a show arrives late", async (t) => {
  const { file, blocks } = makeShow(20, { signed: true, random: randomFrom(1), signs: (i) => (i === 19 ? 6 : 0) });
  onAir(t, 62, blocks[19].offset, file);
  assert.equal(stateOf(await open(fragment())), "unproven");
});

test("a show whose end stands there is over, whatever the gateway says", async (t) => {
  for (const layout of [sealed, plain]) {
    const { file } = makeShow(SIGNED, { signed: true, layout, random: randomFrom(1) });
    onAir(t, 20.4, file.length, file);
    const recording = await open(fragment({ layout }));
    assert.deepEqual([recording.running, stateOf(recording)], [false, "ended"]);
    t.mock.restoreAll();
  }
});

test("a running show of which nothing is signed is not called live", async (t) => {
  const forged = makeShow(SIGNED, { signed: true, signedWith: strangerKey, random: randomFrom(1) });
  onAir(t, 20.4, end, forged.file);
  await assert.rejects(open(fragment()), { code: "Checkpoint" });
  const head = makeShow(0, { signed: true, random: randomFrom(1) });
  onAir(t, 0.1, head.first, head.file);
  const recording = await open(fragment());
  assert.equal(stateOf(recording), "unproven");
  assert.deepEqual([recording.show.title, recording.show.speaker], ["", ""], "nobody has signed its head");
});

test("what is refused near the edge keeps nobody from hearing what comes before", async (t) => {
  const forged = makeShow(SIGNED, { signed: true, signedWith: strangerKey, random: randomFrom(2) });
  const { offset } = show.blocks[140];
  onAir(t, 20.4, end, Buffer.concat([show.file.subarray(0, offset), forged.file.subarray(offset, end)]));
  const { stream } = await open(fragment());
  const block = await stream.seekTo(48_000);
  assert.ok(block.start < 48_000);
});

test("without a signer nothing shows a running show to be live", async (t) => {
  for (const layout of [sealed, plain]) {
    const { file, blocks } = makeShow(SIGNED, { layout, random: randomFrom(1) });
    onAir(t, 20.4, blocks.at(-1).offset, file);
    const recording = await open(fragment({ layout, signed: false }));
    assert.deepEqual([stateOf(recording), recording.show.title], ["unproven", "Town hall"]);
    t.mock.restoreAll();
  }
});

test("without a signer nothing shows a show to be over", async (t) => {
  for (const layout of [sealed, plain]) {
    const { file } = makeShow(SIGNED, { layout, random: randomFrom(1) });
    const gateway = onAir(t, 100, file.length, file);
    gateway.finished = true;
    const recording = await open(fragment({ layout, signed: false }));
    assert.equal(stateOf(recording), "closing");
    const { requests } = gateway;
    await recording.updateEdge(performance.now() + 60_000);
    assert.equal(gateway.requests, requests, "there is no more to learn");
    t.mock.restoreAll();
  }
});

test("a show is over only with the speaker's end", async (t) => {
  const forgedEnd = Buffer.concat([show.file.subarray(0, end), makeEnd(false)]);
  const strangersEnd = Buffer.concat([show.file.subarray(0, end), makeEnd(true)]);
  for (const [file, state] of [
    [show.file, "ended"],
    [show.file.subarray(0, end), "interrupted"],
    [forgedEnd, "falseend"],
    [strangersEnd, "falseend"],
  ]) {
    onAir(t, 100, file.length, file).finished = true;
    const recording = await open(fragment());
    assert.deepEqual([recording.running, stateOf(recording)], [false, state]);
    t.mock.restoreAll();
  }
});

/** The end of the show as somebody with its key would make it. */
function makeEnd(signed) {
  const { file, blocks } = makeShow(SIGNED, { signed, signedWith: strangerKey, random: randomFrom(1) });
  return file.subarray(blocks.at(-1).offset + blocks.at(-1).size);
}

test("that a show is over is not said before its end was read", async (t) => {
  const gateway = onAir(t, 20.4);
  const recording = await open(fragment());
  gateway.refusing = { GET: 404 };
  [gateway.size, gateway.finished] = [show.file.length, true];
  await recording.updateEdge(performance.now() + 20_000);
  assert.equal(stateOf(recording), "closing");
  gateway.refusing = {};
  await recording.updateEdge(performance.now() + 40_000);
  assert.equal(stateOf(recording), "ended");
});

test("how far behind the listener is", async (t) => {
  onAir(t, 60);
  const recording = await open(fragment());
  const at = (seconds) => [48_000 * seconds, began + 1000 * seconds];
  assert.equal(recording.lag(...at(15)), 45, "the edge is where it is in truth, whatever arrives");
  assert.equal(recording.lag(...at(10)), 50);
  assert.equal(recording.lag(...at(20)), 60 - PROVEN, "what is not proven is not nearer than what is");
  assert.equal(recording.lag(48_000 * 20, null), null);
  Date.now = () => began + 15_000;
  assert.equal(recording.lag(...at(20)), null, "a clock that is slow by five seconds tells nothing");
  Date.now = () => began + 19_900;
  assert.ok(recording.lag(...at(20)) >= 0);
});
