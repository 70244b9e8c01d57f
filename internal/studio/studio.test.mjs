import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

console.error = () => {}; // there is no database

// What the studio needs of a browser.

const stored = new Map();
const browser = { encoders: [], sockets: [], opening: Promise.resolve(), refuses: false };
const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define("sessionStorage", {
  getItem: (name) => stored.get(name) ?? null,
  setItem: (name, value) => stored.set(name, value),
});
define("location", { hash: "", pathname: "/studio/", href: "https://radio.example.org/studio/" });
define("history", { replaceState: () => (location.hash = "") });
define("navigator", { mediaDevices: {} });
define("AudioWorkletNode", class {});
define(
  "AudioContext",
  class {
    close() {}
  },
);
define(
  "AudioData",
  class {
    constructor({ data }) {
      this.first = data[0];
    }
    close() {}
  },
);
define(
  "AudioEncoder",
  class {
    state = "configured";
    inside = [];
    static async isConfigSupported() {
      await browser.opening;
      return { supported: !browser.refuses };
    }
    constructor({ output, error }) {
      Object.assign(this, { output, error });
      browser.encoders.push(this);
    }
    configure() {}
    encode({ first }) {
      this.inside.push(first);
      if (!browser.slow) this.give();
    }
    give() {
      for (const first of this.inside.splice(0)) {
        const bytes = new Uint8Array(80).fill(Math.round(100 * first));
        this.output({ byteLength: 80, copyTo: (packet) => packet.set(bytes) });
      }
    }
    async flush() {
      this.give();
    }
    close() {
      this.state = "closed";
    }
  },
);
define(
  "WebSocket",
  class {
    bufferedAmount = 0;
    sent = [];
    constructor() {
      browser.sockets.push(this);
      setImmediate(() => this.onopen?.());
    }
    send(data) {
      this.sent.push(data);
    }
    close() {}
    async say(...messages) {
      for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
      await settled();
    }
    /** The connection ends, and the next one is there. */
    async break(code = 1006) {
      const { length } = browser.sockets;
      this.onclose({ code, reason: "" });
      while (browser.sockets.length === length && !this.last) {
        await settled();
        dispatchOnline();
      }
      await settled();
      return browser.sockets.at(-1);
    }
    get texts() {
      return this.sent.filter((data) => typeof data === "string").map((text) => JSON.parse(text));
    }
    /** [number, first byte] of each packet. */
    get packets() {
      return this.sent
        .filter((data) => typeof data !== "string")
        .map((data) => unpack(data.slice().buffer))
        .flatMap(({ number, packets }) => packets.map((packet, i) => [number + i, packet[0]]));
    }
  },
);
let online = [];
define("addEventListener", (_, listener) => online.push(listener));
define("removeEventListener", (_, listener) => (online = online.filter((other) => other !== listener)));
const dispatchOnline = () => {
  for (const listener of online.slice()) listener();
};

const { Studio } = await import("./studio.js");
const { State } = await import("./state.js");
const { unpack } = await import("./line/messages.js");

