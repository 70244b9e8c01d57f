import assert from "node:assert/strict";
import { test } from "node:test";

import { Playback } from "./playback.js";

/** What of a browser's sound an Output needs. `connected` has the nodes that are. */
function fakeSound() {
  const connected = new Set();
  class FakeNode {
    port = { postMessage() {} };
    connect(next) {
      connected.add(this);
      return next;
    }
    disconnect() {
      connected.delete(this);
    }
  }
  const context = { destination: {}, audioWorklet: { addModule: async () => {} } };
  return { connected, context, FakeNode };
}

test("without a decoder no loudspeaker is left behind", async () => {
  const { connected, context, FakeNode } = fakeSound();
  const unreachable = { createElement: () => ({}), head: { append: (script) => script.onerror() } };
  Object.assign(globalThis, { AudioWorkletNode: FakeNode, GainNode: FakeNode, document: unreachable });
  await assert.rejects(Playback.open(context, { stream: { head: { channels: 1 } } }), { name: "AbortError" });
  assert.equal(connected.size, 0);
});
