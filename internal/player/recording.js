// The recording of a show at the gateway: what it says of itself, how long it
// is, and how it stands.

import { saveShow } from "./fetch/save.js";
import { Stream } from "./fetch/stream.js";
import { RATE } from "./format/opus.js";
import { BlockError } from "./format/refusal.js";
import { LiveEdge } from "./sound/live-edge.js";
import { State } from "./state.js";

/** @import { Write } from "./fetch/save.js" */
/** @import { Link } from "./format/link.js" */

const SILENT_LINE = 12_000; // ms: a running show gives a sign of life every ten seconds
const ASK = 10_000; // ms between questions how far a show has got that is not followed

/**
 * What a show says of itself.
 * @typedef {object} Show
 * @property {string} title
 * @property {string} speaker
 * @property {Date | null} started
 * @property {number} channels
 * @property {boolean} encrypted
 */

export class Recording {
  /** @type {Show | null} */
  show = null;
  stream;
  edge = new LiveEdge();
  interrupted = false; // it ends without its authenticated end
  #url;
  #link;
  #asking = true; // how far the show has got; open is the first to
  #asked = -ASK; // ms
  #wasRunning = true; // when it was asked
  #measured = false; // a finished show was, from its end

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
    const { title, speaker, started, channels } = this.stream.head;
    this.show = { title, speaker, started, channels, encrypted: this.stream.encrypted };
    await this.#learnEdge();
    this.#asking = false;
  }

  /** A reader that refused a block has failed for ever: hearing what came before takes a new stream. */
  async renewStream() {
    const stream = new Stream(this.#url);
    await stream.open(this.#link);
    this.stream = stream;
  }

  get running() {
    return this.show !== null && !this.stream.finished;
  }

  /** Seconds. */
  get duration() {
    if (this.show === null) return 0;
    const now = this.running ? (this.edge.sampleAt(performance.now()) ?? 0) : 0;
    return this.seconds(Math.max(this.edge.known, now));
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
      if (this.running) await this.stream.updateEdge();
      this.#wasRunning = this.running;
      await this.#learnEdge();
    } catch {
      // it is asked again
    } finally {
      this.#asking = false;
    }
  }

  /** @param {number} now ms */
  #isTimeToAsk(now) {
    const known = this.running ? this.stream.atEdge : this.#measured;
    const hasEnded = this.#wasRunning && !this.running;
    return !known && !this.#asking && (hasEnded || now - this.#asked > ASK);
  }

  async #learnEdge() {
    if (!this.stream.finished) return this.edge.observe(this.stream.edgeSample, performance.now());
    await this.#measure();
  }

  /** Reads the end of a finished show, with a stream of its own. What it refuses will be met by who listens. */
  async #measure() {
    const stream = new Stream(this.#url);
    try {
      await stream.open(this.#link);
      await stream.seekTo(Number.MAX_SAFE_INTEGER);
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      this.interrupted = error.code === "CutOff";
    } finally {
      this.edge.extend(stream.sample);
      stream.interrupt();
    }
    this.#measured = stream.finished; // the gateway may learn of the end later than a listener
  }

  /**
   * How the show stands, as long as nothing of it was refused.
   * @param {number} now ms
   * @param {boolean} silent the speaker pauses
   */
  state(now, silent) {
    if (globalThis.navigator.onLine === false) return State.OFFLINE;
    if (this.stream.broken) return State.STALLED;
    if (!this.running) return this.interrupted ? State.INTERRUPTED : State.ENDED;
    if (this.stream.atEdge && now - this.stream.arrived > SILENT_LINE) return State.STALLED;
    return silent ? State.PAUSED : State.LIVE;
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