/** Waits until everything that waits for no timer is done. */
async function settled() {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

const audio = { channels: 1, bitrate: 32000, application: "voip", vbr: false };
const welcome = (about = {}) => ({
  type: "welcome",
  speaker: "@anna:example.org",
  roomName: "Town hall",
  title: "Talk",
  audio,
  state: "off",
  next: 0,
  reason: "",
  grace: 120,
  now: Date.now(),
  ...about,
});
const onair = { type: "onair", started: 1, next: 0 };
const silence = 0xf8;

/** A studio with a line to the station, which has said hello. */
async function opened(secret = "#SECRET") {
  location.hash = secret;
  const input = {
    mic: "open",
    muted: false,
    closed: 0,
    opened: 0,
    open: () => input.opened++,
    close: () => input.closed++,
  };
  const studio = new Studio(input);
  await studio.open();
  await settled();
  const speak = async (loud, frames = 1) => {
    for (let n = 0; n < frames; n++) input.onframe([new Float32Array(960).fill(loud / 100)], performance.now());
    await settled();
  };
  return { studio, input, speak, socket: browser.sockets.at(-1) };
}

beforeEach((t) => {
  t.mock?.timers?.reset();
  stored.clear();
  Object.assign(browser, { opening: Promise.resolve(), refuses: false, slow: false, encoders: [] });
});

/** Ends the studio, lest a timer keeps the test alive. */
const over = (socket) => socket.say({ type: "ended", reason: "" });

test("what was said in a rehearsal never goes on air", async () => {
  const { studio, speak, socket } = await opened();
  await socket.say(welcome());
  studio.rehearse();
  browser.slow = true;
  await speak(11, 2); // they stay in the encoder
  let open;
  browser.opening = new Promise((resolve) => (open = resolve));
  browser.encoders.at(-1).error(new Error("the codec was taken back"));
  await speak(22, 5); // they wait for the next one
  studio.start("Talk");
  await socket.say(onair);
  const before = socket.packets.length;
  open();
  browser.slow = false;
  await settled();
  await speak(33, 2);
  await studio.stop();
  assert.deepEqual(socket.packets.slice(before), [
    [0, 33],
    [1, 33],
  ]);
  await over(socket);
});

test("what a rehearsal has left in the encoder does not go on air either", async () => {
  const { studio, speak, socket } = await opened();
  await socket.say(welcome());
  studio.rehearse();
  browser.slow = true;
  await speak(11, 3);
  studio.start("Talk");
  await socket.say(onair);
  await speak(33);
  browser.encoders.at(-1).give();
  await settled();
  assert.deepEqual(socket.packets, [[0, 33]]);
  await over(socket);
});

test("the generation that the station has given is said again, also after a reload", async () => {
  const { socket } = await opened();
  assert.equal(socket.texts[0].generation, 0);
  await socket.say(welcome({ generation: 3 }));
  const next = await socket.break();
  assert.equal(next.texts[0].generation, 3);
  const reloaded = await opened();
  assert.equal(reloaded.socket.texts[0].generation, 3);
  const another = await opened("#ANOTHER");
  assert.equal(another.socket.texts[0].generation, 0);
  for (const { studio } of [reloaded, another]) assert.equal(studio.state, State.CONNECTING);
  for (const socket of [next, reloaded.socket, another.socket]) await over(socket);
});

test("a replaced page stays away until the speaker wants the line, and then begins with what is wanted", async () => {
  const { studio, input, speak, socket } = await opened();
  await socket.say(welcome({ state: "live", generation: 1, show: "a" }));
  await speak(11, 100);
  const cut = await socket.break();
  await speak(12, 100);
  await cut.say({ type: "replaced" });
  assert.equal(studio.state, State.REPLACED);
  assert.ok(studio.lost > 3.5, `${studio.lost} s`);
  const { length } = browser.sockets;
  await settled();
  assert.equal(browser.sockets.length, length);
  await studio.takeOver();
  await settled();
  const mine = browser.sockets.at(-1);
  assert.equal(browser.sockets.length, length + 1);
  assert.equal(mine.texts[0].generation, 0);
  assert.equal(input.opened, 1);
  await mine.say(welcome({ state: "live", generation: 3, show: "a", next: 120 }));
  await speak(13);
  assert.deepEqual(mine.packets, [[120, 13]]);
  await over(mine);
});

test("what is kept of one show is not sent into another, nor where other devices have spoken since", async () => {
  for (const [now, sent] of [
    [{ show: "b", generation: 1 }, []],
    [{ show: "a", generation: 3 }, []],
    [{ show: "a", generation: 2 }, [40, 41]],
    [{}, [40, 41]],
  ]) {
    const { speak, socket } = await opened();
    await socket.say(welcome({ state: "live", show: "a", generation: 1 }));
    await speak(11, 42);
    const next = await socket.break();
    await next.say(welcome({ state: "live", next: 40, ...now }));
    assert.deepEqual(
      next.packets.map(([number]) => number),
      sent,
      JSON.stringify(now),
    );
    await speak(12);
    assert.deepEqual(next.packets.slice(sent.length), [[40 + sent.length, 12]]);
    await over(next);
  }
});

test("the time of what was said without a line is told by the station's clock", async () => {
  const { speak, socket } = await opened();
  await socket.say(welcome({ state: "live" }));
  const cut = await socket.break();
  await speak(11);
  await cut.say(welcome({ state: "live", now: Date.now() + 3_600_000 }));
  const { captured } = unpack(cut.sent.find((data) => typeof data !== "string").slice().buffer);
  const late = Date.now() + 3_600_000 - captured;
  assert.ok(Math.abs(late) < 60_000, `${late} ms`);
  await over(cut);
});

test("without another encoder the one of before goes on", async (t) => {
  const { studio, speak, socket } = await opened();
  await socket.say(welcome({ state: "live" }));
  await speak(11);
  hideWasm(t);
  browser.refuses = true;
  await studio.setApplication("audio");
  await speak(12);
  assert.equal(studio.state, State.LIVE);
  assert.equal(studio.application, "voip");
  assert.deepEqual(socket.packets, [
    [0, 11],
    [1, 12],
  ]);
  await over(socket);
});

/** WebAssembly is the encoder of last resort. */
function hideWasm(t) {
  const { WebAssembly } = globalThis;
  define("WebAssembly", undefined);
  t.after(() => define("WebAssembly", WebAssembly));
}

test("without any encoder the show goes on: what is kept is sent, time goes on, and the end is said", async (t) => {
  const { studio, speak, socket } = await opened();
  await socket.say(welcome({ state: "live" }));
  hideWasm(t);
  browser.refuses = browser.slow = true;
  await speak(11, 2);
  browser.encoders.at(-1).error(new Error("gone"));
  await settled();
  assert.equal(studio.state, State.LIVE);
  assert.ok(studio.broken);
  await speak(12, 3);
  await studio.stop();
  await settled();
  assert.deepEqual(
    socket.packets.map(([, first]) => first),
    Array(5).fill(silence),
  );
  assert.deepEqual(socket.texts.at(-1), { type: "stop", count: 5 });
  await over(socket);
});

test("an encoder that never gives its last packets does not keep the show from its end", async (t) => {
  const { studio, speak, socket } = await opened();
  await socket.say(welcome({ state: "live" }));
  browser.slow = true;
  await speak(11, 2);
  const encoder = browser.encoders.at(-1);
  encoder.flush = () => new Promise(() => {});
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const stopped = studio.stop();
  await settled();
  t.mock.timers.tick(3_000);
  await stopped;
  encoder.give(); // too late
  await settled();
  assert.deepEqual(socket.packets, [
    [0, silence],
    [1, silence],
  ]);
  assert.deepEqual(socket.texts.at(-1), { type: "stop", count: 2 });
  await over(socket);
});

test("after three mistakes over the same packet the page gives up", async () => {
  const { studio, socket } = await opened();
  let now = socket;
  for (let n = 0; n < 3; n++) {
    await now.say(
      welcome({ state: "live", next: 0 }),
      { type: "durable", next: 0 },
      { type: "refused", reason: "Packet 0 is none." },
    );
    now.last = n === 2;
    now = await now.break(4002);
  }
  assert.equal(studio.state, State.REFUSED);
});

test("mistakes with packets that are stored between them are not in a row", async () => {
  const { studio, socket } = await opened();
  let now = socket;
  for (let n = 0; n < 4; n++) {
    await now.say(
      welcome({ state: "live", next: n }),
      { type: "durable", next: n + 1 },
      { type: "refused", reason: "no" },
    );
    now = await now.break(4002);
  }
  assert.equal(studio.state, State.LIVE);
  await over(now);
});

test("a link that is not valid any more leaves nothing behind", async () => {
  const { studio, speak, socket } = await opened();
  await socket.say(welcome({ state: "live" }));
  await speak(11, 100);
  const cut = await socket.break();
  cut.last = true;
  await cut.break(4003);
  assert.equal(studio.state, State.REFUSED);
  assert.equal(studio.lost, 2);
  assert.equal(studio.elapsed, 0);
});

test("a show that was over without a line says what is missing", async () => {
  const { studio, speak, socket } = await opened();
  await socket.say(welcome({ state: "live", show: "a", generation: 1 }));
  const cut = await socket.break();
  await speak(11, 100);
  await cut.say(welcome({ state: "ended", show: "", generation: 1, reason: "You were away for too long." }));
  assert.equal(studio.state, State.ENDED);
  assert.equal(studio.lost, 2);
});

test("a start without an answer is given up, and the microphone with it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const { studio, input, socket } = await opened();
  await socket.say(welcome());
  studio.start("Talk");
  t.mock.timers.tick(59_000);
  assert.equal(studio.state, State.STARTING);
  t.mock.timers.tick(2_000);
  assert.equal(studio.state, State.READY);
  assert.equal(input.closed, 1);
  studio.start("Talk");
  t.mock.timers.setTime(Date.now() + 3_600_000 - 1); // asleep, and the timer is late
  await socket.say(welcome());
  assert.equal(studio.state, State.READY);
  assert.equal(socket.texts.filter(({ type }) => type === "start").length, 2);
  await over(socket);
});

test("a show without a station is taken for lost after a while, and what is kept is sent if it comes back", async (t) => {
  const { studio, input, speak, socket } = await opened();
  await socket.say(welcome({ state: "live", grace: 5 }));
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.now() });
  const cut = await socket.break();
  await speak(11);
  t.mock.timers.tick(34_000);
  assert.equal(input.closed, 0);
  t.mock.timers.tick(2_000);
  assert.equal(input.closed, 1);
  assert.ok(studio.deserted);
  await cut.say(welcome({ state: "live", grace: 5 }));
  assert.ok(!studio.deserted);
  assert.deepEqual(cut.packets, [[0, 11]]);
  await over(cut);
});
