import { ByteQueue } from "./byte-queue.js";
import { Refusal } from "./refusal.js";

/** @import { Form } from "./reader.js" */

const MOST_VAIN = 4 << 20; // bytes that are looked at in vain behind a jump: far more than an honest block hides

/** The bytes of a file that were fed and not consumed, and where blocks begin in them. */
export class Framing {
  offset = 0; // in the file, of the first of them
  #form;
  #queue = new ByteQueue();
  #vain = 0; // bytes that were looked at since the last jump

  /** @param {Form} form */
  constructor(form) {
    this.#form = form;
  }

  /** Bytes of memory that hold what was fed. */
  get capacity() {
    return this.#queue.capacity;
  }

  /** @param {Uint8Array} bytes */
  feed(bytes) {
    this.#queue.feed(bytes);
  }

  /** Forgets what was fed: the next bytes begin at an offset. */
  clear(offset = this.offset) {
    this.#queue.clear();
    this.#vain = 0;
    this.offset = offset;
  }

  /** @param {number} count */
  advance(count) {
    this.#queue.discard(count);
    this.offset += count;
  }

  /**
   * Returns a copy of the whole block that begins right here, or null while it is
   * not whole.
   * @param {(start: Uint8Array) => number} extent
   */
  whole(extent) {
    const unread = this.#queue.unread;
    const size = extent(unread);
    if (size === 0) throw new Refusal("Malformed", "no block begins here");
    return size <= unread.length ? unread.slice(0, size) : null;
  }

  /**
   * Moves on to the next bytes that look like a whole block, and returns a copy
   * of them. It refuses junk that would keep the page busy.
   * @param {boolean} atEnd
   */
  candidate(atEnd) {
    const least = this.#form.extent(new Uint8Array());
    const unread = this.#queue.unread;
    for (let skipped = 0; ; skipped++) {
      const start = unread.subarray(skipped);
      const size = this.#form.extent(start);
      this.#vain += size === 0 ? 1 : least;
      if (this.#vain > MOST_VAIN) throw new Refusal("Forged", "no block opens here");
      if (size === 0 || this.#overlapped(start.subarray(0, size), least)) continue;
      // What looks like a block's beginning may promise more bytes than there
      // will ever be. Too few even for a beginning are the end.
      if (size > start.length && atEnd && size > least) continue;
      this.advance(skipped);
      if (size > start.length) return null;
      this.#vain += size;
      return start.slice(0, size);
    }
  }

  /**
   * Whether another block seems to begin inside the beginning of the one here:
   * then the later one is taken for the real one (FORMAT.md, "Reader").
   * @param {Uint8Array} start
   * @param {number} least
   */
  #overlapped(start, least) {
    for (let at = 1; at < least && at + least <= start.length; at++) {
      if (this.#form.extent(start.subarray(at)) > 0) return true;
    }
    return false;
  }
}
