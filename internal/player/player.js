// The player as the page sees it: a show, what the listener does with it, and
// how it stands. How sound gets from the gateway to the ear is in sound/playback.js.

import { parseLink } from "./format/link.js";
import { BlockError } from "./format/refusal.js";
import { Memory } from "./memory.js";
import { LATE, Recording } from "./recording.js";
import { openSound } from "./sound/output.js";
import { Playback } from "./sound/playback.js";
import { Wave } from "./sound/wave.js";
import { FINAL, Phase, State, stateOf } from "./state.js";

/** @import { Detail } from "./state.js" */

const TICK = 500; // ms
const REMEMBER = 5_000; // ms

/**
 * Dispatches "change" when anything but the position may have changed. Half of its
 * fields are what the page shows.
 */
export class Player extends EventTarget {
  /** @type {string} one of State */
  state = State.CONNECTING;
  /** @type {Detail | null} */
  detail = null;
  playing = false; // the listener wants sound
  speed = 1;
  volume = 1;
  muted = false;
  recording;
  wave;
  #memory;
  /** @type {string} */
  #phase = Phase.CONNECTING;
  #start; // seconds to begin at; Infinity is the live edge
  /** @type {AudioContext | null} what the first click opened */
  #sound = null;
  /** @type {Playback | null} */
  #playback = null;
  /** @type {Promise<void> | null} that there is a playback */
  #opening = null;
  /** @type {Promise<void> | null} that there is one in place of one that failed */
  #reopening = null;
  /** @type {unknown} the playback's failure that the state says */
  #failure = null;
  #remembered = 0;
  #look = ""; // what can change by itself, at the last tick

  /** @param {{id: string, base: string, fragment: string}} address */
  constructor({ id, base, fragment }) {
    super();
    const link = parseLink(fragment);
    this.#start = link.start ?? 0;
    this.#memory = new Memory(id);
    this.wave = new Wave(link.wave);
    this.recording = new Recording(`${base}/live/${id}`, link);
    setInterval(() => this.#tick(), TICK);
    for (const event of ["online", "offline"]) addEventListener(event, () => this.#tick());
    addEventListener("pagehide", () => this.#remember());
    this.#connect(link.start === null);
  }

  /** @param {boolean} anywhere the link does not say where to begin */
  async #connect(anywhere) {
    if (!globalThis.isSecureContext || !globalThis.AudioWorkletNode) return this.#set(State.UNSUPPORTED);
    try {
      await this.recording.open();
    } catch (error) {
      return this.#refuse(error);
    }
    if (anywhere) this.#start = this.running ? Infinity : this.#memory.position;
    this.#phase = Phase.WAITING;
    this.#tick();
    if (this.playing) await this.play();
  }

  // How it stands.

  get show() {
    return this.recording.show;
  }

  get running() {
    return this.recording.running;
  }

  /** The listener hears the show as it is spoken, as far as that is known. */
  get following() {
    return this.caughtUp && (this.lag ?? Infinity) <= LATE;
  }

  /** The listener hears the last of what the gateway hands out. */
  get caughtUp() {
    return this.running && (this.#playback?.following ?? false);
  }

  /** When the newest sound was captured, or null where the station does not sign it. */
  get captured() {
    return this.recording.edge.captured;
  }

  get buffering() {
    return this.playing && !this.#playback?.sounding;
  }

  /** Seconds, as duration is. */
  get position() {
    return this.#started ? this.recording.seconds(this.#started.heard) : Math.min(this.#start, this.duration);
  }

  get duration() {
    return this.recording.duration;
  }

  /** Seconds: what was heard since then may not come from the station; null: all may. */
  get doubt() {
    return this.#playback?.doubted ? this.recording.seconds(this.#playback.received) : null;
  }

  /** Seconds behind the speaker, or null while that is not known. */
  get lag() {
    const playback = this.#started;
    return this.running && playback ? this.recording.lag(playback.heard, playback.captured) : null;
  }

  /** The playback once it has begun. */
  get #started() {
    return this.#phase === Phase.STARTED ? this.#playback : null;
  }

  get #damaged() {
    return this.#failure instanceof BlockError && this.#failure.code !== "CutOff";
  }

  /** Nothing will be heard of this show any more. */
  get #failed() {
    return FINAL.has(this.state) || (this.state === State.DAMAGED && this.show === null);
  }

  // What the listener does.

