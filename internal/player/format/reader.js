import { ByteQueue } from "./byte-queue.js";
import { parseDate, parseStreamHead, tag } from "./ogg.js";
import { isSign, PageReader } from "./page-reader.js";
import { BlockError, Refusal } from "./refusal.js";

/** @typedef {Uint8Array<ArrayBuffer>} Pages the plaintext of a block: whole Ogg pages */

/**
 * What block 0 says.
 * @typedef {object} Head
 * @property {number} channels
 * @property {number} preSkip samples
 * @property {string} title
 * @property {string} speaker
 * @property {Date | null} started
 */

/**
 * A block of a show: some packets, or a sign of life without any.
 * @typedef {object} Block
 * @property {number} sequence
 * @property {number} offset in the file
 * @property {number} size bytes
 * @property {number} start samples at 48 kHz, pre-skip included
 * @property {number} end
 * @property {Uint8Array[]} packets
 * @property {boolean} last of the show
 * @property {Pages} pages
 */

/**
 * How the pages of a block stand in the file. Only a Refusal that it throws is
 * the file's fault.
 * @typedef {object} Form
 * @property {boolean} pageBlocks whether every page is a block
 * @property {(start: Uint8Array) => number} headExtent how many of the file's first bytes are block 0; more than there
 *   are: it takes so many to say
 * @property {(start: Uint8Array) => number} extent the same for every other block; 0: none begins here
 * @property {(raw: Uint8Array) => Pages | Promise<Pages>} openHead the pages of block 0
 * @property {(raw: Uint8Array) => Pages | Promise<Pages>} open the pages of every other block
 * @property {(raw: Uint8Array) => number} sequence the number that a block bears, from as many bytes of it as
 *   extent says for none
 */

/**
 * Takes a file apart block by block, in any pieces in which it comes. FORMAT.md
 * says what is refused. In Go this reader is two: opusblocks/blocks/reader.go
 * and opusblocks/reader.go.
 *
 * What the format refuses is final: next() throws that error for ever. That
 * bytes are missing is not; whoever feeds the reader knows whether more come.
 */
export class Reader {
  /** @type {Head | null} */
  head = null;
  /** @type {Pages | null} of block 0 */
  headPages = null;
  first = 0; // in the file, of block 1, once block 0 was read
  offset = 0; // in the file, of the next block
  ended = false; // the end was read

  #form;
  #pages;
  #queue = new ByteQueue();
  #next = 0; // sequence number of the next block
  #jumped = false; // the next block that opens decides the order
  /** @type {BlockError | null} */
  #failure = null;
  #turn = 0; // changes when what is being opened is not wanted any more

  /** @param {Form} form */
  constructor(form) {
    this.#form = form;
    this.#pages = new PageReader(form.pageBlocks);
  }

  /** Samples at 48 kHz up to here, pre-skip included. */
  get sample() {
    return this.#pages.granule;
  }

  /** Bytes of memory that hold what was fed. */
  get capacity() {
    return this.#queue.capacity;
  }

