import assert from "node:assert/strict";
import { test } from "node:test";
import { LatencyController } from "./latency-controller.js";
import { LiveEdge } from "./live-edge.js";

test("the edge of a show goes on between blocks, and while the line is broken", () => {
  const edge = new LiveEdge();
  assert.equal(edge.sampleAt(0), null);
  for (let n = 1; n <= 50; n++) edge.observe(n * 4800, 5000 + n * 100 + (n % 7) * 10); // late by up to 60 ms
  assert.equal(edge.sampleAt(5000 + 5000), 50 * 4800);
  assert.equal(edge.sampleAt(5000 + 9000), 90 * 4800);
});

test("blocks that were held up do not put the clock back", () => {
  const edge = new LiveEdge();
  edge.observe(48000, 1000);
  edge.observe(96000, 9000);
  assert.equal(edge.sampleAt(9000), 9 * 48000);
});

test("what is older than two minutes is forgotten: clocks drift", () => {
  const edge = new LiveEdge();
  for (let second = 1; second <= 300; second++) edge.observe(second * 47990, second * 1000);
  const behind = 300 * 47990 - edge.sampleAt(300_000);
  assert.ok(Math.abs(behind) < 1300, `${behind} samples`);
});

test("while the speaker pauses the edge stands still, and then goes on from there", () => {
  const edge = new LiveEdge();
  edge.observe(48000, 1000);
  edge.pause(48000);
  assert.equal(edge.sampleAt(60_000), 48000);
  edge.observe(52800, 60_000);
  assert.equal(edge.sampleAt(60_100), 57600);
});

test("a sign of life at the edge says that the speaker pauses, an older one does not", () => {
  const edge = new LiveEdge();
  const sign = (end) => ({ end, packets: [], last: false });
  assert.equal(edge.noteBlock(sign(4800), false, 1000), false);
  assert.equal(edge.sampleAt(1000), null);
  assert.equal(edge.noteBlock({ end: 9600, packets: [new Uint8Array(1)], last: false }, true, 2000), false);
  assert.equal(edge.sampleAt(3000), 9600 + 48000);
  assert.equal(edge.noteBlock(sign(9600), true, 12_000), true);
  assert.equal(edge.sampleAt(13_000), 9600);
  assert.equal(edge.known, 9600);
});

test("the least that lies ready in two seconds is what counts", () => {
  const controller = new LatencyController();
  assert.equal(controller.measure(5, 20_000), true, "the first window has begun long ago");
  assert.ok(controller.rate > 1);
  assert.equal(controller.measure(0.1, 21_000), false);
  assert.equal(controller.measure(5, 22_000), true);
  assert.equal(controller.rate, 1);
  controller.restart();
  assert.equal(controller.measure(Infinity, 30_000), false);
});

test("gaps make the listener hold more, up to a limit, and calm times less again", () => {
  const controller = new LatencyController();
  const first = controller.target;
  for (let n = 0; n < 10; n++) controller.ranOut(n);
  assert.equal(controller.target, 0.4);
  for (let now = 0; now < 20 * 60_000; now += 2_000) controller.observe(controller.target / 2, now);
  assert.equal(controller.target, first);
  assert.equal(controller.rate, 1);
});

/** Plays for a while with a sender whose clock is off, and returns what then lies ready. */
function readyAfter(ready, drift) {
  const controller = new LatencyController();
  for (let now = 20_000; now < 10 * 60_000; now += 2_000) {
    controller.observe(ready, now);
    ready += 2 * (drift + 1 - controller.rate);
  }
  return ready;
}

test("it never drifts: too much and too little are both made up for", () => {
  for (const [ready, drift] of [
    [0.1, 0],
    [0.1, 1e-3],
    [0.3, -1e-3],
    [5, 0],
    [0.4, 1e-4],
  ]) {
    const end = readyAfter(ready, drift);
    assert.ok(end > -0.1 && end < 0.3, `from ${ready} with ${drift}: ${end} s`);
  }
});

test("an uneven line is left to recover before its sound is used up", () => {
  const controller = new LatencyController();
  controller.ranOut(1000);
  controller.observe(5, 3000);
  assert.equal(controller.rate, 1);
  controller.observe(5, 12_000);
  assert.ok(controller.rate > 1 && controller.rate <= 1.05);
});
