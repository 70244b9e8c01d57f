import { parseStreamHead, tag } from "./ogg.js";
import { Pager } from "./pager.js";
import { BlockError, Refusal } from "./refusal.js";
import { Window } from "./window.js";

const MIN_BLOCK = 24; // bytes: every block of every form is larger

/**
 * Reader takes a file apart block by block, in any pieces in which it comes.
 * How the pages of a block stand in the file is its envelope's business:
 * blocks.js, plain.js. FORMAT.md says what is refused; opusblocks/reader.go is
 * the same reader in Go.
 *
 * What the format refuses is final: next() throws that error for ever. That
 * bytes are missing is not; whoever feeds the reader knows whether more come.
 *
 * An envelope has
 *   pageBlocks          whether every page is a block
 *   headExtent(start)   how many of the file's first bytes are block 0; more
 *                       than there are: it takes so many to tell. Throws Refusals
 *   extent(start)       the same for every other block; 0: none begins here
 *   openHead(raw)       the pages of block 0, or a promise of them
 *   open(raw)           the pages of every other block
 *   sequence(start)     the number that a block bears, from as many bytes of it
 *                       as extent says for none
 *   isSign(pages)       whether the pages of a block are a sign of life
 */
export class Reader {
  head = null; // what block 0 says
  headPages = null; // the pages of block 0
  first = 0; // in the file, of block 1, once block 0 was read
  offset = 0; // in the file, of the next block
  ended = false; // the end was read

  #envelope;
  #pager;
  #window = new Window();
  #next = 0; // sequence number of the next block
  #jumped = false; // the next block that opens decides the order
  #failure = null;
  #turn = 0; // changes when what is being opened is not wanted any more

  constructor(envelope) {
    this.#envelope = envelope;
    this.#pager = new Pager(envelope.pageBlocks);
  }

