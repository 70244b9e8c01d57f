import assert from "node:assert/strict";
import { test } from "node:test";
import { Resampler } from "./resample.js";

/** One second of a tone. */
const tone = (rate, frequency, amplitude = 0.5) =>
  Float32Array.from({ length: rate }, (_, i) => amplitude * Math.sin((2 * Math.PI * frequency * i) / rate));

/** Pushes sound in pieces, as a worklet gets it. */
function resampled(from, to, sound, piece = 128) {
  const resampler = new Resampler(from, to);
  const output = [];
  for (let at = 0; at < sound.length; at += piece) output.push(...resampler.push(sound.subarray(at, at + piece)));
  return output;
}

/** How far what is no part of the tone lies below it, in dB, once the filter is filled. */
function distance(sound, rate, frequency) {
  const settled = sound.slice(4800, -4800);
  const at = (2 * Math.PI * frequency) / rate;
  const [a, b] = [Math.sin, Math.cos].map(
    (wave) => (2 / settled.length) * settled.reduce((sum, sample, i) => sum + sample * wave(at * i), 0),
  );
  const rest = settled.reduce((sum, sample, i) => sum + (sample - a * Math.sin(at * i) - b * Math.cos(at * i)) ** 2, 0);
  return 10 * Math.log10(((a * a + b * b) / 2 / rest) * settled.length);
}

for (const from of [8000, 16000, 22050, 32000, 44100, 88200, 96000, 192000]) {
  test(`${from} Hz become 48000: tones stay what they are`, () => {
    for (const frequency of [100, 1000, 3000, ...(from > 40000 ? [10000, 18000] : [])]) {
      const sound = resampled(from, 48000, tone(from, frequency));
      assert.ok(Math.abs(sound.length - 48000) < 200, `${sound.length} samples`);
      const found = distance(sound.slice(0, Math.floor(sound.length / 4800) * 4800), 48000, frequency);
      assert.ok(found > 80, `${frequency} Hz: ${found.toFixed(1)} dB`);
    }
  });
}

test("what 48 kHz cannot hold is not folded back", () => {
  const sound = resampled(96000, 48000, tone(96000, 30000)).slice(2000);
  const loudest = Math.max(...sound.map(Math.abs));
  assert.ok(loudest < 0.5 * 10 ** (-85 / 20), `${20 * Math.log10(loudest)} dB`);
});

test("the size of the pieces does not matter, and 48 kHz are not touched", () => {
  const sound = tone(44100, 440).subarray(0, 5000);
  assert.deepEqual(resampled(44100, 48000, sound, 1), resampled(44100, 48000, sound, 777));
  assert.deepEqual(resampled(48000, 48000, sound), [...sound]);
});
