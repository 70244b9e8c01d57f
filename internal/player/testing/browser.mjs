// What of a browser's sound the whole Player needs, in place of it: nothing is decoded, and the
// loudspeaker plays as fast as it is told to.

/** Returns a function that says that all there is up to a sample was heard. */
export function fakeBrowser(t) {
  let node;
  class FakeNode {
    port = {
      postMessage: (command) => {
        if (command.kind === "seek") Object.assign(this, { epoch: command.epoch, complete: false });
        if (command.kind === "complete") this.complete = true;
      },
    };
    constructor(_, name) {
      if (name === "loudspeaker") node = this;
    }
    gain = {};
    connect = (next) => next;
    disconnect() {}
  }
  class FakeDecoder {
    static isConfigSupported = async () => ({ supported: true });
    state = "configured";
    configure() {}
    reset() {}
    close() {}
    decode() {}
    async flush() {}
  }
  class FakeContext {
    audioWorklet = { addModule: async () => {} };
    resume = async () => {};
  }
  Object.assign(globalThis, {
    isSecureContext: true,
    AudioWorkletNode: FakeNode,
    GainNode: FakeNode,
    AudioContext: FakeContext,
    AudioDecoder: FakeDecoder,
    EncodedAudioChunk: class {},
    localStorage: { getItem: () => null, setItem() {}, removeItem() {} },
    addEventListener() {},
    removeEventListener() {},
  });
  globalThis.navigator ??= {};
  t.mock.method(globalThis, "setInterval", () => 0);
  return (sample) => {
    const { epoch, complete = false } = node;
    const data = { epoch, sample, end: sample, time: 0, least: 0, sounding: false, starved: true, finished: complete };
    node.port.onmessage({ data });
  };
}