  /** Plays on, or begins. The first call has to come from a click. */
  async play() {
    if (this.#failed) return;
    this.playing = true;
    this.#changed();
    try {
      this.#sound ??= openSound();
      if (this.#phase === Phase.CONNECTING) return; // it begins when the show is there
      if (!this.#playback) await (this.#opening ??= this.#open(this.#sound).finally(() => (this.#opening = null)));
    } catch (error) {
      console.error(error);
      if (!(error instanceof Error) || error.name !== "AbortError") return this.#set(State.UNSUPPORTED);
      return this.pause(); // a file did not arrive: the next click tries again
    }
    if (this.#started?.finished) this.#beginAt(0);
    if (!this.#started) await this.#goTo(this.#start);
    if (this.#playback) this.#playback.playing = this.playing;
  }

  /** @param {AudioContext} sound */
  async #open(sound) {
    const { stream, edge } = this.recording;
    this.#playback = await Playback.open(sound, { stream, edge, wave: this.wave, onchange: () => this.#tick() });
    this.#playback.speed = this.speed;
    this.#applyVolume();
  }

  /** @param {Playback} failed */
  async #reopen(failed) {
    await this.recording.renewStream();
    await this.#open(/** @type {AudioContext} */ (this.#sound));
    failed.close();
    this.#failure = null;
    if (this.#playback) this.#playback.playing = this.playing;
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    if (this.#started) this.#started.playing = false;
    this.#remember();
    this.#changed();
  }

  /**
   * Goes to a moment, playing or not. Before the first click it is only noted.
   * @param {number} seconds
   */
  async seek(seconds) {
    if (this.#failed || this.#phase === Phase.CONNECTING) return;
    const wanted = Math.max(0, Math.min(seconds, this.duration));
    if (this.#started) await this.#goTo(wanted);
    else this.#start = wanted;
    this.#changed();
  }

  async goLive() {
    if (!this.running) return;
    this.#beginAt(Infinity);
    await this.play();
  }

  /** @param {number} seconds */
  #beginAt(seconds) {
    this.#start = seconds;
    if (this.#phase === Phase.STARTED) this.#phase = Phase.WAITING;
  }

  /** @param {number} seconds */
  async #goTo(seconds) {
    try {
      if (this.#damaged && this.#playback) {
        await (this.#reopening ??= this.#reopen(this.#playback).finally(() => (this.#reopening = null)));
      }
      this.#phase = Phase.STARTED;
      if (seconds === Infinity && !this.running) seconds = 0; // it ended in the meantime
      if (seconds >= this.duration && this.running) await this.#playback?.goLive();
      else await this.#playback?.seekTo(this.recording.sample(Math.min(seconds, this.duration)));
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = Math.max(0.5, Math.min(3, speed));
    if (this.#playback) this.#playback.speed = this.speed;
    this.#changed();
  }

  /** @param {number} volume */
  setVolume(volume) {
    this.volume = Math.max(0, Math.min(1, volume));
    this.#applyVolume();
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.muted = muted;
    this.#applyVolume();
  }

  #applyVolume() {
    if (this.#playback) this.#playback.gain = this.muted ? 0 : this.volume;
    this.#changed();
  }

  // What happens to the show.

  /** Looks how things stand; called twice a second, and whenever something happened. */
  #tick() {
    const now = performance.now();
    const failure = this.#playback?.failure ?? null;
    if (failure !== this.#failure) this.#refuse((this.#failure = failure));
    const silent = this.#playback?.silent ?? false;
    if (this.show && !this.#failed && !this.#damaged) this.#set(this.recording.state(now, silent));
    this.recording.updateEdge(now);
    if (this.playing && this.#playback?.finished) this.pause();
    if (this.playing && now - this.#remembered > REMEMBER) this.#remember();
    const look = [this.state, this.buffering, this.following, this.running].join();
    if (look !== this.#look) this.#changed();
    this.#look = look;
  }

  /**
   * Says in a state why there is no more.
   * @param {unknown} error
   */
  #refuse(error) {
    if (error === null) return;
    if (error instanceof BlockError && error.code === "CutOff") {
      return this.recording.noteMissingEnd();
    }
    const { state, detail } = stateOf(error, this.show ? this.recording.seconds(this.#playback?.received ?? 0) : 0);
    this.#set(state, detail);
  }

  /**
   * @param {string} state
   * @param {Detail | null} detail
   */
  #set(state, detail = null) {
    if (state === this.state && detail === null) return;
    this.state = state;
    this.detail = detail;
    if (this.#failed && !this.#playback?.sounding) this.playing = false; // what has arrived is still heard
    this.#changed();
  }

  #remember() {
    this.#remembered = performance.now();
    if (this.#started) this.#memory.keep(this.position, this.duration);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
