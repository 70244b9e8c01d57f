// When the samples of a show were captured, as its checkpoints tell.

import { RATE } from "../format/opus.js";

/** @import { Checkpoint } from "../format/checkpoint.js" */

const MOST = 100; // entries: those of the minute that is read ahead, and more

/**
 * What is known of the time of capture, in the order of the show. Between two
 * entries time and samples run alike; where the speaker paused they do not.
 */
export class CaptureClock {
  /** @type {{sample: number, time: number | null}[]} null: the speaker paused here */
  #entries = [];

  /** Forgets everything. */
  reset() {
    this.#entries = [];
  }

  /**
   * Its whole block is counted from it: when the station was restarted, time may have
   * jumped right before.
   * @param {Checkpoint | null} checkpoint that stands in the block or, without a pause since then, before it
   */
  note(checkpoint) {
    if (!checkpoint) return;
    const { start, sample, time } = checkpoint;
    this.#add(start, time - ((sample - start) * 1000) / RATE);
  }

  /** @param {number} sample behind which the speaker paused */
  pause(sample) {
    this.#add(sample, null);
  }

  /**
   * @param {number} sample
   * @param {number | null} time
   */
  #add(sample, time) {
    const last = this.#entries.at(-1);
    if (last && (sample < last.sample || (sample === last.sample && time === last.time))) return;
    this.#entries.push({ sample, time });
    if (this.#entries.length > MOST) this.#entries.shift();
  }

  /**
   * When a sample was captured, in ms since 1970 by the station's clock; null
   * while that is not known.
   * @param {number} sample
   */
  timeAt(sample) {
    const after = this.#entries.findIndex((entry) => entry.sample > sample);
    const next = after < 0 ? null : this.#entries[after];
    const before = this.#entries.at(after < 0 ? -1 : after - 1);
    const entry = after !== 0 && before?.time ? before : next;
    return entry?.time ? entry.time + ((sample - entry.sample) * 1000) / RATE : null;
  }
}
