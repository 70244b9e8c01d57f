import assert from "node:assert/strict";
import { test } from "node:test";
import { openEncoder } from "./encoder.js";
import { Encoding } from "./encoding.js";
import { WasmEncoder } from "./wasm.js";

const voice = { channels: 1, bitrate: 32000, application: "voip", vbr: false };
const frame = (n) => [new Float32Array(960).fill(n / 1000)];

/** An encoder whose packets tell which frame they are of, some time later. */
class Slow {
  preSkip = 312;
  onpacket = () => {};
  onfailure = () => {};
  queue = [];
  closed = false;

  encode(_, captured) {
    this.queue.push(captured);
    if (this.queue.length > 3) this.onpacket(Uint8Array.of(1), this.queue.shift());
  }

  async flush() {
    await null;
    for (const captured of this.queue.splice(0)) this.onpacket(Uint8Array.of(1), captured);
  }

  close() {
    this.closed = true;
  }
}

test("every frame becomes a packet, once and in order, while encoders come and go", async () => {
  const opened = [];
  const encoding = new Encoding(async () => opened[opened.push(new Slow()) - 1]);
  const packets = [];
  encoding.onpacket = (_, captured) => packets.push(captured);
  let n = 0;
  const speak = (frames) => {
    for (const end = n + frames; n < end; n++) encoding.encode(frame(n), n);
  };
  speak(10); // before there is one
  const first = encoding.use(voice);
  speak(10);
  await first;
  speak(10);
  const second = encoding.use({ ...voice, application: "audio" });
  speak(10);
  await second;
  speak(10);
  opened[1].queue.length = 0; // it fails, and takes what it has with it
  opened[1].onfailure(new Error("gone"));
  speak(10);
  await encoding.flush();
  assert.deepEqual(packets, [...Array(60).keys()], "silence in place of what was lost");
  assert.deepEqual(
    opened.map(({ closed }) => closed),
    [true, true, false],
  );
});

test("an encoder that does not keep to the packets' size is left for the next one", async () => {
  class Greedy extends Slow {
    static open = async () => new Greedy();
    encode(_, captured) {
      this.onpacket(new Uint8Array(81), captured);
    }
  }
  class Fitting extends Slow {
    static open = async () => new Fitting();
    encode(_, captured) {
      this.onpacket(new Uint8Array(80), captured);
    }
  }
  class Varying extends Slow {
    static open = async () => new Varying();
    encode([plane], captured) {
      this.onpacket(new Uint8Array(plane[0] === 0 ? 3 : 80), captured);
    }
  }
  assert.ok((await openEncoder(voice, [Greedy, Varying, Fitting])) instanceof Fitting);
  assert.ok((await openEncoder({ ...voice, vbr: true }, [Greedy, Fitting])) instanceof Greedy);
  await assert.rejects(openEncoder(voice, [Greedy]), /too large/);
  await assert.rejects(openEncoder(voice, [Varying]), /many sizes/);
});

for (const audio of [voice, { channels: 2, bitrate: 96000, application: "audio", vbr: false }]) {
  test(`WebAssembly: ${audio.channels} channels of ${audio.application} in packets of one size`, async () => {
    const encoder = await openEncoder(audio, [WasmEncoder]);
    const sizes = new Set();
    encoder.onpacket = (packet) => sizes.add(packet.length);
    for (let n = 0; n < 100; n++) encoder.encode(Array(audio.channels).fill(frame(n)[0]), n);
    assert.deepEqual([...sizes], [audio.bitrate / 400]);
    assert.equal(encoder.preSkip, 312);
    encoder.close();
  });
}

test("what an encoder says with its first packet only is known before", async () => {
  class Late extends Slow {
    static open = async () => new Late();
    encode(_, captured) {
      this.preSkip = 120;
      this.onpacket(new Uint8Array(80), captured);
    }
  }
  const encoding = new Encoding((audio) => openEncoder(audio, [Late]));
  await encoding.use(voice);
  assert.equal(encoding.preSkip, 120);
});
