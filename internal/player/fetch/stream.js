// A show as one listener fetches it: block after authenticated block, over as many
// requests as it takes.

import { BlockReader, parseKey } from "../format/blocks.js";
import { PlainReader } from "../format/plain.js";
import { BlockError } from "../format/refusal.js";
import { parseSeekTable } from "../format/seektable.js";
import { edge, Part, Refused } from "./request.js";
import { retry } from "./retry.js";
import { Seeker } from "./seeker.js";

/** @import { Link } from "../format/link.js" */
/** @import { Block, Reader } from "../format/reader.js" */

const FIRST = 10 << 10; // bytes of the first request: the head and some blocks
const PIECE = 256 << 10; // bytes of one request for what exists: a minute of speech
const PRE_ROLL = 14400; // samples that a decoder needs to find its state: 300 ms

/** What the line is used for. */
const Line = Object.freeze({
  FREE: "free", // nothing is requested
  PIECE: "piece", // a piece of what exists is
  EDGE: "edge", // all that is there and is to come: the request follows the show
});

/**
 * The blocks of a show. A broken line costs time, but neither loses nor repeats a
 * block: reading goes on behind the last byte that came. What the reader refuses
 * stays refused.
 *
 * What exists is fetched in pieces, so that a listener who pauses leaves no
 * connection hanging; at the edge of a running show one request follows it.
 */
export class Stream {
  size = 0; // bytes of the file, once it is finished
  broken = false; // the line is; it is being tried again
  arrived = 0; // ms, when the last bytes came
  encrypted = false;
  #url;
  #operation = new AbortController(); // what is going on, until it is interrupted
  /** @type {Reader} */
  #reader = new PlainReader();
  #seeker = this.#newSeeker();
  /** @type {Part | null} */
  #part = null;
  /** @type {string} */
  #line = Line.FREE;
  #fed = 0; // offset in the file behind what the reader was given
  #edge = 0; // the most bytes the file is known to have
  /** @type {Block | null} the last block that was read */
  #last = null;

  /** @param {string} url */
  constructor(url) {
    this.#url = url;
  }

  /**
   * Fetches the head of the show, which proves the key. A line that is broken
   * is tried until it works.
   * @param {Pick<Link, "key" | "seek">} link
   */
  async open({ key, seek }) {
    await this.#persist(() => this.#begin(key));
    if (seek) this.#seeker.table = parseSeekTable(seek);
    await this.#persist(() => this.updateEdge());
  }

  /** Ends what is going on: it rejects. The next call begins something new. */
  interrupt() {
    this.#operation.abort();
    this.#operation = new AbortController();
    this.release();
  }