  /** Samples at 48 kHz up to here, pre-skip included. */
  get sample() { return this.#pager.granule; }

  /** Bytes of memory that hold what was fed. */
  get capacity() { return this.#window.capacity; }

  /** feed takes the bytes of the file that follow what was fed before. */
  feed(bytes) {
    if (!this.ended && !this.#failure) this.#window.feed(bytes);
  }

  /** rewind forgets what was fed and not consumed: the next bytes begin at offset. */
  rewind() {
    this.#turn++;
    this.#window.clear();
  }

  /**
   * jump goes on with bytes that begin at offset, which may be inside a block
   * but not before block 1: the first block that opens sets the order. Block 0
   * has to have been read, because it alone proves that the key is the file's.
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
   * next returns the next block with sound or a sign of life, or null when it
   * takes more bytes, or after the end. With atEnd no more bytes will come: the
   * hunt after a jump gives up what would need them.
   *
   * A call takes the place of one that is still pending, which then gives null.
   */
  async next(atEnd = false) {
    if (this.#failure) throw this.#failure;
    const turn = ++this.#turn;
    if (!this.head) await this.#readHead();
    if (!this.head || this.ended || turn !== this.#turn) return null;
    return this.#jumped ? this.#hunt(atEnd) : this.#follow();
  }

  /**
   * Nothing of block 0 is consumed before it is whole, so that rewind begins
   * with byte 0 again.
   */
  async #readHead() {
    const envelope = this.#envelope;
    try {
      const raw = this.#whole((start) => envelope.headExtent(start));
      const size = raw?.length;
      const pages = raw && await this.#opened(envelope.openHead(raw));
      if (!pages) return;
      const { serial, channels, preSkip, tags } = parseStreamHead(pages);
      this.head = {
        channels, preSkip,
        title: tag(tags, "TITLE"), speaker: tag(tags, "ARTIST"), started: parseDate(tag(tags, "DATE")),
      };
      this.headPages = pages;
      this.#pager.serial = serial;
      this.#advance(size);
      this.first = this.offset;
      this.#next = 1;
    } catch (error) {
      this.#fail(error, 0);
    }
  }

  /** Reads the block that has to begin right here. */
  async #follow() {
    const envelope = this.#envelope;
    let found = this.#next;
    try {
      const raw = this.#whole((start) => envelope.extent(start));
      if (!raw) return null;
      const size = raw.length;
      found = envelope.sequence(raw);
      if (found !== this.#next) throw new Refusal("Order", `${found} where ${this.#next} belongs`);
      const pages = await this.#opened(envelope.open(raw));
      return pages ? this.#take(found, size, pages, true) : null;
    } catch (error) {
      this.#fail(error, found);
    }
  }

  /**
   * Looks for the first block that opens after a jump. Bytes that do not open
   * are not a failure: the jump may have landed inside a block. Signs of life
   * are passed over, because they do not tell the time.
   */
  async #hunt(atEnd) {
    const envelope = this.#envelope;
    for (;;) {
      const raw = this.#candidate(atEnd);
      if (!raw) return null;
      const size = raw.length, sequence = envelope.sequence(raw);
      let pages;
      try {
        pages = await this.#opened(envelope.open(raw));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#advance(1);
        continue;
      }
      if (!pages) return null;
      if (envelope.isSign(pages)) {
        this.#advance(size);
        continue;
      }
      try {
        return this.#take(sequence, size, pages, false);
      } catch (error) {
        this.#fail(error, sequence);
      }
    }
  }

  /**
   * Returns the whole block that begins with the unread bytes, or null while
   * it is not whole.
   */
  #whole(extent) {
    const unread = this.#window.unread;
    const size = extent(unread);
    if (size === 0) throw new Refusal("Malformed", "no block begins here");
    return size <= unread.length ? unread.subarray(0, size) : null;
  }

  /**
   * Moves on to the next bytes that look like a whole block. A beginning with a
   * number that no block in this place can have is none: FORMAT.md, "Finding a
   * block".
   */
  #candidate(atEnd) {
    const least = this.#envelope.extent(new Uint8Array());
    const unread = this.#window.unread;
    for (let skipped = 0; ; skipped++) {
      const start = unread.subarray(skipped);
      let size = this.#envelope.extent(start);
      if (size > 0 && start.length >= least && this.#envelope.sequence(start) > (this.offset + skipped) / MIN_BLOCK) size = 0;
      const whole = size > 0 && size <= start.length;
      // What looks like a block's beginning may promise more bytes than there
      // will ever be. Too few even for a beginning are the end.
      const missing = size > start.length && (!atEnd || size === least);
      if (!whole && !missing) continue;
      this.#advance(skipped);
      return whole ? start.subarray(0, size) : null;
    }
  }

  /**
   * Waits for the pages of a block. Undefined means that they are not wanted
   * any more.
   */
  async #opened(opening) {
    const turn = this.#turn;
    try {
      const pages = await opening;
      if (turn === this.#turn) return pages;
    } catch (error) {
      if (turn === this.#turn) throw error;
    }
  }

  /** Turns the proved pages of a block into packets and moves on. */
  #take(sequence, size, pages, anchored) {
    const offset = this.offset;
    const { packets, start, last } = this.#pager.parse(pages, anchored);
    this.#next = sequence + 1;
    this.#jumped = false;
    this.ended = last;
    this.#advance(size);
    return { sequence, offset, size, start, end: this.#pager.granule, packets, last, pages };
  }

  #advance(count) {
    this.#window.discard(count);
    this.offset += count;
  }

  /**
   * Makes a refusal final. Anything else, as a browser without cryptography, is
   * not the file's fault.
   */
  #fail(error, sequence) {
    if (!(error instanceof Refusal)) throw error;
    this.#failure = new BlockError(error.code, { sequence: sequence >>> 0, offset: this.offset, message: error.message });
    this.#window.clear();
    throw this.#failure;
  }
}

/** parseDate reads a time as writers write it; null when it is missing. */
function parseDate(value) {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$/.test(value)) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}
