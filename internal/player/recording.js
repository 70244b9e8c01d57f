// The recording of a show at the gateway: what it says of itself, how long it
// is, and how it stands.

import { saveShow } from "./fetch/save.js";
import { Stream } from "./fetch/stream.js";
import { RATE } from "./format/opus.js";
import { BlockError } from "./format/refusal.js";
import { CaptureClock } from "./sound/capture-clock.js";
import { LiveEdge } from "./sound/live-edge.js";
import { State } from "./state.js";

/** @import { Write } from "./fetch/save.js" */
/** @import { Link } from "./format/link.js" */

const SILENT_LINE = 12_000; // ms: a running show gives a sign of life every ten seconds
const ASK = 10_000; // ms between questions how far a show has got that is not followed
const LOOK = 60_000; // ms between looks at what is said in it
const FRESH = 15_000; // ms that a look at it counts for who follows it
export const LATE = 5; // seconds from capture to arrival: what takes longer is not live
const ASKEW = 1; // seconds by which capture may seem to be later than arrival: clocks differ

/**
 * What a show says of itself.
 * @typedef {object} Show
 * @property {string} title
 * @property {string} speaker
 * @property {Date | null} started
 * @property {number} channels
 * @property {boolean} encrypted
 */

/** What is known of the end of a show that is finished. */
const End = Object.freeze({
  UNSEEN: "unseen",
  PROVEN: "proven",
  MISSING: "missing", // the bytes end before it
  FALSE: "false", // what stands there is not the speaker's
});

export class Recording {
  stream;
  edge = new LiveEdge();
  #end = /** @type {string} */ (End.UNSEEN);
  #url;
  #link;
  #opened = false;
  #asking = true; // how far the show has got; open is the first to
  #asked = -ASK; // ms
  #looked = 0; // ms
  #wasRunning = true; // when it was asked

  /**
   * @param {string} url
   * @param {Link} link
   */
  constructor(url, link) {
    this.#url = url;
    this.#link = link;
    this.stream = new Stream(url);
  }

