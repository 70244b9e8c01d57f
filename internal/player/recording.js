// The recording of a show at the gateway: what it says of itself, how long it
// is, and how it stands.

import { saveShow } from "./fetch/save.js";
import { Stream } from "./fetch/stream.js";
import { RATE } from "./format/opus.js";
import { isSign } from "./format/page-reader.js";
import { BlockError } from "./format/refusal.js";
import { LiveEdge } from "./sound/live-edge.js";
import { State } from "./state.js";

/** @import { Write } from "./fetch/save.js" */
/** @import { Link } from "./format/link.js" */

const SILENT_LINE = 12_000; // ms: a running show gives a sign of life every ten seconds
const ASK = 10_000; // ms between questions how far a show has got that is not followed
const DEAF = 2; // questions in a row that get no answer: nothing arrives
const FRESH = 15_000; // ms that a checkpoint shows that a show is live: in an honest one the next is there after 7 s
export const LATE = 10; // seconds: a newest checkpoint that is older is not live, and an honest one may be 7 s old
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
  CLAIMED: "claimed", // nothing shows that it is the station's: the show is not signed
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
  #unanswered = 0; // questions since the last answer
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
    if (this.running && this.stream.signed) await this.#look();
    await this.#learnEdge();
    this.#asking = false;
  }

  /** A reader that refused a block has failed for ever: hearing what came before takes a new stream. */
  async renewStream() {
    const stream = new Stream(this.#url);
    await stream.open(this.#link);
    this.stream = stream;
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
   * that is not signed, since it arrived; null while that is not known. What the next
   * checkpoint has to prove is not nearer than the newest that was proven.
   * @param {number} heard sample
   * @param {number | null} captured ms since 1970
   */
  lag(heard, captured) {
    const edge = this.edge.sampleAt(performance.now());
    const behind = edge === null ? null : Math.max(0, edge - heard) / RATE;
    if (!this.stream.signed) return behind;
    const late = captured === null ? -Infinity : (Date.now() - captured) / 1000;
    return late < -ASKEW ? null : Math.max(late, this.edge.late ?? 0, behind ?? 0);
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
      await this.#askEdge();
      this.#unanswered = 0;
    } catch {
      this.#unanswered++; // it is asked again
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

  async #askEdge() {
    if (this.running) await this.stream.updateEdge();
    this.#wasRunning = this.running;
    await this.#learnEdge();
  }

  async #learnEdge() {
    if (this.stream.finished) return this.#measure();
    this.edge.claim(this.stream.edgeSample, performance.now());
  }

  /**
   * Looks, once, for the newest checkpoint of a running show: a page that nobody
   * plays soon says no more than the gateway does, and costs it no more than the
   * questions. What the stream refuses will be met by who listens.
   */
  async #look() {
    const { stream } = this;
    try {
      await stream.readTail();
    } catch (error) {
      if (!(error instanceof BlockError)) throw error;
      return this.renewStream(); // what comes before can be heard
    }
    const pausing = stream.last !== null && isSign(stream.last); // what was said last need not be new
    if (!pausing) this.edge.noteProof(stream.checkpoint);
  }

  /** Reads the end of a finished show, with a stream of its own. */
  async #measure() {
    const stream = new Stream(this.#url);
    try {
      await stream.open(this.#link);
      await stream.seekTo(Number.MAX_SAFE_INTEGER);
      this.#end = endOf(stream); // the gateway may learn of the end later than a listener
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
   * @param {boolean} silent what plays says that the speaker pauses
   */
  state(now, silent) {
    if (globalThis.navigator.onLine === false) return State.OFFLINE;
    if (this.stream.broken) return State.STALLED;
    if (!this.running) return this.#endState;
    const { atEdge, arrived } = this.stream;
    if ((atEdge || this.#unanswered >= DEAF) && now - arrived > SILENT_LINE) return State.STALLED;
    if (silent) return State.PAUSED;
    return this.#liveState(now);
  }

  get #endState() {
    if (this.#end === End.UNSEEN) this.#end = endOf(this.stream);
    return END_STATES[this.#end];
  }

  /**
   * Only a recent time that the station has signed shows that a show is live.
   * @param {number} now ms
   */
  #liveState(now) {
    const { late } = this.edge;
    if (late === null || this.edge.age(now) > FRESH) return State.UNPROVEN;
    if (late > LATE) return State.LATE;
    return late < -ASKEW ? State.ASKEW : State.LIVE;
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

/**
 * What is known when a stream has read as far as it could.
 * @param {Stream} stream
 */
function endOf({ ended, signed }) {
  if (!ended) return End.UNSEEN;
  return signed ? End.PROVEN : End.CLAIMED;
}

/** @type {Record<string, string>} */
const END_STATES = {
  [End.UNSEEN]: State.CLOSING,
  [End.CLAIMED]: State.CLOSING,
  [End.PROVEN]: State.ENDED,
  [End.MISSING]: State.INTERRUPTED,
  [End.FALSE]: State.FALSE_END,
};
