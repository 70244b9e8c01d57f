import assert from "node:assert/strict";
import { test } from "node:test";
import { behind, clock, spoken } from "./time.js";

test("clock", () => {
  const texts = [
    [0, "0:00"],
    [59.99, "0:59"],
    [725, "12:05"],
    [3600, "1:00:00"],
    [36061, "10:01:01"],
    [-1, "0:00"],
    [undefined, "0:00"],
  ];
  for (const [seconds, text] of texts) assert.equal(clock(seconds), text);
});

test("spoken", () => {
  const texts = [
    [0, "0 seconds"],
    [1, "1 second"],
    [725, "12 minutes 5 seconds"],
    [3600, "1 hour"],
    [7201, "2 hours 1 second"],
  ];
  for (const [seconds, text] of texts) assert.equal(spoken(seconds), text);
});

test("behind", () => {
  assert.equal(behind(1.23, ""), "1.2 s behind");
  assert.equal(behind(725, ""), "12:05 behind");
  assert.equal(behind(40.31, "by this device's clock"), "40.3 s behind by this device's clock");
});