  /** @param {Uint8Array} bytes of the file that follow what was fed before */
  feed(bytes) {
    if (!this.ended && !this.#failure) this.#queue.feed(bytes);
  }

  /** Forgets what was fed and not consumed: the next bytes begin at offset. */
  rewind() {
    this.#turn++;
    this.#queue.clear();
  }

  /**
   * Goes on with bytes that begin at an offset, which may be inside a block but
   * not before block 1: the first block that opens sets the order. Block 0 has
   * to have been read, because it alone proves that the key is the file's.
   * @param {number} offset
   */
  jump(offset) {
    if (this.#failure) return;
    if (!this.head) throw new Error("jump before block 0 was read");
    this.rewind();
    this.offset = offset;
    this.#jumped = true;
    this.ended = false;
  }

  /**
   * Returns the next block with sound or a sign of life, or null when it takes
   * more bytes, or after the end. With atEnd no more bytes will come: the search
   * after a jump gives up what would need them.
   *
   * A call replaces one that is still pending, which then gives null.
   */
  async next(atEnd = false) {
    if (this.#failure) throw this.#failure;
    const turn = ++this.#turn;
    if (!this.head) await this.#readHead();
    if (!this.head || this.ended || turn !== this.#turn) return null;
    return this.#jumped ? this.#findBlock(atEnd) : this.#readBlock();
  }

  /**
   * Nothing of block 0 is consumed before it is whole, so that rewind begins
   * with byte 0 again.
   */
  async #readHead() {
    const form = this.#form;
    try {
      const raw = this.#whole((start) => form.headExtent(start));
      if (!raw) return;
      const size = raw.length;
      const pages = await this.#opened(form.openHead(raw));
      if (!pages) return;
      const { serial, channels, preSkip, tags } = parseStreamHead(pages);
      const [title, speaker] = [tag(tags, "TITLE"), tag(tags, "ARTIST")];
      this.head = { channels, preSkip, title, speaker, started: parseDate(tag(tags, "DATE")) };
      this.headPages = pages;
      this.#pages.serial = serial;
      this.#advance(size);
      this.first = this.offset;
      this.#next = 1;
    } catch (error) {
      throw this.#failed(error, 0);
    }
  }

  /** Reads the block that has to begin right here. */
  async #readBlock() {
    const form = this.#form;
    let found = this.#next;
    try {
      const raw = this.#whole((start) => form.extent(start));
      if (!raw) return null;
      const size = raw.length;
      found = form.sequence(raw);
      if (found !== this.#next) throw new Refusal("Order", `${found} where ${this.#next} belongs`);
      const pages = await this.#opened(form.open(raw));
      return pages ? this.#accept(found, size, pages, true) : null;
    } catch (error) {
      throw this.#failed(error, found);
    }
  }

  /**
   * Looks for the first block that opens after a jump. Bytes that do not open
   * are not a failure: the jump may have landed inside a block. Signs of life
   * are passed over, because they do not tell the time.
   * @param {boolean} atEnd
   */
  async #findBlock(atEnd) {
    const form = this.#form;
    for (;;) {
      const raw = this.#candidate(atEnd);
      if (!raw) return null;
      const size = raw.length;
      const sequence = form.sequence(raw);
      let pages;
      try {
        pages = await this.#opened(form.open(raw));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#advance(1);
        continue;
      }
      if (!pages) return null;
      try {
        const block = this.#accept(sequence, size, pages, false);
        if (!isSign(block)) return block;
        this.#jumped = true;
      } catch (error) {
        throw this.#failed(error, sequence);
      }
    }
  }

  /**
   * Returns the whole block that begins with the unread bytes, or null while
   * it is not whole.
   * @param {(start: Uint8Array) => number} extent
   */
  #whole(extent) {
    const unread = this.#queue.unread;
    const size = extent(unread);
    if (size === 0) throw new Refusal("Malformed", "no block begins here");
    return size <= unread.length ? unread.subarray(0, size) : null;
  }

  /**
   * Moves on to the next bytes that look like a whole block.
   * @param {boolean} atEnd
   */
  #candidate(atEnd) {
    const least = this.#form.extent(new Uint8Array());
    const unread = this.#queue.unread;
    for (let skipped = 0; ; skipped++) {
      const start = unread.subarray(skipped);
      const size = this.#form.extent(start);
      if (size === 0 || this.#overlapped(start.subarray(0, size), least)) continue;
      // What looks like a block's beginning may promise more bytes than there
      // will ever be. Too few even for a beginning are the end.
      if (size > start.length && atEnd && size > least) continue;
      this.#advance(skipped);
      return size <= start.length ? start.subarray(0, size) : null;
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

  /**
   * Waits for the pages of a block; null means that they are not wanted any more.
   * @param {Pages | Promise<Pages>} opening
   */
  async #opened(opening) {
    const turn = this.#turn;
    try {
      const pages = await opening;
      return turn === this.#turn ? pages : null;
    } catch (error) {
      if (turn === this.#turn) throw error;
      return null;
    }
  }

  /**
   * Turns the pages of a block that has opened into packets and moves on.
   * @param {number} sequence
   * @param {number} size
   * @param {Pages} pages
   * @param {boolean} anchored
   * @returns {Block}
   */
  #accept(sequence, size, pages, anchored) {
    const offset = this.offset;
    const { packets, start, last } = this.#pages.parse(pages, anchored);
    this.#next = sequence + 1;
    this.#jumped = false;
    this.ended = last;
    this.#advance(size);
    return { sequence, offset, size, start, end: this.#pages.granule, packets, last, pages };
  }

  /** @param {number} count */
  #advance(count) {
    this.#queue.discard(count);
    this.offset += count;
  }

  /**
   * Makes a refusal final, and returns what to throw. Anything else, as a browser
   * without cryptography, is not the file's fault.
   * @param {unknown} error
   * @param {number} sequence
   */
  #failed(error, sequence) {
    if (!(error instanceof Refusal)) return error;
    const { offset } = this;
    this.#failure = new BlockError(error.code, { sequence: sequence >>> 0, offset, message: error.message });
    this.#queue.clear();
    return this.#failure;
  }
}
