import assert from "node:assert/strict";
import { test } from "node:test";
import { FRAME, Framer } from "./framer.js";

test("every sample comes once and in order, whatever the pieces are", () => {
  const framer = new Framer(2, 48000);
  const frames = [];
  let sent = 0;
  for (const size of [128, 1, 2000, 128, 959, 960, 961, 4000]) {
    const piece = Float32Array.from({ length: size }, () => ++sent / 2 ** 20);
    framer.push([piece, piece.map((sample) => -sample)], (planes) => frames.push(planes));
  }
  assert.equal(frames.length, Math.floor(sent / FRAME));
  frames.forEach((planes, n) => {
    planes.forEach((plane, channel) => {
      const sign = channel === 0 ? 1 : -1;
      assert.ok(plane.every((sample, i) => sample === (sign * (n * FRAME + i + 1)) / 2 ** 20));
    });
  });
});
