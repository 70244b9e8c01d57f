// How far a show is known to go, and where its live edge is, which the arrival
// of blocks shows.

import { RATE } from "../format/opus.js";
import { isSign } from "../format/page-reader.js";

/** @import { Checkpoint } from "../format/checkpoint.js" */
/** @import { Block } from "../format/reader.js" */

const PER_MS = RATE / 1000; // samples
const WINDOW = 60_000; // ms that an observation counts, at least

/**
 * The sample that is being spoken right now.
 *
 * A block arrives as soon as it is full, so the fastest one of late says how
 * the show's time and ours relate; what comes later than that was held up on the
 * way. So a broken line does not stop the edge: the show goes on, and the
 * listener falls behind.
 */
export class LiveEdge {
  known = 0; // sample up to which the show is known to go
  #current = -Infinity; // the largest "samples less milliseconds" of this window
  #before = -Infinity; // and of the one before
  #since = 0;
  /** @type {number | null} the edge while the speaker pauses */
  #paused = null;
  /**
   * Seconds, by this device's clock, from the capture of the newest checkpoint until it was noted;
   * null: there is none.
   */
  late = /** @type {number | null} */ (null);
  /** @type {Checkpoint | null} */
  #proof = null;
  #noted = { monotonic: 0, wall: 0 }; // ms

  /**
   * Nothing but this shows when what arrives was captured, and no checkpoint does so twice.
   * @param {Checkpoint | null} checkpoint proven near the edge
   */
  noteProof(checkpoint) {
    if (!checkpoint || checkpoint.sequence <= (this.#proof?.sequence ?? 0)) return;
    this.#proof = checkpoint;
    this.#noted = { monotonic: performance.now(), wall: Date.now() };
    this.late = (this.#noted.wall - checkpoint.time) / 1000;
  }

  /** When the newest was captured that is proven, or null. */
  get captured() {
    return this.#proof && new Date(this.#proof.time);
  }

  /**
   * How many ms ago that was noted: some clocks stand still while the device sleeps.
   * @param {number} now ms
   */
  age(now) {
    return Math.max(now - this.#noted.monotonic, Date.now() - this.#noted.wall);
  }

  /**
   * A block was read. Returns whether it says that the speaker pauses.
   * @param {Block} block
   * @param {boolean} asMade it came as soon as it was made, so that its arrival says what time it is
   * @param {number} now ms
   */
  noteBlock(block, asMade, now) {
    this.extend(block.end);
    if (!asMade) return false;
    const sign = isSign(block);
    if (sign) this.pause(this.known);
    else this.observe(block.end, now);
    return sign;
  }

  /** @param {number} sample up to which there is sound */
  extend(sample) {
    this.known = Math.max(this.known, sample);
  }

  /**
   * A block that ends at a sample (48 kHz) has arrived as soon as it was full.
   * @param {number} sample
   * @param {number} now ms
   */
  observe(sample, now) {
    this.#paused = null;
    if (now - this.#since > WINDOW) {
      this.#before = this.#current;
      this.#current = -Infinity;
      this.#since = now;
    }
    this.#current = Math.max(this.#current, sample - now * PER_MS);
  }

  /**
   * The gateway says that the show ends at a sample now. That holds until it says something
   * else: no time that it takes shows it to be so.
   * @param {number} sample
   * @param {number} now ms
   */
  claim(sample, now) {
    this.#paused = null;
    this.#current = this.#before = sample - now * PER_MS;
  }

  /**
   * The speaker pauses: no sound behind the sample for the time being.
   * @param {number} sample
   */
  pause(sample) {
    this.#paused = sample;
    this.#current = this.#before = -Infinity;
  }

  /**
   * The sample that is spoken at a time, or null while nothing is known.
   * @param {number} now ms
   */
  sampleAt(now) {
    if (this.#paused !== null) return this.#paused;
    const ahead = Math.max(this.#current, this.#before);
    return ahead === -Infinity ? null : ahead + now * PER_MS;
  }
}
