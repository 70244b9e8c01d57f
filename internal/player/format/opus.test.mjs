import assert from "node:assert/strict";
import { test } from "node:test";

import { packetDuration } from "./opus.js";

test("every configuration lasts what RFC 6716, table 2, says", () => {
  const silk = [480, 960, 1920, 2880],
    hybrid = [480, 960],
    celt = [120, 240, 480, 960];
  const durations = [silk, silk, silk, hybrid, hybrid, celt, celt, celt, celt].flat();
  assert.equal(durations.length, 32);
  durations.forEach((samples, config) => {
    assert.equal(packetDuration([config << 3]), samples);
    assert.equal(packetDuration([(config << 3) | 1]), 2 * samples);
    assert.equal(packetDuration([(config << 3) | 2]), 2 * samples);
    assert.equal(
      packetDuration([(config << 3) | 3, 0x82]),
      2 * samples,
      "the flags beside the frame count are not part of it",
    );
  });
});

test("what is not Opus", () => {
  const longest = Uint8Array.of((19 << 3) | 3, 6); // 6 of 20 ms
  assert.equal(packetDuration(longest), 5760);
  for (const [name, packet] of Object.entries({
    empty: [],
    "no frame count": [3],
    "no frames": [3, 0x40],
    "121 ms and more": [(19 << 3) | 3, 7],
    "49 of 2.5 ms": [(16 << 3) | 3, 49],
  })) {
    assert.throws(() => packetDuration(Uint8Array.from(packet)), { code: "Malformed" }, name);
  }
});
