// Where the live edge of a show is, told by the arrival of its blocks.

const WINDOW = 60_000; // ms that an observation counts, at least

/**
 * LiveClock knows the sample that is being spoken right now.
 *
 * A block arrives as soon as it is full, so the fastest one of late says how
 * the show's time and ours lie to each other; what comes later than that was
 * held up on the way. So a broken line does not stop this clock: the show goes
 * on, and the listener falls behind.
 */
export class LiveClock {
  #current = -Infinity; // the largest "samples less milliseconds" of this window
  #before = -Infinity; // and of the one before
  #since = 0;
  #stopped = null; // the edge while the speaker pauses

  /** A block that ends at `sample` (48 kHz) has arrived at `now` (ms). */
  mark(sample, now) {
    this.#stopped = null;
    if (now - this.#since > WINDOW) {
      this.#before = this.#current;
      this.#current = -Infinity;
      this.#since = now;
    }
    this.#current = Math.max(this.#current, sample - now * 48);
  }

  /** The speaker pauses: no sound behind `sample` for the time being. */
  stop(sample) {
    this.#stopped = sample;
    this.#current = this.#before = -Infinity;
  }

  /** The sample that is spoken at `now`, or null while nothing is known. */
  edge(now) {
    if (this.#stopped !== null) return this.#stopped;
    const ahead = Math.max(this.#current, this.#before);
    return ahead === -Infinity ? null : ahead + now * 48;
  }
}
