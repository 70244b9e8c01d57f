// The player as the page sees it: a show, what the listener does with it, and
// how it stands. How sound gets from the gateway to the ear is in playback.js.

import { BlockError } from "./format/blocks.js";
import { parseFragment, withStart } from "./format/link.js";
import { Memory } from "./memory.js";
import { openSound } from "./sound/output.js";
import { Playback, RATE } from "./sound/playback.js";
import { Refused } from "./fetch/request.js";
import { saveShow } from "./fetch/save.js";
import { Stream } from "./fetch/stream.js";
import { Wave } from "./sound/wave.js";

const SILENT_LINE = 12_000; // ms: a running show gives a sign of life every ten seconds
const ASK = 10_000; // ms between questions how far a show has got that is not followed
const TICK = 500; // ms
const REMEMBER = 5_000; // ms

/**
 * Player has one state of these:
 *
 * - connecting: nothing is known yet
 * - live, paused (by the speaker), stalled (nothing arrives): the show runs
 * - ended, interrupted: it is over, with and without its authenticated end
 * - damaged: it was altered at detail.at seconds, and is not played from there
 * - offline: this device has no network
 * - deleted, wrongkey, unavailable (detail.status), unsupported: it cannot be played
 *
 * It dispatches "change" when anything but the position may have changed.
 */
export class Player extends EventTarget {
  state = "connecting";
  detail = null;
  show = null; // {title, speaker, started, channels, encrypted}
  playing = false; // the listener wants sound
  speed = 1;
  volume = 1;
  muted = false;
  #id;
  #base;
  #fragment;
  #link;
  #memory;
  #loudness;
  #stream;
  #sound = null; // what the first click opened
  #playback = null;
  #start; // seconds to begin at, null once begun; Infinity is the live edge
  #failure = null; // a state that ends everything
  #ready = false; // where the show stands, and how long it is, is known
  #reopening = null; // the promise of a stream in place of one that failed
  #met = null; // the playback's failure that the state tells of
  #interrupted = false;
  #asked = -ASK;
  #remembered = 0;
  #look = ""; // what can change by itself, at the last tick

