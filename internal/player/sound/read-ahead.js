import { RATE } from "../format/opus.js";

/** @import { Stream } from "../fetch/stream.js" */
/** @import { Block } from "../format/reader.js" */

const AHEAD = 60 * RATE; // samples: stop reading there…
const LOW = 30 * RATE; // …and go on here
const MOST = 8 << 20; // bytes of sound that waits, twice what the largest bitrate takes

/**
 * Reads a stream a minute ahead of what is heard. Its memory grows neither with the show nor with
 * what a gateway makes of it.
 */
export class ReadAhead {
  #stream;
  #use;
  #epoch = 0; // a jump begins one: what an earlier one brings is dropped
  #reading = Promise.resolve(); // the loop
  #wake = () => {}; // ends its rest

  /**
   * @param {Stream} stream
   * @param {object} use
   * @param {() => number} use.ahead samples that were read and not heard
   * @param {() => number} use.waiting bytes of them that were not decoded
   * @param {(block: Block) => void} use.onblock
   * @param {(failure: unknown) => void} use.onend there will be no more; null is the end of the show
   */
  constructor(stream, use) {
    this.#stream = stream;
    this.#use = use;
  }

  /** Stops for ever. */
  close() {
    this.#epoch++;
    this.#stream.interrupt();
    this.#wake();
  }

  /**
   * Drops what is going on, moves the stream, and reads on from there.
   * @param {() => Promise<void>} move
   */
  async restart(move) {
    const epoch = ++this.#epoch;
    this.#stream.interrupt();
    this.#wake();
    await this.#reading;
    if (epoch === this.#epoch) this.#reading = this.#read(epoch, move);
  }

  /** Reads on where there was plenty, if there is no more. */
  refill() {
    if (!this.#hasMore(LOW)) this.#wake();
  }

  /** @param {number} samples than which more was read */
  #hasMore(samples) {
    return this.#use.ahead() > samples || this.#use.waiting() > MOST;
  }

  /**
   * Until the show ends, the reader refuses, or a jump interrupts.
   * @param {number} epoch
   * @param {() => Promise<void>} move
   */
  async #read(epoch, move) {
    let failure = null;
    try {
      await move();
      for (let block; (block = await this.#stream.read()); ) {
        if (epoch !== this.#epoch) return;
        this.#use.onblock(block);
        await this.#rest(epoch);
      }
    } catch (error) {
      failure = error;
    }
    if (epoch === this.#epoch) this.#use.onend(failure);
  }

  /**
   * Stops reading while there is plenty, without keeping the line.
   * @param {number} epoch
   */
  async #rest(epoch) {
    if (!this.#hasMore(AHEAD - 1)) return;
    this.#stream.release();
    while (epoch === this.#epoch && this.#hasMore(LOW)) {
      await /** @type {Promise<void>} */ (new Promise((resolve) => (this.#wake = resolve)));
    }
  }
}