  get #signal() {
    return this.#operation.signal;
  }

  #newSeeker() {
    return new Seeker(
      this.#reader.first,
      (offset) => this.#readAt(offset),
      () => this.#next(),
    );
  }

  /** @param {string} key */
  async #begin(key) {
    const start = await this.#fetchFirst();
    // A link with a key is one to an encrypted show, whatever the server sends.
    this.encrypted = key !== "" || !startsWith(start, "OggS");
    this.#reader = this.encrypted ? new BlockReader(parseKey(key)) : new PlainReader();
    this.#reader.feed(start);
    const first = await this.#reader.next(true);
    if (!this.#reader.head) throw new Error("the show has no head yet");
    this.#seeker = this.#newSeeker();
    if (first) this.#seeker.learn(first);
    this.#seeker.size = this.size;
  }

  async #fetchFirst() {
    const part = await Part.open(this.#url, 0, FIRST - 1, this.#signal);
    if (!part) throw new Error("the show has no bytes yet");
    this.size = part.size;
    const chunks = [];
    for (let chunk; (chunk = await part.read()); ) chunks.push(/** @type {Uint8Array<ArrayBuffer>} */ (chunk));
    this.arrived = performance.now();
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  /** What block 0 says. */
  get head() {
    const { head } = this.#reader;
    if (!head) throw new Error("the stream is not open");
    return head;
  }

  /** The plaintext of block 0: how the .opus file begins. */
  get headPages() {
    const { headPages } = this.#reader;
    if (!headPages) throw new Error("the stream is not open");
    return headPages;
  }

  /** Behind what has been read, in bytes of the file. */
  get offset() {
    return this.#reader.offset;
  }

  /** Behind what has been read, in samples. */
  get sample() {
    return this.#last?.end ?? 0;
  }

  get finished() {
    return this.size > 0;
  }

  /** Whether blocks come as they are made, so that their arrival shows where the live edge is. */
  get atEdge() {
    return this.#line === Line.EDGE && this.#fed >= this.#edge;
  }

  /** The next block, or null behind the end of the show. */
  async read() {
    return this.#reader.ended ? null : this.#next();
  }

  /** @returns {Promise<Block>} */
  async #next() {
    const signal = this.#signal;
    for (;;) {
      const complete = this.size > 0 && this.#fed >= this.size;
      const block = await this.#reader.next(complete);
      signal.throwIfAborted(); // what was read is not wanted any more: the next operation jumps
      if (block) {
        this.#seeker.learn(block);
        if (block.last) this.size = this.#seeker.size = this.#reader.offset; // whatever the server says
        return (this.#last = block);
      }
      if (this.#reader.ended && this.#last) return this.#last;
      if (complete) throw new BlockError("CutOff", { offset: this.#reader.offset });
      await this.#persist(() => this.#feed());
    }
  }

  /** Gives the reader some more bytes. */
  async #feed() {
    this.#part ??= await this.#request();
    const bytes = await this.#part?.read();
    if (!bytes) return this.release();
    this.#reader.feed(bytes);
    this.#fed += bytes.length;
    this.#edge = Math.max(this.#edge, this.#fed);
    this.arrived = performance.now();
  }

  async #request() {
    const follow = !this.finished && this.#fed + PIECE > this.#edge;
    this.#line = follow ? Line.EDGE : Line.PIECE;
    const part = await Part.open(this.#url, this.#fed, follow ? undefined : this.#fed + PIECE - 1, this.#signal);
    const size = part ? part.size : (await edge(this.#url, this.#signal)).size;
    if (size > 0) this.size = this.#seeker.size = size;
    return part;
  }

  /** Lets the line go until the next read. */
  release() {
    this.#part?.close();
    this.#part = null;
    this.#line = Line.FREE;
  }

  /**
   * Repeats a step until it succeeds or trying again cannot help.
   * @param {() => Promise<void>} step
   */
  async #persist(step) {
    await retry(step, this.#signal, (error) => {
      this.release();
      if (error instanceof BlockError || error instanceof Refused) throw error;
      this.broken = true;
    });
    this.broken = false;
  }

  /** @param {number} offset */
  async #readAt(offset) {
    this.#jump(offset);
    return this.#next();
  }

  /** @param {number} offset */
  #jump(offset) {
    this.release();
    this.#reader.jump(offset);
    this.#fed = offset;
  }

  /**
   * Goes to a sample of the file, and returns the block to start from: a
   * pre-roll before it. On a running show it returns null where there is
   * nothing yet.
   * @param {number} sample
   */
  async seekTo(sample) {
    const from = Math.max(0, sample - PRE_ROLL);
    if (!this.finished) {
      await this.#persist(() => this.updateEdge());
      if (!this.finished && this.#seeker.first + this.#seeker.bytes(from) >= this.#edge) return null;
    }
    return this.#seeker.seekTo(from);
  }

  /**
   * Goes near the edge of a running show. Returns the first block, and where to
   * begin in it.
   * @param {number} samples before the edge
   */
  async goLive(samples) {
    await this.#persist(() => this.updateEdge());
    const back = this.#seeker.bytes(samples + PRE_ROLL);
    const offset = Math.max(this.#seeker.first, this.#edge - back);
    const block = await this.#readAt(offset);
    return { block, start: offset === this.#seeker.first ? this.head.preSkip : block.start + PRE_ROLL };
  }

  /** Goes to the first block, and returns how many bytes there were when the stream was opened. */
  fromStart() {
    this.#jump(this.#seeker.first);
    return this.#edge;
  }

  /** Asks how far the show has got. */
  async updateEdge() {
    const { size, finished } = await edge(this.#url, this.#signal);
    this.#edge = Math.max(this.#edge, size);
    if (finished) this.size = this.#seeker.size = size;
  }

  /** How far the show has got, in samples, as far as can be said. */
  get edgeSample() {
    const { bytes, samples } = this.#seeker.rate();
    const offset = this.#last ? this.#last.offset + this.#last.size : this.#seeker.first;
    return bytes === 0 ? this.sample : Math.max(0, this.sample + ((this.#edge - offset) * samples) / bytes);
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {string} text
 */
function startsWith(bytes, text) {
  return text === String.fromCharCode(...bytes.subarray(0, text.length));
}
