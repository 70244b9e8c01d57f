import { readClaim, Verifier } from "./checkpoint.js";
import { sameEpoch, ZERO_EPOCH } from "./epoch.js";
import { Framing } from "./framing.js";
import { parseDate, parseStreamHead, tag } from "./ogg.js";
import { isSign, PageReader } from "./page-reader.js";
import { BlockError, Refusal } from "./refusal.js";

/** @import { Checkpoint, Claim } from "./checkpoint.js" */
/** @import { Epoch } from "./epoch.js" */

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
 * @property {Uint8Array<ArrayBuffer>} raw its bytes in the file
 * @property {Claim | null} claim its checkpoint: proven where the reader knows the signer, and only there
 * @property {Checkpoint | null} clock the one from which the time of its capture is counted
 */

/**
 * How the pages of a block stand in the file. Only a Refusal that it throws is
 * the file's fault.
 * @typedef {object} Form
 * @property {boolean} pageBlocks whether every page is a block
 * @property {(start: Uint8Array) => number} headExtent how many of the file's first bytes are block 0; more than there
 *   are: it takes so many to say
 * @property {(start: Uint8Array) => number} extent the same for every other block; 0: none begins here
 * @property {(raw: Pages) => Pages | Promise<Pages>} openHead the pages of block 0
 * @property {(raw: Pages) => Pages | Promise<Pages>} open the pages of every other block
 * @property {(raw: Uint8Array) => Epoch} epoch
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
  /** @type {Uint8Array<ArrayBuffer> | null} bytes of the file before block 1 */
  headRaw = null;
  ended = false; // the end was read

  #form;
  #framing;
  #pages;
  #verifier;
  #next = 0; // sequence number of the next block
  #epoch = ZERO_EPOCH; // of the last block
  #jumped = false; // the next block that opens decides the order
  #restarted = false; // block 1 comes once more
  /** @type {BlockError | null} */
  #failure = null;
  #turn = 0; // changes when what is being opened is not wanted any more

  /**
   * @param {Form} form
   * @param {Uint8Array<ArrayBuffer> | null} signer the station's public key: nothing is given out then that is not
   *   signed, but for what the next checkpoint will prove
   */
  constructor(form, signer = null) {
    this.#form = form;
    this.#framing = new Framing(form);
    this.#pages = new PageReader(form.pageBlocks);
    this.#verifier = signer && new Verifier(signer);
  }

  /** In the file, of block 1, once block 0 was read. */
  get first() {
    return this.headRaw?.length ?? 0;
  }

  /** In the file, of the next block. */
  get offset() {
    return this.#framing.offset;
  }

  /** The last checkpoint that was proven, or null. */
  get checkpoint() {
    return this.#verifier?.last ?? null;
  }

  /** Whether what block 0 says is signed; without a signer the key has to do. */
  get headProven() {
    return this.#verifier?.headProven ?? true;
  }

  /** Samples at 48 kHz up to here, pre-skip included. */
  get sample() {
    return this.#pages.granule;
  }

  /** Bytes of memory that hold what was fed. */
  get capacity() {
    return this.#framing.capacity;
  }

  /** @param {Uint8Array} bytes of the file that follow what was fed before */
  feed(bytes) {
    if (!this.ended && !this.#failure) this.#framing.feed(bytes);
  }

  /** Forgets what was fed and not consumed: the next bytes begin at offset. */
  rewind() {
    this.#turn++;
    this.#framing.clear();
  }

  /**
   * Goes on with bytes that begin at an offset, which may be inside a block but
   * not before block 1: the first block that opens sets the order, unless it has
   * to be block 1. Block 0 has to have been read, because it alone proves that the
   * key is the file's.
   * @param {number} offset
   */
  jump(offset) {
    if (this.#failure) return;
    if (!this.headRaw) throw new Error("jump before block 0 was read");
    this.#turn++;
    this.#framing.clear(offset);
    this.#jumped = offset !== this.first;
    this.ended = false;
    if (this.#jumped) return this.#verifier?.jump();
    this.#verifier?.begin(this.headRaw);
    this.#pages.begin();
    [this.#next, this.#epoch, this.#restarted] = [1, ZERO_EPOCH, true];
  }

  /**
   * Returns the next block with sound or a sign of life, or null when it takes
   * more bytes, or after the end. With atEnd no more bytes will come: the search
   * after a jump gives up what would need them.
   * A call replaces one that is still pending, which then gives null.
   */
  async next(atEnd = false) {
    if (this.#failure) throw this.#failure;
    const turn = ++this.#turn;
    if (!this.head) await this.#readHead();
    if (!this.head || this.ended || turn !== this.#turn) return null;
    return this.#jumped ? this.#findBlock(atEnd) : this.#readBlock();
  }

  /** Nothing of block 0 is consumed before it is whole, so that rewind begins with byte 0 again. */
  async #readHead() {
    const form = this.#form;
    try {
      const raw = this.#framing.whole((start) => form.headExtent(start));
      if (!raw) return;
      const pages = await this.#wanted(form.openHead(raw));
      if (!pages) return;
      const { serial, channels, preSkip, tags } = parseStreamHead(pages);
      const [title, speaker] = [tag(tags, "TITLE"), tag(tags, "ARTIST")];
      this.head = { channels, preSkip, title, speaker, started: parseDate(tag(tags, "DATE")) };
      this.headPages = pages;
      this.headRaw = raw;
      this.#pages.serial = serial;
      this.#framing.advance(raw.length);
      this.#verifier?.begin(raw);
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
      const raw = this.#framing.whole((start) => form.extent(start));
      if (!raw) return null;
      found = form.sequence(raw);
      const code = found === 0 && this.#restarted ? "Malformed" : "Order";
      if (found !== this.#next) throw new Refusal(code, `${found} where ${this.#next} belongs`);
      const epoch = form.epoch(raw);
      if (epoch.begin !== found && !sameEpoch(epoch, this.#epoch)) throw new Refusal("Order", "another epoch's block");
      const opened = await this.#wanted(this.#open(raw));
      return opened && this.#accept(opened, true);
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
    let sequence = this.#next;
    try {
      for (let raw; (raw = this.#framing.candidate(atEnd)); ) {
        const opened = await this.#wanted(this.#open(raw).catch(unlessRefused));
        if (opened === null) return null;
        if (opened === undefined) {
          this.#framing.advance(1);
          continue;
        }
        sequence = opened.sequence;
        if (sequence === 0) throw new Refusal("Malformed", "block 0 behind block 1");
        const block = this.#accept(opened, false);
        if (!isSign(block)) return block;
        this.#jumped = true;
      }
      return null;
    } catch (error) {
      throw this.#failed(error, sequence);
    }
  }

  /** @param {Pages} raw a whole block */
  async #open(raw) {
    const sequence = this.#form.sequence(raw);
    const pages = await this.#form.open(raw);
    return { raw, pages, sequence, holds: (await this.#verifier?.check(sequence, pages)) ?? null };
  }

  /**
   * Waits for something to be opened; null means that it is not wanted any more.
   * @template T
   * @param {T | Promise<T>} opening
   */
  async #wanted(opening) {
    const turn = this.#turn;
    try {
      const opened = await opening;
      return turn === this.#turn ? opened : null;
    } catch (error) {
      if (turn === this.#turn) throw error;
      return null;
    }
  }

  /**
   * Turns the pages of a block that has opened into packets and moves on.
   * @param {{raw: Pages, pages: Pages, sequence: number, holds: boolean | null}} opened
   * @param {boolean} anchored
   * @returns {Block}
   */
  #accept({ raw, pages, sequence, holds }, anchored) {
    const epoch = this.#form.epoch(raw);
    if (epoch.begin > sequence) throw new Refusal("Order", "its epoch has not begun");
    const { packets, start, last } = this.#pages.parse(pages, anchored);
    const place = { sequence, offset: this.offset, size: raw.length, start, end: this.#pages.granule };
    const block = { ...place, packets, last, pages, raw, claim: readClaim(packets[0]), clock: null };
    const clock = this.#verifier?.add(block, holds, epoch.begin === sequence) ?? null;
    [this.#next, this.#epoch] = [sequence + 1, epoch];
    this.#jumped = this.#restarted = false;
    this.ended = last;
    this.#framing.advance(raw.length);
    return { ...block, clock };
  }

  /**
   * Makes a refusal final, and returns what to throw. Anything else, as a browser
   * without cryptography, is not the file's fault.
   * @param {unknown} error
   * @param {number} sequence
   */
  #failed(error, sequence) {
    if (!(error instanceof Refusal)) return error;
    const { message } = error;
    this.#failure = new BlockError(error.code, { sequence: sequence >>> 0, offset: this.offset, message });
    this.#framing.clear();
    return this.#failure;
  }
}

/** @param {unknown} error */
function unlessRefused(error) {
  if (!(error instanceof Refusal)) throw error;
}
