import assert from "node:assert/strict";
import { test } from "node:test";
import { Mic } from "../state.js";
import { Input } from "./input.js";

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A browser whose microphone is given when the test says so. */
function mockBrowser(settings = {}) {
  const mock = { stopped: 0, give: () => {}, node: null };
  const track = {
    readyState: "live",
    addEventListener() {},
    stop: () => mock.stopped++,
    getSettings: () => settings,
  };
  const stream = { getAudioTracks: () => [track], getTracks: () => [track] };
  const getUserMedia = () => new Promise((resolve) => (mock.give = () => resolve(stream)));
  define("navigator", { mediaDevices: { getUserMedia } });
  define(
    "AudioContext",
    class {
      state = "running";
      audioWorklet = { addModule: async () => {} };
      createMediaStreamSource = () => ({ connect() {}, disconnect() {} });
      async resume() {}
      close() {}
    },
  );
  define(
    "AudioWorkletNode",
    class {
      port = { postMessage() {} };
      constructor() {
        mock.node = this;
      }
    },
  );
  return mock;
}

test("a microphone that is still being opened does not outlast its end", async () => {
  const mock = mockBrowser();
  const input = new Input({ device: "", echo: true, noise: true, gain: true });
  input.open(1);
  await settled();
  input.close();
  mock.give();
  await settled();
  assert.equal(input.mic, Mic.OFF);
  assert.equal(mock.stopped, 1);
  input.open(1);
  await settled();
  mock.give();
  await settled();
  assert.equal(input.mic, Mic.OPEN);
  assert.equal(mock.stopped, 1);
});

test("what the browser says of a microphone's delay is part of the time", async () => {
  const mock = mockBrowser({ latency: 0.5 });
  const input = new Input({ device: "", echo: true, noise: true, gain: true });
  input.open(1);
  await settled();
  mock.give();
  await settled();
  const times = [];
  input.onframe = (_, captured) => times.push(captured);
  const now = performance.now();
  mock.node.port.onmessage({ data: { planes: [new Float32Array(960)], time: 7 } });
  assert.ok(Math.abs(times[0] - (now - 500)) < 100, `${now - times[0]} ms`);
});