  constructor({ id, base, fragment }) {
    super();
    this.#id = id;
    this.#base = base;
    this.#fragment = fragment;
    this.#link = parseFragment(fragment);
    this.#start = this.#link.start ?? 0;
    this.#memory = new Memory(id);
    this.#loudness = new Wave(this.#link.wave);
    this.#stream = new Stream(this.#url);
    setInterval(() => this.#tick(), TICK);
    for (const event of ["online", "offline"]) addEventListener(event, () => this.#tick());
    addEventListener("pagehide", () => this.#remember());
    this.#connect();
  }

  get #url() {
    return `${this.#base}/live/${this.#id}`;
  }

  // How it stands.

  get running() {
    return this.show !== null && !this.#stream.finished;
  }

  get following() {
    return this.running && (this.#playback?.following ?? false);
  }

  get buffering() {
    return this.playing && !this.#playback?.sounding;
  }

  get position() {
    return this.#start === null ? this.#seconds(this.#playback.heard) : Math.min(this.#start, this.duration);
  }

  get duration() {
    if (!this.#playback) return 0;
    const now = this.running ? this.#playback.clock.edge(performance.now()) : 0;
    return this.#seconds(Math.max(this.#playback.known, now));
  }

  get lag() {
    const edge = this.#playback?.clock.edge(performance.now()) ?? null;
    return this.running && this.#start === null && edge !== null ? Math.max(0, edge - this.#playback.heard) / RATE : null;
  }

  get wave() {
    const length = Math.max(1, this.duration * RATE);
    return { version: this.#loudness.version, bars: (count) => this.#loudness.bars(count, length) };
  }

  get #damaged() {
    return this.#met instanceof BlockError && this.#met.code !== "CutOff";
  }

  #seconds(sample) {
    return Math.max(0, sample - this.#stream.head.preSkip) / RATE;
  }

  linkAt(seconds) {
    return `${location.origin}${this.#base}/listen/${this.#id}#${withStart(this.#fragment, seconds)}`;
  }

  // What the listener does.

  /** Plays on, or begins. The first call has to come from a click. */
  async play() {
    if (this.#failure) return;
    this.playing = true;
    this.#changed();
    try {
      this.#sound ??= openSound();
      if (!this.#ready) return; // it begins when the show is there
      await this.#playback.prepare(this.#sound);
    } catch (error) {
      console.error(error);
      if (error.name !== "AbortError") return this.#fail("unsupported");
      return this.pause(); // a file did not arrive: the next click tries again
    }
    this.#applyVolume();
    if (this.#playback.finished) this.#start = 0;
    if (this.#start !== null) await this.#go(this.#start);
    this.#playback.playing = this.playing;
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    if (this.#start === null) this.#playback.playing = false;
    this.#remember();
    this.#changed();
  }

  /** Goes to a moment, playing or not. Before the first click it is only noted. */
  async seek(seconds) {
    if (this.#failure || !this.#ready) return;
    const wanted = Math.max(0, Math.min(seconds, this.duration));
    if (this.#start !== null) this.#start = wanted;
    else await this.#go(wanted);
    this.#changed();
  }

  async goLive() {
    if (!this.running) return;
    this.#start = Infinity;
    await this.play();
  }

  async #go(seconds) {
    try {
      await this.#move(seconds);
    } catch (error) {
      this.#refuse(error);
    }
  }

  async #move(seconds) {
    if (this.#damaged) await (this.#reopening ??= this.#reopen().finally(() => (this.#reopening = null)));
    this.#start = null;
    if (seconds === Infinity && !this.running) seconds = 0; // it ended in the meantime
    if (seconds >= this.duration && this.running) await this.#playback.goLive();
    else await this.#playback.seekTo(Math.round(Math.min(seconds, this.duration) * RATE) + this.#stream.head.preSkip);
  }

  setSpeed(speed) {
    this.speed = Math.max(0.5, Math.min(3, speed));
    if (this.#playback) this.#playback.speed = this.speed;
    this.#changed();
  }

  setVolume(volume) {
    this.volume = Math.max(0, Math.min(1, volume));
    this.#applyVolume();
  }

  setMuted(muted) {
    this.muted = muted;
    this.#applyVolume();
  }

  #applyVolume() {
    if (this.#playback) this.#playback.gain = this.muted ? 0 : this.volume;
    this.#changed();
  }

  /** Writes the decrypted .opus file to a sink: see saveShow. */
  save(sink, progress, signal) {
    return saveShow(this.#url, this.#link, sink, progress, signal);
  }

  // What happens to the show.

  async #connect() {
    if (!globalThis.isSecureContext || !globalThis.AudioWorkletNode) return this.#fail("unsupported");
    try {
      await this.#stream.open(this.#link);
      const { title, speaker, started, channels } = this.#stream.head;
      this.#playback = new Playback(this.#stream, this.#loudness, () => this.#tick());
      this.#playback.speed = this.speed;
      this.show = { title, speaker, started, channels, encrypted: this.#stream.encrypted };
      await this.#learnEdge();
      if (this.#link.start === null) this.#start = this.running ? Infinity : this.#memory.position;
      this.#ready = true;
    } catch (error) {
      return this.#refuse(error);
    }
    this.#tick();
    if (this.playing) await this.play();
  }

  /** A reader that refused a block has failed for ever: hearing what came before takes a new one. */
  async #reopen() {
    const stream = new Stream(this.#url);
    await stream.open(this.#link);
    const playback = new Playback(stream, this.#loudness, () => this.#tick());
    await playback.prepare(this.#sound);
    playback.known = this.#playback.known;
    playback.speed = this.speed;
    playback.playing = this.playing;
    this.#playback.close();
    [this.#stream, this.#playback, this.#met] = [stream, playback, null];
    this.#applyVolume();
  }

  /** Asks how far the show has got; of a finished one exactly, from its end. */
  async #askEdge() {
    this.#asked = performance.now();
    await this.#stream.updateEdge();
    await this.#learnEdge();
  }

  async #learnEdge() {
    if (this.#stream.finished) return this.#measure();
    this.#playback.clock.mark(this.#stream.edgeSample, performance.now());
  }

  /** Reads the end of a finished show, with a stream of its own. What it refuses will be met by who listens. */
  async #measure() {
    const scout = new Stream(this.#url);
    try {
      await scout.open(this.#link);
      await scout.seekTo(Number.MAX_SAFE_INTEGER);
    } catch (error) {
      this.#interrupted = error instanceof BlockError && error.code === "CutOff";
      if (!(error instanceof BlockError)) throw error;
    } finally {
      this.#playback.known = Math.max(this.#playback.known, scout.sample);
      scout.interrupt();
    }
  }

  /** Looks how things stand; called twice a second, and whenever something happened. */
  #tick() {
    const now = performance.now();
    const error = this.#playback?.failure ?? null;
    if (error !== this.#met) this.#refuse((this.#met = error));
    const wasRunning = this.state === "live" || this.state === "paused" || this.state === "stalled";
    if (this.show && !this.#failure && !this.#damaged) this.#set(this.#standing(now));
    const over = wasRunning && !this.running;
    if (over || (this.running && !this.#stream.atEdge && now - this.#asked > ASK)) this.#askEdge().catch(() => {});
    if (this.playing && this.#playback?.finished) this.pause();
    if (this.playing && now - this.#remembered > REMEMBER) this.#remember();
    const look = [this.state, this.buffering, this.following, this.running].join();
    if (look !== this.#look) this.#changed();
    this.#look = look;
  }

  #standing(now) {
    if (globalThis.navigator.onLine === false) return "offline";
    if (this.#stream.broken) return "stalled";
    if (!this.running) return this.#interrupted ? "interrupted" : "ended";
    if (this.#stream.atEdge && now - this.#stream.arrived > SILENT_LINE) return "stalled";
    return this.#playback.silent ? "paused" : "live";
  }

  /** Says in a state why there is no more. */
  #refuse(error) {
    if (error === null) return;
    if (error instanceof Refused) this.#fail(error.status === 410 ? "deleted" : "unavailable", { status: error.status });
    else if (error.code === "CutOff") this.#interrupted = true;
    else if (error.code === "WrongKey") this.#fail("wrongkey");
    else if (!this.#playback) this.#fail("damaged", { at: 0, code: error.code });
    else if (error instanceof BlockError) this.#set("damaged", { at: this.#seconds(this.#playback.received), code: error.code });
    else this.#fail("unavailable", {});
  }

  /** Ends everything: what has arrived is still heard, but there will be no more. */
  #fail(state, detail = null) {
    this.#failure = state;
    if (!this.#playback?.sounding) this.playing = false;
    this.#set(state, detail);
  }

  #set(state, detail = null) {
    if (state === this.state && detail === null) return;
    this.state = state;
    this.detail = detail;
    this.#changed();
  }

  #remember() {
    this.#remembered = performance.now();
    if (this.show && this.#start === null) this.#memory.keep(this.position, this.duration);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
