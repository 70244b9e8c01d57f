import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockOffset } from "./clock.js";
import { FRAME } from "./framer.js";
import { decibels, Fault, measure, SoundWatch } from "./level.js";

const frame = (peak) => [new Float32Array(FRAME).map((_, i) => peak * Math.sin(i / 10))];
const voice = measure(frame(0.3));
const silence = measure(frame(0));

/** How many frames it takes until there is a fault, or none. */
function until(watch, level, fault, most = 1000) {
  let frames = 0;
  while (watch.fault !== fault && frames < most) {
    watch.hear(level);
    frames++;
  }
  return frames;
}

test("levels", () => {
  assert.ok(Math.abs(voice.peak - 0.3) < 0.001 && !voice.clipped);
  assert.equal(decibels(1), 0);
  assert.equal(decibels(0), -90);
  assert.ok(measure(frame(1.5)).clipped);
  assert.ok(!measure([new Float32Array(FRAME).fill(1, 0, 2)]).clipped, "two samples are chance");
});

test("within 3 seconds the speaker knows that nothing is heard, and at once that something is", () => {
  const watch = new SoundWatch();
  watch.hear(voice);
  assert.equal(watch.fault, null);
  assert.ok(until(watch, silence, Fault.SILENT) <= 150);
  assert.equal(until(watch, voice, null), 1);
});

test("sound that clips again and again is warned of, and for long enough to be read", () => {
  const watch = new SoundWatch();
  const loud = measure(frame(1.5));
  watch.hear(loud);
  assert.equal(watch.fault, null, "once is chance");
  assert.ok(until(watch, loud, Fault.CLIPPING) < 10);
  const stays = until(watch, voice, null);
  assert.ok(stays > 100 && stays <= 150, `${stays} frames`);
});

test("the time that was late the least tells how far two clocks are apart", () => {
  const clock = new ClockOffset(3);
  assert.equal(clock.toTheirs(7), 7);
  for (const late of [30, 2, 15]) clock.hear(1000, late);
  assert.equal(clock.toTheirs(10), 1008);
  assert.equal(clock.toOurs(1008), 10);
  for (const late of [130, 120, 140]) clock.hear(1000, late); // the other clock was set
  assert.equal(clock.toTheirs(120), 1000);
});