  async open() {
    await this.stream.open(this.#link);
    this.#opened = true;
    await this.#learnEdge(this.stream);
    this.#looked = performance.now();
    this.#asking = false;
  }

  /** A reader that refused a block has failed for ever: hearing what came before takes a new stream. */
  async renewStream() {
    this.stream = await this.#newStream();
  }

  async #newStream() {
    const stream = new Stream(this.#url);
    await stream.open(this.#link);
    return stream;
  }

  /**
   * What the show says of itself, or null while nothing is known. What nobody has
   * signed of a signed show stays empty.
   * @returns {Show | null}
   */
  get show() {
    if (!this.#opened) return null;
    const { head, encrypted, headProven } = this.stream;
    const { title, speaker, started, channels } = head;
    return headProven
      ? { title, speaker, started, channels, encrypted }
      : { title: "", speaker: "", started: null, channels, encrypted };
  }

  /** It ends without its authenticated end. */
  get interrupted() {
    return this.#end === End.MISSING;
  }

  /** The bytes of a finished show ended before its end. */
  noteMissingEnd() {
    this.#end = End.MISSING;
  }

  get running() {
    return this.#opened && !this.stream.finished;
  }

  /** Seconds. */
  get duration() {
    if (!this.#opened) return 0;
    const now = this.running ? (this.edge.sampleAt(performance.now()) ?? 0) : 0;
    return this.seconds(Math.max(this.edge.known, now));
  }

  /**
   * Seconds since what is heard was captured, by this device's clock, or, in a show
   * that is not signed, since it arrived; null while that is not known.
   * @param {number} heard sample
   * @param {number | null} captured ms since 1970
   */
  lag(heard, captured) {
    const edge = this.edge.sampleAt(performance.now());
    const behind = edge === null ? null : Math.max(0, edge - heard) / RATE;
    if (!this.stream.signed) return behind;
    const late = captured === null ? -Infinity : (Date.now() - captured) / 1000;
    return late < -ASKEW ? null : Math.max(late, behind ?? 0);
  }

  /** @param {number} sample of the file, pre-skip included */
  seconds(sample) {
    return Math.max(0, sample - this.stream.head.preSkip) / RATE;
  }

  /** @param {number} seconds */
  sample(seconds) {
    return Math.round(seconds * RATE) + this.stream.head.preSkip;
  }

  /**
   * Asks how far the show has got, if it is time to: of a finished one exactly,
   * from its end, and until an answer came.
   * @param {number} now ms
   */
  async updateEdge(now) {
    if (!this.#isTimeToAsk(now)) return;
    this.#asked = now;
    this.#asking = true;
    try {
      await this.#askEdge(now);
    } catch {
      // it is asked again
    } finally {
      this.#asking = false;
    }
  }

  /** @param {number} now ms */
  #isTimeToAsk(now) {
    const known = this.running ? this.stream.atEdge : this.#end !== End.UNSEEN;
    const hasEnded = this.#wasRunning && !this.running;
    return !known && !this.#asking && (hasEnded || now - this.#asked > ASK);
  }

  /** @param {number} now ms */
  async #askEdge(now) {
    if (this.running) await this.stream.updateEdge();
    this.#wasRunning = this.running;
    const look = this.running && this.stream.signed && now - this.#looked > LOOK;
    if (!look) return this.#learnEdge(null);
    this.#looked = now;
    const stream = await this.#newStream();
    try {
      await this.#learnEdge(stream);
    } finally {
      stream.interrupt();
    }
  }

  /** @param {Stream | null} stream that may be used to look at what was said last */
  async #learnEdge(stream) {
    if (this.stream.finished) return this.#measure();
    if (stream?.signed) await this.#look(stream);
    this.edge.observe(this.stream.edgeSample, performance.now());
  }

  /**
   * Learns from the last blocks of a running show when they were captured. What
   * the stream refuses will be met by who listens.
   * @param {Stream} stream
   */
  async #look(stream) {
    try {
      await stream.readTail();
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      return;
    }
    const clock = new CaptureClock();
    clock.note(stream.checkpoint);
    this.edge.noteCapture(clock.timeAt(stream.sample));
  }

  /** Reads the end of a finished show, with a stream of its own. */
  async #measure() {
    const stream = new Stream(this.#url);
    try {
      await stream.open(this.#link);
      await stream.seekTo(Number.MAX_SAFE_INTEGER);
      this.#end = stream.ended ? End.PROVEN : End.UNSEEN; // the gateway may learn of the end later than a listener
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      this.#end = error.code === "CutOff" ? End.MISSING : End.FALSE;
    } finally {
      this.edge.extend(stream.sample);
      stream.interrupt();
    }
  }

  /**
   * How the show stands, as long as nothing of it was refused.
   * @param {number} now ms
   * @param {{silent: boolean, caughtUp: boolean}} listener what plays says that the speaker pauses; it follows the edge
   */
  state(now, { silent, caughtUp }) {
    if (globalThis.navigator.onLine === false) return State.OFFLINE;
    if (this.stream.broken) return State.STALLED;
    if (!this.running) return this.#endState;
    if (this.stream.atEdge && now - this.stream.arrived > SILENT_LINE) return State.STALLED;
    if (silent) return State.PAUSED;
    if (!this.stream.signed) return State.LIVE;
    return this.edge.age(now) > (caughtUp ? FRESH : 2 * LOOK) ? State.UNPROVEN : this.#liveState;
  }

  get #endState() {
    if (this.#end === End.UNSEEN && this.stream.ended) this.#end = End.PROVEN;
    return END_STATES[this.#end];
  }

  /** Only a recent time that the station has signed shows that a show is live. */
  get #liveState() {
    const { late } = this.edge;
    if (late === null) return State.UNPROVEN;
    if (late > LATE) return State.LATE;
    return late < -LATE ? State.ASKEW : State.LIVE;
  }

  /**
   * Writes the decrypted .opus file: see saveShow.
   * @param {Write} write
   * @param {(fraction: number) => void} progress
   * @param {AbortSignal} signal
   */
  save(write, progress, signal) {
    return saveShow(this.#url, this.#link, write, progress, signal);
  }
}

/** @type {Record<string, string>} */
const END_STATES = {
  [End.UNSEEN]: State.CLOSING,
  [End.PROVEN]: State.ENDED,
  [End.MISSING]: State.INTERRUPTED,
  [End.FALSE]: State.FALSE_END,
};
