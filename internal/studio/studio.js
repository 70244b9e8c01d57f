// The studio as the page sees it: a show, what its speaker does with it, and how it stands. A frame of
// sound comes to #hearFrame, its packet to #hearPacket, and from there it goes into the keep and over
// the line.

import { FRAME, RATE } from "./capture/framer.js";
import { Encoding } from "./encode/encoding.js";
import { Database } from "./line/database.js";
import { Keep } from "./line/keep.js";
import { Line } from "./line/line.js";
import { beOnlyTab } from "./line/only-tab.js";
import { nameOf, takeSecret } from "./line/secret.js";
import { Rehearsal } from "./rehearsal.js";
import { FINAL, onAir, State } from "./state.js";

/** @import { Input } from "./capture/input.js" */
/** @import { Welcome } from "./line/messages.js" */

const PACKET = FRAME / RATE; // seconds

/** Dispatches "change" when anything but level and times may have changed. */
export class Studio extends EventTarget {
  /** @type {string} one of State */
  state = State.CONNECTING;
  /** What the station has said why, in a state that is for ever, or to the last wish. */
  reason = "";
  /** @type {Welcome | null} */
  welcome = null;
  /** @type {number | null} */
  listeners = null;
  /** @type {Rehearsal | null} */
  rehearsal = null;
  lost = 0; // seconds that did not arrive before the show was over
  input;
  #title = "";
  application = ""; // what the sound is taken for: "voip" or "audio"
  #encoding = new Encoding();
  #keep = new Keep(null);
  /** @type {Line | null} */
  #line = null;
  #stopped = false; // the last packet of the show has its number

