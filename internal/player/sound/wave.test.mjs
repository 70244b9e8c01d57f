import assert from "node:assert/strict";
import { test } from "node:test";
import { Wave } from "./wave.js";

test("a waveform knows what was heard, and nothing else", () => {
  const wave = new Wave();
  wave.add([new Float32Array(48000).fill(0.5)], 48000);
  wave.add([new Float32Array(48000).fill(0.25)], 3 * 48000);
  const bars = [...wave.bars(4, 4 * 48000)];
  assert.ok(Number.isNaN(bars[0]) && Number.isNaN(bars[2]));
  assert.deepEqual([bars[1], bars[3]], [1, 0.5]);
});

test("a waveform outgrows no memory, and keeps its shape", () => {
  const wave = new Wave();
  const minute = 60 * 48000;
  for (let n = 0; n < 180; n++) wave.add([new Float32Array(480).fill(n % 2 ? 1 : 0.5)], n * minute);
  const bars = wave.bars(90, 180 * minute);
  assert.ok(
    bars.every((bar) => bar > 0.9),
    "each bar has a loud minute",
  );
  wave.add([Float32Array.of(1)], 100 * 180 * minute);
});

test("a waveform that the link gives is drawn as it is", () => {
  const wave = new Wave(Uint8Array.of(0, 128, 255, 255));
  assert.deepEqual(
    [...wave.bars(2, 1)].map((bar) => Math.round(bar * 255)),
    [128, 255],
  );
});
