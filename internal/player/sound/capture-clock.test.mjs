import assert from "node:assert/strict";
import { test } from "node:test";
import { CaptureClock } from "./capture-clock.js";

/** Of a block of a tenth of a second. */
const at = (second, time) => ({ sequence: 0, start: 48000 * second - 4800, sample: 48000 * second, time });

test("a sample's time is that of the checkpoint before it, or else of the one behind it", () => {
  const clock = new CaptureClock();
  assert.equal(clock.timeAt(0), null);
  clock.note(null);
  clock.note(at(5, 1_000_000));
  clock.note(at(5, 1_000_000));
  clock.note(at(10, 1_005_010)); // the clocks differ a little
  for (const [second, time] of [
    [4, 999_000],
    [5, 1_000_000],
    [9, 1_004_000],
    [10, 1_005_010],
    [12, 1_007_010],
  ]) {
    assert.equal(clock.timeAt(48000 * second), time, `second ${second}`);
  }
});

test("behind a pause time is not known before the next checkpoint", () => {
  const clock = new CaptureClock();
  clock.note(at(5, 1_000_000));
  clock.pause(48000 * 7);
  clock.note(null); // there is none for the signs of life
  clock.pause(48000 * 7);
  assert.equal(clock.timeAt(48000 * 6), 1_001_000);
  assert.equal(clock.timeAt(48000 * 7), null, "what is said next is said after the pause");
  assert.equal(clock.timeAt(48000 * 8), null);
  clock.note(at(10, 1_605_000));
  assert.equal(clock.timeAt(48000 * 6), 1_001_000);
  assert.equal(clock.timeAt(48000 * 8), 1_603_000);
  clock.pause(48000 * 10);
  clock.note(at(10.1, 1_900_000));
  assert.equal(clock.timeAt(48000 * 10), 1_899_900, "the next block has one");
});

test("a block with a checkpoint is counted from it, where nothing tells of the pause before", () => {
  const clock = new CaptureClock();
  clock.note(at(5, 1_000_000));
  clock.note(at(8, 1_603_000)); // the station was restarted
  assert.equal(clock.timeAt(48000 * 7.8), 1_002_800);
  assert.equal(clock.timeAt(48000 * 7.95), 1_602_950);
});

test("of a long show only the last minutes are kept", () => {
  const clock = new CaptureClock();
  for (let i = 1; i < 5000; i++) clock.note(at(5 * i, 5000 * i));
  assert.equal(clock.timeAt(48000 * 5 * 4999), 5000 * 4999);
  clock.reset();
  assert.equal(clock.timeAt(48000), null);
});
