import assert from "node:assert/strict";
import { test } from "node:test";
import { PcmQueue, Stretcher } from "./stretch.js";

const RATE = 48000;
const tone = (count, hertz) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / RATE));

/** Plays `seconds` of what is queued, in the worklet's quanta. */
function play(stretcher, seconds) {
  const out = new Float32Array(Math.floor((seconds * RATE) / 128) * 128);
  for (let at = 0; at < out.length; at += 128) stretcher.play([out.subarray(at, at + 128)], 0, 128);
  return out;
}

function queued(sound) {
  const queue = new PcmQueue(1, 1 << 18);
  queue.reset(1000);
  queue.push([sound], 1000);
  const stretcher = new Stretcher(queue);
  stretcher.reset(1000);
  return stretcher;
}

test("at speed 1 every sample comes out as it is", () => {
  const sound = tone(2 * RATE, 440).map((sample, i) => sample * Math.sin(i / 999));
  const stretcher = queued(sound);
  const out = play(stretcher, 1.5);
  assert.deepEqual(out, sound.slice(0, out.length));
  assert.equal(stretcher.position, 1000 + out.length);
});

for (const speed of [0.5, 0.95, 1.05, 1.5, 2, 3]) {
  test(`at speed ${speed} the pitch stays and the time does not`, () => {
    const stretcher = queued(tone(4 * RATE, 220));
    stretcher.speed = speed;
    const seconds = 1;
    const out = play(stretcher, seconds);
    let crossings = 0;
    let loudest = 0;
    let jump = 0;
    for (let i = 1; i < out.length; i++) {
      if (out[i - 1] < 0 && out[i] >= 0) crossings++;
      loudest = Math.max(loudest, Math.abs(out[i]));
      jump = Math.max(jump, Math.abs(out[i] - out[i - 1]));
    }
    assert.ok(Math.abs(crossings - 220 * seconds) <= 3, `${crossings} periods`);
    assert.ok(loudest < 1.001);
    assert.ok(jump < 0.06, `a click of ${jump}`); // 220 Hz alone: 0.029
    const travelled = (stretcher.position - 1000) / RATE;
    assert.ok(Math.abs(travelled - speed * seconds) < 0.05, `${travelled} s of the show`);
  });
}

test("back at speed 1 it goes on from where it is, sample by sample", () => {
  const sound = tone(4 * RATE, 300);
  const stretcher = queued(sound);
  stretcher.speed = 2;
  play(stretcher, 0.5);
  stretcher.speed = 1;
  play(stretcher, 0.1); // the last fade ends
  const from = stretcher.position - 1000;
  const out = play(stretcher, 0.2);
  assert.deepEqual(out, sound.slice(from, from + out.length));
});

test("a hole is silence, a repetition is left out, and what has no room is dropped", () => {
  const queue = new PcmQueue(1, 16);
  const read = () => Array.from({ length: queue.end - queue.start }, (_, i) => queue.at(0, queue.start + i));
  queue.push([Float32Array.of(1, 2)], 0);
  queue.push([Float32Array.of(5, 6)], 4);
  queue.push([Float32Array.of(5, 6, 7)], 4);
  assert.deepEqual(read(), [1, 2, 0, 0, 5, 6, 7]);
  queue.push([new Float32Array(20).fill(9)], 7);
  assert.deepEqual(read(), [1, 2, 0, 0, 5, 6, 7, ...Array(9).fill(9)]);
  queue.push([Float32Array.of(8)], 40);
  assert.equal(queue.end, 16);
});