  /** @param {Input} input */
  constructor(input) {
    super();
    this.input = input;
    input.onframe = (planes, captured) => this.#hearFrame(planes, captured);
    input.onchange = () => this.#changed();
    this.#encoding.onpacket = (packet, captured) => this.#hearPacket(packet, captured);
    this.#encoding.onfailure = (error) => {
      console.error(error);
      this.#leave(State.UNSUPPORTED);
    };
  }

  /** Goes on where the page was before it was loaded again, or waits for the speaker. */
  async open() {
    const secret = takeSecret();
    if (!secret) return this.#leave(State.NO_LINK);
    if (!globalThis.AudioWorkletNode || !navigator.mediaDevices) return this.#leave(State.UNSUPPORTED); // or no https
    const name = await nameOf(secret);
    beOnlyTab(name, () => this.#leave(State.REPLACED));
    this.#keep = new Keep(await Database.open(name));
    const show = await this.#keep.load();
    if (show) await this.#resume(show);
    this.#line = new Line(secret, this.#keep, {
      onwelcome: (welcome) => this.#greet(welcome),
      onmessage: (message) => this.#obey(message),
      onpackets: ({ packets }) => this.rehearsal?.hear(packets),
      onbroken: () => this.#breakOff(),
      onend: (refusal) => this.#dismiss(refusal),
    });
  }

  /**
   * Goes on with a show that this page, or the one before it was loaded again, has begun.
   * @param {import("./line/database.js").Show} show
   */
  async #resume({ welcome, stopped }) {
    await this.#prepare(welcome);
    this.#stopped = stopped;
    this.#set(stopped ? State.STOPPING : State.LIVE);
    if (!stopped) this.openMicrophone();
  }

  // The way of a frame.

  /**
   * @param {Float32Array[]} planes
   * @param {number} captured ms by performance.now()
   */
  #hearFrame(planes, captured) {
    const rehearsing = this.rehearsal && !this.rehearsal.playing;
    if (this.state === State.LIVE || rehearsing) this.#encoding.encode(planes, captured);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} packet
   * @param {number} captured ms by performance.now()
   */
  #hearPacket(packet, captured) {
    const at = this.#line?.stationTime(captured) ?? performance.timeOrigin + captured;
    if (onAir(this.state)) this.#keep.add({ packet, captured: at });
    else this.rehearsal?.say(packet, at);
  }

  // What the speaker does.

  get channels() {
    return this.welcome?.audio.channels ?? 1;
  }

  /** To be called in a tap. */
  openMicrophone() {
    return this.input.open(this.channels);
  }

  /** @param {string} application "voip" or "audio": what the sound is taken for from now on */
  async setApplication(application) {
    if (this.application === application) return;
    this.application = application;
    if (this.welcome) await this.#encoding.use({ ...this.welcome.audio, application });
  }

  /** @param {string} title */
  start(title) {
    if (this.state !== State.READY) return;
    this.rehearsal?.close();
    this.#title = title;
    this.reason = "";
    this.#set(State.STARTING);
    this.#sayStart();
  }

  #sayStart() {
    this.#line?.send({ type: "start", title: this.#title, preSkip: this.#encoding.preSkip });
  }

  async stop() {
    if (this.state !== State.LIVE) return;
    this.#set(State.STOPPING);
    await this.#encoding.flush().catch(() => {}); // the encoder has failed: there is no more
    this.#stopped = true;
    this.#note();
    this.input.close();
    this.#sayStop();
  }

  #sayStop() {
    if (this.#stopped) this.#line?.send({ type: "stop", count: this.#keep.end });
  }

  /** Rehearses; then plays what was said; then ends that. */
  rehearse() {
    if (this.rehearsal) return this.rehearsal.playing ? this.rehearsal.close() : this.rehearsal.play();
    if (this.state !== State.READY || !this.#line?.connected) return;
    const rehearsal = (this.rehearsal = new Rehearsal(this.#line, this.channels, this.#encoding.preSkip));
    rehearsal.onchange = () => {
      if (rehearsal.over) this.rehearsal = null;
      this.#changed();
    };
    this.#changed();
  }

  // How it stands.

  get connected() {
    return this.#line?.connected ?? false;
  }

  /** Seconds of the show that were said. */
  get elapsed() {
    return this.#keep.end * PACKET;
  }

  /** Seconds that are not on the station's disk yet. */
  get kept() {
    return (this.#keep.end - this.#keep.durable) * PACKET;
  }

  /** Whether a reload would not lose what is kept. */
  get lasting() {
    return this.#keep.lasting;
  }

  /** Seconds that still have to be sent. */
  get unsent() {
    return this.connected ? (this.#line?.unsent ?? 0) * PACKET : this.kept;
  }

  // What the station says.

  /** @param {Welcome} welcome */
  async #greet(welcome) {
    await this.#prepare(welcome);
    if (FINAL.has(this.state)) return;
    if (welcome.state === "ended") return this.#finish(welcome.reason);
    if (welcome.state === "live") return this.#goLive(welcome.next);
    if (this.state === State.STARTING) return this.#sayStart(); // it was not heard
    if (onAir(this.state)) await this.#keep.clear(); // the station knows nothing of it
    this.#stopped = false;
    this.#set(State.READY);
  }

  /** @param {Welcome} welcome */
  async #prepare(welcome) {
    const first = !this.welcome;
    this.welcome = welcome;
    this.application ||= welcome.audio.application;
    if (first) await this.#encoding.use({ ...welcome.audio, application: this.application });
  }

  /** @param {{type: string, [field: string]: any}} message */
  #obey(message) {
    switch (message.type) {
      case "onair":
        this.#goLive(message.next);
        break;
      case "durable":
        this.#keep.confirm(message.next);
        break;
      case "listeners":
        this.listeners = message.count;
        this.#changed();
        break;
      case "refused":
        this.#refuse(message.reason);
        break;
      case "ended":
        this.#finish(message.reason);
    }
  }

  /** @param {number} next the packet that the station wants */
  #goLive(next) {
    if (next > this.#keep.end) this.#keep.skipTo(next); // spoken from another device
    this.#keep.refill(next, this.channels);
    if (this.state !== State.STOPPING) this.#set(State.LIVE);
    this.#note();
    this.#line?.sendFrom(next);
    this.#sayStop();
  }

  /** Notes what the page has to know when it is loaded again. */
  #note() {
    if (this.welcome) this.#keep.note({ welcome: this.welcome, stopped: this.#stopped });
  }

  /** @param {string} reason */
  #refuse(reason) {
    this.reason = reason;
    this.rehearsal?.close();
    if (this.state === State.STARTING) this.#set(State.READY);
    else this.#changed();
  }

  /** @param {string} [reason] */
  #finish(reason = "") {
    this.reason = reason;
    this.lost = this.kept;
    this.#leave(State.ENDED);
    this.#keep.clear();
  }

  /** @param {string | null} refusal null: another device speaks */
  #dismiss(refusal) {
    if (refusal === null) this.#keep.clear();
    this.reason = refusal ?? "";
    this.#leave(refusal === null ? State.REPLACED : State.REFUSED);
  }

  #breakOff() {
    if (!this.rehearsal?.playing) this.rehearsal?.close();
    this.listeners = null;
    this.#changed();
  }

  /** @param {string} state for ever */
  #leave(state) {
    if (FINAL.has(this.state)) return;
    this.#set(state);
    this.rehearsal?.close();
    this.#line?.close();
    this.input.close();
    this.#encoding.close();
  }

  /** @param {string} state */
  #set(state) {
    if (this.state === state) return;
    this.state = state;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
